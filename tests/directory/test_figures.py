"""How figures are written: exactly, in the reader's language, and never a silent nought."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from directory.templatetags import figures
from kernel.money import to_decimal


@pytest.mark.feature("F055")
def test_an_amount_that_is_not_known_is_said_in_words() -> None:
    assert figures.money(None, "EUR") == "not rated"
    assert figures.money(0, "EUR") == "€0.00"


@pytest.mark.parametrize(
    ("language", "micros", "currency", "written"),
    [
        ("en", 12_340_000, "EUR", "€12.34"),
        ("en", 12_345, "EUR", "€0.012345"),
        ("en", 83_000, "EUR", "€0.0830"),
        ("en", -1_500_000, "USD", "-$1.50"),
        ("en", 5_000_000, "JPY", "¥5"),
        ("en", 1_234_000, "KWD", "KWD1.2340"),
        ("de", 1_234_567_800_000, "EUR", "1.234.567,80\xa0€"),
        ("fr", 1_500_000, "CHF", "1,50\xa0CHF"),
        ("ar", -6_400_000, "EUR", "\u2066-6.40\xa0€\u2069"),
        ("ar", 30_400, "EUR", "\u20660.0304\xa0€\u2069"),
    ],
)
def test_an_amount_keeps_all_its_places_and_the_currencys_own(
    language: str, micros: int, currency: str, written: str
) -> None:
    with translation.override(language):
        assert figures.money(micros, currency) == written


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        ("en", Decimal("61.74"), "61.74%"),
        ("en", 80, "80%"),
        ("en", Decimal("-10.5"), "-10.5%"),
        ("en", 12.3456, "12.35%"),
        ("en", None, "0%"),
        ("de", Decimal("1234.5"), "1.234,5\xa0%"),
        ("it", Decimal("61.74"), "61,74%"),
        ("fr", 80, "80\xa0%"),
        ("es", 80, "80\xa0%"),
        ("ar", 80, "\u206680%\u2069"),
    ],
)
def test_a_percentage_has_its_sign_where_the_language_writes_it(
    language: str, value: Decimal | float | None, written: str
) -> None:
    with translation.override(language):
        assert figures.percent(value) == written


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_an_amount_is_never_rounded(micros: int) -> None:
    with translation.override("en"):
        written = figures.money(micros, "EUR")

    assert Decimal(written.replace("€", "").replace(",", "")) == to_decimal(micros)


@pytest.mark.feature("F054")
@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (0, "00:00:00"),
        (None, "00:00:00"),
        (1, "00:00:01"),
        (59_000, "00:00:59"),
        (59_001, "00:01:00"),
        (3_600_000, "01:00:00"),
        (360_000_000, "100:00:00"),
        (-60_000, "-00:01:00"),
    ],
)
def test_a_duration_counts_the_begun_second(milliseconds: int | None, written: str) -> None:
    assert figures.duration(milliseconds) == written


@pytest.mark.feature("F033", "F052")
def test_times_follow_the_zone_and_the_language() -> None:
    instant = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)

    with timezone.override(ZoneInfo("Europe/Rome")), translation.override("it"):
        written = figures.moment(instant)

    assert 'datetime="2026-03-29T00:30:00+01:00"' in written
    assert "29 mar 2026, 00:30:00" in written


@pytest.mark.feature("F052")
@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("America/Chicago", "Mar 28, 2026, 6:30:00\u202fPM"),
        ("Europe/London", "28 Mar 2026, 23:30:00"),
        ("UTC", "28 Mar 2026, 23:30:00"),
    ],
)
def test_english_is_written_as_in_the_zone_of_its_reader(zone: str, written: str) -> None:
    with timezone.override(ZoneInfo(zone)), translation.override("en"):
        assert written in figures.moment(datetime(2026, 3, 28, 23, 30, tzinfo=UTC))


def test_nothing_is_written_as_a_dash() -> None:
    assert {figures.moment(None), figures.day(None), figures.clock(None)} == {"—"}


@pytest.mark.feature("F216")
@pytest.mark.parametrize(
    ("items", "pages", "written"), [(58, 6, "58 items in 6 pages"), (1, 1, "1 item in 1 page")]
)
def test_a_list_says_how_long_it_is(items: int, pages: int, written: str) -> None:
    with translation.override("en"):
        assert figures.items_in_pages(items, pages) == written


@pytest.mark.feature("F031")
def test_numbers_keep_their_direction_and_stay_text() -> None:
    assert figures.ltr("<b>+39") == '<bdi dir="ltr">&lt;b&gt;+39</bdi>'


def test_the_query_string_is_kept_but_for_what_changes() -> None:
    request = RequestFactory().get("/calls/?number=%2B39&page=3&type=OA")
    context = {"request": request}

    assert figures.query(context, page=4) == "?number=%2B39&page=4&type=OA"  # type: ignore[arg-type]
    assert figures.query(context, page="", type="", number="") == "?"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "35.6 GB"), ("de", "35,6 GB"), ("fr", "35,6 Go"), ("ar", "35.6 غ.ب")],
)
def test_sizes_are_written_like_other_figures(language: str, written: str) -> None:
    with translation.override(language):
        assert (
            figures.size(int(35.6 * 1024**3)).replace("\u202f", " ").replace("\xa0", " ") == written
        )


@pytest.mark.parametrize(("language", "line"), [("en", "a, b"), ("ar", "a، b")])
def test_parts_are_joined_with_the_comma_of_the_script(language: str, line: str) -> None:
    with translation.override(language):
        assert figures.listed(["a", "b"]) == line


def test_a_mail_address_breaks_before_its_host_and_stays_text() -> None:
    assert figures.mail_address("a.b@c.example") == '<bdi dir="ltr">a.b<wbr>@c.example</bdi>'
    assert figures.mail_address("<b>@c") == '<bdi dir="ltr">&lt;b&gt;<wbr>@c</bdi>'
    assert figures.mail_address("—") == '<bdi dir="ltr"><wbr>—</bdi>'
