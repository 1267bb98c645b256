"""Delivery against a real SMTP server: answers, faults, leases, floods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from threading import Barrier, Thread

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from alarms.engine.retries import LEASE
from alarms.models import MailCircuit, MailState, OutboxMessage
from alarms.operations import claims
from alarms.operations.circuit import may_try
from alarms.operations.delivery import DeliveryReport, deliver_waiting
from alarms.queries.mail_server import mail_server_away_since
from budgets.models import BudgetEvent, EventKind
from tests.support.outbox import NOON, budget_of, mail_to, notice_of, person
from tests.support.smtp import (
    CERTIFICATE,
    CLOSE,
    HANG,
    MailSink,
    configure,
    free_port,
    running,
    tls,
)

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


def states() -> dict[str, str]:
    return dict(OutboxMessage.objects.order_by("pk").values_list("recipient", "state"))


@pytest.mark.feature("F188")
def test_a_waiting_mail_arrives_as_text_and_html_with_its_fixed_message_id(sink: MailSink) -> None:
    row = mail_to("mario@example.com", subject="Budget of Mario Rössi: 80 % reached")

    report = deliver_waiting(now=NOON + MINUTE)

    row.refresh_from_db()
    mail = sink.received[0]
    assert report == DeliveryReport(sent=1)
    assert (row.state, row.attempts, row.maybe_duplicate) == (MailState.SENT, 1, False)
    assert row.sent_at is not None
    assert mail.recipient == "mario@example.com"
    assert mail.message["To"] == "mario@example.com"
    assert mail.message["Subject"] == "Budget of Mario Rössi: 80 % reached"
    assert mail.message["Message-ID"] == row.message_id
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.text == "You have spent 80 %.\n"
    assert "<p>You have spent 80 %.</p>" in mail.html


def test_without_a_mail_server_mails_stay_and_nothing_is_tried(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MAIL_CONFIGURED = False
    mail_to("mario@example.com")

    with django_assert_num_queries(0):
        report = deliver_waiting(now=NOON)

    assert report == DeliveryReport()
    assert states() == {"mario@example.com": "PENDING"}


def test_an_idle_pass_asks_one_question_and_connects_to_nobody(
    sink: MailSink, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mail_to("mario@example.com", created_at=NOON + HOUR)

    with django_assert_num_queries(1):
        deliver_waiting(now=NOON)

    assert sink.sessions == 0


def test_many_mails_share_a_session(sink: MailSink) -> None:
    for number in range(60):
        mail_to(f"user{number}@example.com")

    report = deliver_waiting(now=NOON)

    assert report.sent == 60
    assert sink.sessions == 2


def test_a_pass_is_bounded_and_the_longest_due_go_first(sink: MailSink) -> None:
    for number in (1, 3, 2):
        mail_to(f"user{number}@example.com", created_at=NOON - number * MINUTE)

    deliver_waiting(now=NOON, limit=2)

    assert sink.addresses == ["user3@example.com", "user2@example.com"]


@pytest.mark.feature("F217")
def test_the_budgets_history_says_what_was_sent_to_whom(sink: MailSink) -> None:
    mario = person()
    notice = notice_of(budget_of(mario))
    to_user = mail_to(mario.email, notice=notice)
    to_user.user = mario
    to_user.save()
    to_address = mail_to("costs@example.com", notice=notice)
    sink.refuse_recipient("costs@example.com", "550 5.1.1 no such user")

    deliver_waiting(now=NOON)

    events = BudgetEvent.objects.order_by("kind").values_list("kind", "details", "period")
    assert list(events) == [
        (
            EventKind.NOTIFY_FAILED,
            {
                "notice": "threshold",
                "recipient": "[MAIL:costs@example.com]",
                "result": "failed",
                "mail": to_address.pk,
                "reason": "550 5.1.1 no such user",
            },
            notice.period_id,
        ),
        (
            EventKind.NOTIFY_SENT,
            {"notice": "threshold", "recipient": "user", "result": "sent", "mail": to_user.pk},
            notice.period_id,
        ),
    ]


@pytest.mark.parametrize("stage", ["recipient", "data"])
def test_451_then_250_arrives_at_the_second_try(sink: MailSink, stage: str) -> None:
    row = mail_to("mario@example.com")
    if stage == "recipient":
        sink.refuse_recipient("mario@example.com", "451 4.7.1 greylisted")
    else:
        sink.answer_data("mario@example.com", "451 4.3.0 try later")

    first = deliver_waiting(now=NOON)
    row.refresh_from_db()
    too_early = deliver_waiting(now=NOON + timedelta(seconds=50))
    second = deliver_waiting(now=NOON + timedelta(seconds=70))

    assert (first.retried, too_early, second.sent) == (1, DeliveryReport(), 1)
    assert (row.state, row.attempts) == (MailState.RETRY, 1)
    assert row.last_error.startswith("451 4.")
    row.refresh_from_db()
    assert (row.state, row.attempts, row.maybe_duplicate) == (MailState.SENT, 2, False)
    assert len(sink.received) == 1


def test_a_refusal_for_now_is_repeated_until_the_mail_is_too_old(sink: MailSink) -> None:
    row = mail_to("mario@example.com", expires_at=NOON + timedelta(days=7))
    sink.refuse_recipient("mario@example.com", *["451 later"] * 100)

    instants = []
    now = NOON
    while OutboxMessage.objects.filter(state__in=["PENDING", "RETRY"]).exists():
        deliver_waiting(now=now)
        row.refresh_from_db()
        instants.append(now)
        now = row.next_attempt_at + timedelta(seconds=1)

    gaps = [later - earlier for earlier, later in pairwise(instants)]
    minutes = [round(gap.total_seconds() / 60) for gap in gaps]
    assert minutes[:5] == [1, 5, 15, 60, 60]
    assert instants[-1] - NOON <= timedelta(hours=24, minutes=5)
    assert row.state == MailState.FAILED
    assert row.last_error == "given up after 24 hours: 451 later"


def test_550_for_one_of_three_fails_that_one_alone(sink: MailSink) -> None:
    for name in ("one", "two", "three"):
        mail_to(f"{name}@example.com")
    sink.refuse_recipient("two@example.com", "550 5.1.1 unknown")

    report = deliver_waiting(now=NOON)
    again = deliver_waiting(now=NOON + HOUR)

    assert (report.sent, report.failed, again) == (2, 1, DeliveryReport())
    assert states() == {
        "one@example.com": "SENT",
        "two@example.com": "FAILED",
        "three@example.com": "SENT",
    }
    assert sorted(sink.addresses) == ["one@example.com", "three@example.com"]


def test_a_server_that_refuses_connections_costs_no_attempts(settings: Settings) -> None:
    port = free_port()
    configure(settings, port=port)
    row = mail_to("mario@example.com")

    reports = [deliver_waiting(now=NOON + timedelta(seconds=10 * tick)) for tick in range(6)]

    row.refresh_from_db()
    assert (row.state, row.attempts) == (MailState.PENDING, 0)
    assert [bool(report.server_away) for report in reports] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert mail_server_away_since() == (NOON, f"127.0.0.1:{port}: connection refused")

    with running(MailSink(port=port)) as sink:
        before_probe = deliver_waiting(now=NOON + timedelta(seconds=59))
        after_probe = deliver_waiting(now=NOON + timedelta(seconds=60))

    assert (before_probe.sent, after_probe.sent) == (0, 1)
    assert sink.addresses == ["mario@example.com"]
    assert mail_server_away_since() is None


@pytest.mark.parametrize("stage", ["recipient", "data"])
def test_421_ends_the_pass_and_costs_no_attempt(sink: MailSink, stage: str) -> None:
    first, second = mail_to("first@example.com"), mail_to("second@example.com")
    if stage == "recipient":
        sink.refuse_recipient("first@example.com", "421 4.3.2 shutting down")
    else:
        sink.answer_data("first@example.com", "421 4.3.2 shutting down")

    report = deliver_waiting(now=NOON)

    first.refresh_from_db()
    second.refresh_from_db()
    assert report.server_away.startswith("421 4.3.2 shutting down")
    assert (first.state, first.attempts, first.maybe_duplicate) == ("PENDING", 0, False)
    assert (second.state, second.attempts) == ("PENDING", 0)
    assert deliver_waiting(now=NOON + timedelta(seconds=31)).sent == 2


def test_a_connection_that_drops_before_the_text_costs_no_attempt(sink: MailSink) -> None:
    row = mail_to("mario@example.com")
    sink.refuse_recipient("mario@example.com", CLOSE)

    report = deliver_waiting(now=NOON)

    row.refresh_from_db()
    assert report.server_away
    assert (row.state, row.attempts, row.maybe_duplicate) == ("PENDING", 0, False)


@pytest.mark.parametrize("fault", [CLOSE, HANG])
def test_a_connection_lost_after_the_text_sends_it_again_marked_as_a_possible_copy(
    sink: MailSink, settings: Settings, fault: str
) -> None:
    settings.EMAIL_TIMEOUT = 1
    row = mail_to("mario@example.com")
    sink.answer_data("mario@example.com", fault)

    report = deliver_waiting(now=NOON)
    row.refresh_from_db()

    assert (report.retried, report.sent) == (1, 0)
    assert report.server_away
    assert (row.state, row.attempts, row.maybe_duplicate) == ("RETRY", 1, True)

    deliver_waiting(now=NOON + 2 * MINUTE)
    row.refresh_from_db()

    assert (row.state, row.attempts, row.maybe_duplicate) == ("SENT", 2, True)
    ids = {mail.message["Message-ID"] for mail in sink.received}
    assert (len(sink.received), ids) == (2, {row.message_id})


def test_a_deliverer_that_died_after_the_text_leaves_one_extra_copy_at_most(
    sink: MailSink,
) -> None:
    row = mail_to("mario@example.com")
    dead = claims.claim_next(now=NOON)
    assert dead is not None
    claims.count_attempt(dead, at=NOON)

    before_the_lease_ends = deliver_waiting(now=NOON + LEASE - timedelta(seconds=1))
    afterwards = deliver_waiting(now=NOON + LEASE)

    row.refresh_from_db()
    assert (before_the_lease_ends.sent, afterwards.sent) == (0, 1)
    assert (row.state, row.attempts, row.maybe_duplicate) == ("SENT", 2, True)


def test_a_deliverer_that_died_before_the_text_leaves_no_suspicion(sink: MailSink) -> None:
    row = mail_to("mario@example.com")
    assert claims.claim_next(now=NOON) is not None

    deliver_waiting(now=NOON + LEASE)

    row.refresh_from_db()
    assert (row.state, row.attempts, row.maybe_duplicate) == ("SENT", 1, False)


def test_who_comes_back_after_his_lease_sends_nothing() -> None:
    mail_to("mario@example.com")
    late = claims.claim_next(now=NOON)
    taken_over = claims.claim_next(now=NOON + LEASE)
    assert late is not None
    assert taken_over is not None

    with pytest.raises(claims.LostClaim):
        claims.count_attempt(late, at=NOON + LEASE)
    claims.retry(late, reason="late", at=NOON + LEASE, may_have_arrived=False)

    row = OutboxMessage.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("SENDING", 0, "")


def test_a_mail_the_server_took_is_sent_even_if_the_lease_ran_out_meanwhile() -> None:
    mail_to("mario@example.com")
    slow = claims.claim_next(now=NOON)
    assert slow is not None
    claims.count_attempt(slow, at=NOON)
    other = claims.claim_next(now=NOON + LEASE)
    assert other is not None

    claims.settle(slow, state=MailState.SENT, reason="", at=NOON + LEASE)

    with pytest.raises(claims.LostClaim):
        claims.count_attempt(other, at=NOON + LEASE)
    assert states() == {"mario@example.com": "SENT"}


def test_an_expired_mail_is_not_sent_but_shown_and_told_to_the_history(sink: MailSink) -> None:
    notice = notice_of(budget_of(person()))
    mail_to("mario@example.com", expires_at=NOON, notice=notice)

    report = deliver_waiting(now=NOON)

    event = BudgetEvent.objects.get()
    assert (report.expired, sink.received) == (1, [])
    assert states() == {"mario@example.com": "EXPIRED"}
    assert (event.kind, event.details["result"]) == (EventKind.NOTIFY_FAILED, "expired")


def test_mails_expire_while_the_server_is_away(settings: Settings) -> None:
    configure(settings, port=free_port())
    row = mail_to("mario@example.com")

    deliver_waiting(now=NOON)
    deliver_waiting(now=NOON + timedelta(hours=24))

    row.refresh_from_db()
    assert (row.state, row.attempts) == ("EXPIRED", 0)
    assert "connection refused" not in row.last_error
    assert row.last_error == claims.TOO_LATE


def test_a_mail_that_cannot_be_written_fails_alone(sink: MailSink) -> None:
    broken = mail_to("mario@example.com")
    OutboxMessage.objects.filter(pk=broken.pk).update(subject="two\nlines")
    mail_to("anna@example.com", created_at=NOON + MINUTE)

    report = deliver_waiting(now=NOON + HOUR)

    assert (report.failed, report.sent) == (1, 1)
    assert sink.addresses == ["anna@example.com"]


def test_a_line_of_one_dot_does_not_end_the_mail(sink: MailSink) -> None:
    row = mail_to("mario@example.com")
    OutboxMessage.objects.filter(pk=row.pk).update(text_body="before\n.\nQUIT\n")

    deliver_waiting(now=NOON)

    assert sink.received[0].text == "before\n.\nQUIT\n"


def test_mail_goes_out_encrypted_where_the_certificate_is_trusted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = MailSink(port=free_port())
    configure(settings, port=server.port)
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "tollgate", "a secret"
    mail_to("mario@example.com")

    with running(server, with_tls=tls(), login=("tollgate", "a secret")):
        report = deliver_waiting(now=NOON)

    assert (report.sent, report.server_away) == (1, "")


def test_a_certificate_that_nobody_vouches_for_is_refused(settings: Settings) -> None:
    server = MailSink(port=free_port())
    configure(settings, port=server.port)
    settings.EMAIL_USE_TLS = True
    row = mail_to("mario@example.com")

    with running(server, with_tls=tls()):
        report = deliver_waiting(now=NOON)

    row.refresh_from_db()
    assert "CERTIFICATE_VERIFY_FAILED" in report.server_away
    assert (row.state, row.attempts, server.received) == ("PENDING", 0, [])


def test_a_wrong_password_is_the_servers_fault_and_its_own_words_are_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = MailSink(port=free_port())
    configure(settings, port=server.port)
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "tollgate", "wrong secret"
    row = mail_to("mario@example.com")

    with running(server, with_tls=tls(), login=("tollgate", "a secret")):
        report = deliver_waiting(now=NOON)

    row.refresh_from_db()
    assert "535" in report.server_away
    assert "wrong secret" not in report.server_away
    assert (row.state, row.attempts) == ("PENDING", 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_send_each_mail_once(sink: MailSink) -> None:
    for number in range(60):
        mail_to(f"user{number}@example.com")
    start = Barrier(2)
    reports: list[DeliveryReport] = []

    def deliver() -> None:
        start.wait(timeout=10)
        try:
            reports.append(deliver_waiting(now=NOON))
        finally:
            connection.close()

    threads = [Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sum(report.sent for report in reports) == 60
    assert sorted(sink.addresses) == sorted(f"user{number}@example.com" for number in range(60))
    assert set(states().values()) == {"SENT"}


def test_a_probe_far_ahead_of_the_clock_is_due() -> None:
    MailCircuit.objects.create(opened_at=NOON, probe_due_at=NOON + 40 * HOUR, last_error="away")

    assert may_try(now=NOON)
    assert not may_try(now=NOON)
