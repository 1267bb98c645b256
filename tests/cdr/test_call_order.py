"""Calls in another order than that of time: none repeats, none is lost, none is foreign."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from cdr.forms.calls import ORDERS
from cdr.models import Call
from cdr.queries import call_order as module
from cdr.queries.call_filters import CallFilter
from cdr.queries.call_order import COLUMNS, Order, sorted_calls, sorting_of, walk_in_order
from cdr.queries.call_places import Cursor, Place
from cdr.queries.call_totals import call_totals
from cdr.views import calls as pages
from directory.models import Job
from directory.operations.jobs import run_job
from directory.operations.work import folder_of
from directory.scoping import Scope, scope_of
from kernel.clock import now
from kernel.periods import YEARS
from tests.journeys.test_pages import rows_of, signed_in, words_of
from tests.support.pages import PagesWorld, pages_world

EVERYTHING = CallFilter(zone=ZoneInfo("UTC"))
VALUED = [Order(by, falls) for by in ("cost", "duration", "ring") for falls in (True, False)]
COSTS = (5, None, 0, 5, 12, None, 1)
"""In millions: with equals, with a call for nothing, and with calls that are not rated."""


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


@pytest.fixture
def priced(world: PagesWorld) -> PagesWorld:
    """Anna's calls are those of `COSTS`, each a minute before the one before it."""
    Call.objects.all().delete()
    for place, cost in enumerate(COSTS):
        charge = None if cost is None else cost * 10**6
        ago = timedelta(minutes=5 + place)
        world.call("anna", "+390266771234", "OA", charge=charge, ago=ago, talk=1000 * place)
    return world


def scope(world: PagesWorld, who: str) -> Scope:
    return scope_of(world.people[who], at=world.now)


def in_order(order: Order) -> list[int]:
    """The ids of all calls as they should stand: by value, without one last, equals newest first."""

    def key(call: Call) -> tuple[Any, ...]:
        value = getattr(call, order.column)
        height = 0 if value is None else value
        return value is None, -height if order.falls else height, -call.started_at.timestamp()

    calls = sorted(Call.objects.all(), key=lambda call: -call.pk)
    return [call.pk for call in sorted(calls, key=key)]


def walked(
    reader: Scope, order: Order, size: int, *, to_the_end: bool = True, start: Place | None = None
) -> Iterator[list[int]]:
    """The ids of page after page, each place taken from an address as a reader's would be."""
    place = start
    while True:
        way = {"after" if to_the_end else "before": place}
        page = sorted_calls(scope=reader, wanted=EVERYTHING, size=size, order=order, **way)
        yield [call.id for call in page.calls]
        following = page.after if to_the_end else page.before
        if following is None:
            return
        place = Place.parse(str(following))
        assert place is not None


# --- places and orders ----------------------------------------------------------------------------


@given(
    st.none() | st.integers(-(10**18) + 1, 10**18 - 1),
    st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year in YEARS),
    st.integers(0, 10**18 - 1),
)
def test_a_place_survives_being_written_down(
    value: int | None, started_at: datetime, call_id: int
) -> None:
    place = Place(value, Cursor(started_at, call_id))

    assert Place.parse(str(place)) == place


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_none_and_an_order_or_none(text: str) -> None:
    Place.parse(text)
    order = Order.named(text)
    assert order is None or str(order) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "~~",
        "5",
        "2026-01-01T00:00:00+00:00~1",
        *(f"{value}~2026-01-01T00:00:00+00:00~1" for value in ("x", "1.5", "٣", "9" * 19)),
    ],
)
def test_what_names_no_place_is_no_place(text: str) -> None:
    assert Place.parse(text) is None


def test_every_order_of_a_column_has_words() -> None:
    named = {Order.named(text or "-time") for text in ORDERS}

    assert named == {Order(by, falls) for by in COLUMNS for falls in (True, False)}


# --- none repeats, none is lost -------------------------------------------------------------------


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, 0, 1, 2_500_000]),
            st.integers(0, 2),
            st.sampled_from([0, 60_000]),
        ),
        max_size=12,
    ),
    order=st.sampled_from(VALUED),
    size=st.integers(1, 4),
)
def test_walking_to_the_end_and_back_shows_every_call_once_and_in_order(
    world: PagesWorld,
    rows: list[tuple[int | None, int, int]],
    order: Order,
    size: int,
) -> None:
    Call.objects.all().delete()
    for charge, minutes, milliseconds in rows:
        world.call(
            "anna",
            "+391",
            "OA",
            charge=charge,
            ago=timedelta(minutes=minutes),
            talk=milliseconds,
            ring=milliseconds,
        )
    reader, expected = scope(world, "frank"), in_order(order)

    there = list(walked(reader, order, size))
    assert [*chain(*there)] == expected
    if expected:
        last = Call.objects.get(pk=expected[-1])
        end = Place(getattr(last, order.column), Cursor(last.started_at, last.pk))
        back = list(walked(reader, order, size, to_the_end=False, start=end))
        assert [*chain(*reversed(back))] == (expected[:-1] or expected)


