"""The door for switches alone: a pool of processes of its own for `/curri/`.

``gunicorn --worker-class gthread --keep-alive 600 billingsite.admission:application``
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingsite.settings")

from phonelock.wsgi_front import AdmissionFront, nothing_behind

application = AdmissionFront(nothing_behind)
