"""The outbox page says when the server is away, and gives a mail a second chance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.test import Client

from alarms.models import MailCircuit, MailEvent, MailState, OutboxMessage
from alarms.operations.addresses import is_suppressed, note_hard_bounce
from alarms.operations.again import CannotCancel, cancel
from budgets.models import BudgetEvent, EventKind
from directory.models import Role
from tests.support.outbox import NOON, budget_of, mail_to, notice_of, person

pytestmark = pytest.mark.django_db


def signed_in(username: str, role: str) -> Client:
    client = Client()
    client.force_login(person(username, role=role), "django.contrib.auth.backends.ModelBackend")
    return client


def test_the_outbox_says_since_when_the_server_is_away_and_why() -> None:
    admin = signed_in("root", Role.ADMIN)
    MailCircuit.objects.create(opened_at=NOON, probe_due_at=NOON, last_error="connection refused")

    away = admin.get("/outbox/").content.decode()
    MailCircuit.objects.update(opened_at=None, probe_due_at=None)
    back = admin.get("/outbox/").content.decode()

    assert "has not answered since" in away
    assert "connection refused" in away
    assert "has not answered since" not in back


def test_an_administrator_sends_a_failed_mail_again() -> None:
    admin = signed_in("root", Role.ADMIN)
    row = mail_to("mario@example.com", state=MailState.FAILED)
    page = admin.get(f"/outbox/{row.pk}/").content.decode()

    answer = admin.post(f"/outbox/{row.pk}/again/", {"next": f"/outbox/{row.pk}/"}, follow=True)

    row.refresh_from_db()
    assert f"/outbox/{row.pk}/again/" in page
    assert row.state == MailState.PENDING
    assert "waits to be sent" in answer.content.decode()
    assert f"/outbox/{row.pk}/again/" not in answer.content.decode()


def test_what_cannot_be_sent_again_is_said_in_words() -> None:
    admin = signed_in("root", Role.ADMIN)
    row = mail_to("mario@example.com", state=MailState.SENT, sent_at=NOON)

    answer = admin.post(f"/outbox/{row.pk}/again/", follow=True)

    assert answer.status_code == 200
    assert "there is nothing to repeat" in answer.content.decode()


def test_an_administrator_lets_mail_go_again_to_an_address_that_refused_it() -> None:
    admin = signed_in("root", Role.ADMIN)
    row = mail_to("Mario@example.com", state=MailState.SUPPRESSED)
    for _ in range(3):
        note_hard_bounce(row.recipient, reason="no such user", at=NOON)
    button = f"/outbox/{row.pk}/address/"
    page = admin.get(f"/outbox/{row.pk}/").content.decode()

    answer = admin.post(button, {"next": f"/outbox/{row.pk}/"}, follow=True).content.decode()
    again = admin.post(button, follow=True).content.decode()

    assert button in page
    assert button not in answer
    assert "has to be sent again" in answer
    assert "is not refused" in again
    assert not is_suppressed(row.recipient)
    logged = LogEntry.objects.get(content_type__model="suppressedaddress", action=2)
    assert (logged.actor.username, logged.object_repr) == ("root", "mario@example.com")


@pytest.mark.parametrize("role", [Role.USER, Role.SUPERVISOR, Role.AUDITOR])
def test_nobody_else_sends_mails_again(role: str) -> None:
    row = mail_to("mario@example.com", state=MailState.FAILED)

    answer = signed_in("somebody", role).post(f"/outbox/{row.pk}/again/")

    assert answer.status_code in (403, 404)
    assert OutboxMessage.objects.get().state == MailState.FAILED


def test_a_link_alone_sends_nothing_again() -> None:
    row = mail_to("mario@example.com", state=MailState.FAILED)

    answer = signed_in("root", Role.ADMIN).get(f"/outbox/{row.pk}/again/")

    assert answer.status_code == 405
    assert OutboxMessage.objects.get().state == MailState.FAILED


# --- what happened, cancelling, many at once ------------------------------------------------------


def test_a_mails_story_is_told_newest_first() -> None:
    admin = signed_in("root", Role.ADMIN)
    row = mail_to("mario@example.com", state=MailState.FAILED)
    MailEvent.objects.create(
        mail=row, made_at=NOON, became=MailState.RETRY, said="450 mailbox busy"
    )
    MailEvent.objects.create(
        mail=row,
        made_at=NOON + timedelta(hours=1),
        became=MailState.FAILED,
        said="550 no such user",
    )
    admin.post(f"/outbox/{row.pk}/again/")

    text = admin.get(f"/outbox/{row.pk}/").content.decode()

    places = [
        text.index(words)
        for words in ("Put back into the queue", "550 no such user", "450 mailbox busy", "Written")
    ]
    assert places == sorted(places)
    assert "by root" in text


def test_a_waiting_mail_is_cancelled_and_can_be_sent_after_all() -> None:
    admin = signed_in("root", Role.ADMIN)
    row = mail_to("mario@example.com", state=MailState.PENDING)
    page = admin.get(f"/outbox/{row.pk}/").content.decode()

    admin.post(f"/outbox/{row.pk}/cancel/")
    row.refresh_from_db()
    cancelled = (row.state, row.settled_at is not None, row.last_error)
    admin.post(f"/outbox/{row.pk}/again/")
    row.refresh_from_db()

    assert f"/outbox/{row.pk}/cancel/" in page
    assert cancelled == (MailState.CANCELLED, True, "cancelled by root")
    assert row.state == MailState.PENDING
    assert list(row.events.order_by("pk").values_list("became", "by")) == [
        ("CANCELLED", "root"),
        ("PENDING", "root"),
    ]


def test_the_budgets_history_says_that_a_cancelled_mail_was_not_sent() -> None:
    told = notice_of(budget_of(person("mario")))
    row = mail_to("mario@example.com", notice=told)
    OutboxMessage.objects.filter(pk=row.pk).update(budget=told.budget)

    cancel(outbox_id=row.pk, now=NOON, by="root")

    event = BudgetEvent.objects.get(kind=EventKind.NOTIFY_FAILED)
    assert event.details["reason"] == "cancelled by root"


@pytest.mark.parametrize("state", [MailState.SENDING, MailState.SENT, MailState.FAILED])
def test_what_is_on_its_way_or_at_its_end_is_not_cancelled(state: str) -> None:
    row = mail_to("mario@example.com", sent_at=NOON if state == MailState.SENT else None)
    OutboxMessage.objects.filter(pk=row.pk).update(
        state=state, sent_at=NOON if state == MailState.SENT else None, lease_until=NOON
    )

    with pytest.raises(CannotCancel):
        cancel(outbox_id=row.pk, now=NOON, by="root")

    assert OutboxMessage.objects.get().state == state


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 4),
        ("?state=WAITING", 2),
        ("?state=GIVEN_UP", 1),
        ("?state=SENT", 1),
        ("?kind=end_period", 1),
        ("?text=mario", 3),
        ("?text=nobody", 0),
        ("?state=x", 4),
    ],
)
def test_the_outbox_is_narrowed(query: str, found: int) -> None:
    admin = signed_in("root", Role.ADMIN)
    mail_to("mario@example.com")
    mail_to("mario@example.com", state=MailState.RETRY, kind="end_period")
    mail_to("mario@example.com", state=MailState.FAILED)
    mail_to("anna@example.com", state=MailState.SENT, sent_at=NOON)

    answer = admin.get(f"/outbox/{query}")

    assert len(answer.context["rows"]) == found
    assert ("No mail matches" in answer.content.decode()) is (found == 0)


def test_many_mails_are_asked_about_and_then_sent_again() -> None:
    admin = signed_in("root", Role.ADMIN)
    failed = [mail_to("mario@example.com", state=MailState.FAILED) for _ in range(2)]
    waiting = mail_to("mario@example.com")
    ticked = [row.pk for row in (*failed, waiting)]

    asked = admin.post("/outbox/many/", {"action": "again", "mail": ticked}).content.decode()
    untouched = OutboxMessage.objects.filter(state=MailState.FAILED).count()
    done = admin.post(
        "/outbox/many/", {"action": "again", "mail": ticked, "confirmed": "1"}, follow=True
    ).content.decode()

    assert "Send 3 mails again?" in asked
    assert untouched == 2
    assert not OutboxMessage.objects.exclude(state=MailState.PENDING).exists()
    assert "2 mails wait to be sent." in done
    assert "1 mail stays as it was" in done


def test_many_mails_are_cancelled() -> None:
    admin = signed_in("root", Role.ADMIN)
    rows = [mail_to("mario@example.com") for _ in range(3)]

    admin.post(
        "/outbox/many/",
        {"action": "cancel", "mail": [row.pk for row in rows[:2]], "confirmed": "1"},
    )

    assert OutboxMessage.objects.filter(state=MailState.CANCELLED).count() == 2


def test_nothing_ticked_changes_nothing() -> None:
    admin = signed_in("root", Role.ADMIN)
    mail_to("mario@example.com")

    answer = admin.post("/outbox/many/", {"action": "cancel", "confirmed": "1"}, follow=True)

    assert "Tick at least one mail" in answer.content.decode()
    assert OutboxMessage.objects.get().state == MailState.PENDING


def test_a_mails_own_page_may_do_nothing() -> None:
    admin = signed_in("root", Role.ADMIN)
    row = mail_to("mario@example.com")

    answer = admin.get(f"/outbox/{row.pk}/html/")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
