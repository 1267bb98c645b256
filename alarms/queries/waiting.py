"""Mails that are due."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from alarms.models import UNSETTLED, OutboxMessage


def mails_due(*, now: datetime) -> QuerySet[OutboxMessage]:
    """Rows to look at, those being sent only once their lease is over.

    `next_attempt_at` is never later than `expires_at`, and while a row is being
    sent it is the end of the lease: one condition, one index.
    """
    return OutboxMessage.objects.filter(state__in=UNSETTLED, next_attempt_at__lte=now)
