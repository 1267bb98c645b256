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
from alarms.queries.texts import Background, MailText, background_of, text_of
from budgets.models import BudgetNotice
from kernel.crashpoints import crashpoint

logger = logging.getLogger(__name__)

NOTICES_A_SWEEP = 500
NOTICES_A_TRANSACTION = 50
CHANNEL = "mail"


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Notices taken, mails written, how many of those have nowhere to go, notices left by a fault."""

    notices: int = 0
    mails: int = 0
    undeliverable: int = 0
    faults: int = 0

    def __add__(self, other: SweepReport) -> SweepReport:
        return SweepReport(
            self.notices + other.notices,
            self.mails + other.mails,
            self.undeliverable + other.undeliverable,
            self.faults + other.faults,
        )


def sweep_notices(*, now: datetime, limit: int = NOTICES_A_SWEEP) -> SweepReport:
    """Turn at most `limit` waiting notices into outbox rows, the oldest first.

    Repeating it, or running it twice at once, changes nothing: a notice is locked
    while it is taken, and a row's key is unique. A notice that cannot be
    taken over is logged, left for the next sweep and keeps no other waiting.
    """
    waiting = list(
        BudgetNotice.objects.filter(swept_at__isnull=True)
        .order_by("made_at", "pk")
        .values_list("pk", flat=True)[:limit]
    )
    report = SweepReport()
    for start in range(0, len(waiting), NOTICES_A_TRANSACTION):
        report += _sweep_or_split(waiting[start : start + NOTICES_A_TRANSACTION], now=now)
    return report


def _sweep_or_split(notice_ids: Sequence[int], *, now: datetime) -> SweepReport:
    """Sweep these together; where one of them cannot be, each by itself."""
    try:
        return _sweep(notice_ids, now=now)
    except OperationalError:
        raise
    except Exception:
        if len(notice_ids) == 1:
            logger.exception("notice not swept", extra={"notice_id": notice_ids[0]})
            return SweepReport(faults=1)
    report = SweepReport()
    for notice_id in notice_ids:
        report += _sweep_or_split([notice_id], now=now)
    return report


def _sweep(notice_ids: Sequence[int], *, now: datetime) -> SweepReport:
    """Write the mails of those of the notices that no other sweep has taken."""
    with transaction.atomic():
        notices = list(
            BudgetNotice.objects.filter(pk__in=notice_ids, swept_at__isnull=True)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related(
                "budget__user__manager", "budget__unit", "period__budget", "user__manager"
            )
            .order_by("made_at", "pk")
        )
        background = background_of(notices)
        rows = _new(
            _row(notice, recipient=recipient, background=background, now=now)
            for notice, recipient in recipients_of(notices)
        )
        OutboxMessage.objects.bulk_create(rows, batch_size=200)
        undeliverable = [row for row in rows if row.state == MailState.FAILED]
        for row in undeliverable:
            record_result(row, at=now)
        BudgetNotice.objects.filter(pk__in=[notice.pk for notice in notices]).update(swept_at=now)
        crashpoint("alarms.outbox_written")
    return SweepReport(notices=len(notices), mails=len(rows), undeliverable=len(undeliverable))


def _new(rows: Iterable[OutboxMessage]) -> list[OutboxMessage]:
    """Those of `rows` that no earlier sweep wrote; the notices are locked, so none slips in."""
    by_key = {row.dedupe_key: row for row in rows}
    known = OutboxMessage.objects.filter(dedupe_key__in=list(by_key))
    written = set(known.values_list("dedupe_key", flat=True))
    return [row for key, row in by_key.items() if key not in written]


def _row(
    notice: BudgetNotice, *, recipient: Recipient, background: Background, now: datetime
) -> OutboxMessage:
    text, problem = MailText(subject="", text="", html=""), recipient.problem
    try:
        text = text_of(notice, recipient=recipient, background=background)
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
