"""A mail that was given up may be sent again by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alarms.models import MailState, OutboxMessage
from alarms.operations.again import CannotSendAgain, send_again
from alarms.operations.outbox import sweep_notices
from tests.support.outbox import NOON, budget_of, mail_to, notice_of, person

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=3)


@pytest.mark.parametrize("state", ["FAILED", "BOUNCED", "EXPIRED", "SUPPRESSED"])
def test_a_mail_that_was_given_up_waits_again_with_all_its_tries(state: str) -> None:
    row = mail_to("mario@example.com", state=state)

    send_again(outbox_id=row.pk, now=LATER)

    again = OutboxMessage.objects.get()
    assert (again.state, again.attempts, again.settled_at) == (MailState.PENDING, 0, None)
    assert (again.next_attempt_at, again.expires_at) == (LATER, LATER + timedelta(hours=24))
    assert again.message_id == row.message_id


def test_where_the_address_was_missing_the_present_one_is_taken() -> None:
    mario = person(email="")
    notice_of(budget_of(mario))
    sweep_notices(now=NOON)
    row = OutboxMessage.objects.get()

    with pytest.raises(CannotSendAgain, match="still has no usable mail address"):
        send_again(outbox_id=row.pk, now=LATER)
    mario.email = "Mario@Example.com"
    mario.save()
    send_again(outbox_id=row.pk, now=LATER)

    row.refresh_from_db()
    assert (row.state, row.recipient) == (MailState.PENDING, "mario@example.com")


@pytest.mark.parametrize("state", ["PENDING", "RETRY", "SENT"])
def test_a_mail_that_waits_or_arrived_is_not_sent_again(state: str) -> None:
    row = mail_to("mario@example.com", state=state, sent_at=NOON if state == "SENT" else None)

    with pytest.raises(CannotSendAgain, match="there is nothing to repeat"):
        send_again(outbox_id=row.pk, now=LATER)


def test_a_mail_for_nobody_or_without_text_is_not_sent_again() -> None:
    nobody = mail_to("", state=MailState.FAILED)
    wordless = mail_to("mario@example.com", state=MailState.FAILED, subject="")

    with pytest.raises(CannotSendAgain, match="nobody who is known"):
        send_again(outbox_id=nobody.pk, now=LATER)
    with pytest.raises(CannotSendAgain, match="has no text"):
        send_again(outbox_id=wordless.pk, now=LATER)
