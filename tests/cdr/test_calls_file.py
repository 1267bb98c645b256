"""Calls as files: the same rows, columns, filter and mask as on the page, and no formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from cdr.columns import BY_KEY
from cdr.models import Call
from cdr.operations.calls_file import heads, plain_cell
from cdr.queries import call_totals as module
from cdr.queries import calls as call_queries
from cdr.queries.call_filters import CallFilter, filter_of
from cdr.queries.call_totals import call_totals
from cdr.queries.calls import list_calls
from cdr.views import calls as pages
from directory.models import Job, User
from directory.operations.jobs import run_job
from directory.operations.work import folder_of
from directory.scoping import scope_of
from kernel.clock import now
from tests.journeys.test_pages import signed_in
from tests.support.pages import HOSTILE, PagesWorld, pages_world
from tests.support.totals import sum_up

ROME = ZoneInfo("Europe/Rome")
ALL_COLUMNS = ",".join(BY_KEY)
FILES = Job.objects.filter(title__startswith="Calls as ")


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def file_of(world: PagesWorld, who: str, form: str, query: str = "") -> Any:
    return signed_in(world.people[who]).post(f"/calls/file/?{query}", {"format": form})


def csv_of(answer: Any, separator: str = ",") -> list[dict[str, str]]:
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=separator))


def sheet_of(content: bytes) -> Any:
    return load_workbook(io.BytesIO(content)).worksheets[0]


@pytest.mark.feature("F057")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("who", ["anna", "cleo", "frank", "eve"])
def test_no_file_has_a_number_in_clear(world: PagesWorld, who: str, form: str) -> None:
    answer = file_of(world, who, form, f"period=all&columns={ALL_COLUMNS}")

    if form == "csv":
        text = answer.content.decode()
    else:
        rows = sheet_of(answer.content).iter_rows(values_only=True)
        text = "\n".join(str(cell) for row in rows for cell in row)
    assert "+39026677****" in text or "+39029999****" in text
    for clear in ("+390266771234", "+390266779876", "+4930123456789", "+390299990000"):
        assert clear not in text


def test_a_file_has_exactly_what_the_page_shows(world: PagesWorld) -> None:
    world.call("anna", "+4412345678", "OA", charge=None, ago=timedelta(minutes=5))

    rows = csv_of(file_of(world, "anna", "csv", "kind=outgoing&columns=type,number,cost"))

    assert [list(row) for row in rows[:1]] == [["Type", "Number", "Cost", "Currency"]]
    assert {row["Type"] for row in rows} == {
        "outgoing answered",
        "outgoing unanswered",
        "handed over by transfer",
    }
    assert {row["Cost"] for row in rows} == {"1.250000", "0.000000", "not rated"}
    assert {row["Currency"] for row in rows} == {"EUR"}


def test_dates_and_times_are_iso_with_the_reader_s_offset(world: PagesWorld) -> None:
    User.objects.filter(username="anna").update(time_zone="Asia/Tokyo")
    started = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    world.call("anna", "+391", "OA", ago=world.now - started, talk=61_500)

    rows = csv_of(file_of(world, "anna", "csv", "period=all&sort=time&columns=date,time,duration"))

    assert rows[0] == {"Date": "2026-03-29", "Time": "08:30:00+09:00", "Duration": "0:01:02"}


@pytest.mark.parametrize(("language", "separator"), [("en", ","), ("de", ";"), ("ar", ",")])
def test_the_separator_is_that_of_the_language(
    world: PagesWorld, language: str, separator: str
) -> None:
    User.objects.filter(username="anna").update(language=language)

    rows = csv_of(file_of(world, "anna", "csv", "columns=extension,name"), separator)

    assert {tuple(row.values()) for row in rows} == {("201", "Anna Rossi")}


def test_a_spreadsheet_has_real_dates_spans_and_amounts(world: PagesWorld) -> None:
    columns = "date,time,duration,cost,number"
    sheet = sheet_of(file_of(world, "anna", "xlsx", f"min_cost=1&columns={columns}").content)

    heads, row = sheet.iter_rows(values_only=True)
    assert heads == ("Number", "Date", "Time", "Duration", "Cost", "Currency")
    local = world.calls["own"].started_at.astimezone(ROME)
    assert row[0] == "+39026677****"
    assert row[1].date() == local.date()
    assert row[2] == local.time().replace(microsecond=0)
    assert row[3].seconds == 60 if isinstance(row[3], timedelta) else row[3].minute == 1
    assert Decimal(str(row[4])) == Decimal("1.25")
    assert row[5] == "EUR"


def test_an_arabic_spreadsheet_runs_from_right_to_left(world: PagesWorld) -> None:
    User.objects.filter(username="anna").update(language="ar")

    sheet = sheet_of(file_of(world, "anna", "xlsx").content)

    assert sheet.sheet_view.rightToLeft


def test_a_spreadsheet_says_what_it_is(world: PagesWorld) -> None:
    book = load_workbook(io.BytesIO(file_of(world, "anna", "xlsx", "kind=missed").content))

    words = {row[0]: row[1] for row in book.worksheets[-1].iter_rows(values_only=True)}
    assert words["Made by"] == "Anna Rossi"
    assert words["Narrowed to"] == "Last 30 days · Kind: missed"
    assert words["Numbers"] == "The last 4 digits of outside numbers are hidden."


def test_a_spreadsheet_adds_up_what_it_holds(world: PagesWorld) -> None:
    world.call("anna", "+391", "OA", charge=12_345, talk=3_700_500)
    world.call("anna", "+441", "OA", charge=2_000_000, currency="GBP")
    world.call("anna", "+441", "OA", charge=None)
    query = "kind=outgoing&answered=yes&columns=type"

    book = load_workbook(io.BytesIO(file_of(world, "anna", "xlsx", query).content))

    sums = [row[1] for row in book.worksheets[-1].iter_rows(min_row=7) if row[0].value]
    names = [row[0].value for row in book.worksheets[-1].iter_rows(min_row=7)]
    assert names == ["Calls", "Duration", "Cost", "Cost", "not rated"]
    listed = book.worksheets[0].max_row - 1
    assert sums[0].value == listed
    assert sums[1].number_format == "[h]:mm:ss"
    assert sums[1].value == timedelta(seconds=3_701 + (listed - 1) * 60)
    assert [(one.value, one.number_format) for one in sums[2:4]] == [
        (1.262345, '#,##0.00#### "EUR"'),
        (2, '#,##0.00#### "GBP"'),
    ]
    assert sums[4].value == 1


def test_hostile_names_are_no_formulas(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    User.objects.filter(username="anna").update(first_name="=1+1", last_name='HYPERLINK("x")')
    query = f"period=all&columns={ALL_COLUMNS}"

    rows = csv_of(file_of(world, "anna", "csv", query))
    sheet = sheet_of(file_of(world, "anna", "xlsx", query).content)

    assert {row["Name"][:2] for row in rows} == {"'="}
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)


@given(st.text(max_size=40))
def test_no_text_becomes_a_formula(text: str) -> None:
    written = plain_cell(text)

    is_number = written.lstrip("+").rstrip("*").isdigit()
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r")) or is_number
    assert written.removeprefix("'") == text or written == text


def test_taking_calls_out_leaves_a_trace(world: PagesWorld) -> None:
    file_of(world, "anna", "csv", "kind=missed")

    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (world.people["anna"], "calls exported as csv")
    assert entry.object_repr == "Last 30 days · Kind: missed"


@pytest.mark.parametrize("query", ["kind=loud", "min_cost=5&max_cost=1"])
def test_a_wrong_filter_makes_no_file(world: PagesWorld, query: str) -> None:
    answer = file_of(world, "anna", "csv", query)

    assert answer.status_code == 302
    assert not FILES.all().exists()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_long_list_becomes_a_job_with_the_same_rows(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch, form: str, settings: Any, tmp_path: Any
) -> None:
    query = "period=all&columns=type,number,cost&number=%2B390299990000&sort=time"
    at_once = file_of(world, "anna", form, query)
    monkeypatch.setattr(pages, "WRITTEN_AT_ONCE", 1)

    answer = file_of(world, "anna", form, query)

    job = FILES.all().get()
    assert answer.headers["Location"] == job.get_absolute_url()
    assert "0000" not in str(job.parameters["filter"]).replace(job.parameters["filter"]["same"], "")
    assert "+390299990000" not in f"{job.title} {job.parameters}"
    run_job(job.pk, clock=now)
    job.refresh_from_db()
    assert job.state == "DONE", job.error
    written = (folder_of(job.pk) / job.file).read_bytes()
    if form == "csv":
        assert written == at_once.content
    else:
        expected = list(sheet_of(at_once.content).iter_rows(values_only=True))
        assert list(sheet_of(written).iter_rows(values_only=True)) == expected


def test_a_job_writes_only_what_its_owner_may_still_see(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "WRITTEN_AT_ONCE", 0)
    file_of(world, "cleo", "csv", "period=all")
    world.people["cleo"].supervisions.all().delete()

    run_job(FILES.all().get().pk, clock=now)

    job = FILES.all().get()
    written = (folder_of(job.pk) / job.file).read_text()
    assert "Anna" not in written


# --- the sums below the list ----------------------------------------------------------------------


def test_a_filter_survives_being_a_job_s_parameter() -> None:
    wanted = CallFilter(
        zone=ROME,
        from_day=datetime(2026, 1, 2, tzinfo=ROME).date(),
        is_answered=False,
        person_ids=(3, 4),
        min_charge_micros=0,
        same="key",
    )

    assert filter_of(wanted.as_words()) == wanted


@pytest.mark.parametrize("zone", ["Europe/Rome", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("who", ["cleo", "frank"])
def test_the_sums_are_those_of_the_calls_whatever_the_reader_s_zone(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch, who: str, zone: str
) -> None:
    Call.objects.all().delete()
    for hours in range(0, 24 * 6, 5):
        world.call("anna", "+391", "OA", charge=1_000_001, ago=timedelta(hours=hours))
        world.call("ben", "+392", "OU", charge=None, ago=timedelta(hours=hours + 1))
    for call in Call.objects.all():
        call.local_date = call.started_at.astimezone(ROME).date()
        call.save()
    sum_up()
    scope = scope_of(world.people[who], at=world.now)
    day = (world.now - timedelta(days=3)).astimezone(ZoneInfo(zone)).date()
    wanted = CallFilter(zone=ZoneInfo(zone), from_day=day, to_day=day + timedelta(days=1))

    exact = call_totals(scope=scope, wanted=wanted)
    monkeypatch.setattr(module, "ADDED_AT_ONCE", 0)
    from_totals = call_totals(scope=scope, wanted=wanted)

    listed = list_calls(scope=scope, wanted=wanted, size=500).calls
    assert exact == from_totals
    assert exact is not None
    assert exact.calls == len(listed) > 0
    assert sum(money.micros for money in exact.charges) == sum(
        call.charge_micros or 0 for call in listed
    )
    assert exact.unrated == sum(call.charge_micros is None for call in listed)


def test_what_would_take_long_is_added_up_only_when_asked_and_says_since_when(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ADDED_AT_ONCE", 2)
    monkeypatch.setattr(module, "ADDED_WHEN_ASKED", 4)
    monkeypatch.setattr(call_queries, "LOOKED_THROUGH", 2)
    scope = scope_of(world.people["frank"], at=world.now)
    for number in range(8):
        world.call("anna", "+391", "OA", charge=10**6, ago=timedelta(minutes=number))
    wanted = CallFilter(zone=ROME, area="Milan")

    assert call_totals(scope=scope, wanted=wanted) is None
    asked = call_totals(scope=scope, wanted=wanted, all_you_can=True)

    assert asked is not None
    assert asked.since is not None
    assert asked.calls == 5
    frank = signed_in(world.people["frank"])
    assert "Add up these calls" in frank.get("/calls/?area=Milan").content.decode()
    page = frank.get("/calls/?area=Milan&totals=1").content.decode()
    assert "only of the calls since" in page


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_heads_are_in_the_reader_s_language(language: str) -> None:
    with translation.override(language):
        assert len(heads([BY_KEY["cost"], BY_KEY["type"]])) == 3
