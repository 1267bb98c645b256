"""The mails of the outbox, as administrators look them up."""

from __future__ import annotations

from typing import Final

from django.db.models import Q, QuerySet

from alarms.models import GIVEN_UP, UNSETTLED, MailEvent, OutboxMessage

GROUPS: Final = {"WAITING": UNSETTLED, "GIVEN_UP": GIVEN_UP}
"""Words of the filter that stand for several states."""
EVENTS_SHOWN: Final = 100


def outbox(*, state: str = "", kind: str = "", text: str = "") -> QuerySet[OutboxMessage]:
    """Mails, newest first; `text` is looked for in address, person and subject."""
    mails = OutboxMessage.objects.select_related("user")
    if state:
        mails = mails.filter(state__in=GROUPS.get(state, (state,)))
    if kind:
        mails = mails.filter(kind=kind)
    if text:
        mails = mails.filter(
            Q(recipient__icontains=text)
            | Q(subject__icontains=text)
            | Q(user__username__icontains=text)
        )
    return mails.order_by("-created_at", "-id")


def events_of(mail: OutboxMessage) -> list[MailEvent]:
    """What happened to one mail, newest first."""
    return list(mail.events.order_by("-made_at", "-pk")[:EVENTS_SHOWN])
