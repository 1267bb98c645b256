"""A person's second chance for a mail that did not arrive."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from alarms.engine.addresses import BadAddress, one_address
from alarms.engine.retries import life_of
from alarms.models import MailState, OutboxMessage
from kernel.errors import DomainError

GIVEN_UP = (MailState.FAILED, MailState.BOUNCED, MailState.EXPIRED, MailState.SUPPRESSED)


class CannotSendAgain(DomainError):
    """The mail waits already, has arrived, or has no address or no text to send."""

    code = "cannot_send_again"


@transaction.atomic
def send_again(*, outbox_id: int, now: datetime) -> OutboxMessage:
    """Put a mail that was given up back into the queue, with all its tries and its whole life.

    Where it had no address, its person's present one is taken.

    Raises:
        CannotSendAgain: if it was not given up, or still has nowhere to go.
    """
    row = (
        OutboxMessage.objects.select_for_update(of=("self",))
        .select_related("user")
        .get(pk=outbox_id)
    )
    if row.state not in GIVEN_UP:
        raise CannotSendAgain(f"this mail is {row.get_state_display()}; there is nothing to repeat")
    if not row.subject:
        raise CannotSendAgain("this mail has no text; its cause must be told again")
    row.recipient = row.recipient or _present_address(row)
    row.state, row.attempts, row.digest = MailState.PENDING, 0, None
    row.next_attempt_at, row.expires_at = now, now + life_of(row.kind)
    row.settled_at, row.last_error = None, ""
    row.save()
    return row


def _present_address(row: OutboxMessage) -> str:
    if row.user is None:
        raise CannotSendAgain("this mail was meant for nobody who is known")
    try:
        return one_address(row.user.email)
    except BadAddress:
        raise CannotSendAgain(f"{row.user.username} still has no usable mail address") from None
