"""The home page: its last calls, its live part, its glances, and what it says when it is empty."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from budgets.models import BudgetPeriod
from cdr.models import Call, Source
from directory.models import Line, LineHolding, Preferences, Supervision, User
from reports.views import home as views
from tests.support.pages import PagesWorld, pages_world
from tests.support.totals import sum_up

NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECTIONS = ("Cost", "Answered calls", "Average call", "Time to answer", "Missed today")


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> PagesWorld:
    """The company at noon in Rome, in the middle of a month."""
    monkeypatch.setattr(views, "now", lambda: NOW)
    made = pages_world(NOW)
    sum_up()
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def home(world: PagesWorld, who: str = "anna", address: str = "/", **headers: str) -> str:
    answer = signed_in(world.people[who]).get(address, headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def words_of(page: str) -> str:
    """The page as text, one space between words."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def rows_of(page: str) -> list[list[str]]:
    """The cells of the table of last calls."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body[1], re.S) if body else []
    return [
        [words_of(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
        for row in rows
    ]


def switch_of(page: str) -> list[str]:
    """What may be chosen in the switch of whose calls are shown."""
    nav = re.search(r'<nav class="tg-tabs" aria-label="Whose calls">(.*?)</nav>', page, re.S)
    return re.findall(r">([^<]+)</a>", nav[1]) if nav else []


# --- the live part --------------------------------------------------------------------------------


@pytest.mark.feature("F043")
def test_the_page_asks_for_itself_every_ten_seconds_and_gets_only_what_moves(
    world: PagesWorld,
) -> None:
    page = home(world, address="/?top=50")
    part = home(world, address="/?top=50", **{"HX-Request": "true"})

    live = re.search(r'<div id="live"[^>]*>', page)
    assert live is not None
    assert 'hx-get="/?top=50"' in live[0]
    assert 'hx-trigger="every 10s"' in live[0]
    assert "data-live" in live[0]
    assert "<html" not in part
    assert part.lstrip().startswith('<div id="live"')
    assert all(words in words_of(part) for words in (*SECTIONS, "Last calls"))


@pytest.mark.feature("F043")
def test_a_call_that_came_in_is_in_the_next_part(world: PagesWorld) -> None:
    client = signed_in(world.people["anna"])
    before = rows_of(client.get("/").content.decode())
    world.call("anna", "+390266770001", "IA", ago=timedelta(0))
    sum_up()

    after = rows_of(client.get("/", headers={"HX-Request": "true"}).content.decode())

    assert len(after) == len(before) + 1
    assert after[0][3] == "+39026677****"


@pytest.mark.feature("F043")
def test_the_refreshing_can_be_paused_or_switched_off_for_good(world: PagesWorld) -> None:
    anna = world.people["anna"]
    assert re.search(r"<button[^>]*data-pause[^>]*>", home(world))

    Preferences.objects.create(user=anna, is_live=False)
    page = home(world)

    assert 'data-live="off"' in page
    assert "data-pause" not in page


@pytest.mark.feature("F044")
def test_the_refresh_link_keeps_what_was_chosen_and_says_when_it_was_refreshed(
    world: PagesWorld,
) -> None:
    page = home(world, "frank", "/?whose=mine&top=10")

    assert re.search(r'<a id="refresh"[^>]*href="/\?whose=mine&amp;top=10"', page)
    assert "updated 12:00:00" in words_of(page)  # in Rome


def test_a_page_and_its_part_are_not_mixed_up_on_the_way(world: PagesWorld) -> None:
    answer = signed_in(world.people["anna"]).get("/")

    assert "HX-Request" in answer["Vary"]


# --- last calls -----------------------------------------------------------------------------------


@pytest.mark.feature("F034", "F045")
def test_calls_of_all_own_lines_in_and_out_stand_together_newest_first(world: PagesWorld) -> None:
    Call.objects.all().delete()
    second = Line.objects.create(site=world.site, partition="PT", extension="288")
    world.call("anna", "+391", "OA", ago=5 * MINUTE)
    world.call("anna", "+392", "IA", ago=4 * MINUTE, line=second, extension="288")
    world.call("anna", "+393", "IU", ago=3 * MINUTE, line=None, extension="277")  # given back
    world.call("ben", "+394", "OA", ago=2 * MINUTE, line=world.lines["anna"], extension="201")
    world.call("anna", "202", "NA", ago=1 * MINUTE)

    rows = rows_of(home(world))

    assert [(row[0], row[1]) for row in rows] == [
        ("internal answered", "201"),
        ("incoming unanswered", "277"),
        ("incoming answered", "288"),
        ("outgoing answered", "201"),
    ]


@pytest.mark.feature("F046")
def test_the_number_of_calls_chosen_is_remembered(world: PagesWorld) -> None:
    for number in range(40):
        world.call("anna", f"+3902{number:07}", "OA")
    client = signed_in(world.people["anna"])

    def shown(address: str) -> int:
        return len(rows_of(client.get(address).content.decode()))

    assert [shown("/"), shown("/?top=50"), shown("/")] == [20, 50, 50]
    assert shown("/?top=7") == 50  # not among those offered
    assert len(rows_of(home(world, "ben"))) <= 20  # for himself only


@pytest.mark.feature("F046")
def test_more_calls_than_shown_are_one_click_away(world: PagesWorld) -> None:
    assert "All calls" not in words_of(home(world))
    for number in range(20):
        world.call("anna", f"+3902{number:07}", "OA")

    assert re.search(r'href="/calls/\?whose=mine">All calls</a>', home(world))


@pytest.mark.feature("F060", "F061", "F062", "F063", "F064")
def test_each_figure_has_its_definition_and_leads_to_its_calls(world: PagesWorld) -> None:
    page = home(world, "cleo", "/?whose=mine")

    tiles = re.split(r'<div class="card tg-tile">', page)[1:6]
    hrefs = [re.search(r'tg-tile-value[^>]*>\s*<a href="([^"]+)"', tile) for tile in tiles]
    assert [unescape(href[1]) for href in hrefs if href] == [
        "/calls/?period=this_month&whose=mine",
        "/calls/?period=this_month&answered=yes&whose=mine",
        "/calls/?period=this_month&answered=yes&whose=mine",
        "/calls/?period=this_month&kind=incoming&whose=mine",
        "/missed/?whose=mine",
    ]
    assert all("tg-define" in tile for tile in tiles)
    for href in hrefs:
        assert href is not None
        assert signed_in(world.people["cleo"]).get(unescape(href[1])).status_code == 200


# --- whose ----------------------------------------------------------------------------------------


@pytest.mark.feature("F035")
@pytest.mark.parametrize(
    ("who", "offered", "usual"),
    [
        ("anna", [], "My calls"),
        ("cleo", ["Me", "My team"], "Calls of my team"),
        ("eve", ["Me", "All"], "All calls"),
        ("frank", ["Me", "All"], "All calls"),
    ],
)
def test_each_role_chooses_among_what_it_may_see(
    world: PagesWorld, who: str, offered: list[str], usual: str
) -> None:
    page = home(world, who)

    assert switch_of(page) == offered
    assert f"<h1>{usual}</h1>" in page


@pytest.mark.feature("F035")
def test_an_administrator_who_leads_a_unit_has_a_team_too(world: PagesWorld) -> None:
    Supervision.objects.create(user=world.people["frank"], unit=world.sales)

    page = home(world, "frank", "/?whose=team&top=200")

    assert switch_of(page) == ["Me", "My team", "All"]
    assert {row[2] for row in rows_of(page)} == {"Anna Rossi", "Ben Rossi"}


def test_nobody_widens_his_scope_by_the_address(world: PagesWorld) -> None:
    for address in ("/?whose=team", "/?whose=all", "/?whose="):
        assert {row[2] for row in rows_of(home(world, "anna", address))} == {"Anna Rossi"}


# --- glances --------------------------------------------------------------------------------------


def test_the_glance_comes_by_itself_and_stays_while_the_rest_is_refreshed(
    world: PagesWorld,
) -> None:
    glance = re.search(r'<div id="glance"[^>]*>', home(world))

    assert glance is not None
    assert 'hx-get="/glance/"' in glance[0]
    assert 'hx-trigger="load, every 30s"' in glance[0]
    assert "hx-preserve" in glance[0]


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_budgets_and_phone_stand_at_a_glance_and_lead_to_their_pages(
    world: PagesWorld, headers: dict[str, str]
) -> None:
    page = home(world, "anna", "/glance/", **headers)
    words = words_of(page)

    assert ("<html" in page) is (not headers)
    assert re.search(r'<a href="/budgets/">My budgets</a>', page)
    assert "€8.75 left of €10.00" in words
    assert re.search(r'<a href="/phone/">My phone</a>', page)
    assert "201 Milan" in words


def test_who_has_neither_budget_nor_phone_is_told_so(world: PagesWorld) -> None:
    LineHolding.objects.all().delete()
    BudgetPeriod.objects.all().update(state="DROPPED")

    words = words_of(home(world, "anna", "/glance/", **{"HX-Request": "true"}))

    assert "No budget is assigned to you." in words
    assert "No phone is assigned to you." in words


# --- empty ----------------------------------------------------------------------------------------


def test_without_calls_it_says_when_data_last_arrived(world: PagesWorld) -> None:
    Call.objects.all().delete()
    Source.objects.update(last_record_at=NOW - timedelta(days=2))

    words = words_of(home(world))

    assert "No calls yet" in words
    assert "last brought a call record on 18 Nov 2026" in words
    assert "Check the call sources" not in words


def test_an_administrator_is_led_to_the_check_of_the_sources(world: PagesWorld) -> None:
    Call.objects.all().delete()

    page = home(world, "frank")

    assert "No phone system has brought a call record yet." in words_of(page)
    assert re.search(r'<a class="btn btn-primary" href="/system/">Check the call sources</a>', page)


# --- missed today ---------------------------------------------------------------------------------


def sections(page: str) -> dict[str, list[list[str]]]:
    """The rows of each section by its heading."""
    parts = re.findall(r'<h2[^>]*id="(waiting|returned)".*?</section>', page, re.S)
    bodies = re.split(r'<h2[^>]*id="(?:waiting|returned)"', page)[1:]
    return {name: rows_of(body) for name, body in zip(parts, bodies, strict=True)}


@pytest.mark.feature("F064")
def test_missed_calls_wait_until_somebody_has_spoken_with_the_caller(world: PagesWorld) -> None:
    Call.objects.all().delete()
    world.call("anna", "+390266770001", "IU", ago=50 * MINUTE)
    world.call("anna", "+390266770002", "IU", ago=40 * MINUTE)
    back = world.call("anna", "+390266770001", "OA", ago=30 * MINUTE)
    world.call("anna", "+390266770009", "IU", ago=timedelta(days=1))
    world.call("dora", "+390266770003", "IU", ago=20 * MINUTE)

    page = home(world, address="/missed/")
    found = sections(page)

    assert [row[3] for row in found["waiting"]] == ["Anna Rossi"]
    assert found["waiting"][0][-1] == "not returned"
    assert [row[-1] for row in found["returned"]] == ["spoken with at 11:30:00"]
    assert f'href="/calls/{back.pk}/"' in page
    assert "66770001" not in page


@pytest.mark.feature("F064")
def test_a_day_without_missed_calls_says_that_nothing_is_wrong(world: PagesWorld) -> None:
    Call.objects.all().delete()

    assert "No missed calls today." in words_of(home(world, address="/missed/"))


# --- cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["anna", "cleo", "frank"])
@pytest.mark.parametrize("address", ["/", "/glance/", "/missed/"])
def test_no_page_asks_more_than_twenty_queries(world: PagesWorld, who: str, address: str) -> None:
    client = signed_in(world.people[who])
    headers = {"HX-Request": "true"} if address == "/glance/" else {}
    client.get(address, headers=headers)

    with CaptureQueriesContext(connection) as asked:
        client.get(address, headers=headers)

    assert len(asked) <= 20, "\n".join(query["sql"][:160] for query in asked)
