"""What people do to mails: a second chance for one that did not arrive, or no chance at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from alarms.engine.addresses import BadAddress, one_address
from alarms.engine.retries import life_of
from alarms.models import GIVEN_UP, MailState, OutboxMessage
from alarms.operations.history import note_event, record_result
from kernel.errors import DomainError

CANCELLABLE = (MailState.PENDING, MailState.RETRY)


class CannotSendAgain(DomainError):
    """The mail waits already, has arrived, or has no address or no text to send."""

    code = "cannot_send_again"


class CannotCancel(DomainError):
    """The mail is on its way, has arrived, or was given up before."""

    code = "cannot_cancel"


@transaction.atomic
def send_again(*, outbox_id: int, now: datetime, by: str = "") -> OutboxMessage:
    """Put a mail that was given up back into the queue, with all its tries and its whole life.

    Where it had no address, its person's present one is taken.

    Raises:
        CannotSendAgain: if it was not given up, or still has nowhere to go.
    """
    row = _held(outbox_id)
    if row.state not in GIVEN_UP:
        raise CannotSendAgain(
            _("this mail is %(state)s; there is nothing to repeat")
            % {"state": row.get_state_display()}
        )
    if not row.subject:
        raise CannotSendAgain(_("this mail has no text; its cause must be told again"))
    row.recipient = row.recipient or _present_address(row)
    row.state, row.attempts, row.digest = MailState.PENDING, 0, None
    row.next_attempt_at, row.expires_at = now, now + life_of(row.kind)
    row.settled_at, row.last_error = None, ""
    row.save()
    note_event(row, became=MailState.PENDING, at=now, by=by)
    return row


@transaction.atomic
def cancel(*, outbox_id: int, now: datetime, by: str) -> OutboxMessage:
    """Give up a mail that waits; its budget's history says that it was not sent.

    Raises:
        CannotCancel: if it is being sent, has arrived, or was given up before.
    """
    row = _held(outbox_id)
    if row.state not in CANCELLABLE:
        raise CannotCancel(
            _("this mail is %(state)s; there is nothing to cancel")
            % {"state": row.get_state_display()}
        )
    row.state, row.settled_at = MailState.CANCELLED, now
    row.last_error = f"cancelled by {by}"[:500]
    row.save()
    note_event(row, became=MailState.CANCELLED, at=now, by=by)
    record_result(row, at=now)
    return row


def _held(outbox_id: int) -> OutboxMessage:
    """The row, locked until the transaction ends."""
    rows = OutboxMessage.objects.select_for_update(of=("self",))
    return rows.select_related("user", "budget", "notice__period").get(pk=outbox_id)


def _present_address(row: OutboxMessage) -> str:
    if row.user is None:
        raise CannotSendAgain(_("this mail was meant for nobody who is known"))
    try:
        return one_address(row.user.email)
    except BadAddress:
        raise CannotSendAgain(
            _("%(name)s still has no usable mail address") % {"name": row.user.username}
        ) from None


@dataclass(slots=True)
class DoneToMany:
    """For how many mails it was done, and why it was not for the others."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        """How many stay as they were."""
        return self.refused.total()


def send_many_again(ids: Iterable[int], *, now: datetime, by: str) -> DoneToMany:
    """Give each of these mails a second chance; one that is refused stops no other."""
    return _each(ids, lambda key: send_again(outbox_id=key, now=now, by=by))


def cancel_many(ids: Iterable[int], *, now: datetime, by: str) -> DoneToMany:
    """Give up each of these mails that waits; one that is refused stops no other."""
    return _each(ids, lambda key: cancel(outbox_id=key, now=now, by=by))


def _each(ids: Iterable[int], do: Callable[[int], object]) -> DoneToMany:
    report = DoneToMany()
    known = OutboxMessage.objects.filter(pk__in=list(ids)).order_by("pk")
    for key in list(known.values_list("pk", flat=True)):
        try:
            do(key)
        except DomainError as refusal:
            report.refused[refusal.message] += 1
        else:
            report.done += 1
    return report
