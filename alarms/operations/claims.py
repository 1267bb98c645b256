"""One row's way through an attempt: claimed, counted, given back, tried again or settled.

Every step is a conditional update on the claim, so a deliverer whose lease ran
out changes nothing that another has taken. Lock order: outbox row, suppressed
address, budget history.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from alarms.engine.retries import LEASE, wait_after
from alarms.models import UNSETTLED, MailState, OutboxMessage
from alarms.operations import addresses
from alarms.operations.history import note_event, record_digest_result, record_result
from alarms.queries.waiting import mails_due

EXPIRED_A_PASS = 500
TOO_LATE = "not sent in time to be of use"


class LostClaim(Exception):
    """The lease ran out and another deliverer has the row: nothing may go out from here."""


def claim_next(*, now: datetime) -> OutboxMessage | None:
    """Take the row that is due longest, for the time of a lease; None when nothing is due.

    A row whose deliverer died with the text on its way is marked `maybe_duplicate`.
    """
    with transaction.atomic():
        row = (
            mails_due(now=now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("budget", "notice__period", "user")
            .order_by("next_attempt_at", "pk")
            .first()
        )
        if row is None:
            return None
        row.maybe_duplicate = row.maybe_duplicate or row.is_in_data
        row.is_in_data = False
        row.state = MailState.SENDING
        row.lease_until = row.next_attempt_at = now + LEASE
        row.save(
            update_fields=[
                "maybe_duplicate",
                "is_in_data",
                "state",
                "lease_until",
                "next_attempt_at",
            ]
        )
        return row


def _claimed(row: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The row while it is still ours."""
    return OutboxMessage.objects.filter(
        pk=row.pk, state=MailState.SENDING, lease_until=row.lease_until
    )


def count_attempt(row: OutboxMessage, *, at: datetime) -> None:
    """Count the attempt and renew the lease: from here on the mail may arrive.

    Raises:
        LostClaim: if the row is no longer ours.
    """
    until = at + LEASE
    counted = _claimed(row).update(
        attempts=F("attempts") + 1, is_in_data=True, lease_until=until, next_attempt_at=until
    )
    if counted != 1:
        raise LostClaim(f"outbox row {row.pk}")
    row.attempts += 1
    row.is_in_data = True
    row.lease_until = row.next_attempt_at = until


def give_back(row: OutboxMessage, *, reason: str, at: datetime) -> None:
    """Return an unsent row as it was: the server is away, the attempt does not count."""
    attempts = row.attempts - 1 if row.is_in_data else row.attempts
    _claimed(row).update(
        state=MailState.RETRY if attempts else MailState.PENDING,
        attempts=attempts,
        is_in_data=False,
        lease_until=None,
        next_attempt_at=at,
        last_error=reason[:500],
    )


def retry(row: OutboxMessage, *, reason: str, at: datetime, may_have_arrived: bool) -> None:
    """Put the row back for its next try, or give up where it had its last."""
    if not row.is_in_data:
        # Refused before the text was asked for: that was an attempt as well.
        row.attempts += 1
    wait = wait_after(row.attempts)
    if wait is None:
        settle(row, state=MailState.FAILED, reason=f"given up after 24 hours: {reason}", at=at)
        return
    with transaction.atomic():
        put_back = _claimed(row).update(
            state=MailState.RETRY,
            attempts=row.attempts,
            is_in_data=False,
            maybe_duplicate=row.maybe_duplicate or may_have_arrived,
            lease_until=None,
            next_attempt_at=min(at + wait, row.expires_at),
            last_error=reason[:500],
        )
        if put_back:
            note_event(row, became=MailState.RETRY, said=reason, at=at)


def settle(
    row: OutboxMessage, *, state: MailState, reason: str, at: datetime, is_hard_bounce: bool = False
) -> bool:
    """Write the end of a row, and of what its budget's history says of it.

    Returns whether this call ended it. A mail that the server took is SENT whoever
    holds the row by now: that keeps the other from sending it again.
    """
    is_sent = state == MailState.SENT
    with transaction.atomic():
        ours = (
            OutboxMessage.objects.filter(pk=row.pk, state__in=UNSETTLED)
            if is_sent
            else _claimed(row)
        )
        ended = ours.update(
            state=state,
            attempts=row.attempts,
            is_in_data=False,
            lease_until=None,
            sent_at=at if is_sent else None,
            settled_at=at,
            last_error=reason[:500],
        )
        if ended != 1:
            return False
        row.state, row.last_error, row.is_in_data = state, reason[:500], False
        if is_sent:
            addresses.note_accepted(row.recipient)
        elif is_hard_bounce:
            addresses.note_hard_bounce(row.recipient, reason=reason, at=at)
        note_event(row, became=state, said=reason, at=at)
        record_result(row, at=at)
        record_digest_result(row, at=at)
    return True


def expire_overdue(*, now: datetime) -> int:
    """Expire what is past its use, also while the server is away; say how many."""
    overdue = list(
        mails_due(now=now)
        .filter(expires_at__lte=now)
        .order_by("next_attempt_at", "pk")
        .values_list("pk", flat=True)[:EXPIRED_A_PASS]
    )
    return sum(_expire(row_id, now=now) for row_id in overdue)


def _expire(row_id: int, *, now: datetime) -> bool:
    with transaction.atomic():
        row = (
            mails_due(now=now)
            .filter(pk=row_id)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("budget", "notice__period", "user")
            .first()
        )
        if row is None:
            return False
        row.state, row.settled_at, row.lease_until = MailState.EXPIRED, now, None
        row.maybe_duplicate, row.is_in_data = row.maybe_duplicate or row.is_in_data, False
        row.last_error = f"{TOO_LATE}; {row.last_error}".removesuffix("; ")[:500]
        row.save()
        note_event(row, became=MailState.EXPIRED, said=row.last_error, at=now)
        record_result(row, at=now)
        record_digest_result(row, at=now)
    return True
