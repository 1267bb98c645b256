"""The Celery application. Beat only wakes the pipeline; rows say what is to be done."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from celery import Celery
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingsite.settings")
TRANSPORT_ALIASES["spool"] = "billingsite.spool:Transport"

app = Celery("billingsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["billingsite"])
app.conf.task_routes = {"billingsite.tasks.slow_*": {"queue": "reports"}}
app.conf.task_default_queue = "default"

if settings.CELERY_BROKER_URL == "spool://":
    # A folder has no host name; kombu says so at every start.
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)
    for folder in ("queue", "queue-control"):
        Path(settings.DATA_DIR, folder).mkdir(parents=True, exist_ok=True)
