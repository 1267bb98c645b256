"""Returned mails: read, matched to a mail of ours, counted against the address."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from alarms.engine.reports import Bounce, read_report
from alarms.models import MailState, OutboxMessage, SuppressedAddress
from alarms.operations.bounces import record_bounces
from budgets.models import BudgetEvent, EventKind
from tests.support.outbox import NOON, budget_of, mail_to, notice_of, person

LATER = NOON + timedelta(hours=1)


def report(
    message_id: str,
    *,
    recipient: str = "mario@example.com",
    action: str = "failed",
    status: str = "5.1.1",
    whole: bool = False,
) -> bytes:
    """A report as Postfix writes it, with the returned mail whole or its headers alone."""
    returned = "message/rfc822" if whole else "text/rfc822-headers"
    return f"""\
From: MAILER-DAEMON@mx.example.com
To: tollgate@example.com
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@mx.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=b"

--=b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--=b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Fri, 20 Mar 2026 12:00:00 +0000

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address
    rejected: User unknown

--=b
Content-Type: {returned}

From: tollgate@example.com
To: {recipient}
Message-ID: {message_id}
Subject: Your telephone budget

--=b--
""".encode()


@pytest.mark.parametrize("whole", [True, False])
def test_a_report_says_which_mail_did_not_reach_whom_and_why(whole: bool) -> None:
    assert read_report(report("<1@tollgate>", whole=whole)) == (
        Bounce(
            message_id="<1@tollgate>",
            recipient="mario@example.com",
            reason=(
                "returned 5.1.1: 550 5.1.1 <mario@example.com>: Recipient address rejected:"
                " User unknown"
            ),
            is_permanent=True,
        ),
    )


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_no_failure_is_no_bounce(action: str) -> None:
    assert read_report(report("<1@tollgate>", action=action)) == ()


def test_an_answer_from_a_person_is_no_report() -> None:
    answer = b"From: mario@example.com\nIn-Reply-To: <1@tollgate>\n\nI am on holiday.\n"

    assert read_report(answer) == ()


@given(st.binary(max_size=2_000))
def test_no_input_breaks_the_reader(raw: bytes) -> None:
    assert isinstance(read_report(raw), tuple)


@given(st.lists(st.integers(0, 2_000), max_size=30), st.binary(min_size=1, max_size=3))
def test_no_damage_to_a_report_breaks_the_reader(places: list[int], noise: bytes) -> None:
    raw = bytearray(report("<1@tollgate>"))
    for place in places:
        raw[place % len(raw)] = noise[place % len(noise)]

    assert isinstance(read_report(bytes(raw)), tuple)


@pytest.mark.django_db
def test_a_returned_mail_is_bounced_once_and_its_budget_says_so() -> None:
    notice = notice_of(budget_of(person()))
    row = mail_to("mario@example.com", state=MailState.SENT, sent_at=NOON, notice=notice)

    first = record_bounces(report(row.message_id), now=LATER)
    again = record_bounces(report(row.message_id), now=LATER)

    row.refresh_from_db()
    event = BudgetEvent.objects.get()
    assert (first, again) == (1, 0)
    assert (row.state, row.sent_at, row.settled_at) == (MailState.BOUNCED, NOON, LATER)
    assert row.last_error.startswith("returned 5.1.1: 550")
    assert (event.kind, event.details["result"]) == (EventKind.NOTIFY_FAILED, "bounced")
    assert SuppressedAddress.objects.get().hard_bounces == 1


@pytest.mark.django_db
def test_three_returned_mails_suppress_the_address_but_passing_failures_do_not() -> None:
    for status in ("4.4.7", "5.1.1", "5.1.1", "5.1.1"):
        row = mail_to("mario@example.com", state=MailState.SENT, sent_at=NOON)
        record_bounces(report(row.message_id, status=status), now=LATER)

    address = SuppressedAddress.objects.get()
    assert (address.hard_bounces, address.suppressed_at) == (3, LATER)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("message_id", "recipient"),
    [("<other@tollgate>", "mario@example.com"), ("", "anna@example.com")],
)
def test_a_report_about_another_mail_or_address_changes_nothing(
    message_id: str, recipient: str
) -> None:
    row = mail_to("mario@example.com", state=MailState.SENT, sent_at=NOON)

    ended = record_bounces(report(message_id or row.message_id, recipient=recipient), now=LATER)

    assert (ended, OutboxMessage.objects.get().state) == (0, MailState.SENT)
    assert not SuppressedAddress.objects.exists()


@pytest.mark.django_db
def test_the_command_takes_a_file(tmp_path: Path) -> None:
    row = mail_to("mario@example.com", state=MailState.SENT, sent_at=NOON)
    returned = tmp_path / "returned.eml"
    returned.write_bytes(report(row.message_id))
    output = StringIO()

    call_command("mail_bounce", returned, stdout=output)

    assert output.getvalue() == "mails bounced: 1\n"
    with pytest.raises(CommandError, match="No such file"):
        call_command("mail_bounce", tmp_path / "absent")
