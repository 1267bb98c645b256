"""The calls file for other systems: its columns, its times and amounts, and what is not rated."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from cdr.models import Call
from directory.models import User
from tests.support.mining import company, mine, outgoing

pytestmark = pytest.mark.django_db
DAY = 86_400


def exported(tmp_path: Path, *options: str) -> list[dict[str, str]]:
    target = tmp_path / "calls.csv"
    call_command("export_calls", str(target), *options, stdout=StringIO())
    with target.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_says_who_called_whom_when_and_what_it_cost(tmp_path: Path) -> None:
    company().person("ann", "201", department="=Sales")
    mine(outgoing("1", talk=90))

    row = exported(tmp_path)[0]

    assert (row["source"], row["call_id"], row["leg"], row["type"]) == (
        "london",
        "1",
        "1a-1b",
        "OA",
    )
    assert (row["user"], row["department"], row["number"]) == ("ann", "'=Sales", "+442079460123")
    assert (row["started_at"], row["talk_seconds"]) == ("2026-03-10T12:00:00+00:00", "90")
    assert (row["status"], row["cost"], row["charge"]) == ("rated", "0.200000", "0.200000")
    assert (row["billed_seconds"], row["currency"]) == ("90", "GBP")


def test_a_call_that_is_not_rated_has_no_amount_and_never_zero(tmp_path: Path) -> None:
    company()
    mine(outgoing("1", number="90033140506070"))

    row = exported(tmp_path)[0]

    assert (row["status"], row["cost"], row["charge"]) == ("unrated", "", "")


def test_days_are_whole_and_instants_are_half_open(tmp_path: Path) -> None:
    company()
    mine(*[outgoing(str(n), off=-n * DAY) for n in range(3)])

    whole = exported(tmp_path, "--from", "2026-03-08", "--to", "2026-03-09")
    before = exported(tmp_path, "--to", "2026-03-10T12:00:00+00:00")

    assert [row["call_id"] for row in whole] == ["2", "1"]
    assert [row["call_id"] for row in before] == ["2", "1"]


@pytest.mark.parametrize("text", ["yesterday", "2026-03-10T12:00:00"])
def test_a_time_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError):
        exported(tmp_path, "--from", text)


def test_what_a_switch_or_a_person_calls_itself_is_no_formula(tmp_path: Path) -> None:
    company().person("ann", "201")
    mine(outgoing("1", talk=90))
    Call.objects.update(call_id="=1+1", leg="@x")
    User.objects.filter(username="ann").update(username="@ann")

    (row,) = exported(tmp_path)

    assert (row["call_id"], row["leg"], row["user"]) == ("'=1+1", "'@x", "'@ann")
