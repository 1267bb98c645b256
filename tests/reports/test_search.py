"""The search box: what it knows, within what the reader may see, and at what pace."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils.http import urlencode
from pytest_django import DjangoAssertNumQueries, Settings

from directory.models import OrgUnit, Supervision, User
from directory.pace import SEARCHES_AN_HOUR
from tests.support.pages import HOSTILE, PagesWorld, pages_world

NUMBER = "+390266771234"


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


def found(world: PagesWorld, who: str, text: str) -> list[tuple[str, str]]:
    """What was found: words and address of each hit."""
    page = client_of(world, who).get(f"/search/?{urlencode({'q': text})}")
    assert page.status_code == 200
    return [(hit.words, hit.href) for each in page.context["found"] for hit in each.hits]


def words(world: PagesWorld, who: str, text: str) -> list[str]:
    return [each for each, _ in found(world, who, text)]


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.feature("F057")
@pytest.mark.parametrize("typed", [NUMBER, "0039 02 6677 1234", "+39 (02) 6677-1234"])
def test_a_number_typed_in_full_is_found_masked_and_leads_to_its_calls(
    world: PagesWorld, typed: str
) -> None:
    [(shown, href)] = found(world, "anna", typed)
    page = client_of(world, "anna").get(href).content.decode()

    assert shown == "+39026677****"
    assert "6677" not in href
    assert f"/calls/{world.calls['own'].pk}/" in page
    assert f"/calls/{world.calls['foreign'].pk}/" not in page


def test_a_part_of_a_number_finds_nothing(world: PagesWorld) -> None:
    assert found(world, "frank", NUMBER[:-1]) == []
    assert found(world, "frank", NUMBER[:9]) == []


def test_the_number_of_somebody_elses_call_finds_nothing(world: PagesWorld) -> None:
    assert found(world, "anna", "+4930123456789") == []
    assert words(world, "dora", "+4930123456789") == ["+493012345****"]


def test_numbers_cannot_be_tried_out(world: PagesWorld) -> None:
    client = client_of(world, "anna")
    for last in range(SEARCHES_AN_HOUR):
        client.get(f"/search/?q=%2B3902667712{last:02}")

    page = client.get(f"/search/?{urlencode({'q': NUMBER})}").content.decode()

    assert f"At most {SEARCHES_AN_HOUR} searches by number an hour" in page
    assert "6677****" not in page
    assert words(world, "anna", "anna")  # names can still be looked for


def test_whoever_searches_sees_no_more_of_the_number_than_he_typed(world: PagesWorld) -> None:
    for who in ("anna", "cleo", "eve", "frank"):
        page = client_of(world, who).get("/search/?q=00390266+771+234").content.decode()
        assert "+39026677****" in page, who
        assert "66771234" not in page, who


# --- people, extensions, units, budgets --------------------------------------------------------


def test_people_are_found_by_any_part_of_their_name_within_scope(world: PagesWorld) -> None:
    assert "Anna Rossi" in words(world, "cleo", "ross ann")
    assert "Dora Rossi" not in words(world, "cleo", "dora")
    assert "Dora Rossi" in words(world, "eve", "dora")
    assert words(world, "anna", "ben") == []


def test_an_extension_leads_to_its_calls_and_for_overseers_to_the_phone(world: PagesWorld) -> None:
    line = world.lines["ben"]
    page = client_of(world, "cleo").get(f"/search/?q={line.extension}")
    [hit] = [hit for each in page.context["found"] for hit in each.hits]

    assert (hit.words, hit.href) == (line.extension, f"/calls/?extension={line.extension}")
    assert "Ben Rossi" in hit.detail
    assert hit.more_href == f"/phone/users/{world.people['ben'].pk}/"
    assert found(world, "anna", line.extension) == []


def test_departments_lead_to_their_calls_for_those_who_look_after_them(world: PagesWorld) -> None:
    assert ("Sales", f"/calls/?department={world.sales.pk}") in found(world, "cleo", "sal")
    assert "Support" not in words(world, "cleo", "supp")
    assert "Sales" not in [each for each, href in found(world, "anna", "sales") if "calls" in href]


def test_budgets_are_found_by_whom_they_are_for(world: PagesWorld) -> None:
    own = f"/budgets/{world.budgets['own'].pk}/"
    foreign = f"/budgets/{world.budgets['foreign'].pk}/"

    assert own in [href for _, href in found(world, "anna", "anna")]
    assert own in [href for _, href in found(world, "cleo", "rossi")]
    assert foreign not in [href for _, href in found(world, "cleo", "support")]
    assert foreign in [href for _, href in found(world, "frank", "support")]


def test_budgets_are_not_found_where_there_are_none(world: PagesWorld, settings: Settings) -> None:
    settings.MODULES = frozenset({"phonelock"})

    assert not [href for _, href in found(world, "frank", "anna") if href.startswith("/budgets/")]
    assert not [href for _, href in found(world, "frank", "budgets")]


# --- pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("where is the outbox", "/outbox/"),
        ("outb", "/outbox/"),
        ("e-mail", "/outbox/"),
        ("quarantine", "/quarantine/"),
        ("time zone", "/account/"),
        ("log out", "/account/sessions/"),
        ("2fa", "/accounts/2fa/"),
        ("shortcuts", "/help/"),
    ],
)
def test_pages_are_found_by_what_people_call_them(world: PagesWorld, text: str, href: str) -> None:
    assert href in [each for _, each in found(world, "frank", text)]


@pytest.mark.parametrize(("text", "href"), [("calls", "/calls/"), ("المكالمات", "/calls/")])
def test_pages_are_found_by_their_english_names_too(
    world: PagesWorld, text: str, href: str
) -> None:
    User.objects.filter(pk=world.people["frank"].pk).update(language="ar")
    world.people["frank"].refresh_from_db()

    assert href in [each for _, each in found(world, "frank", text)]


def test_a_page_says_what_it_is_for_and_not_by_which_words_it_was_found(world: PagesWorld) -> None:
    page = client_of(world, "frank").get("/search/?q=csv").content.decode()

    assert "All the calls you may see, to filter, sort and download." in page
    assert "csv, excel" not in page


def test_a_budget_says_how_often_and_how_much(world: PagesWorld) -> None:
    page = client_of(world, "anna").get("/search/?q=anna")
    [detail] = [
        hit.detail
        for each in page.context["found"]
        for hit in each.hits
        if hit.href == f"/budgets/{world.budgets['own'].pk}/"
    ]

    assert detail == "Monthly · €10.00"


def test_pages_of_another_role_are_not_found(world: PagesWorld) -> None:
    assert found(world, "anna", "outbox") == []
    assert found(world, "anna", "quarantine") == []
    assert found(world, "eve", "outbox") == []


# --- the page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "%", "_", "'", "zzzz", "a", "+", "**", "x" * 500])
def test_whatever_is_typed_there_is_an_answer(world: PagesWorld, text: str) -> None:
    page = client_of(world, "anna").get(f"/search/?{urlencode({'q': text})}")

    assert page.status_code == 200
    if len(text.strip()) > 1:
        assert "Nothing found" in page.content.decode()


def test_the_page_asks_few_questions_however_much_is_found(
    world: PagesWorld, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        unit = OrgUnit.objects.create(
            kind="DEPARTMENT", name=f"Rossi {number}", path=f"Sales/Rossi {number}"
        )
        Supervision.objects.create(user=world.people["cleo"], unit=unit)
    client = client_of(world, "cleo")
    client.get("/search/?q=rossi")

    with django_assert_max_num_queries(20):
        page = client.get("/search/?q=rossi")

    assert "There is more" in page.content.decode()


def test_hostile_names_stay_text(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    for text in ("rossi", "support", "sales", "201", HOSTILE):
        page = client_of(world, "frank").get(f"/search/?{urlencode({'q': text})}").content.decode()
        assert "<svg onload" not in page
        assert "<script>alert" not in page


def test_a_zero_byte_is_no_letter(world: PagesWorld) -> None:
    assert words(world, "frank", "an\0na") == words(world, "frank", "anna")
    assert words(world, "frank", "an\0na") != []
