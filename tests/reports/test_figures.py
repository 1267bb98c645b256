"""The figures of the home page: what they count, for whom, compared with which days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from cdr.models import Call
from cdr.queries.missed import missed_between
from cdr.queries.usage import Days
from directory.scoping import Scope, scope_of
from kernel.periods import ONE_DAY
from reports.queries.month import MonthFigures, month_figures, same_days_before
from reports.tiles import compared_days, home_tiles
from tests.support.pages import PagesWorld, pages_world
from tests.support.totals import sum_up

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(db: None) -> PagesWorld:
    """The company without a call."""
    made = pages_world(NOW)
    Call.objects.all().delete()
    return made


def figures(
    world: PagesWorld, who: str = "anna", *, own: bool = True, zone: ZoneInfo = ROME
) -> MonthFigures:
    sum_up()
    scope = scope_of(world.people[who], at=NOW)
    return month_figures(scope=scope.own() if own else scope, now=NOW, zone=zone)


def tiles(world: PagesWorld, who: str = "anna", **more: Any) -> dict[str, dict[str, Any]]:
    """The tiles by their definition's key."""
    shown = home_tiles(figures(world, who, **more), whose="")
    return {tile["definition"]: tile for tile in shown}


@pytest.mark.feature("F060")
def test_the_cost_of_the_month_is_compared_with_the_same_days_of_the_last(
    world: PagesWorld,
) -> None:
    world.call("anna", "+391", "OA", charge=1_500_000)
    world.call("anna", "+391", "OA", charge=None)
    world.call("anna", "+391", "OA", charge=1_000_000, ago=timedelta(days=31))  # 20 October
    world.call("anna", "+391", "OA", charge=8_000_000, ago=timedelta(days=30))  # 21 October
    world.call("ben", "+391", "OA", charge=7_000_000)

    tile = tiles(world)["month_cost"]

    assert strip_tags(tile["value"]) == "€1.50"
    assert tile["note"] == "and 1 call not rated"
    assert tile["change"] == "▲ 50% more"
    assert tile["mood"] == "bad"


@pytest.mark.feature("F060")
def test_currencies_stay_apart_and_are_not_compared(world: PagesWorld) -> None:
    world.call("anna", "+391", "OA", charge=1_500_000)
    world.call("anna", "+441", "OA", charge=2_000_000, currency="GBP")
    world.call("anna", "+441", "OA", charge=9_000_000, ago=timedelta(days=31))

    tile = tiles(world)["month_cost"]

    assert strip_tags(tile["value"]) == "€1.50\n£2.00"
    assert "change" not in tile


def test_calls_that_cost_nothing_make_zero_and_no_call_makes_a_dash(world: PagesWorld) -> None:
    assert tiles(world)["month_cost"]["value"] == "—"

    world.call("anna", "+391", "IA")

    assert strip_tags(tiles(world)["month_cost"]["value"]) == "€0.00"


@pytest.mark.feature("F061")
def test_answered_calls_are_split_by_direction(world: PagesWorld) -> None:
    for call_type in ("IA", "TI", "OA", "FO", "NA", "IU", "OU", "NU"):
        world.call("anna", "+391", call_type)
    world.call("anna", "+391", "IU", is_voicemail=True, answered_at=NOW, talk_ms=9_000)

    tile = tiles(world)["month_answered"]

    assert tile["value"] == "5"
    assert tile["note"] == "2 in, 2 out, 1 internal; 9 with unanswered calls"


@pytest.mark.feature("F062")
def test_the_average_conversation_is_of_answered_calls_with_the_middle_one(
    world: PagesWorld,
) -> None:
    for talk in (10_000, 20_000, 270_000):
        world.call("anna", "+391", "OA", talk=talk)
    world.call("anna", "+391", "OU")
    world.call("anna", "+391", "IU", is_voicemail=True, answered_at=NOW, talk_ms=900_000)

    tile = tiles(world)["month_talk"]

    assert tile["value"] == "00:01:40"
    assert tile["note"] == "half of them shorter than 00:00:20"


@pytest.mark.feature("F062")
def test_the_middle_conversation_is_for_own_calls_only(world: PagesWorld) -> None:
    world.call("anna", "+391", "OA", talk=10_000)

    assert figures(world).median_talk_ms == 10_000
    assert figures(world, "cleo", own=False).median_talk_ms is None
    assert figures(world, "frank", own=False).median_talk_ms is None


@pytest.mark.feature("F063")
def test_the_time_to_answer_is_of_incoming_calls_that_were_taken(world: PagesWorld) -> None:
    world.call("anna", "+391", "IA", ring=4_000)
    world.call("anna", "+392", "TI", ring=9_000)
    world.call("anna", "+393", "OA", ring=60_000)
    world.call("anna", "+394", "NA", ring=60_000)
    world.call("anna", "+395", "IU", ring=60_000)
    world.call("anna", "+391", "IA", ring=13_000, ago=timedelta(days=31))

    tile = tiles(world)["month_answer"]

    assert tile["value"] == "00:00:07"
    assert tile["change"] == "▼ 50% less"
    assert tile["mood"] == "good"