@pytest.mark.parametrize("order", VALUED, ids=str)
def test_a_file_s_walk_has_the_same_order_in_handfuls(
    priced: PagesWorld, monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    monkeypatch.setattr(module, "WALKED_AT_ONCE", 2)

    handfuls = walk_in_order(scope=scope(priced, "frank"), wanted=EVERYTHING, order=order)

    assert [call.id for handful in handfuls for call in handful] == in_order(order)


def test_what_was_before_and_has_gone_begins_anew_and_loses_nothing(priced: PagesWorld) -> None:
    order = Order("cost", falls=True)
    reader = scope(priced, "frank")
    dearest = Call.objects.get(pk=in_order(order)[0])
    place = Place(dearest.charge_micros, Cursor(dearest.started_at, dearest.pk))

    page = sorted_calls(scope=reader, wanted=EVERYTHING, size=3, order=order, before=place)

    assert [call.id for call in page.calls] == in_order(order)[:3]
    assert page.before is None
    assert page.after is not None


@pytest.mark.feature("F034", "F035")
@pytest.mark.parametrize("who", ["anna", "ben", "cleo", "dora", "eve", "frank", "gus"])
@pytest.mark.parametrize("order", VALUED, ids=str)
def test_another_order_reaches_the_same_calls(world: PagesWorld, who: str, order: Order) -> None:
    newest_first = signed_in(world.people[who]).get("/calls/", {"period": "all", "size": "200"})

    found = chain(*walked(scope(world, who), order, 2))

    assert sorted(found) == sorted(call.id for call in newest_first.context["page"].calls)


# --- the page -------------------------------------------------------------------------------------


def costs_of(answer: Any) -> list[str]:
    return [row[7] for row in rows_of(answer)]


def heads_of(answer: Any) -> dict[str, tuple[str, str]]:
    """What each sortable head says of the order, and where it leads."""
    heads = re.findall(
        r'<th scope="col"[^>]* aria-sort="(\w+)"><a href="([^"]+)">([^<]+?) <',
        answer.content.decode(),
    )
    return {words: (direction, unescape(href)) for direction, href, words in heads}


def link(answer: Any, words: str) -> str:
    for href, inside in re.findall(
        r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', answer.content.decode(), re.S
    ):
        if words in re.sub(r"<[^>]+>", "", unescape(inside)):
            return unescape(href)
    raise AssertionError(f"no link says {words!r}")


def longer(answer: Any) -> dict[str, list[str]]:
    """What the address of twenty rows says."""
    found = re.search(r'href="(\?[^"]*size=20[^"]*)"', answer.content.decode())
    assert found is not None
    return parse_qs(urlsplit(unescape(found[1])).query)


def follow(client: Client, address: str) -> Any:
    return client.get(address if address.startswith("/") else "/calls/" + address)


def test_the_dearest_come_first_and_what_is_not_rated_last_either_way(priced: PagesWorld) -> None:
    anna = signed_in(priced.people["anna"])

    dearest, cheapest = (anna.get("/calls/", {"sort": sort}) for sort in ("-cost", "cost"))

    assert costs_of(dearest) == ["€12.00", "€5.00", "€5.00", "€1.00", "€0.00"] + 2 * ["not rated"]
    assert costs_of(cheapest) == ["€0.00", "€1.00", "€5.00", "€5.00", "€12.00"] + 2 * ["not rated"]
    assert "Dearest first" in words_of(dearest)
    assert "Calls: Cheapest first" in words_of(cheapest)


def test_heads_are_links_that_say_the_order_and_turn_it_round(priced: PagesWorld) -> None:
    anna = signed_in(priced.people["anna"])
    usual = anna.get(
        "/calls/", {"kind": "outgoing", "columns": "type,date,time,duration,ring,cost"}
    )

    heads = heads_of(usual)
    assert {words: direction for words, (direction, _) in heads.items()} == {
        "Date": "descending",
        "Duration": "none",
        "Ring time": "none",
        "Cost": "none",
    }
    dearest = follow(anna, heads["Cost"][1])
    assert parse_qs(urlsplit(heads["Cost"][1]).query)["sort"] == ["-cost"]
    assert heads_of(dearest)["Cost"][0] == "descending"
    assert heads_of(dearest)["Date"][0] == "none"
    cheapest = follow(anna, heads_of(dearest)["Cost"][1])
    assert heads_of(cheapest)["Cost"][0] == "ascending"
    assert costs_of_column(cheapest) == costs_of_column(dearest)[4::-1] + 2 * ["not rated"]
    back = follow(anna, heads_of(cheapest)["Date"][1])
    assert rows_of(back) == rows_of(usual)
    assert follow(anna, heads_of(back)["Date"][1]).context["sort"] == "time"


def costs_of_column(answer: Any) -> list[str]:
    return [row[-1] for row in rows_of(answer)]


def test_without_the_date_the_time_is_sorted_by(priced: PagesWorld) -> None:
    anna = signed_in(priced.people["anna"])

    assert list(heads_of(anna.get("/calls/", {"columns": "time,type"}))) == ["Time"]


def test_filter_length_columns_chips_and_pager_keep_the_order(priced: PagesWorld) -> None:
    for number in range(30):
        priced.call("anna", "+391", "OA", charge=number * 10**5, ago=timedelta(hours=2))
    anna = signed_in(priced.people["anna"])
    first = anna.get("/calls/", {"sort": "-cost", "size": "10", "kind": "outgoing", "whose": ""})
    text = first.content.decode()

    second = follow(anna, link(first, "Next"))
    again = follow(anna, link(second, "Previous"))

    assert '<option value="-cost" selected>Dearest first</option>' in text
    assert '<input type="hidden" name="sort" value="-cost">' in text
    assert longer(first)["sort"] == ["-cost"]
    assert all("sort=-cost" in address for _, address in first.context["chips"])
    assert "after" not in longer(second)
    assert len({call.id for page in (first, second) for call in page.context["page"].calls}) == 20
    assert costs_of(second)[0] == "€2.20"
    assert rows_of(again) == rows_of(first)
    assert rows_of(follow(anna, link(second, "Beginning"))) == rows_of(first)
    assert "sort=-cost" in first.context["onward"]


def test_a_wrong_order_is_named_and_nothing_is_listed_nor_written(priced: PagesWorld) -> None:
    anna = signed_in(priced.people["anna"])

    answer = anna.get("/calls/", {"sort": "-colour"})
    file = anna.post("/calls/file/?sort=-colour", {"format": "csv"})

    assert "Select a valid choice. -colour is not one of the available choices." in words_of(answer)
    assert rows_of(answer) == []
    assert file.status_code == 302


@pytest.mark.parametrize("place", ["", "nonsense", "~~", "5~2026-11-22", "9" * 40])
def test_a_place_that_is_none_is_the_beginning(priced: PagesWorld, place: str) -> None:
    anna = signed_in(priced.people["anna"])
    asked = {"sort": "-cost", "after": place}

    assert rows_of(anna.get("/calls/", asked)) == rows_of(anna.get("/calls/", {"sort": "-cost"}))


def test_figures_of_several_currencies_are_said_to_be_compared_as_they_are(
    priced: PagesWorld,
) -> None:
    words = "they are put in order by their figures"
    anna = signed_in(priced.people["anna"])
    assert words not in words_of(anna.get("/calls/", {"sort": "-cost"}))

    priced.call("anna", "+391", "OA", charge=7_000_000, currency="GBP")

    answer = anna.get("/calls/", {"sort": "-cost"})
    assert words in words_of(answer)
    assert costs_of(answer)[:2] == ["€12.00", "£7.00"]
    assert words not in words_of(anna.get("/calls/", {"sort": "-ring"}))


# --- too many -------------------------------------------------------------------------------------


@pytest.fixture
def crowded(world: PagesWorld, monkeypatch: pytest.MonkeyPatch) -> PagesWorld:
    """At most six calls are put in order; there are four of these days and four of a week ago."""
    monkeypatch.setattr(module, "SORTED_AT_ONCE", 6)
    Call.objects.all().delete()
    for number in range(4):
        for days in (0, 7):
            ago = timedelta(days=days, seconds=number)
            world.call("ben", "+391", "OA", charge=(number + days) * 10**6, ago=ago)
    return world


def test_too_many_calls_stay_newest_first_and_say_what_to_do(crowded: PagesWorld) -> None:
    frank = signed_in(crowded.people["frank"])
    asked = {"period": "last_30_days", "sort": "-cost", "person": "rossi"}

    answer = frank.get("/calls/", asked)

    assert "There are too many calls to put them all in that order" in words_of(answer)
    assert costs_of(answer)[:5] == ["€0.00", "€1.00", "€2.00", "€3.00", "€7.00"]
    assert heads_of(answer)["Date"][0] == "descending"
    assert '<option value="-cost" selected>' in answer.content.decode()
    fewer = frank.get(link(answer, "Sort the calls from"))
    assert costs_of(fewer) == ["€3.00", "€2.00", "€1.00", "€0.00"]
    assert "too many calls" not in words_of(fewer)
    mine = parse_qs(urlsplit(link(answer, "Sort only mine")).query)
    assert mine == {**{name: [value] for name, value in asked.items()}, "whose": ["mine"]}
    paged = frank.get("/calls/", {**asked, "size": "10", "after": "1~2026-01-01T00:00:00+00:00~1"})
    assert costs_of(paged) == costs_of(answer)


def test_too_many_on_one_day_offer_no_days(crowded: PagesWorld) -> None:
    for _ in range(7):
        crowded.call("ben", "+391", "OA")

    answer = signed_in(crowded.people["frank"]).get("/calls/", {"sort": "-cost"})

    assert [words for words, _ in answer.context["instead"]] == ["Sort only mine"]


def test_how_many_calls_others_have_is_no_hindrance(crowded: PagesWorld) -> None:
    for number in range(3):
        crowded.call("anna", f"+39{number}", "OA", charge=number * 10**6)
    dearest = Order("cost", falls=True)
    of_a_number = CallFilter(zone=EVERYTHING.zone, number="+392")
    of_anna = CallFilter(zone=EVERYTHING.zone, person_ids=(crowded.people["anna"].pk,))
    mine = CallFilter(zone=EVERYTHING.zone, whose="mine")

    sorted_ = {
        name: sorting_of(scope(crowded, who), wanted, dearest).order == dearest
        for name, who, wanted in (
            ("own", "anna", EVERYTHING),
            ("all", "frank", EVERYTHING),
            ("a team's", "cleo", EVERYTHING),
            ("a number's", "frank", of_a_number),
            ("a person's", "frank", of_anna),
            ("an administrator's own", "frank", mine),
            ("too many own", "ben", EVERYTHING),
        )
    }

    assert sorted_ == {
        "own": True,
        "all": False,
        "a team's": False,
        "a number's": True,
        "a person's": True,
        "an administrator's own": True,
        "too many own": False,
    }


def test_the_sums_below_are_those_of_all_calls_in_whatever_order(priced: PagesWorld) -> None:
    frank = signed_in(priced.people["frank"])

    sums = [frank.get("/calls/", {"sort": sort}).context["totals"] for sort in ("", "-cost")]

    assert sums[0] == sums[1] == call_totals(scope=scope(priced, "frank"), wanted=EVERYTHING)


# --- files ----------------------------------------------------------------------------------------


def costs_in(content: bytes, form: str) -> list[Any]:
    if form == "csv":
        rows = csv.DictReader(io.StringIO(content.decode().removeprefix("\ufeff")))
        return [row["Cost"] for row in rows]
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]


