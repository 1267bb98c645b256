"""Mails that the server took and returned later (N7)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from alarms.engine.reports import Bounce, read_report
from alarms.models import MailState, OutboxMessage
from alarms.operations.addresses import note_hard_bounce
from alarms.operations.history import note_event, record_digest_result, record_result


def record_bounces(raw: bytes, *, now: datetime) -> int:
    """Take the delivery report `raw` into the outbox; return how many mails it ended.

    A mail that was sent becomes BOUNCED, its budget's history says so, and a
    permanent failure counts against the address. The same report again, a report
    about somebody else's mail and anything that is no report change nothing.
    """
    return sum(_record(bounce, now=now) for bounce in read_report(raw))


@transaction.atomic
def _record(bounce: Bounce, *, now: datetime) -> bool:
    row = (
        OutboxMessage.objects.filter(
            message_id=bounce.message_id, recipient=bounce.recipient, state=MailState.SENT
        )
        .select_for_update(of=("self",))
        .select_related("budget", "notice__period", "user")
        .first()
    )
    if row is None:
        return False
    row.state, row.last_error, row.settled_at = MailState.BOUNCED, bounce.reason, now
    row.save(update_fields=["state", "last_error", "settled_at"])
    if bounce.is_permanent:
        note_hard_bounce(row.recipient, reason=bounce.reason, at=now)
    note_event(row, became=MailState.BOUNCED, said=bounce.reason, at=now)
    record_result(row, at=now)
    record_digest_result(row, at=now)
    return True
