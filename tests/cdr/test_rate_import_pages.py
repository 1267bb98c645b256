"""A rate deck from a page: understood, foretold, tried with a number, imported as a job."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook
from pytest_django import DjangoAssertNumQueries

from cdr.engine.receipts import Receipt
from cdr.forms import rates as forms_rates
from cdr.models import Carrier, Tariff, TariffVersion
from cdr.operations.rate_files import DeckWishes, preview_rates
from cdr.operations.rate_jobs import deck_of, price_by, report_of
from directory.models import Job, JobState, Site, User
from directory.operations.jobs import run_job
from directory.operations.work import folder_of
from directory.views import imports
from kernel.clock import now
from tests.support.pages import HOSTILE, pages_world

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
START = "/administration/rates/"
DECK = """Destination;Prefix;Rate EUR/min;Connect Fee;Increment;Remarks
Germany;49;0,0120;0;60/1;
Germany Mobile;4915, 4916;0,0850;0,05;60/1;
United Kingdom;44;0,0110;0;1/1;
Nowhere;abc;0,1;0;60/1;
Italy;39;zwei;0;60/1;
"""


@pytest.fixture
def frank() -> User:
    Site.objects.create(name="Milan", country="IT", time_zone="Europe/Rome")
    return User.objects.create_user("frank", role="ADMIN")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def client(frank: User) -> Client:
    return client_of(frank)


def send(client: Client, content: bytes | str, name: str = "acme.csv", **more: str) -> HttpResponse:
    raw = content.encode() if isinstance(content, str) else content
    fields = {"carrier": "Acme", "mode": "update"} | more
    return client.post(START, {"file": SimpleUploadedFile(name, raw), **fields})  # type: ignore[return-value]


def look(client: Client, content: bytes | str, **more: str) -> tuple[Job, str]:
    """The job of the looking, and its page."""
    answer = send(client, content, **more)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    return Job.objects.latest("pk"), page.content.decode()


def take(client: Client, content: bytes | str, **more: str) -> tuple[Job, str]:
    """Look at a deck and import it."""
    job, _page = look(client, content, **more)
    answer = client.post(f"{START}{job.pk}/import/")
    done = Job.objects.latest("pk")
    assert answer.headers["Location"] == f"{START}{done.pk}/"
    run_job(done.pk, clock=now)
    done.refresh_from_db()
    return done, client.get(f"{START}{done.pk}/").content.decode()


# --- seen first -----------------------------------------------------------------------------------------


def test_the_page_shows_how_the_deck_is_understood_and_stores_nothing(client: Client) -> None:
    job, page = look(client, DECK)

    report = report_of(job)
    assert report is not None
    assert {column["title"]: column["meaning"] for column in report.columns} == {
        "Destination": "name",
        "Prefix": "prefix",
        "Rate EUR/min": "price",
        "Connect Fee": "fee",
        "Increment": "increments",
    }
    assert report.ignored == ["Remarks"]
    assert (report.read, report.taken, report.refused_count) == (5, 3, 2)
    assert report.counts == {"new": 4}
    assert (report.currency, report.tariff, report.version) == ("EUR", "Acme", 1)
    assert [row["price"] for row in report.rows] == ["0.012", "0.085", "0.011"]
    assert "“zwei” is not an amount" in page
    assert "Nothing has been changed yet" in page
    assert not Tariff.objects.exists()
    assert not Carrier.objects.exists()


def test_looking_writes_to_no_table(frank: User, tmp_path: Path) -> None:
    path = tmp_path / "deck"
    path.write_text(DECK, encoding="utf-8")

    with CaptureQueriesContext(connection) as queries:
        preview_rates(path, wishes=DeckWishes(carrier="Acme"), name="acme.csv", at=NOW)

    written = [q["sql"] for q in queries if not q["sql"].lstrip().upper().startswith("SELECT")]
    assert written == []


def test_what_was_foretold_is_what_is_imported(client: Client) -> None:
    job, _page = look(client, DECK)
    foretold = report_of(job)

    done, page = take(client, DECK)

    report = report_of(done)
    assert foretold is not None
    assert report is not None
    assert done.state == JobState.DONE
    assert report.counts == foretold.counts
    assert Carrier.objects.get(name="Acme").tariff == Tariff.objects.get(name="Acme")
    version = TariffVersion.objects.get()
    assert (version.origin, version.made_by, version.number) == ("acme.csv", "frank", 1)
    assert "is now version 1" in page


@pytest.mark.feature("F005")
def test_the_first_prices_hold_for_calls_of_the_past_and_later_ones_from_now_on(
    client: Client,
) -> None:
    first, page = take(client, DECK)
    dearer, later = look(client, "Destination;Prefix;Rate\nGermany;49;0,0200\n")

    reports = [report_of(first), report_of(dearer)]
    assert [report and report.is_first for report in reports] == [True, False]
    assert [report and report.starts_at[:4] for report in reports] == ["2000", str(now().year)]
    assert "for all calls: these are the first prices" in page
    assert "These prices begin in the past" not in page
    assert "the moment of the import" in later


def test_first_prices_leave_stored_calls_as_they_are_and_say_so(db: None) -> None:
    world = pages_world(now=NOW)

    _job, page = take(client_of(world.people["frank"]), DECK)

    assert "These prices begin in the past" in page


def test_the_carrier_one_comes_from_stands_there(client: Client) -> None:
    page = client.get(START, {"carrier": 'B"T'}).content.decode()

    assert 'value="B&quot;T"' in page


@pytest.mark.parametrize("mode", ["update", "replace"])
def test_a_second_deck_shows_what_gets_dearer_cheaper_and_ends(client: Client, mode: str) -> None:
    take(client, DECK, valid_from="2026-01-01")
    second = "Destination;Prefix;Rate;Increment\nGermany;49;0,0200;60/1\nUK;44;0,0100;1/1\n"

    job, page = look(client, second, mode=mode, valid_from="2026-06-01")

    report = report_of(job)
    assert report is not None
    assert report.counts.get("raised") == 1
    assert report.counts.get("lowered") == 1
    assert report.counts.get("ended", 0) == (2 if mode == "replace" else 0)
    assert report.moves[0]["prefix"] == "49"
    assert report.is_past
    assert "These prices begin in the past" in page
    assert "would become version 2" in page


def test_the_same_deck_again_offers_no_import(client: Client) -> None:
    take(client, DECK, valid_from="2026-01-01")

    job, page = look(client, DECK, valid_from="2026-01-01")

    assert "There is nothing to import" in page
    assert f"{START}{job.pk}/import/" not in page


def test_a_workbook_is_read_as_well(client: Client) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("Destination", "Prefix", "Rate"), ("Germany", "49", 0.012), ("UK", "44", 0.011)):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)

    job, _page = look(client, content.getvalue(), name="acme.xlsx", currency="eur")

    report = report_of(job)
    assert report is not None
    assert (report.taken, report.currency) == (2, "EUR")


# --- try a number ---------------------------------------------------------------------------------------


def test_a_number_is_priced_by_the_deck_before_it_is_imported(client: Client) -> None:
    job, _page = look(client, DECK, valid_from="2026-10-01")

    receipt = price_by(job, number="+49 160 123456", seconds=90, at=NOW)

    assert isinstance(receipt, Receipt)
    # 0.05 to connect and 60 + 30 s at 0.085 a minute: 0.05 + 0.1275.
    assert receipt.cost == Fraction("0.1775")
    assert price_by(job, number="0049160123456", seconds=90, at=NOW) == receipt
    page = client.get(f"{START}{job.pk}/?number=%2B49160123456&seconds=90").content.decode()
    assert "€0.1775" in page
    assert "Connect fee, once" in page
    assert not Tariff.objects.exists()


def test_a_number_before_the_prices_begin_says_why_it_has_none(client: Client) -> None:
    job, _page = look(client, DECK, valid_from="2030-01-01")

    today = client.get(f"{START}{job.pk}/?number=%2B44207&seconds=60&answered_on=2026-11-02")
    then = client.get(f"{START}{job.pk}/?number=%2B44207&seconds=60")

    assert "the prefix has no price on that day" in today.content.decode()
    assert "€0.011" in then.content.decode()


@pytest.mark.parametrize("number", ["", HOSTILE, "hello", "+", "4" * 60])
def test_what_is_no_number_is_said_so(client: Client, number: str) -> None:
    job, _page = look(client, DECK)

    page = client.get(f"{START}{job.pk}/", {"number": number, "seconds": "60"})

    assert page.status_code == 200
    assert "<svg onload" not in page.content.decode()
    assert "tg-tried" not in page.content.decode()


# --- read otherwise -------------------------------------------------------------------------------------


def test_a_deck_without_titles_we_know_is_read_with_columns_by_hand(client: Client) -> None:
    strange = "Wohin;Ziffern;Was es kostet\nGermany;49;0,02\n"
    job, page = look(client, strange)
    assert job.state == JobState.FAILED
    assert "--column" not in page
    assert "say it under “Column of prefixes” and “Column of prices”." in page

    answer = client.post(
        f"{START}{job.pk}/again/",
        {
            "carrier": "Acme",
            "mode": "update",
            "column_prefix": "Ziffern",
            "column_price": "Was es kostet",
            "column_name": "Wohin",
        },
    )

    again = Job.objects.latest("pk")
    assert answer.headers["Location"] == f"{START}{again.pk}/"
    report = report_of(again)
    assert report is not None
    assert (report.taken, report.rows[0]["area"], report.rows[0]["price"]) == (1, "Germany", "0.02")


def test_what_a_deck_leaves_open_is_asked_in_the_reader_s_language(
    client: Client, frank: User
) -> None:
    User.objects.filter(pk=frank.pk).update(language="de")

    job, _page = look(client, "Prefix;Rate\n39;1,234\n")

    assert job.error == (
        "Beträge wie 1,234 können eins und ein Bruchteil sein oder über tausend:"
        " Sagen Sie es unter „Dezimalzeichen“."
    )


def test_what_cannot_be_is_a_message(client: Client) -> None:
    job, _page = look(client, DECK)

    answer = client.post(
        f"{START}{job.pk}/again/",
        {"carrier": "Acme", "mode": "update", "currency": "12€"},
        follow=True,
    )

    assert "A currency is three letters" in answer.content.decode()


def test_two_currencies_are_refused_in_the_words_of_the_page(client: Client) -> None:
    take(client, DECK, valid_from="2026-01-01")

    job, page = look(client, DECK.replace(" EUR/min", ""), currency="USD")

    assert job.state == JobState.FAILED
    assert "is in EUR, the deck in USD" in job.error
    assert "--" not in job.error
    assert "Read the same file otherwise" in page


# --- files that are none, large ones, hostile ones --------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"\xd0\xcf\x11\xe0 old excel", 422),
        (b"PK\x03\x04 not really a workbook", 302),
        (b"\x00\x01\x02\x03", 302),
        (b"\xff\xfe\x00", 302),
        (b"Prefix;Rate\n", 302),
        (b"Prefix;Rate\nabc;def\n", 302),
        (b"just words", 302),
    ],
)
def test_what_is_no_deck_is_refused_with_words(client: Client, content: bytes, status: int) -> None:
    answer = send(client, content)

    assert answer.status_code == status
    if status == 302:
        job = Job.objects.get()
        assert job.state == JobState.FAILED
        assert job.error
        assert "our side" not in job.error
    assert not Tariff.objects.exists()


def test_a_file_over_the_limit_is_refused_with_the_limit(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms_rates, "MOST_DECK_BYTES", 5 * 1024 * 1024)

    answer = send(client, b"Prefix;Rate\n" + b"1" * (5 * 1024 * 1024))

    assert answer.status_code == 422
    assert "larger than 5 MB" in answer.content.decode()


def test_a_large_deck_is_looked_at_by_a_worker(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(imports, "MOST_BYTES_HERE", 10)
    rows = "".join(f"{prefix};0.01\n" for prefix in range(20_000, 25_000))

    job, page = look(client, f"Prefix;Rate\n{rows}", currency="EUR")

    assert job.state == JobState.QUEUED
    assert f'hx-get="{START}{job.pk}/"' in page
    run_job(job.pk, clock=now)
    with django_assert_max_num_queries(20):
        done = client.get(f"{START}{job.pk}/").content.decode()
    assert "5,000" in done


def test_a_small_workbook_that_unpacks_to_a_large_one_is_for_a_worker(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, content = Workbook(), io.BytesIO()
    sheet = book.create_sheet(index=0)
    for prefix in range(20_000, 20_200):
        sheet.append([prefix, "A destination with a long name", 0.01])
    book.save(content)
    quick, _page = look(client, content.getvalue(), name="acme.xlsx", currency="EUR")

    monkeypatch.setattr(imports, "MOST_UNPACKED_HERE", len(content.getvalue()))
    slow, _page = look(client, content.getvalue(), name="acme.xlsx", currency="EUR")
    client.post(f"{START}{quick.pk}/again/", {"carrier": "Acme", "mode": "update"})

    assert quick.state != JobState.QUEUED
    assert slow.state == JobState.QUEUED
    assert Job.objects.latest("pk").state == JobState.QUEUED


def test_a_cell_without_end_is_refused_with_its_line(client: Client) -> None:
    job, page = look(client, "Prefix;Rate\n44;" + "1" * 150_000, currency="EUR")

    assert (job.state, "went wrong on our side" in page) == (JobState.FAILED, False)
    assert "Line 2" in page


def test_hostile_names_and_cells_stay_words(client: Client) -> None:
    cell = HOSTILE.replace('"', '""')
    content = f'Destination;Prefix;Rate;"{cell}"\n"{cell}";49;0.01;x\n"{cell}";"{cell}";0.01;x\n'

    job, page = look(client, content, name=f"../../{HOSTILE}.csv", carrier=HOSTILE[:90])

    assert job.state == JobState.DONE, job.error
    assert "<svg onload" not in page
    assert "<script>alert" not in page
    assert sorted(path.name for path in folder_of(job.pk).iterdir()) == [
        "deck",
        "report.json",
        "tariff.json.z",
    ]
    assert deck_of(job).read_bytes() == content.encode()


# --- whose it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["USER", "SUPERVISOR", "AUDITOR"])
def test_others_are_refused(client: Client, role: str) -> None:
    job, _page = look(client, DECK)
    other = client_of(User.objects.create_user("zoe", role=role))

    answers: list[Any] = [
        other.get(START),
        send(other, DECK),
        other.get(f"{START}{job.pk}/"),
        other.post(f"{START}{job.pk}/import/"),
        other.post(f"{START}{job.pk}/again/"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5


def test_another_administrators_deck_is_not_found(client: Client) -> None:
    job, _page = look(client, DECK)
    other = client_of(User.objects.create_user("zoe", role="ADMIN"))

    assert other.get(f"{START}{job.pk}/").status_code == 404
    assert other.post(f"{START}{job.pk}/import/").status_code == 404
    assert other.post(f"{START}{job.pk}/again/").status_code == 404


# --- in the reader's words ------------------------------------------------------------------------------


def test_what_is_said_of_a_deck_speaks_the_readers_language(client: Client, frank: User) -> None:
    job, _page = look(client, DECK)
    User.objects.filter(pk=frank.pk).update(language="de")

    page = client.get(f"{START}{job.pk}/").content.decode()

    assert "„abc“ ist keine Vorwahl" in page
    assert "„zwei“ ist kein Betrag" in page
    assert "Spalten getrennt durch: Semikolon. Zeichensatz: UTF-8." in page
    assert "60 s, dann 1 s" in page


def test_amounts_of_a_column_have_their_currency_and_as_many_places(client: Client) -> None:
    take(client, DECK)
    dearer = DECK.replace("0,0120", "0,0129").replace("0,0850", "0,08")

    _job, page = look(client, dearer)

    assert "€0.0129" in page
    assert "€0.0800" in page
    assert "+7.5%" in page
    assert "-3.7%" in page


@pytest.mark.feature("F005")
@pytest.mark.parametrize("zone", ["Europe/Rome", "America/New_York"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31T23:00:00-05:00"])
def test_an_impossible_date_refuses_its_row_and_no_other(
    client: Client, zone: str, day: str
) -> None:
    Site.objects.update(time_zone=zone)
    text = f"Prefix,Rate,Effective Date\n49,0.0120,2026-11-02\n44,0.0110,{day}\n"

    job, page = look(client, text)

    report = report_of(job)
    assert report is not None
    assert [row["line"] for row in report.refused] == [3]
    assert f"“{day}” is not a date" in page
