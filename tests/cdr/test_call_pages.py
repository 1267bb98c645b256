"""The pages of calls as people use them: narrowed, added up, paged, gone through one by one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cdr.columns import BY_KEY, COLUMNS, DEFAULT
from cdr.forms.calls import PERIODS, days_of
from cdr.models import Call, Carrier, Gateway
from cdr.queries import calls as call_queries
from cdr.words import CALL_TYPES, KIND_ICONS
from directory.models import OrgUnit, Preferences, User
from directory.number_keys import number_key
from tests.journeys.test_pages import rows_of, signed_in, words_of
from tests.support.pages import HOSTILE, PagesWorld, pages_world

ROME = ZoneInfo("Europe/Rome")
MOST_QUERIES = 20


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def shown(client: Client, **asked: Any) -> list[list[str]]:
    return rows_of(client.get("/calls/", asked))


def link(answer: Any, words: str) -> str:
    """The address behind a link with `words`."""
    for href, inside in re.findall(
        r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', answer.content.decode(), re.S
    ):
        if words in re.sub(r"<[^>]+>", "", unescape(inside)):
            return unescape(href)
    raise AssertionError(f"no link says {words!r}")


# --- narrowed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": "missed"}, {"IU"}),
        ({"kind": "forwarded"}, {"TD", "FO"}),
        ({"traffic": "internal"}, {"NA", "NU"}),
        ({"traffic": "external", "kind": "outgoing"}, {"OA", "OU", "TO"}),
        ({"type": "TI"}, {"TI"}),
        ({"answered": "no"}, {"IU", "OU", "NU"}),
        ({"answered": "yes", "kind": "internal"}, {"NA"}),
        ({"class": "internal"}, {"NA", "NU"}),
        ({"unrated": "on"}, {"OA"}),
        ({"min_cost": "1.25", "max_cost": "1.25"}, {"OA"}),
        ({"min_duration": "1:00", "type": "OU"}, set()),
        ({"max_duration": "0", "kind": "missed"}, {"IU"}),
        ({"gateway": "gw-milan", "type": "FO"}, {"FO"}),
        ({"area": "mil", "type": "FO"}, {"FO"}),
        ({"area": "Rome"}, set()),
    ],
)
def test_each_filter_leaves_what_it_says(
    world: PagesWorld, asked: dict[str, str], found: set[str]
) -> None:
    answer = signed_in(world.people["frank"]).get("/calls/", {**asked, "size": "200"})

    assert {call.call_type.value for call in answer.context["page"].calls} == found


def test_units_count_with_everything_below_them_and_people_by_any_part_of_their_name(
    world: PagesWorld,
) -> None:
    north = OrgUnit.objects.create(
        kind="DEPARTMENT", name="North", path="Sales/North", parent=world.sales
    )
    world.call("gus", "+391", "OA", department=north)
    frank = signed_in(world.people["frank"])

    def names(**asked: Any) -> set[str]:
        return {row[2] for row in shown(frank, size=200, **asked)}

    assert names(department=world.sales.pk) == {"Anna Rossi", "Ben Rossi", "Gus Rossi"}
    assert names(department=north.pk) == {"Gus Rossi"}
    assert names(person="ben") == {"Ben Rossi"}
    assert names(person="rossi an") == {"Anna Rossi"}
    assert names(person="nobody") == set()


def test_a_filter_reaches_nobody_out_of_scope(world: PagesWorld) -> None:
    dora, anna = signed_in(world.people["dora"]), signed_in(world.people["anna"])

    foreign_unit = dora.get("/calls/", {"department": str(world.sales.pk)})
    foreign_person = shown(dora, person="anna")
    own = anna.get(
        "/calls/", {"person": "dora", "department": str(world.support.pk), "whose": "team"}
    )

    assert "Select a valid choice" in words_of(foreign_unit)
    assert rows_of(foreign_unit) == []
    assert foreign_person == []
    assert "Dora" not in words_of(own)


def test_carriers_are_a_filter(world: PagesWorld) -> None:
    carrier = Carrier.objects.create(name="Acme")
    Gateway.objects.create(site=world.site, device="GW-MILAN")
    world.call("anna", "+391", "OA", carrier=carrier, charge=9_000_000)

    rows = shown(signed_in(world.people["anna"]), carrier=carrier.pk)

    assert [row[7] for row in rows] == ["€9.00"]


@pytest.mark.parametrize("period", [*PERIODS, "nonsense"])
def test_every_period_has_its_page(world: PagesWorld, period: str) -> None:
    answer = signed_in(world.people["anna"]).get("/calls/", {"period": period})

    assert answer.status_code == 200
    assert rows_of(answer) or period in ("yesterday", "last_week", "last_month")


def test_periods_are_whole_days_of_the_calendar() -> None:
    sunday = datetime(2026, 11, 22).date()  # noqa: DTZ001 - a day

    spans = {name: [str(day) for day in days_of(name, sunday)] for name in PERIODS}

    assert spans == {
        "today": ["2026-11-22", "2026-11-22"],
        "yesterday": ["2026-11-21", "2026-11-21"],
        "this_week": ["2026-11-16", "2026-11-22"],
        "last_week": ["2026-11-09", "2026-11-15"],
        "this_month": ["2026-11-01", "2026-11-30"],
        "last_month": ["2026-10-01", "2026-10-31"],
        "last_30_days": ["2026-10-24", "2026-11-22"],
        "all": ["None", "None"],
        "range": ["None", "None"],
    }


def test_without_a_period_the_last_thirty_days_count_but_all_time_for_one_number(
    world: PagesWorld,
) -> None:
    world.call("anna", "+390266771234", "OA", ago=timedelta(days=40), charge=7_000_000)
    anna = signed_in(world.people["anna"])

    usual = [row[7] for row in shown(anna)]
    of_number = [row[7] for row in shown(anna, same=number_key("+390266771234"))]
    typed = [row[7] for row in shown(anna, number="+390266771234")]

    assert "€7.00" not in usual
    assert of_number == typed == ["€1.25", "€7.00"]


def test_wrong_filters_are_named_and_nothing_is_listed(world: PagesWorld) -> None:
    answer = signed_in(world.people["frank"]).get(
        "/calls/",
        {"min_duration": "a while", "min_cost": "5", "max_cost": "1", "kind": "loud"},
    )

    words = words_of(answer)
    assert answer.status_code == 200
    assert "Write seconds (90) or minutes and seconds (1:30)." in words
    assert "The upper bound lies below the lower one." in words
    assert rows_of(answer) == []


def test_each_chip_takes_its_filter_away(world: PagesWorld) -> None:
    anna = signed_in(world.people["anna"])
    answer = anna.get("/calls/", {"kind": "missed", "extension": "201", "period": "today"})

    chips = dict(answer.context["chips"])

    assert list(chips) == ["Today", "Kind: missed", "Extension: 201"]
    assert "kind" not in parse_qs(urlsplit(chips["Kind: missed"]).query)
    assert parse_qs(urlsplit(chips["Today"]).query)["period"] == ["all"]
    assert len(rows_of(anna.get(chips["Kind: missed"]))) > len(rows_of(answer))


def test_nothing_found_names_the_filter_to_blame_and_offers_a_wider_period(
    world: PagesWorld,
) -> None:
    anna = signed_in(world.people["anna"])
    answer = anna.get("/calls/", {"kind": "missed", "area": "Rome", "period": "today"})

    assert rows_of(answer) == []
    assert "There are calls without one of these filters" in words_of(answer)
    assert rows_of(anna.get(link(answer, "Leave out “Area: Rome”")))
    wider = parse_qs(urlsplit(link(answer, "Widen the period")).query)
    assert wider == {"kind": ["missed"], "area": ["Rome"], "period": ["this_week"]}


def test_where_one_filter_alone_leaves_nothing_no_others_are_blamed(world: PagesWorld) -> None:
    nobody = signed_in(User.objects.create_user("newcomer"))

    one = words_of(nobody.get("/calls/"))
    two = words_of(nobody.get("/calls/", {"kind": "missed", "period": "today"}))

    assert "No calls match." in one
    assert "several together" not in one
    assert "several together" in two


# --- numbers and their keys -----------------------------------------------------------------------


@pytest.mark.feature("F057", "F059")
def test_a_number_is_linked_by_a_key_that_tells_nothing(world: PagesWorld) -> None:
    answer = signed_in(world.people["anna"]).get("/calls/")

    keys = re.findall(r"same=([\w-]+)", answer.content.decode())
    assert number_key("+390266771234") in keys
    assert "6677123" not in answer.content.decode()


@pytest.mark.parametrize("key", ["1", "x" * 600, "AAAA", "é", "same", "12345678901234567890"])
def test_a_key_cannot_be_guessed(world: PagesWorld, key: str) -> None:
    answer = signed_in(world.people["frank"]).get("/calls/", {"same": key})

    assert answer.status_code == 200
    assert rows_of(answer) == []


def test_the_number_of_a_key_stays_masked_in_the_chip_and_unknown_where_there_are_no_calls(
    world: PagesWorld,
) -> None:
    key = number_key("+4930123456789")

    own = signed_in(world.people["dora"]).get("/calls/", {"same": key})
    foreign = signed_in(world.people["anna"]).get("/calls/", {"same": key})

    assert "Number: +493012345****" in words_of(own)
    assert "Number: one that is not shown here" in words_of(foreign)
    assert "4930" not in foreign.content.decode().replace(key, "")


def test_a_number_is_found_as_people_at_the_site_dial_it(world: PagesWorld) -> None:
    world.site.exit_code = "0"
    world.site.save()

    rows = shown(signed_in(world.people["anna"]), number="0266771234")

    assert [row[3] for row in rows] == ["+39026677****"]


# --- the list -------------------------------------------------------------------------------------


@pytest.mark.feature("F046")
def test_the_list_length_is_remembered(world: PagesWorld) -> None:
    for number in range(15):
        world.call("anna", f"+39{number:04}", "OA")
    anna = signed_in(world.people["anna"])
    anna.get("/")
    Preferences.objects.get_or_create(user=world.people["anna"])

    anna.get("/calls/", {"size": "10"})

    assert len(shown(anna)) == 10


def test_columns_are_chosen_remembered_and_shown_in_their_order(world: PagesWorld) -> None:
    anna = signed_in(world.people["anna"])
    Preferences.objects.get_or_create(user=world.people["anna"])

    anna.get("/calls/", {"columns": ["", "cost", "ring", "type"]})
    again = anna.get("/calls/")

    heads = [
        re.sub(r"<[^>]+>", "", head).strip()
        for head in re.findall(r"<th [^>]*>(.*?)</th>", again.content.decode())
    ]
    assert heads == ["Type", "Ring time", "Cost"]
    assert [row[1] for row in rows_of(again)][:1] == ["00:00:07"]


@pytest.mark.feature("F047", "F049", "F050", "F051", "F052", "F053", "F054", "F055", "F056")
def test_every_column_has_something_to_say(world: PagesWorld) -> None:
    world.call("anna", "+390266771234", "IU", ring=21_000, ago=timedelta())
    answer = signed_in(world.people["anna"]).get(
        "/calls/", {"columns": ",".join(BY_KEY), "type": "IU", "size": "10"}
    )

    cells = dict(zip((str(column.label) for column in COLUMNS), rows_of(answer)[0], strict=True))

    expected = {
        "Type": "incoming unanswered",
        "Extension": "201",
        "Name": "Anna Rossi",
        "Number": "+39026677****",
        "From": "+39026677****",
        "To": "201",
        "Duration": "00:00:00",
        "Ring time": "00:00:21",
        "Cost": "€0.00",
        "Gateway": "GW-MILAN",
        "Destination class": "national",
        "Area": "Milan",
        "Department": "Sales",
        "Site": "Milan",
        "Status": "rated",
        "Office": "—",
    }
    assert {name: cells[name] for name in expected} == expected
    assert 'title="Rang for 00:00:21"' in answer.content.decode()


@pytest.mark.feature("F033", "F047", "F049", "F053", "F055", "F056")
def test_more_is_told_behind_type_extension_time_cost_and_gateway(world: PagesWorld) -> None:
    carrier = Carrier.objects.create(name="Acme")
    started = datetime(2026, 7, 1, 10, tzinfo=UTC)
    world.call("anna", "+391", "OA", ago=world.now - started, charge=None, carrier=carrier)

    page = signed_in(world.people["anna"]).get("/calls/", {"period": "all", "sort": "time"})

    row = re.search(r"<tbody>\s*<tr>(.*?)</tr>", page.content.decode(), re.S)
    assert row is not None
    cells = dict(re.findall(r'<td data-key="(\w+)"[^>]*>(.*?)</td>', row[1], re.S))
    told = {key: re.findall(r'title="([^"]*)"', unescape(cell)) for key, cell in cells.items()}
    assert f'<path d="{KIND_ICONS["outgoing"]}"/>' in cells["type"]
    assert told["extension"] == ["Milan / PT"]
    assert told["time"] == ["CEST"]
    assert told["cost"][-1] == "Not rated: no prefix of the tariff fits the number."
    own_page = f'href="/calls/{Call.objects.get(started_at=started).pk}/'
    assert own_page in cells["type"]
    assert own_page in cells["cost"]
    assert told["gateway"] == ["GW-MILAN · Acme"]
    assert told["type"][-1] == "somebody here called outside and was answered"


def test_voicemail_and_conferences_are_named(world: PagesWorld) -> None:
    now = timedelta(0)
    world.call("anna", "+391112223", "IU", ago=now, talk=41_000, is_voicemail=True)
    world.call("anna", "b554671333875", "NA", ago=now, number_is_internal=True)
    world.call("anna", "+391112224", "OA", ago=now)
    anna = signed_in(world.people["anna"])

    taken, joined, plain = (shown(anna, type=code)[0] for code in ("IU", "NA", "OA"))

    assert taken[0] == "incoming unanswered voicemail"
    assert joined[3] == "conference"
    assert (plain[0], plain[3].startswith("+39111")) == ("outgoing answered", True)


@pytest.mark.feature("F059")
def test_number_extension_gateway_and_department_lead_to_their_calls(world: PagesWorld) -> None:
    for who in ("ben", "dora"):
        Call.objects.filter(user=world.people[who]).update(gateway_name=f"GW-{who}")
    frank = signed_in(world.people["frank"])
    columns = "extension,number,gateway,department,name"
    page = frank.get("/calls/", {"person": "ben", "columns": columns}).content.decode()

    cells = dict(re.findall(r'<td data-key="(\w+)"[^>]*>(.*?)</td>', page, re.S))
    assert re.search(r"<strong><bdi[^>]*>\+39026677\*{4}</bdi></strong>", cells["number"])
    names = {}
    for key in ("extension", "number", "gateway", "department"):
        href = re.search(r'href="([^"]+)"', cells[key])
        assert href is not None
        names[key] = {row[1] for row in rows_of(frank.get(unescape(href[1])))}

    assert names == {
        "extension": {"Ben Rossi"},
        "number": {"Ben Rossi"},
        "gateway": {"Ben Rossi"},
        "department": {"Anna Rossi", "Ben Rossi"},
    }


@pytest.mark.feature("F048")
def test_the_legend_explains_every_type_and_opens_by_keyboard(world: PagesWorld) -> None:
    page = signed_in(world.people["anna"]).get("/calls/").content.decode()

    legend = re.search(r'<details class="tg-legend">\s*<summary>.*?</details>', page, re.S)
    assert legend is not None
    explained = re.findall(
        r"<dd><strong>([^<]+)</strong> <code>([A-Z]{2})</code> ([^<]+)</dd>", legend[0]
    )
    assert {code: words for words, code, _ in explained} == {
        code: str(words) for code, words in CALL_TYPES.items()
    }
    assert all(len(hint.split()) > 2 for _, _, hint in explained)
    assert legend[0].count("<svg") == 5


def test_the_help_shows_the_signs_of_the_lists(world: PagesWorld) -> None:
    page = signed_in(world.people["anna"]).get("/help/").content.decode()

    drawn = dict(re.findall(r'<span class="kind (\w+)"><svg[^>]*><path d="([^"]+)"/>', page))
    assert drawn == KIND_ICONS


def test_the_oldest_come_first_when_asked_and_paging_goes_both_ways(world: PagesWorld) -> None:
    Call.objects.all().delete()
    for number in range(25):
        world.call("anna", "+391", "OA", charge=number * 10**6, ago=timedelta(minutes=30 - number))
    anna = signed_in(world.people["anna"])

    first = anna.get("/calls/", {"sort": "time", "size": "10"})
    second = anna.get("/calls/" + link(first, "Newer"))
    back = anna.get("/calls/" + link(second, "Older"))

    costs = [row[7] for answer in (first, second) for row in rows_of(answer)]
    assert costs == [f"€{number}.00" for number in range(20)]
    assert rows_of(back) == rows_of(first)


def test_a_search_that_takes_too_long_stops_and_says_how_far_it_looked(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_queries, "LOOKED_THROUGH", 4)
    Call.objects.all().delete()
    for number in range(12):
        world.call("anna", "+391", "OA", ago=timedelta(minutes=number))
    world.call("anna", "+391", "FO", ago=timedelta(minutes=10, seconds=30))
    frank = signed_in(world.people["frank"])

    answer = frank.get("/calls/", {"type": "FO"})
    assert "Nothing found as far as" in words_of(answer)
    for _ in range(5):
        if rows_of(answer):
            break
        answer = frank.get("/calls/" + link(answer, "Look further back"))

    assert [row[0] for row in rows_of(answer)] == ["forwarded outside"]


@pytest.mark.parametrize("who", ["anna", "cleo", "frank", "eve"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"kind": "missed", "area": "Rome", "gateway": "x", "extension": "9", "period": "today"},
        {"period": "all", "totals": "1", "sort": "time", "whose": "team"},
    ],
)
def test_the_page_asks_few_questions(world: PagesWorld, who: str, asked: dict[str, str]) -> None:
    for number in range(60):
        world.call("anna", f"+39{number:04}", "OA")
    client = signed_in(world.people[who])
    client.get("/calls/")

    with CaptureQueriesContext(
        connection,
    ) as asked_of_database:
        client.get("/calls/", asked)

    assert len(asked_of_database) <= MOST_QUERIES, "\n".join(
        query["sql"][:150] + " … " + query["sql"][-150:] for query in asked_of_database
    )


# --- one call -------------------------------------------------------------------------------------


def test_newer_and_older_calls_are_those_of_the_list_one_came_from(world: PagesWorld) -> None:
    Call.objects.all().delete()
    calls = [
        world.call("anna", "+391", kind, ago=timedelta(minutes=10 - place))
        for place, kind in enumerate(("OA", "IU", "OA", "IU", "OA"))
    ]
    anna = signed_in(world.people["anna"])

    answer = anna.get(f"/calls/{calls[2].pk}/?kind=outgoing&period=all")

    assert link(answer, "Newer call") == f"/calls/{calls[4].pk}/?kind=outgoing&period=all"
    assert link(answer, "Older call") == f"/calls/{calls[0].pk}/?kind=outgoing&period=all"
    assert link(answer, "Back to the calls") == "/calls/?kind=outgoing&period=all"
    last = anna.get(f"/calls/{calls[4].pk}/")
    assert "Newer call" not in words_of(last)


def test_neighbours_are_never_foreign(world: PagesWorld) -> None:
    call = world.calls["own"]

    answer = signed_in(world.people["anna"]).get(f"/calls/{call.pk}/")

    neighbours = answer.context["neighbours"]
    owners = Call.objects.filter(pk__in=[neighbours.older_id, neighbours.newer_id])
    assert {one.user for one in owners} <= {world.people["anna"]}


def test_only_an_administrator_with_the_right_is_offered_the_clear_record(
    world: PagesWorld,
) -> None:
    User.objects.filter(username__in=["frank", "eve"]).update(may_reveal_numbers=True)
    path = f"/calls/{world.calls['own'].pk}/"

    offered = {
        who: "Show the stored record"
        in words_of(signed_in(User.objects.get(username=who)).get(path))
        for who in ("anna", "cleo", "eve", "frank")
    }

    assert offered == {"anna": False, "cleo": False, "eve": False, "frank": True}


@pytest.mark.feature("F057")
def test_showing_the_clear_record_leaves_a_trace(world: PagesWorld) -> None:
    User.objects.filter(username="frank").update(may_reveal_numbers=True)
    frank = signed_in(User.objects.get(username="frank"))

    answer = frank.post(f"/calls/{world.calls['own'].pk}/record/")

    assert "+390266771234" in words_of(answer)
    assert LogEntry.objects.filter(change_message="numbers revealed").count() == 1


def test_hostile_names_run_nowhere(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    frank = signed_in(world.people["frank"])
    pages = [
        frank.get("/calls/", {"columns": ",".join(BY_KEY), "area": HOSTILE, "gateway": HOSTILE}),
        frank.get("/calls/", {"columns": ",".join(BY_KEY), "person": HOSTILE, "size": "200"}),
        frank.get("/calls/", {"columns": ",".join(BY_KEY)}),
        frank.get(f"/calls/{world.calls['own'].pk}/?area={HOSTILE}"),
    ]

    for page in pages:
        text = page.content.decode()
        assert "<svg onload" not in text
        assert "<script>alert" not in text
        assert "49" not in re.findall(r"alert\(1\)&gt;(\d+)", text)


def test_the_usual_columns_are_those_of_the_home_page() -> None:
    assert len(DEFAULT) == 9
