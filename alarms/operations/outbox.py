"""From notices to mails: each swept once, its mails written in the same transaction.

Lock order: the notice, then outbox rows, then the budget's history.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import OperationalError, transaction

from alarms.engine.retries import life_of
from alarms.models import MailState, OutboxMessage
from alarms.operations.history import record_result
from alarms.queries.recipients import Recipient, recipients_of
from alarms.queries.texts import MailText, text_of
from budgets.models import BudgetNotice
from kernel.crashpoints import crashpoint

logger = logging.getLogger(__name__)

NOTICES_A_SWEEP = 500
CHANNEL = "mail"


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Notices taken, mails written, how many of those have nowhere to go, notices left by a fault."""

    notices: int = 0
    mails: int = 0
    undeliverable: int = 0
    faults: int = 0


def sweep_notices(*, now: datetime, limit: int = NOTICES_A_SWEEP) -> SweepReport:
    """Turn at most `limit` waiting notices into outbox rows, the oldest first.

    Repeating it, or running it twice at once, changes nothing: a notice is taken
    by a conditional update, and a row's key is unique. A notice that cannot be
    taken over is logged, left for the next sweep and keeps no other waiting.
    """
    waiting = list(
        BudgetNotice.objects.filter(swept_at__isnull=True)
        .order_by("made_at", "pk")
        .values_list("pk", flat=True)[:limit]
    )
    notices = mails = undeliverable = faults = 0
    for notice_id in waiting:
        try:
            rows = _sweep(notice_id, now=now)
        except OperationalError:
            raise
        except Exception:
            logger.exception("notice not swept", extra={"notice_id": notice_id})
            faults += 1
            continue
        if rows is not None:
            notices += 1
            mails += len(rows)
            undeliverable += sum(row.state == MailState.FAILED for row in rows)
    return SweepReport(notices=notices, mails=mails, undeliverable=undeliverable, faults=faults)


def _sweep(notice_id: int, *, now: datetime) -> Sequence[OutboxMessage] | None:
    """Write the mails of one notice; None where another sweep took it."""
    with transaction.atomic():
        taken = BudgetNotice.objects.filter(pk=notice_id, swept_at__isnull=True)
        if taken.update(swept_at=now) != 1:
            return None
        notice = BudgetNotice.objects.select_related(
            "budget__user__manager", "budget__unit", "period__budget", "user__manager"
        ).get(pk=notice_id)
        rows = _new(_row(notice, recipient=who, now=now) for who in recipients_of(notice))
        OutboxMessage.objects.bulk_create(rows, batch_size=200)
        for row in rows:
            if row.state == MailState.FAILED:
                record_result(row, at=now)
        crashpoint("alarms.outbox_written")
        return rows


def _new(rows: Iterable[OutboxMessage]) -> list[OutboxMessage]:
    """Those of `rows` that no earlier sweep wrote; the notice is locked, so none slips in."""
    by_key = {row.dedupe_key: row for row in rows}
    known = OutboxMessage.objects.filter(dedupe_key__in=list(by_key))
    written = set(known.values_list("dedupe_key", flat=True))
    return [row for key, row in by_key.items() if key not in written]


def _row(notice: BudgetNotice, *, recipient: Recipient, now: datetime) -> OutboxMessage:
    text, problem = MailText(subject="", text="", html=""), recipient.problem
    try:
        text = text_of(notice, recipient=recipient)
    except Exception as fault:
        logger.exception("notice not worded", extra={"notice_id": notice.pk})
        problem = f"the text could not be made: {fault}"
    return OutboxMessage(
        dedupe_key=f"{notice.key}|{CHANNEL}|{recipient.key}",
        kind=notice.kind,
        channel=CHANNEL,
        recipient=recipient.address,
        user=recipient.user,
        language=recipient.language,
        subject=text.subject,
        text_body=text.text,
        html_body=text.html,
        state=MailState.FAILED if problem else MailState.PENDING,
        next_attempt_at=now,
        message_id=new_message_id(),
        created_at=now,
        expires_at=notice.made_at + life_of(notice.kind),
        settled_at=now if problem else None,
        last_error=problem[:500],
        budget=notice.budget,
        notice=notice,
    )


def new_message_id() -> str:
    """A fresh Message-ID in the domain of this installation's address (RFC 5322 3.6.4)."""
    domain = urlsplit(settings.SITE_URL).hostname or "localhost"
    return f"<{uuid4().hex}@{domain}>"
