"""Mail out: claimed row by row, sent over one session, each answer written down.

A row is claimed with a lease, so a deliverer that dies gives it back after two
minutes. Its attempt is counted before the text goes out and its end written
after the server's answer: between the two the mail may have arrived, and the
next attempt says so (`maybe_duplicate`, same Message-ID). At most one extra copy
a crash, never none (reliability N3 to N6).

No transaction is open while the server is spoken to. Lock order: outbox row,
suppressed address, budget history.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from alarms.drivers.base import MailChannel, MailSession, ServerAway
from alarms.drivers.smtp import message_bytes
from alarms.engine.verdicts import Reply, Verdict, judge
from alarms.models import MailState, OutboxMessage
from alarms.operations import addresses, circuit, claims, flood
from alarms.operations.claims import LostClaim
from alarms.queries.mail_server import mail_channel, mail_sender
from alarms.queries.waiting import mails_due
from kernel.crashpoints import crashpoint

logger = logging.getLogger(__name__)

MAILS_A_PASS = 500
SECONDS_A_PASS = 30
MAILS_A_SESSION = 50


@dataclass(slots=True)
class DeliveryReport:
    """What one pass did, in rows; `server_away` holds the reason where the pass ended early."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    expired: int = 0
    suppressed: int = 0
    held: int = 0
    server_away: str = ""


def deliver_waiting(
    *,
    now: datetime,
    limit: int = MAILS_A_PASS,
    seconds: int = SECONDS_A_PASS,
    channel: MailChannel | None = None,
) -> DeliveryReport:
    """Send what is due: at most `limit` mails and about `seconds` seconds.

    Without a mail server the rows simply stay PENDING. Several deliverers at once
    share the work. `channel` replaces the configured server.
    """
    report = DeliveryReport()
    channel = channel or mail_channel()
    if channel is None or not mails_due(now=now).exists():
        return report
    report.expired += claims.expire_overdue(now=now)
    if not circuit.may_try(now=now):
        return report
    pass_ = _Pass(channel=channel, now=now, report=report)
    try:
        pass_.run(limit=limit, seconds=seconds)
    except ServerAway as away:
        report.server_away = away.reason
        circuit.open_circuit(reason=away.reason, now=now)
        logger.warning("mail server away", extra={"reason": away.reason})
    finally:
        pass_.end_session()
    return report


@dataclass(slots=True)
class _Pass:
    """One run over what is due, with the session it holds open."""

    channel: MailChannel
    now: datetime
    report: DeliveryReport
    session: MailSession | None = None
    mails_in_session: int = 0
    started: float = field(default_factory=monotonic)

    def run(self, *, limit: int, seconds: int) -> None:
        for _ in range(limit):
            if monotonic() - self.started > seconds:
                return
            session = self._open_session()
            row = claims.claim_next(now=self._instant())
            if row is None:
                return
            self._deliver(row, session)

    def _instant(self) -> datetime:
        """The pass's `now`, moved on by the time that the pass has taken."""
        return self.now + timedelta(seconds=monotonic() - self.started)

    def _open_session(self) -> MailSession:
        if self.mails_in_session >= MAILS_A_SESSION:
            self.end_session()
        if self.session is None:
            self.session = self.channel.open()
            circuit.close_circuit()
        return self.session

    def end_session(self) -> None:
        if self.session is not None:
            self.session.close()
        self.session, self.mails_in_session = None, 0

    def _deliver(self, row: OutboxMessage, session: MailSession) -> None:
        at = self._instant()
        if row.expires_at <= at:
            self.report.expired += 1
            claims.settle(row, state=MailState.EXPIRED, reason=claims.TOO_LATE, at=at)
        elif addresses.is_suppressed(row.recipient):
            self.report.suppressed += 1
            reason = "nothing is sent to this address: it refused mail for good"
            claims.settle(row, state=MailState.SUPPRESSED, reason=reason, at=at)
        elif flood.hold_back(row, at=at):
            self.report.held += 1
        else:
            self.mails_in_session += 1
            self._send(row, session)

    def _send(self, row: OutboxMessage, session: MailSession) -> None:
        crashpoint("alarms.claimed")
        try:
            message = _wire_form(row)
        except (ValueError, TypeError, LookupError) as fault:
            logger.exception("mail not written", extra={"outbox_id": row.pk})
            self.report.failed += 1
            reason = f"the mail could not be written: {fault}"
            claims.settle(row, state=MailState.FAILED, reason=reason, at=self._instant())
            return
        try:
            reply = session.send(
                recipient=row.recipient,
                message=message,
                before_data=lambda: claims.count_attempt(row, at=self._instant()),
            )
        except LostClaim:
            self.end_session()
            return
        except ServerAway as away:
            self.session = None
            if away.in_data:
                self.report.retried += 1
                claims.retry(row, reason=away.reason, at=self._instant(), may_have_arrived=True)
            else:
                claims.give_back(row, reason=away.reason, at=self._instant())
            raise
        crashpoint("alarms.after_data")
        self._settle_by(reply, row)

    def _settle_by(self, reply: Reply, row: OutboxMessage) -> None:
        judgement, at = judge(reply), self._instant()
        if judgement.verdict is Verdict.ACCEPTED:
            self.report.sent += 1
            claims.settle(row, state=MailState.SENT, reason="", at=at)
        elif judgement.verdict is Verdict.SERVER_AWAY:
            claims.give_back(row, reason=reply.reason, at=at)
            raise ServerAway(reply.reason)
        elif judgement.verdict is Verdict.LATER:
            self.report.retried += 1
            claims.retry(row, reason=reply.reason, at=at, may_have_arrived=False)
        else:
            self.report.failed += 1
            claims.settle(
                row,
                state=MailState.FAILED,
                reason=reply.reason,
                at=at,
                is_hard_bounce=judgement.is_hard_bounce,
            )


def _wire_form(row: OutboxMessage) -> bytes:
    return message_bytes(
        sender=mail_sender(),
        recipient=row.recipient,
        subject=row.subject,
        text=row.text_body,
        html=row.html_body,
        message_id=row.message_id,
        language=row.language,
        date=row.created_at,
    )
