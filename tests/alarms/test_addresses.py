"""What an address takes: refused for good, or written to too often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from alarms.models import OutboxMessage, SuppressedAddress
from alarms.operations.addresses import clear_address
from alarms.operations.delivery import deliver_waiting
from budgets.models import BudgetEvent, EventKind
from tests.support.outbox import NOON, budget_of, mail_to, notice_of, person
from tests.support.smtp import MailSink, configure, free_port, running

pytestmark = [pytest.mark.django_db, pytest.mark.smtp]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def sink(settings: Settings) -> Iterator[MailSink]:
    """The installation's mail server, running."""
    server = MailSink(port=free_port())
    configure(settings, port=server.port)
    with running(server):
        yield server


def test_the_third_hard_bounce_suppresses_the_address_until_it_is_cleared(sink: MailSink) -> None:
    address = "gone@example.com"
    sink.refuse_recipient(address, *["550 5.1.1 no such user"] * 3)
    for number in range(4):
        mail_to(address, created_at=NOON + number * MINUTE)

    report = deliver_waiting(now=NOON + HOUR)

    counted = OutboxMessage.objects.order_by("created_at").values_list("state", flat=True)
    assert (report.failed, report.suppressed) == (3, 1)
    assert list(counted) == ["FAILED", "FAILED", "FAILED", "SUPPRESSED"]
    assert SuppressedAddress.objects.get().hard_bounces == 3

    assert clear_address(address)
    mail_to(address, created_at=NOON + HOUR)
    assert deliver_waiting(now=NOON + 2 * HOUR).sent == 1


def test_a_mail_that_arrives_forgets_earlier_bounces(sink: MailSink) -> None:
    address = "flaky@example.com"
    sink.refuse_recipient(address, "550 no", "550 no", "250 OK", "550 no")
    for number in range(4):
        mail_to(address, created_at=NOON + number * MINUTE)

    deliver_waiting(now=NOON + HOUR)

    bounced = SuppressedAddress.objects.get()
    assert (bounced.hard_bounces, bounced.suppressed_at) == (1, None)


def test_refused_content_does_not_suppress_the_address(sink: MailSink) -> None:
    sink.answer_data("mario@example.com", "554 5.7.1 looks like spam")
    mail_to("mario@example.com")

    report = deliver_waiting(now=NOON)

    assert (report.failed, SuppressedAddress.objects.count()) == (1, 0)


def test_after_thirty_mails_in_an_hour_the_rest_comes_in_one(sink: MailSink) -> None:
    notice = notice_of(budget_of(person()))
    for number in range(80):
        mail_to("admin@example.com", subject=f"Message {number:02}", notice=notice)
    mail_to("other@example.com")

    report = deliver_waiting(now=NOON + MINUTE)

    to_admin = [mail for mail in sink.received if mail.recipient == "admin@example.com"]
    digest = to_admin[-1]
    assert len(to_admin) == 31
    assert (report.sent, report.held) == (32, 1)
    assert digest.message["Subject"] == "50 messages from Tollgate in one"
    assert "• Message 30" in digest.text
    assert "• Message 79" in digest.text
    assert "Message 29" not in digest.text
    gathered = OutboxMessage.objects.filter(digest__isnull=False)
    assert set(gathered.values_list("state", flat=True)) == {"SUPPRESSED"}
    told = BudgetEvent.objects.filter(details__notice="digest").get()
    assert (told.kind, told.details["messages"]) == (EventKind.NOTIFY_SENT, 50)
    assert BudgetEvent.objects.filter(kind=EventKind.NOTIFY_SENT).count() == 31


def test_what_comes_after_the_digest_waits_for_the_next_hour(sink: MailSink) -> None:
    for _ in range(31):
        mail_to("admin@example.com")
    deliver_waiting(now=NOON)
    for _ in range(5):
        mail_to("admin@example.com", created_at=NOON + MINUTE)

    within = deliver_waiting(now=NOON + 2 * MINUTE)
    later = deliver_waiting(now=NOON + HOUR + MINUTE)

    assert (within.sent, later.sent) == (0, 5)


def test_a_loop_in_alarms_sends_31_mails_an_hour(sink: MailSink) -> None:
    rows = [mail_to("admin@example.com") for _ in range(3)]
    template = OutboxMessage.objects.get(pk=rows[0].pk)
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            **{
                **{
                    field.attname: getattr(template, field.attname)
                    for field in OutboxMessage._meta.concrete_fields
                    if field.attname != "id"
                },
                "dedupe_key": f"loop {number}",
                "message_id": f"<{number}@loop>",
            }
        )
        for number in range(10_000)
    )

    deliver_waiting(now=NOON)
    deliver_waiting(now=NOON + MINUTE)

    assert len(sink.received) == 31
    assert "… and 9923 more." in sink.received[-1].text
