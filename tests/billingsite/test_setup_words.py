"""What the pages of the set-up say to people: in their language, in order, and of the right files."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from cdr.models import Delivery, DeliveryState, Outcome, OutcomeKind, Source
from directory.models import User
from tests.support.first_setup import NewAdministrator

pytestmark = pytest.mark.django_db

LEAVE_OUT = "Leave this step out for now"


@pytest.fixture
def ready() -> NewAdministrator:
    """An administrator behind the last step."""
    ada = NewAdministrator()
    ada.become_administrator()
    ada.set_everything_up()
    return ada


def page(ada: NewAdministrator, name: str) -> str:
    return ada.client.get(f"/setup/{name}/").content.decode()


def test_kinds_of_call_files_are_named_in_the_readers_language(ready: NewAdministrator) -> None:
    User.objects.update(language="de")

    shown = page(ready, "calls")

    assert ">Anrufdateien von Cisco UCM</option>" in shown
    assert "Cisco UCM call files" not in shown


def test_what_is_dialled_is_typed_from_left_to_right_in_every_language(
    ready: NewAdministrator,
) -> None:
    shown = page(ready, "numbers")

    for name in ("exit_code", "extensions", "area_code", "emergency", "try_number"):
        field = re.search(rf'<input[^>]*name="{name}"[^>]*>', shown)
        assert field is not None
        assert 'dir="ltr"' in field[0]


def test_only_a_step_that_is_open_can_be_left_out(ready: NewAdministrator) -> None:
    assert LEAVE_OUT in page(ready, "mail")
    assert LEAVE_OUT not in page(ready, "language")
    assert LEAVE_OUT not in page(ready, "prices")


def test_records_set_aside_are_counted_over_all_files_that_are_shown(
    ready: NewAdministrator,
) -> None:
    source, now = Source.objects.get(), datetime.now(UTC)
    for number in range(7):  # two more than are shown
        delivery = Delivery.objects.create(
            source=source,
            claim=f"claim {number}",
            name=f"cdr_{number}",
            received_at=now + timedelta(seconds=number),
            state=DeliveryState.MINED,
            records_read=2,
        )
        for position, kind in enumerate((OutcomeKind.QUARANTINED, OutcomeKind.DUPLICATE)):
            Outcome.objects.create(delivery=delivery, kind=kind, position=position)

    shown = page(ready, "arriving")

    assert "5 records were set aside" in shown
    assert "5 records were known already" in shown
