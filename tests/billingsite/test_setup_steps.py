"""The steps of the set-up about calls, people and budgets: what they keep, how their tests fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from billingsite.setup.banner import open_points
from billingsite.setup.steps import STEPS
from budgets.models import Budget
from cdr.models import Call, Delivery, Gateway, Source, TariffVersion
from directory.models import LineHolding, Site, User
from tests.support.first_setup import (
    BUDGETS,
    CALLS,
    GATEWAYS,
    NUMBERS,
    PRICES,
    NewAdministrator,
    cucm_file,
    files_of,
)
from tests.support.pages import HOSTILE

pytestmark = pytest.mark.django_db

STEP_PAGES = [step.key.value for step in STEPS]


@pytest.fixture
def ada() -> NewAdministrator:
    """An administrator who has just been made."""
    ada = NewAdministrator()
    ada.become_administrator()
    return ada


@pytest.fixture
def ready(ada: NewAdministrator) -> NewAdministrator:
    """An administrator behind the last step."""
    ada.set_everything_up()
    return ada


# --- Calls --------------------------------------------------------------------------------------


def test_looking_at_a_file_stores_nothing(ada: NewAdministrator) -> None:
    shown = ada.test("calls", CALLS, sample=cucm_file(is_damaged=True))

    assert "7 records" in shown
    assert "1 cannot be used" in shown
    assert "the line has too few or too many fields" in shown
    assert "Line 9" in shown
    assert shown.count("outgoing answered") == 3
    assert "20794" in shown
    assert "+442079460123" not in shown
    for model in (Call, Delivery, Source, Site, Gateway):
        assert not model.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x00\xff" * 500, "There is no call in it that could be read"),
        (b"a,b,c\r\n1,2,3\r\n", "There is no call in it that could be read"),
        (HOSTILE.encode(), "There is no call in it that could be read"),
    ],
    ids=["empty", "binary", "another format", "hostile"],
)
def test_a_file_that_holds_no_calls_is_said_so(
    ada: NewAdministrator, content: bytes, words: str
) -> None:
    shown = ada.test("calls", CALLS, sample=SimpleUploadedFile("calls.csv", content))

    assert words in shown
    assert "<svg onload" not in shown


def test_no_file_is_a_flaw_of_the_test_and_none_of_the_saving(ada: NewAdministrator) -> None:
    tested = ada.post("calls", CALLS, "test")
    saved = ada.post("calls", CALLS)

    assert tested.status_code == 422
    assert "Choose a call file" in tested.content.decode()
    assert saved.headers["Location"] == "/setup/numbers/"


def test_a_country_gives_what_nobody_says(ada: NewAdministrator, data_dir: Path) -> None:
    ada.post("calls", {**CALLS, "site": "Sydney", "country": "AU"})

    site = Site.objects.get()
    assert (site.time_zone, site.currency) == ("Australia/Sydney", "AUD")
    assert (site.international_prefix, site.national_prefix) == ("0011", "0")
    assert Source.objects.get().folder == "drop/sydney"
    assert (data_dir / "drop/sydney").is_dir()


@pytest.mark.parametrize(
    "values",
    [
        {"site": ""},
        {"site": "a/b"},
        {"country": "ZZ"},
        {"driver": "pickle"},
        {"source": "../up"},
        {"driver": "delimited"},
        {"driver": "delimited", "options": "columns = "},
        {"driver": "delimited", "options": "colour = 1"},
    ],
    ids=str,
)
def test_a_source_that_cannot_be_is_refused_with_its_field(
    ada: NewAdministrator, values: dict[str, str]
) -> None:
    answer = ada.post("calls", {**CALLS, **values}, sample=cucm_file())

    assert answer.status_code == 422
    assert "This could not be done yet" in answer.content.decode()
    assert not Source.objects.exists()


def test_a_text_file_is_read_by_the_columns_given(ada: NewAdministrator) -> None:
    options = (
        'time_formats = ["%Y-%m-%d %H:%M:%S"]\n[columns]\nstarted_at = "start"\n'
        'talk_seconds = "billsec"\nfrom_number = "caller"\nto_number = "called"\n'
    )
    content = b"start,billsec,caller,called\n2026-01-05 10:00:00,60,2001,02079460123\n"
    values = {**CALLS, "driver": "delimited", "options": options}

    shown = ada.test("calls", values, sample=SimpleUploadedFile("calls.csv", content))
    ada.post("calls", values)
    again = ada.client.get("/setup/calls/").content.decode()

    assert "1 record" in shown
    assert "+44207946****" in shown
    assert "from_number = &quot;caller&quot;" in again


def test_the_name_of_a_file_leads_nowhere(ada: NewAdministrator, data_dir: Path) -> None:
    ada.test("calls", CALLS, sample=cucm_file(name="../../../evil <x>.sh"))

    assert files_of(data_dir / "setup/sample") == ["evil-x-.sh"]


# --- Numbers, prices ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["numbers", "prices", "people", "budgets"])
def test_a_step_that_comes_too_early_leads_back(ada: NewAdministrator, step: str) -> None:
    shown = ada.client.get(f"/setup/{step}/").content.decode()
    answer = ada.post(step, {})

    assert 'href="/setup/calls/"' in shown
    assert "there is none yet" in shown
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("dialled", "number", "kind"),
    [
        ("902079460123", "+442079460123", "local"),
        ("9001202555 0143", "+12025550143", "international"),
        ("2005", "2005", "internal"),
        ("9112", "112", "emergency"),
        ("9999999999999999999", "999", "unknown"),
    ],
)
def test_a_tried_number_says_what_it_is(
    ada: NewAdministrator, dialled: str, number: str, kind: str
) -> None:
    ada.post("calls", CALLS)

    shown = ada.test("numbers", {**NUMBERS, **_no_gateways(), "try_number": dialled})

    assert number in shown
    assert kind in shown


def _no_gateways() -> dict[str, str]:
    return {
        **{name: "" for name in GATEWAYS if name.startswith("gateway-")},
        "gateway-TOTAL_FORMS": "1",
        "gateway-INITIAL_FORMS": "0",
    }


@pytest.mark.parametrize(
    "values",
    [
        {"exit_code": "nine"},
        {"extensions": "20XX ((("},
        {"local_lengths": "8 99"},
        {"emergency": "1"},
        {"gateway-0-carrier": ""},
        {"gateway-0-kind": "teapot"},
        {"gateway-TOTAL_FORMS": "1000000"},
        {"gateway-TOTAL_FORMS": "x"},
    ],
    ids=str,
)
def test_numbers_that_cannot_be_are_refused(ada: NewAdministrator, values: dict[str, str]) -> None:
    ada.post("calls", CALLS, sample=cucm_file())

    answer = ada.post("numbers", {**NUMBERS, **GATEWAYS, **values})

    assert answer.status_code in (200, 422)
    assert answer.status_code == 422 or values["gateway-TOTAL_FORMS"] == "1000000"
    assert not Gateway.objects.exists() or Gateway.objects.count() <= 60


def test_a_trunk_without_a_carrier_is_said_above_the_form(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())

    page = ada.post("numbers", {**NUMBERS, **GATEWAYS, "gateway-0-carrier": ""}).content.decode()

    assert '<li><a href="#id_gateway-0-carrier">Carrier</a>: Name the company behind' in page


def test_saving_twice_changes_nothing(ready: NewAdministrator) -> None:
    before = [Gateway.objects.count(), TariffVersion.objects.count(), Budget.objects.count()]

    ready.post("numbers", {**NUMBERS, **GATEWAYS})
    ready.post("prices", PRICES)
    ready.post("budgets", BUDGETS)

    after = [Gateway.objects.count(), TariffVersion.objects.count(), Budget.objects.count()]
    assert before == after


def test_a_price_is_tried_with_its_receipt(ready: NewAdministrator) -> None:
    shown = ready.test("prices", {**PRICES, "try_number": "90012025550143"})
    premium = ready.test("prices", {**PRICES, "try_number": "909098790000"})

    assert "£1.55" in shown  # 0.05 and three begun minutes at 0.50
    assert "150" in shown
    assert "the tariff bars this destination" in premium


@pytest.mark.parametrize(
    "values",
    [{"national": "-1"}, {"mobile": "cheap"}, {"international": ""}, {"carrier": "Nobody"}],
    ids=str,
)
def test_prices_that_cannot_be_are_refused(ada: NewAdministrator, values: dict[str, str]) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})

    answer = ada.post("prices", {**PRICES, **values})

    assert answer.status_code == 422
    assert not TariffVersion.objects.exists()


@pytest.mark.parametrize("content", [b"{", b'{"name": "x"}', b"\xff\xfe\x00", b"[]"])
def test_a_tariff_file_that_cannot_be_read_says_where(
    ada: NewAdministrator, content: bytes
) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    values = {**PRICES, "how": "file", "national": "", "mobile": "", "international": ""}

    answer = ada.post("prices", values, file=SimpleUploadedFile("t.json", content))

    assert answer.status_code == 422
    assert "Tariff file" in answer.content.decode()


def test_a_price_list_is_no_tariff_file_and_old_prices_do_not_stand_in_its_way(
    ada: NewAdministrator,
) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    values = {**PRICES, "how": "file", "national": "-1", "premium": "cheap"}

    answer = ada.post("prices", values, file=SimpleUploadedFile("t.csv", b"Prefix,Rate\n44,1\n"))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This is no tariff file. A table comes in by Import rates." in page
    assert "To premium numbers</a>:" not in page
    assert "?carrier=" in page


def test_a_tariff_file_is_tried_and_then_stored(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    band = {"steps": [{"price": "0.60", "increment_seconds": 1}]}
    document = {
        "name": "Own",
        "currency": "GBP",
        "destinations": [{"prefix": "44", "bands": [band]}],
    }
    file = SimpleUploadedFile("own.json", json.dumps(document).encode())
    values = {**PRICES, "how": "file", "try_number": "902079460123", "try_seconds": "60"}

    shown = ada.test("prices", values, file=file)
    saved = ada.post("prices", values)

    assert "£0.60" in shown
    assert saved.headers["Location"] == "/setup/people/"
    assert TariffVersion.objects.get().tariff.name == "Own"


def test_a_tariff_file_that_failed_is_not_called_here_already(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    values = {**PRICES, "how": "file", "try_number": ""}
    broken = SimpleUploadedFile("t.csv", b"Prefix,Rate\n44,1\n")

    ada.post("prices", values, "test", file=broken)
    later = ada.client.get("/setup/prices/").content.decode()
    tried_again = ada.post("prices", values, "test").content.decode()
    band = {"steps": [{"price": "0.60", "increment_seconds": 1}]}
    document = {
        "name": "Own",
        "currency": "GBP",
        "destinations": [{"prefix": "44", "bands": [band]}],
    }
    mended = SimpleUploadedFile("t.json", json.dumps(document).encode())
    shown = ada.test("prices", {**values, "try_number": "902079460123"}, file=mended)

    assert "was tried before and cannot be used:" in later
    assert "This is no tariff file. A table comes in by Import rates." in later
    assert "is here already." not in later
    assert "was tried before" in tried_again
    assert "was tried before" not in shown
    assert "is here already." in shown


def test_a_people_file_that_failed_is_not_called_here_already(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    nameless = SimpleUploadedFile("people.csv", b"first_name,last_name\nAda,Rossi\n")

    ada.post("people", {"how": "file"}, "test", file=nameless)
    later = ada.client.get("/setup/people/").content.decode()
    good = SimpleUploadedFile("people.csv", b"username\nada.rossi\n")
    shown = ada.test("people", {"how": "file"}, file=good)

    assert "was tried before and cannot be used:" in later
    assert "is here already." in shown


def test_a_folder_is_shown_so_that_it_can_be_copied(
    ready: NewAdministrator, data_dir: Path
) -> None:
    folder = str(data_dir / "drop/london")

    values = {**CALLS, "source": "london", "folder": "drop/london", "action": "save"}

    answer = ready.client.post("/setup/calls/", values, follow=True)
    arriving = ready.client.get("/setup/arriving/").content.decode()

    assert f"Files in {folder} are read from now on." in answer.content.decode()
    assert folder in arriving


def test_a_tariff_in_another_currency_is_refused(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    band = {"steps": [{"price": "0.60", "increment_seconds": 1}]}
    document = {
        "name": "Own",
        "currency": "EUR",
        "destinations": [{"prefix": "44", "bands": [band]}],
    }
    file = SimpleUploadedFile("own.json", json.dumps(document).encode())

    answer = ada.post("prices", {**PRICES, "how": "file"}, file=file)

    assert answer.status_code == 422
    assert "they must be the same" in answer.content.decode()
    assert not TariffVersion.objects.exists()


# --- People, budgets, locks -----------------------------------------------------------------------


def test_a_people_file_shows_what_would_change_before_it_does(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS)
    good = b"username,first_name,site,extension\nanna,Anna,London,2001\n"
    bad = b"username,first_name,site,extension\nben,Ben,Nowhere,2002\n"

    shown = ada.test("people", {"how": "file"}, file=SimpleUploadedFile("people.csv", good))
    before = User.objects.count()
    saved = ada.post("people", {"how": "file"})
    refused = ada.post("people", {"how": "file"}, file=SimpleUploadedFile("people.csv", bad))

    assert "anna" in shown
    assert "Nothing is stored yet" in shown
    assert (before, User.objects.count()) == (1, 2)
    assert saved.headers["Location"] == "/setup/budgets/"
    assert refused.status_code == 422
    assert "Line 2" in refused.content.decode()


def test_extensions_become_people_once(ready: NewAdministrator) -> None:
    people = User.objects.filter(username__startswith="ext")

    page = ready.client.get("/setup/people/").content.decode()

    assert sorted(people.values_list("username", flat=True)) == ["ext2001", "ext2005", "ext2010"]
    assert {str(person) for person in people} >= {"Extension 2001"}
    assert "3 people have an extension already" in page
    assert "seen in calls and belong to nobody" not in page
    assert not people.first().has_usable_password()  # type: ignore[union-attr]


def test_an_extension_that_will_be_a_person_is_named(ready: NewAdministrator) -> None:
    LineHolding.objects.filter(user__username="ext2005").delete()

    page = ready.client.get("/setup/people/").content.decode()

    assert "It becomes a person “Extension 2005” in the office" in page


def test_an_extension_takes_no_username_away(ada: NewAdministrator) -> None:
    User.objects.create_user("EXT2001")
    ada.post("calls", CALLS, sample=cucm_file())

    ada.post("people", {"how": "extensions"})

    assert User.objects.filter(username="ext2001-2").exists()


@pytest.mark.parametrize(
    "values",
    [
        {"amount": "-5"},
        {"unit": "office:Nowhere"},
        {"lock": "hammer"},
        {"callers": "10.0.0.0/99"},
        {"failure_policy": "maybe"},
        {"warn_percent": "100"},
    ],
    ids=str,
)
def test_budgets_that_cannot_be_are_refused(
    ready: NewAdministrator, values: dict[str, str]
) -> None:
    before = Source.objects.get().options

    answer = ready.post("budgets", {**BUDGETS, **values})

    assert answer.status_code == 422
    assert Source.objects.get().options == before


def test_a_lock_is_tried_without_locking_anybody(ready: NewAdministrator) -> None:
    shown = ready.test("budgets", {**BUDGETS, "try_number": "900390612345678"})

    assert "let through" in shown
    assert "refused" in shown
    assert "an emergency number" in shown
    assert "/curri/London/" in shown
    assert Source.objects.get().options["lock"] == "cucm"
    assert Source.objects.get().callers == ["10.1.2.0/24"]


def test_no_locks_is_a_choice(ready: NewAdministrator) -> None:
    ready.post("budgets", {**BUDGETS, "lock": "none", "amount": ""})

    assert Source.objects.get().options["lock"] == "none"
    assert Budget.objects.filter(template__isnull=True).count() == 1


def test_whoever_wants_no_budget_has_done_the_step(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    ada.post("prices", PRICES)
    ada.post("people", {"how": "extensions"})
    before = ada.client.get("/setup/").content.decode()

    ada.post("budgets", {**BUDGETS, "lock": "none", "amount": ""})

    after = ada.client.get("/setup/").content.decode()
    reminder = ada.client.get("/calls/").content.decode()
    assert "6 of 8 steps are done" in before
    assert "7 of 8 steps are done" in after
    assert "Saved without a budget: nobody is warned" in after
    assert "Set-up: 7 of 8 steps done." in reminder
    ada.post("budgets", BUDGETS)
    assert "Saved without a budget" not in ada.client.get("/setup/").content.decode()


def test_a_budget_that_nobody_could_make_stays_open_and_says_why(ada: NewAdministrator) -> None:
    ada.post("calls", CALLS, sample=cucm_file())
    ada.post("budgets", {**BUDGETS, "lock": "none"})

    checklist = ada.client.get("/setup/").content.decode()

    assert "3 of 8 steps are done" in checklist
    assert "A budget for everybody needs people: do step 7 first." in checklist


# --- The checklist, its banner, the file for real ---------------------------------------------------


def test_the_file_is_imported_under_its_own_name(ready: NewAdministrator, data_dir: Path) -> None:
    before = ready.client.get("/setup/").content.decode()

    ready.client.post("/setup/import/")

    assert "Import this file now" in before
    assert files_of(data_dir / "drop/london") == [cucm_file().name]


def test_nothing_is_imported_where_there_is_nothing(ada: NewAdministrator) -> None:
    answer = ada.client.post("/setup/import/", follow=True)

    assert "give a call file in step 4 first" in answer.content.decode()


def test_the_reminder_is_one_question_and_goes_away(
    ada: NewAdministrator, rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request: Any = rf.get("/calls/")
    request.user = User.objects.get(username="ada")

    with django_assert_num_queries(1):
        points = open_points(request)["open_points"]
        shown = [step.key.value for step in points["steps"]]
    page = ada.client.get("/calls/").content.decode()
    ada.client.post("/setup/put-away/", {"next": "/calls/"})
    later = ada.client.get("/calls/").content.decode()

    assert shown == ["mail", "calls", "numbers", "prices", "people", "budgets"]
    assert "Set-up: 2 of 8 steps done." in page
    assert "steps done." not in later


def test_a_step_left_out_counts_as_done_nowhere(ada: NewAdministrator) -> None:
    ada.post("mail", {}, "skip", note="no server yet")

    reminder = ada.client.get("/calls/").content.decode()
    checklist = ada.client.get("/setup/").content.decode()

    assert "Set-up: 2 of 8 steps done." in reminder
    assert "2 of 8 steps are done" in checklist


def test_the_way_back_from_the_reminder_is_ours(ada: NewAdministrator) -> None:
    answer = ada.client.post("/setup/put-away/", {"next": "https://evil.example.com/"})

    assert answer.headers["Location"] == "/"


def test_hostile_names_stay_text(ada: NewAdministrator) -> None:
    name = HOSTILE.replace("/", "")[:90]
    ada.post("calls", {**CALLS, "site": name, "source": "odd"}, sample=cucm_file())
    ada.post("numbers", {**NUMBERS, **GATEWAYS, "gateway-0-carrier": name})
    ada.post("people", {"how": "extensions"})
    pages = [ada.client.get(f"/setup/{page}/").content.decode() for page in STEP_PAGES]

    assert Site.objects.get().name == name
    assert not any("<svg onload" in page or "<script>alert" in page for page in pages)
    assert sum("&lt;svg onload" in page for page in pages) >= 3


@pytest.mark.parametrize("step", [*STEP_PAGES, "arriving", ""])
def test_no_page_asks_more_than_twenty_questions(
    ready: NewAdministrator, step: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    path = f"/setup/{step}/" if step else "/setup/"
    ready.client.get(path)

    with django_assert_max_num_queries(20):
        assert ready.client.get(path).status_code == 200
