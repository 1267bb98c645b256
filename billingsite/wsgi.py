"""The door for web servers: switches' questions first, then everything else."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingsite.settings")
behind = get_wsgi_application()

from billingsite.celery import app as celery_app  # noqa: E402 - settings first
from phonelock.wsgi_front import AdmissionFront  # noqa: E402 - settings first

application = AdmissionFront(behind)
__all__ = ["application", "celery_app"]
