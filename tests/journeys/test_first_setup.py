"""From an empty installation to priced calls, by the pages of the set-up alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from budgets.models import Budget
from cdr.models import Call
from cdr.operations.miner import mine_waiting
from cdr.operations.recorder import record_waiting
from directory.models import User
from tests.support.first_setup import (
    BUDGETS,
    CALLS,
    FILE_NAME,
    GATEWAYS,
    NUMBERS,
    PASSWORD,
    PRICES,
    NewAdministrator,
    cucm_file,
    files_of,
)

pytestmark = pytest.mark.django_db


def tick() -> None:
    """What the pipeline does first: record, then mine."""
    now = datetime.now(UTC)
    record_waiting(now=now)
    mine_waiting(now=now)


def test_a_new_administrator_gets_from_nothing_to_a_priced_call(data_dir: Path) -> None:
    ada = NewAdministrator()
    first = ada.come_with_the_address()
    welcome = ada.become_administrator()

    shown = ada.test("calls", CALLS, sample=cucm_file())
    saved = ada.post("calls", CALLS)
    numbers = ada.client.get("/setup/numbers/").content.decode()
    tried = ada.test("numbers", {**NUMBERS, **GATEWAYS, "try_number": "902079460123"})
    ada.post("numbers", {**NUMBERS, **GATEWAYS})
    receipt = ada.test("prices", {**PRICES, "try_number": "907700900199"})
    ada.post("prices", PRICES)
    people = ada.test("people", {"how": "extensions"})
    ada.post("people", {"how": "extensions"})
    ada.post("budgets", BUDGETS)
    asked = ada.test("budgets", {**BUDGETS, "try_number": "900390612345678"})
    imported = ada.client.post("/setup/import/")
    waiting = ada.client.get("/setup/arriving/").content.decode()
    tick()
    arrived = ada.client.get("/setup/arriving/").content.decode()
    calls = ada.client.get("/calls/?period=all").content.decode()

    assert first.headers["Location"] == "/setup/language/"
    assert welcome.headers["Location"] == "/setup/mail/"
    assert "6 records" in shown
    assert "+44207946****" in shown
    assert "SIPTRK-PSTN" in shown
    assert "no carrier stands behind this gateway yet" in shown
    assert saved.headers["Location"] == "/setup/numbers/"
    assert 'value="20XX"' in numbers
    assert 'value="9"' in numbers
    assert "*@GW1.example.com" in numbers
    assert "+442079460123" in tried
    assert "£0.25" in receipt  # 0.05 and two begun minutes at 0.10
    assert "ext2001" in people
    assert re.search(r"refused<.*let through<", asked, re.DOTALL)
    assert imported.headers["Location"] == "/setup/arriving/"
    assert "Nothing has arrived yet" in waiting
    assert "See how the price came about" in arrived
    assert "Extension 2001" in calls
    priced = Call.objects.get(number="+447700900199")
    assert (priced.charge_micros, priced.currency) == (250_000, "GBP")
    assert priced.user == User.objects.get(username="ext2005")
    assert Call.objects.get(number="+442079460123").charge_micros == 110_000
    assert Budget.objects.filter(user__username="ext2001", amount=10_000_000).exists()
    assert files_of(data_dir / "drop/london") == []


def test_what_was_done_is_there_in_another_browser_on_another_day(data_dir: Path) -> None:
    ada = NewAdministrator()
    ada.become_administrator()
    ada.post("mail", {}, "skip", note="the mail people are on holiday")
    ada.post("calls", CALLS, sample=cucm_file())

    later = NewAdministrator()
    later.client.force_login(
        User.objects.get(username="ada"), "django.contrib.auth.backends.ModelBackend"
    )
    checklist = later.client.get("/setup/").content.decode()
    step = later.client.get("/setup/calls/").content.decode()

    assert "3 of 8 steps are done" in checklist
    assert "the mail people are on holiday" in checklist
    assert 'href="/setup/numbers/"' in checklist
    assert 'value="London"' in step
    assert FILE_NAME in step


def test_the_way_stays_open_to_who_comes_by_the_command_line(db: None) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.login(username="root", password=PASSWORD)

    assert client.get("/setup/").status_code == 200
    assert client.get("/setup/start/anything/", follow=True).status_code == 200