FILES = {
    "csv": ["12.000000", "5.000000", "5.000000", "1.000000", "0.000000", "not rated", "not rated"],
    "xlsx": [12, 5, 5, 1, 0, "not rated", "not rated"],
}


@pytest.mark.parametrize("form", FILES)
def test_a_file_has_the_order_of_the_page(
    priced: PagesWorld, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    anna = signed_in(priced.people["anna"])
    address = "/calls/file/?columns=cost&sort=-cost"

    at_once = anna.post(address, {"format": form})
    monkeypatch.setattr(pages, "WRITTEN_AT_ONCE", 1)
    anna.post(address, {"format": form})

    assert costs_in(at_once.content, form) == FILES[form]
    job = Job.objects.filter(title__startswith="Calls as ").get()
    run_job(job.pk, clock=now)
    job.refresh_from_db()
    assert job.state == "DONE", job.error
    assert costs_in((folder_of(job.pk) / job.file).read_bytes(), form) == FILES[form]


def test_a_file_of_too_many_calls_is_newest_first_as_the_page_is(crowded: PagesWorld) -> None:
    frank = signed_in(crowded.people["frank"])

    file = frank.post("/calls/file/?columns=cost&sort=cost&period=all", {"format": "csv"})

    assert costs_in(file.content, "csv")[:5] == [f"{cost}.000000" for cost in (0, 1, 2, 3, 7)]


def test_a_job_of_before_there_were_orders_is_written_newest_first(
    priced: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "WRITTEN_AT_ONCE", 1)
    anna = signed_in(priced.people["anna"])
    anna.post("/calls/file/?columns=cost", {"format": "csv"})
    job = Job.objects.filter(title__startswith="Calls as ").get()
    del job.parameters["sort"]
    job.save()

    run_job(job.pk, clock=now)

    job.refresh_from_db()
    assert costs_in((folder_of(job.pk) / job.file).read_bytes(), "csv")[:2] == [
        "5.000000",
        "not rated",
    ]
