"""Rate decks as carriers send them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from cdr.engine.deck_cells import (
    BadCell,
    expand_prefixes,
    find_date_order,
    find_decimal_mark,
    read_amount,
    read_increments,
    read_instant,
)
from cdr.engine.deck_columns import meaning_of
from cdr.engine.deck_merge import band_of, bands_of
from cdr.engine.deck_rows import DeckOptions, Terms
from cdr.engine.deck_tables import UnreadableDeck, read_text_table
from cdr.engine.decks import Deck, read_deck
from cdr.engine.rating import Priced
from cdr.engine.tariffs import parse_tariff
from cdr.models import Carrier, Gateway, GatewayCarrier, TariffVersion
from cdr.queries.tariffs import compiled_version
from directory.models import Site
from tests.support.tariffs import tariff

pytestmark = pytest.mark.feature("F005")

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "rates"
MARCH = "2026-03-01T00:00:00+00:00"


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.is_file() and os.environ.get("CI") != "true":
        pytest.skip(f"the sample {name} is not here")
    return path


def deck(text: str, **options: Any) -> Deck:
    given = {"zone": ZoneInfo("UTC")} | options
    return read_deck(read_text_table(text.encode()), DeckOptions(**given))


def run(path: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("import_rates", str(path), *arguments, stdout=out)
    return out.getvalue()


def answer(path: Path, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(run(path, "--json", *arguments))
    return made


def csv(folder: Path, text: str, name: str = "deck.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def cost(
    digits: str, *, at: str = "2026-03-04T12:00:00+00:00", seconds: int = 60, tariff: str = ""
) -> Any:
    """The price in micro-units in the newest version, or the reason why there is none."""
    versions = TariffVersion.objects.order_by("-pk")
    version = versions.filter(tariff__name=tariff).first() if tariff else versions.first()
    assert version is not None
    found = compiled_version(version.pk).price(
        digits=digits,
        answered_ms=int(datetime.fromisoformat(at).timestamp()) * 1000,
        talk_ms=seconds * 1000,
    )
    return found.cost if isinstance(found, Priced) else found.reason


# --- Cells ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("3932", "3932"),
        ("+3932", "3932"),
        ("003932", "3932"),
        ("0", "0"),
        ("00", "00"),
        ("0800", "0800"),
        ("3932-3939", "3932 3933 3934 3935 3936 3937 3938 3939"),
        ("+3908 - +3911", "3908 3909 3910 3911"),
        ("431, 4366, 4367", "431 4366 4367"),
        ("431;4366|4367", "431 4366 4367"),
        ("113[0-58]", "1130 1131 1132 1133 1134 1135 1138"),
        ("7[12]0[3-4]", "7103 7104 7203 7204"),
        ("447*", "447"),
        ("+44 7700", "447700"),
        ("+44 +45", "44 45"),
    ],
)
def test_prefix_cells(cell: str, expected: str) -> None:
    assert " ".join(expand_prefixes(cell)) == expected


def test_a_country_code_goes_before_what_is_not_international() -> None:
    assert expand_prefixes("1-3,7,20", country_code="44") == ("441", "442", "443", "447", "4420")
    assert expand_prefixes("+39,6", country_code="43") == ("39", "436")
    assert expand_prefixes("", country_code="43") == ("43",)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "is empty"),
        ("4.95E+12", "scientific notation"),
        ("4900000000", "eight zeros"),
        ("3939-3932", "backwards"),
        ("393-3939", "unequal length"),
        ("39[5-2]", "backwards"),
        ("39[]", "empty class"),
        ("39[a]", "not a class"),
        ("Italy", "not a prefix"),
        ("44 7700", "blanks inside"),
        ("0-99999999", "unequal length"),
        ("10000000-99999999", "more than 10,000"),
        ("39,39", "stands in it twice"),
        ("٣٩", "not a prefix"),
    ],
)
def test_prefix_cells_that_are_refused(cell: str, reason: str) -> None:
    with pytest.raises(BadCell, match=reason):
        expand_prefixes(cell)


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["0,0450"], "comma"),
        (["0,045"], "comma"),
        (["1.234,5"], "comma"),
        (["0.045", "1,234"], "point"),
        (["1,234.5"], "point"),
        (["3", "12"], "point"),
        (["1,234"], None),
    ],
)
def test_the_decimal_mark_is_found_or_asked_for(cells: list[str], mark: str | None) -> None:
    assert find_decimal_mark(cells) == mark


def test_a_file_with_both_decimal_marks_is_refused() -> None:
    with pytest.raises(BadCell, match="decimal comma"):
        find_decimal_mark(["0,045", "0.045"])


@pytest.mark.parametrize(
    ("cell", "mark", "amount"),
    [
        ("0.0450", "point", "0.045"),
        ("€ 0,0450", "comma", "0.045"),
        ("1.234,56", "comma", "1234.56"),
        ("1,234.56 USD", "point", "1234.56"),
        (".5", "point", "0.5"),
        ("9e-05", "point", "0.00009"),
    ],
)
def test_amounts(cell: str, mark: Any, amount: str) -> None:
    assert read_amount(cell, mark) == Decimal(amount)


@pytest.mark.parametrize("cell", ["-0.01", "n/a", "1.2.3", "2026-04-03", "3. Apr 2026", "1,23,4"])
def test_amounts_that_are_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        read_amount(cell, "point")


def test_increments() -> None:
    assert read_increments("60/1") == (60, 1)
    assert read_increments("30/6") == (30, 6)
    assert read_increments("0/0") == (1, 1)
    assert read_increments("60") == (60, None)
    with pytest.raises(BadCell):
        read_increments("a minute")


@pytest.mark.parametrize(
    "cell",
    ["2026-04-03", "2026/04/03", "20260403", "03.04.2026", "03/04/2026", "3-Apr-2026", "3 April 2026", "Apr 3, 2026", "2026-04-03 00:00:00"],
)  # fmt: skip
def test_dates(cell: str) -> None:
    assert read_instant(cell, "dmy", ZoneInfo("UTC")) == datetime(2026, 4, 3, tzinfo=UTC)


def test_the_order_of_a_date_is_found_or_asked_for() -> None:
    assert find_date_order(["03/04/2026", "13/04/2026"]) == "dmy"
    assert find_date_order(["03/04/2026", "04/13/2026"]) == "mdy"
    assert find_date_order(["05/05/2026"]) == "dmy"
    assert find_date_order(["03/04/2026"]) is None
    with pytest.raises(BadCell):
        find_date_order(["13/04/2026", "04/13/2026"])
    for refused in ("03/04/26", "46115", "2026-02-30"):
        with pytest.raises(BadCell):
            read_instant(refused, "dmy", ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("title", "meaning"),
    [
        ("Dial Code", "prefix"), ("Destination Prefixes", "prefix"), ("Rate (USD/min)", "price"),
        ("Price / min", "price"), ("Cost/Min", "price"), ("Interval 1", "first"), ("Interval N", "next"),
        ("Setup Fee", "fee"), ("effective_date", "valid_from"), ("End Date", "valid_to"),
        ("Code Name", "name"), ("Included Seconds", "free"), ("Grace Time", "grace"),
        ("Origination Prefixes", "origin"), ("Colour", None),
    ],
)  # fmt: skip
def test_columns_are_known_by_many_names(title: str, meaning: str | None) -> None:
    assert meaning_of(title) == meaning


# --- Files ------------------------------------------------------------------------------------------


def test_a_deck_below_a_letterhead_with_semicolons_and_commas() -> None:
    read = deck(
        "Acme Carrier;;;\n;;;\nPrices from April;;;\n"
        "Destination;Code;Price EUR/min;Billing Increment;Effective Date\n"
        'Italy;39;0,0120;60/1;01.04.2026\n"Italy; mobile";39320-39322;0,0300;1/1;01.04.2026\n'
    )

    italy, mobile = read.rows
    assert (read.currency, read.read, read.refused) == ("EUR", 2, ())
    assert italy.terms is not None
    assert (italy.terms.price, italy.terms.first, italy.terms.following) == (
        Decimal("0.0120"),
        60,
        1,
    )
    assert italy.valid_from == datetime(2026, 4, 1, tzinfo=UTC)
    assert (mobile.area, mobile.prefixes) == ("Italy; mobile", ("39320", "39321", "39322"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found(encoding: str) -> None:
    content = "Prefix\tDestination\tRate\n49\tÖsterreich\t0.01\n".encode(encoding)

    read = read_deck(read_text_table(content), DeckOptions(zone=ZoneInfo("UTC")))

    assert read.rows[0].area == "Österreich"


def test_every_refused_row_has_line_column_and_reason() -> None:
    read = deck(
        "Prefix,Name,Rate\n39,Italy,0.01\n,Nowhere,0.01\n4.95E+12,Germany,0.01\n"
        "44,UK,\n45,Denmark,-1\n46,Sweden,x\n39-40-41,?,0.01\n"
    )

    assert [row.prefixes for row in read.rows] == [("39",)]
    assert [(bad.line, bad.column) for bad in read.refused] == [
        (3, "Prefix"), (4, "Prefix"), (5, "Rate"), (6, "Rate"), (7, "Rate"), (8, "Prefix"),
    ]  # fmt: skip
    assert read.read == len(read.rows) + len(read.refused)


def test_a_prefix_that_stands_twice_with_two_prices_has_neither() -> None:
    read = deck("Prefix,Rate\n39,0.01\n44,0.02\n39,0.03\n44,0.02\n45,0.05\n")

    assert [row.prefixes for row in read.rows] == [("44",), ("45",)]
    assert [(bad.line, bad.is_error) for bad in read.refused] == [(2, True), (4, True), (5, True)]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Prefix;Rate\n39;1,234\n", "--decimal comma or --decimal point"),
        ("Prefix,Rate,Effective Date\n39,0.1,03/04/2026\n", "--dates dmy or --dates mdy"),
        ("Prefix,Peak,Off-peak\n39,0.1,0.2\n", "No header row|say it with --column"),
        (
            "Prefix,Name,Interstate Rate,Intrastate Rate\n1,USA,0.1,0.2\n",
            "say it with --column",
        ),
        ("Prefix,Rate,Rate Plan\n39,0.1,A\n44,0.1,B\n", "--plan NAME"),
        ("a,b\n1,2\n", "No header row"),
    ],
)
def test_what_can_be_read_two_ways_is_asked(text: str, question: str) -> None:
    with pytest.raises(UnreadableDeck, match=question):
        deck(text)


def test_the_answers_to_such_questions() -> None:
    comma = deck("Prefix;Rate\n39;1,234\n", decimal_mark="comma")
    dated = deck("Prefix,Rate,Effective Date\n39,0.1,03/04/2026\n", date_order="mdy")
    peak = deck("Prefix,Name,Peak,Off-peak\n39,Italy,0.1,0.2\n", columns={"price": "Off-peak"})
    plan = deck("Prefix,Rate,Rate Plan\n39,0.1,A\n39,0.2,B\n", plan="B")

    assert comma.rows[0].terms is not None
    assert comma.rows[0].terms.price == Decimal("1.234")
    assert dated.rows[0].valid_from == datetime(2026, 3, 4, tzinfo=UTC)
    assert peak.rows[0].terms is not None
    assert peak.rows[0].terms.price == Decimal("0.2")
    assert [row.terms.price for row in plan.rows if row.terms] == [Decimal("0.2")]


def test_a_file_without_titles_is_read_by_column_numbers() -> None:
    read = deck("39,0.1\n44,0.2\n", columns={"prefix": "1", "price": "2"})

    assert [row.prefixes for row in read.rows] == [("39",), ("44",)]


def test_prices_by_the_caller_are_refused_not_misread() -> None:
    read = deck("Prefix,Rate,Origin\n39,0.1,\n39,0.2,44\n")

    assert [bad.line for bad in read.refused] == [3]


@given(
    price=st.integers(0, 10**6),
    first=st.sampled_from([1, 6, 30, 60]),
    following=st.sampled_from([1, 6, 30, 60]),
    free=st.sampled_from([0, 30]),
    grace=st.sampled_from([0, 5]),
    minimum=st.none() | st.integers(0, 100),
)
def test_a_deck_price_is_written_as_it_is_understood(
    price: int, first: int, following: int, free: int, grace: int, minimum: int | None
) -> None:
    amount = Decimal(price).scaleb(-4)
    least = None if minimum is None else Decimal(minimum).scaleb(-2)
    terms = Terms(amount, 60, amount, first, following, free, grace, least)

    document = tariff({"prefix": "39", "bands": bands_of(terms)})

    assert parse_tariff(document).destinations[0].bands == (band_of(terms),)


# --- Imports ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.feature("F009")
def test_each_carrier_has_its_own_prices(tmp_path: Path) -> None:
    run(
        csv(tmp_path, "Prefix,Rate\n39,0.01\n"),
        "--carrier",
        "Acme",
        "--currency",
        "EUR",
        "--valid-from",
        MARCH,
    )
    run(
        csv(tmp_path, "Prefix,Rate\n39,0.02\n"),
        "--carrier",
        "Bolt",
        "--currency",
        "EUR",
        "--valid-from",
        MARCH,
    )

    assert [
        carrier.tariff.name for carrier in Carrier.objects.order_by("name") if carrier.tariff
    ] == ["Acme", "Bolt"]
    assert cost("391", tariff="Acme") == 10_000
    assert cost("391", tariff="Bolt") == 20_000


@pytest.mark.django_db
def test_first_increments_free_seconds_fee_and_minimum_reach_the_price(tmp_path: Path) -> None:
    text = (
        "Prefix,Rate,Setup Fee,Interval 1,Interval N,Included Seconds,Minimum Charge\n"
        "39,0.60,0.05,30,6,0,\n44,0.60,0,30,6,10,\n45,0.60,0,1,1,0,0.20\n"
    )
    run(csv(tmp_path, text), "--valid-from", MARCH)

    assert cost("391", seconds=31) == 50_000 + 360_000
    assert cost("441", seconds=41) == 360_000
    assert cost("451", seconds=1) == 200_000


@pytest.mark.django_db
def test_prices_per_second_and_in_parts_of_the_currency(tmp_path: Path) -> None:
    run(csv(tmp_path, "Prefix,Rate per second\n39,0.001\n", "one.csv"), "--valid-from", MARCH)
    assert cost("391") == 60_000
    run(
        csv(tmp_path, "Prefix,Rate\n39,120\n", "two.csv"),
        "--valid-from",
        MARCH,
        "--price-parts",
        "10000",
    )
    assert cost("391") == 12_000


@pytest.mark.django_db
def test_a_second_deck_raises_lowers_adds_and_keeps_history(tmp_path: Path) -> None:
    first = csv(
        tmp_path, "Prefix,Name,Rate\n39,Italy,0.10\n44,UK,0.10\n45,Denmark,0.10\n46,Sweden,0.10\n"
    )
    run(first, "--valid-from", MARCH)
    second = csv(
        tmp_path, "Prefix,Name,Rate\n39,Italy,0.15\n44,UK,0.05\n45,Denmark,0.10\n47,Norway,0.30\n"
    )

    done = answer(second, "--valid-from", "2026-06-01T00:00:00+00:00")

    assert (
        done["version"],
        done["raised"],
        done["lowered"],
        done["new"],
        done["unchanged"],
        done["ended"],
    ) == (2, 1, 1, 1, 1, 0)
    assert done["biggest_rise"] == {
        "prefix": "39",
        "area": "Italy",
        "before": "0.1",
        "after": "0.15",
        "percent": "50",
    }
    assert done["biggest_fall"]["prefix"] == "44"
    assert cost("391", at="2026-05-31T23:59:59+00:00") == 100_000
    assert cost("391", at="2026-06-01T00:00:00+00:00") == 150_000
    assert cost("461", at="2026-06-02T00:00:00+00:00") == 100_000
    assert cost("471", at="2026-05-31T00:00:00+00:00") == "not_valid"


@pytest.mark.django_db
def test_replacing_ends_what_the_file_leaves_out(tmp_path: Path) -> None:
    run(csv(tmp_path, "Prefix,Rate\n39,0.10\n44,0.10\n"), "--valid-from", MARCH)

    done = answer(
        csv(tmp_path, "Prefix,Rate\n39,0.10\n"),
        "--mode",
        "replace",
        "--valid-from",
        "2026-06-01T00:00:00Z",
    )

    assert (done["ended"], done["unchanged"]) == (1, 1)
    assert cost("441", at="2026-05-31T00:00:00+00:00") == 100_000
    assert cost("441", at="2026-06-01T00:00:00+00:00") == "not_valid"


@pytest.mark.django_db
def test_rows_may_end_or_bar_a_destination(tmp_path: Path) -> None:
    run(csv(tmp_path, "Prefix,Rate\n39,0.10\n44,0.10\n"), "--valid-from", MARCH)
    text = "Prefix,Rate,Change,Blocked,Effective Date\n39,,discontinued,,2026-06-01\n44900,,new,yes,2026-06-01\n"

    done = answer(csv(tmp_path, text))

    assert (done["ended"], done["barred"]) == (1, 1)
    june = "2026-06-02T00:00:00+00:00"
    assert (cost("391", at=june), cost("44900", at=june), cost("441", at=june)) == (
        "not_valid",
        "barred",
        100_000,
    )


@pytest.mark.django_db
def test_two_halves_of_a_deck_give_the_prices_of_the_whole(tmp_path: Path) -> None:
    rows = [f"{prefix},{prefix / 1000}\n" for prefix in range(30, 60)]
    run(csv(tmp_path, "Prefix,Rate\n" + "".join(rows), "whole.csv"), "--valid-from", MARCH)
    for part in (rows[:13], rows[13:]):
        run(
            csv(tmp_path, "Prefix,Rate\n" + "".join(part), "half.csv"),
            "--tariff",
            "Halves",
            "--valid-from",
            MARCH,
        )

    for prefix in range(30, 60):
        assert cost(f"{prefix}1", tariff="Halves") == cost(f"{prefix}1", tariff="whole")


@pytest.mark.django_db
def test_undated_prices_begin_with_the_import_and_the_same_deck_changes_nothing(
    tmp_path: Path,
) -> None:
    path = csv(tmp_path, "Prefix,Rate\n39,0.10\n")

    first, again = answer(path), answer(path)

    assert cost("391", at="2020-01-01T00:00:00+00:00") == "not_valid"
    assert cost("391", at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat()) == 100_000
    assert (first["version"], again["version"], again["new_version"]) == (1, 1, False)


@pytest.mark.django_db
def test_a_dry_run_shows_everything_and_keeps_nothing(tmp_path: Path) -> None:
    said = run(csv(tmp_path, "Prefix,Rate\n39,0.10\n"), "--carrier", "Acme", "--dry-run")

    assert "1 new" in said
    assert "would become version 1" in said
    assert not TariffVersion.objects.exists()
    assert not Carrier.objects.exists()


@pytest.mark.django_db
def test_refused_rows_leave_with_an_error_and_the_rest_is_kept_or_not(tmp_path: Path) -> None:
    path = csv(tmp_path, "Prefix,Rate\n39,0.10\n44,cheap\n")

    with pytest.raises(CommandError, match="1 rows refused, nothing imported"):
        run(path, "--all-or-nothing")
    assert not TariffVersion.objects.exists()
    with pytest.raises(CommandError, match="1 rows refused; the other 1 are imported"):
        run(path, "--valid-from", MARCH)
    assert (cost("391"), cost("441")) == (100_000, "no_prefix")


@pytest.mark.django_db
def test_a_deck_must_be_in_the_currency_of_the_sites_it_prices(tmp_path: Path) -> None:
    site = Site.objects.create(
        name="Zurich", country="CH", time_zone="Europe/Zurich", currency="CHF"
    )
    gateway = Gateway.objects.create(site=site, device="GW")
    GatewayCarrier.objects.create(gateway=gateway, carrier=Carrier.objects.create(name="Acme"))
    path = csv(tmp_path, "Prefix,Rate (EUR)\n39,0.10\n")

    with pytest.raises(CommandError, match="serves site “Zurich”, which counts in CHF"):
        run(path, "--carrier", "Acme")
    with pytest.raises(CommandError, match="says EUR, but CHF was chosen"):
        run(path, "--carrier", "Acme", "--currency", "CHF")


@pytest.mark.django_db
def test_names_never_hide_the_price_of_a_shorter_prefix(tmp_path: Path) -> None:
    run(
        csv(tmp_path, "Prefix,Name,Rate\n39,Italy,0.10\n", "deck.csv"),
        "--tariff",
        "Acme",
        "--valid-from",
        MARCH,
    )

    done = answer(
        csv(tmp_path, "Prefix,Destination\n3902,Milan\n44,UK\n", "names.csv"), "--tariff", "Acme"
    )

    version = TariffVersion.objects.latest("pk")
    made = compiled_version(version.pk)
    milan = made.price(digits="390212", answered_ms=1_772_600_000_000, talk_ms=60_000)
    assert done["named"] == 2
    assert isinstance(milan, Priced)
    assert (milan.cost, milan.prefix, milan.area) == (100_000, "39", "Milan")
    assert cost("4420") == "no_price"


@pytest.mark.django_db
def test_a_workbook_is_read_like_a_text_file(tmp_path: Path) -> None:
    book = Workbook()
    notes = book.active
    assert notes is not None
    notes.append(["See the next sheet"])
    sheet = book.create_sheet("Rates")
    sheet.append(["Acme"])
    sheet.append(["Destination", "Code", "Rate", "Effective Date"])
    sheet.append(["Italy", 39, 0.1, datetime(2026, 3, 1)])  # noqa: DTZ001 - as Excel keeps dates
    sheet.append(["UK", "44, 4420", 0.2, datetime(2026, 3, 1)])  # noqa: DTZ001
    sheet.append(["Germany", 4.95e12, 0.2, None])
    sheet.append(["Denmark", 45, datetime(2026, 4, 3), None])  # noqa: DTZ001
    book.save(tmp_path / "deck.xlsx")

    with pytest.raises(CommandError, match="2 rows refused; the other 2 are imported"):
        run(tmp_path / "deck.xlsx")

    assert (cost("391"), cost("4420")) == (100_000, 200_000)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "No header row"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel format"),
        (b"PK\x03\x04 not really", "not a readable workbook"),
        (b"Prefix,Rate\n39,\x00", "not a text file"),
    ],
)
@pytest.mark.django_db
def test_files_that_are_no_decks_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "deck.csv"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=reason):
        run(path)
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "none.csv")


# --- The samples ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_cdrtool_deck_loads_whole_with_its_names() -> None:
    done = answer(sample("cdrtool-rates.csv"), "--valid-from", MARCH)

    assert (done["rows"], done["accepted"], done["new"]) == (13_127, 13_126, 13_126)
    (sms,) = done["refused"]
    assert (sms["line"], sms["column"], sms["is_error"]) == (13_128, "App", False)
    assert cost("3706") == 99_900
    version = TariffVersion.objects.get()
    names = {row["prefix"]: row["area"] for row in version.document["destinations"]}
    assert names["1204"] == "CANADA MANITOBA"
    assert "" not in names
    assert cost("1", seconds=1) == cost("1", seconds=6) < cost("1", seconds=7)
    assert cost("1204", seconds=1) < cost("1204", seconds=2)


@pytest.mark.django_db
def test_the_a2billing_list_names_its_areas() -> None:
    done = answer(sample("a2billing-prefixes.csv"))

    assert (done["rows"], done["named"], done["refused"]) == (38_499, 38_499, [])
    made = compiled_version(TariffVersion.objects.get().pk)
    assert made.area_of("4380012345", 0, row=None) == ("Austria fix", "")


@pytest.mark.django_db
def test_the_uk_ranges_expand_below_their_country_code() -> None:
    done = answer(sample("numbering-plan-44.csv"))

    assert done["rows"] == done["accepted"] + len(done["refused"]) == 1_300
    assert [bad["is_error"] for bad in done["refused"]] == [False]
    made = compiled_version(TariffVersion.objects.get().pk)
    assert made.area_of("441138", 0, row=None)[0] == "Leeds"
    assert made.area_of("441136", 0, row=None)[0] == ""
