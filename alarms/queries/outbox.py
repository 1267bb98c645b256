"""The mails of the outbox, as administrators look them up."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from alarms.models import OutboxMessage


def outbox(*, state: str = "", text: str = "") -> QuerySet[OutboxMessage]:
    """Mails, newest first; `text` is looked for in address, person and subject."""
    mails = OutboxMessage.objects.select_related("user")
    if state:
        mails = mails.filter(state=state)
    if text:
        mails = mails.filter(
            Q(recipient__icontains=text)
            | Q(subject__icontains=text)
            | Q(user__username__icontains=text)
        )
    return mails.order_by("-created_at", "-id")
