"""Lists of calls for readers: scope, mask and places to go on from, in the query layer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from cdr.models import Call
from cdr.queries.calls import CallFilter, Cursor, list_calls, spellings
from directory.models import Site, User
from directory.scoping import Scope, scope_of
from kernel.periods import YEARS
from tests.support.pages import PagesWorld, pages_world

UTC_ZONE = ZoneInfo("UTC")
EVERYTHING = CallFilter(zone=UTC_ZONE)


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def scope(world: PagesWorld, who: str) -> Scope:
    return scope_of(User.objects.get(username=who), at=world.now)


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year in YEARS),
    st.integers(min_value=0, max_value=10**18 - 1),
)
def test_a_place_survives_being_written_down(started_at: datetime, call_id: int) -> None:
    place = Cursor(started_at, call_id)

    assert Cursor.parse(str(place)) == place


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_none(text: str) -> None:
    Cursor.parse(text)


@pytest.mark.parametrize(
    "text", ["", "~", "2026-01-01~1", "2026-01-01T00:00:00+00:00~-1", "x~1", "~1", "2026~٣"]
)
def test_what_names_no_place_is_no_place(text: str) -> None:
    assert Cursor.parse(text) is None


def test_walking_the_list_shows_every_call_once_and_in_order(world: PagesWorld) -> None:
    for number in range(30):
        world.call("anna", f"+39{number}", "OA", ago=timedelta(seconds=number // 4))
    reader = scope(world, "frank")
    seen: list[int] = []
    older = None

    while True:
        page = list_calls(scope=reader, wanted=EVERYTHING, size=7, older_than=older)
        seen += [call.id for call in page.calls]
        older = page.older
        if older is None:
            break

    expected = Call.objects.order_by("-started_at", "-id").values_list("pk", flat=True)
    assert seen == list(expected)


def test_a_call_that_arrives_meanwhile_neither_repeats_nor_hides_another(
    world: PagesWorld,
) -> None:
    reader = scope(world, "frank")
    first = list_calls(scope=reader, wanted=EVERYTHING, size=5)
    world.call("anna", "+391", "OA", ago=timedelta(0))

    second = list_calls(scope=reader, wanted=EVERYTHING, size=50, older_than=first.older)

    together = [call.id for call in (*first.calls, *second.calls)]
    assert len(together) == len(set(together)) == Call.objects.count() - 1


@pytest.mark.feature("F057", "F058")
def test_the_strictest_mask_wins(world: PagesWorld) -> None:
    Site.objects.update(mask_digits=3)
    User.objects.filter(username="eve").update(mask_digits=6)
    User.objects.filter(username="frank").update(mask_digits=1)
    wanted = CallFilter(zone=UTC_ZONE, number="+390266771234")

    shown = {
        who: list_calls(scope=scope(world, who), wanted=wanted, size=1).calls[0].number
        for who in ("anna", "eve", "frank")
    }

    assert shown == {
        "anna": "+390266771***",
        "eve": "+390266******",
        "frank": "+390266771***",
    }


@pytest.mark.feature("F034", "F035")
def test_nobody_without_a_role_reaches_any_call(world: PagesWorld) -> None:
    User.objects.filter(username="frank").update(is_active=False)

    for reader in (scope(world, "frank"), scope_of(None, at=world.now)):
        assert list_calls(scope=reader, wanted=EVERYTHING, size=10).calls == []


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("+39 02-6677", ["+39026677", "39026677"]),
        ("0039026677", ["0039026677", "+0039026677", "+39026677", "39026677"]),
        ("201", ["201", "+201"]),
        ("'; DROP TABLE--", ["';DROPTABLE"]),
    ],
)
def test_a_number_is_looked_for_as_people_write_it(typed: str, forms: list[str]) -> None:
    assert spellings(typed) == forms


def test_masked_digits_cannot_be_tried_out_on_the_page_or_the_interface(world: PagesWorld) -> None:
    client = Client()
    client.force_login(world.people["anna"], "django.contrib.auth.backends.ModelBackend")
    with time_machine.travel(world.now, tick=False):
        found = [
            client.get(path, {"number": f"+39026677{digits:04}"})
            for digits in range(1200, 1240)
            for path in ("/calls/", "/api/v1/calls/")
        ]
        stranger = client.get("/calls/")

    text = [answer.content.decode() for answer in found]
    assert all("At most 60 searches" not in page for page in text[:60])
    assert {answer.status_code for answer in found[61::2]} == {429}
    assert all("At most 60 searches" in page for page in text[60::2])
    assert stranger.status_code == 200
