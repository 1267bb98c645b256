"""The outbox page says when the server is away, and gives a mail a second chance."""

from __future__ import annotations

import pytest
from django.test import Client

from alarms.models import MailCircuit, MailState, OutboxMessage
from directory.models import Role
from tests.support.outbox import NOON, mail_to, person

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