@pytest.mark.feature("F064")
def test_missed_calls_of_today_are_counted_and_returned_ones_are_not_open(
    world: PagesWorld,
) -> None:
    world.call("anna", "+391", "IU", ago=90 * MINUTE)  # called back
    world.call("anna", "+391", "OA", ago=80 * MINUTE)
    world.call("anna", "+392", "IU", ago=70 * MINUTE)  # tried, not reached
    world.call("anna", "+392", "OU", ago=60 * MINUTE)
    world.call("anna", "+393", "IU", ago=50 * MINUTE)  # rang again and was answered
    world.call("anna", "+393", "IA", ago=40 * MINUTE)
    world.call("anna", "+394", "OA", ago=40 * MINUTE)  # spoken with before, not since
    world.call("anna", "+394", "IU", ago=30 * MINUTE)
    world.call("anna", "", "IU", ago=20 * MINUTE)  # withheld
    world.call("anna", "", "IA", ago=10 * MINUTE)
    world.call("anna", "+396", "IU", ago=ONE_DAY + MINUTE)
    world.call("anna", "+397", "IU", ago=ONE_DAY - MINUTE)  # yesterday, later than now

    shown = figures(world)
    tile = home_tiles(shown, whose="")[4]

    assert (shown.missed, shown.missed_open, shown.missed_before) == (5, 3, 1)
    assert (tile["value"], tile["note"]) == ("5", "3 still to call back")
    assert tile["change"] == "▲ 4 more than yesterday by this hour"


@pytest.mark.feature("F064")
def test_a_missed_call_is_returned_by_whoever_is_looked_at(world: PagesWorld) -> None:
    world.call("anna", "+391", "IU", ago=20 * MINUTE)
    back = world.call("ben", "+391", "OA", ago=10 * MINUTE)

    def of(who: str) -> Scope:
        return scope_of(world.people[who], at=NOW)

    (alone,) = missed_between(of("anna"), NOW - ONE_DAY, NOW)
    (team,) = missed_between(of("cleo"), NOW - ONE_DAY, NOW)

    assert alone.is_open
    assert (team.is_open, team.returned_by, team.returned_at) == (False, back.pk, back.started_at)


@pytest.mark.feature("F064")
def test_today_is_that_of_the_reader(world: PagesWorld) -> None:
    world.call("anna", "+391", "IU", ago=timedelta(hours=3))

    assert figures(world, zone=ROME).missed == 1
    assert figures(world, zone=ZoneInfo("Pacific/Kiritimati")).missed == 0  # his 21 November


def test_each_reader_counts_his_scope_and_nobody_else(world: PagesWorld) -> None:
    for who in ("anna", "ben", "cleo", "dora"):
        world.call(who, "+391", "OA", charge=1_000_000)

    def cost(who: str, *, own: bool = False) -> dict[str, int]:
        return figures(world, who, own=own).now.costs

    assert cost("anna") == {"EUR": 1_000_000}
    assert cost("cleo") == {"EUR": 3_000_000}
    assert cost("cleo", own=True) == {"EUR": 1_000_000}
    assert cost("frank") == {"EUR": 4_000_000}
    assert cost("gus") == {}


@pytest.mark.feature("F060")
def test_the_days_that_are_compared_are_named(world: PagesWorld) -> None:
    days = compared_days(figures(world))

    plain = {
        name: words[1:-1].translate({0x2009: " ", 0x2013: "-"}) for name, words in days.items()
    }
    assert plain == {"days": "1-20 Nov", "before": "1-20 Oct"}


@pytest.mark.parametrize(
    ("last", "before"),
    [
        (date(2026, 11, 20), (date(2026, 10, 1), date(2026, 10, 20))),
        (date(2026, 3, 31), (date(2026, 2, 1), date(2026, 2, 28))),
        (date(2026, 1, 1), (date(2025, 12, 1), date(2025, 12, 1))),
    ],
)
def test_the_same_days_of_a_shorter_month_end_with_it(
    last: date, before: tuple[date, date]
) -> None:
    assert same_days_before(Days(last.replace(day=1), last)) == Days(*before)


@pytest.mark.parametrize("who", ["anna", "cleo", "frank"])
def test_a_month_is_read_from_totals_and_never_from_its_calls(world: PagesWorld, who: str) -> None:
    sum_up()
    scope = scope_of(world.people[who], at=NOW)

    with CaptureQueriesContext(connection) as asked:
        month_figures(scope=scope, now=NOW, zone=ROME)

    of_calls = [query["sql"] for query in asked if "cdr_call" in query["sql"]]
    assert len(asked) <= 4
    assert all(
        "2026-11-18" in sql  # since midnight of yesterday in Rome
        or ("LIMIT 2000" in sql and who == "anna")  # the middle of one's own, by index
        for sql in of_calls
    )
