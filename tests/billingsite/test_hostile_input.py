"""Whatever stands in an address or a form, the answer is never a fault of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from django.http import QueryDict
from django.test import Client

from budgets.models import BudgetRequest
from cdr.models import Source
from cdr.operations.recorder import record_waiting
from cdr.queries.sources import is_our_own
from tests.support.pages import PagesWorld, pages_world

pytestmark = pytest.mark.django_db
DAYS = ("0001-01-01", "9999-12-31")
PLACES = ("0001-01-01T00:00:00+14:00~1", "9999-12-31T23:59:59-14:00~1")
MOMENTS = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")


@pytest.fixture
def world() -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, who: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_no_place_to_go(world: PagesWorld, zone: str) -> None:
    frank = world.people["frank"]
    frank.time_zone = zone
    frank.save()
    client, person = client_of(world, "frank"), world.people["anna"].pk
    budget, call = world.budgets["own"].pk, world.calls["own"].pk
    addresses = [
        *(f"/calls/?start={day}&end={day}" for day in DAYS),
        *(f"/calls/?{way}={place}" for place in PLACES for way in ("older", "newer")),
        *(f"/calls/?sort=-cost&{way}=1~{place}" for place in PLACES for way in ("after", "before")),
        *(f"/calls/{call}/?start={day}" for day in DAYS),
        *(f"/api/v1/calls/?{bound}={day}" for day in DAYS for bound in ("start", "end")),
        *(f"/api/v1/calls/?cursor={place}" for place in PLACES),
        *(f"/budgets/{budget}/?start={day}&end={day}" for day in DAYS),
        *(f"/budgets/history/?start={day}&end={day}" for day in DAYS),
        *(f"/budgets/history/file/?start={day}&end={day}" for day in DAYS),
        *(f"/audit/?start={day}&end={day}" for day in DAYS),
        *(f"/phone/users/{person}/?before={moment}" for moment in MOMENTS),
    ]

    answers = {address: client.get(address.replace("+", "%2B")) for address in addresses}

    assert {address for address, answer in answers.items() if answer.status_code >= 500} == set()


def test_a_lock_ends_in_a_year_that_everybody_can_read(world: PagesWorld) -> None:
    line = world.lines["ben"].pk

    refused = client_of(world, "cleo").post(
        f"/phone/lines/{line}/lock/", {"reason": "lost", "until": "9999-12-31T23:59"}
    )

    assert refused.status_code == 422
    assert "Ensure this value is less than or equal to" in refused.content.decode()


AMOUNTS = ("1e999999999", "1e999999", "1e400", "9" * 20, "1e18", "-1e18", "NaN", "1e-400", "١٢")


@pytest.mark.parametrize("amount", AMOUNTS)
def test_no_amount_is_too_much_for_a_form(world: PagesWorld, amount: str) -> None:
    budget = world.budgets["own"].pk
    row = BudgetRequest.objects.get(budget=budget).pk
    anna, cleo, frank = (client_of(world, who) for who in ("anna", "cleo", "frank"))
    words = {"amount": amount, "reason": "a fair"}
    steps = "done1=1&done2=1&done3=1&whom=person&person=gus&measure=MINUTES&period=month"
    assign = QueryDict(f"{steps}&starts_on=1&carry_over=on&amount={amount}&carry_cap={amount}")

    answers = {
        "adjusted": cleo.post(f"/budgets/{budget}/adjust/", words),
        "granted": cleo.post(f"/budgets/requests/{row}/grant/", words),
        "asked for": anna.post(f"/budgets/{budget}/ask/", words),
        "changed": frank.post(f"/budgets/{budget}/amount/", words),
        "assigned": frank.post("/budgets/assign/", assign.dict()),
        "filtered": anna.get("/calls/", {"min_cost": amount, "max_cost": amount}),
    }

    assert {what for what, answer in answers.items() if answer.status_code >= 500} == set()


def test_asking_for_more_than_a_budget_holds_is_refused_in_words(world: PagesWorld) -> None:
    BudgetRequest.objects.all().delete()
    budget = world.budgets["own"].pk

    answer = client_of(world, "anna").post(
        f"/budgets/{budget}/ask/", {"amount": "99999999999", "reason": "a fair"}
    )

    assert "That is more than a budget can hold." in answer.content.decode()


@pytest.mark.parametrize("key", ["9" * 18, "9" * 25, "9" * 5000, "-1", "²", "a\0b"])
def test_a_number_that_no_row_has_is_no_fault(world: PagesWorld, key: str) -> None:
    cleo, frank = client_of(world, "cleo"), client_of(world, "frank")
    budget, record = world.budgets["in_scope"].pk, world.quarantined
    assert record is not None

    answers = {
        "budgets": frank.post("/budgets/all/change/", {"chosen": [key], "action": "delete"}),
        "member": cleo.post(f"/budgets/{budget}/override/", {"member": key, "reason": "x"}),
        "unit": frank.get("/budgets/assign/", {"done1": "1", "whom": "unit", "unit": key}),
        "lines": cleo.post("/phone/users/many/", {"line": [key], "do": "lock"}),
        "mails": frank.post("/outbox/many/", {"mail": [key], "action": "again", "confirmed": "1"}),
        "records": frank.post("/quarantine/many/", {"record": [key], "action": "replay"}),
        "calls": frank.get("/calls/", {"department": key, "carrier": key}),
        "filter": frank.get("/admin/cdr/call/", {"within": key}),
    }

    assert {what for what, answer in answers.items() if answer.status_code >= 500} == set()


def test_options_nested_too_deeply_are_refused_in_words(world: PagesWorld) -> None:
    options = "a=" + "[" * 4_000

    answer = client_of(world, "frank").post(
        "/setup/calls/",
        {"site": "Turin", "country": "IT", "driver": "delimited", "options": options},
    )

    assert answer.status_code == 422
    assert "This cannot be read" in answer.content.decode()


@pytest.mark.parametrize("folder", [".", "drop/..", "jobs", "static/css"])
def test_no_source_reads_our_own_files(world: PagesWorld, data_dir: Path, folder: str) -> None:
    frank, source = client_of(world, "frank"), world.source
    wish = {"site": "Turin", "country": "IT", "driver": "cucm", "folder": folder}
    secret = data_dir / "secret_key"
    secret.write_text("not for the quarantine\n")
    named = {"started_at": "start", "ended_at": "end", "from_number": "by", "to_number": "to"}
    options = {"columns": named, "time_formats": ["%Y"]}
    Source.objects.filter(pk=source.pk).update(folder=folder, driver="delimited", options=options)

    answers = [
        frank.post("/setup/calls/", wish),
        frank.post(f"/admin/cdr/source/{source.pk}/change/", {**wish, "site": source.site_id}),
    ]
    report = record_waiting(now=world.now)

    for answer in answers:
        assert "Tollgate keeps its own files there. Choose another." in unescape(
            answer.content.decode()
        )
    assert [problem.text for problem in report.problems] == ["Tollgate keeps its own files there"]
    assert secret.is_file()


@pytest.mark.parametrize("folder", ["drop", "drop/milan", "/srv/calls"])
def test_any_other_folder_will_do(folder: str) -> None:
    assert not is_our_own(folder)
    assert is_our_own(str(Path(__file__).parent))
