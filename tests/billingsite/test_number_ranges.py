"""Prefixes read from the numbering plan, held against the plan's own patterns and classes."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from phonenumbers import PhoneMetadata

from billingsite.setup.countries import country_choices, country_of_browser, defaults_of
from billingsite.setup.number_ranges import DigitPattern, special_prefixes
from billingsite.setup.simple_tariff import SimplePrices, simple_document
from cdr.engine import classes
from cdr.engine.rating import Priced, compile_tariff
from cdr.engine.tariffs import epoch_ms, parse_tariff

NOON = epoch_ms(datetime(2026, 3, 10, 12, tzinfo=UTC))


def begins(pattern: DigitPattern, digits: str) -> bool:
    states = pattern.begin
    for digit in digits:
        states = pattern.after(states, digit)
    return bool(states)


@pytest.mark.parametrize("country", ["IT", "GB", "FR", "US", "BR", "JP"])
def test_whatever_fits_a_pattern_is_never_lost_on_the_way(country: str) -> None:
    plan = PhoneMetadata.metadata_for_region(country, None)
    dice = random.Random(1)  # noqa: S311 - no secret
    assert plan is not None
    for described in (plan.fixed_line, plan.mobile, plan.toll_free):
        assert described is not None
        written = described.national_number_pattern
        assert written is not None
        pattern, met = DigitPattern(written), 0
        for _ in range(5_000):
            number = "".join(dice.choices("0123456789", k=dice.randint(6, 11)))
            if re.fullmatch(written, number):
                met += 1
                assert begins(pattern, number), (country, written, number)
        assert met > 0


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("3[2-9]\\d{2,3}|(?:31|43)\\d", ("3", "32", "31", "4", "43", "35999"), ("30", "44", "5")),
        ("12?3", ("123", "13"), ("14", "122")),
        ("(?:12){0,2}9", ("9", "129", "12129"), ("1212129", "19")),
    ],
)
def test_a_pattern_says_how_its_numbers_begin(
    text: str, yes: tuple[str, ...], no: tuple[str, ...]
) -> None:
    pattern = DigitPattern(text)

    assert [digits for digits in yes if not begins(pattern, digits)] == []
    assert [digits for digits in no if begins(pattern, digits)] == []


def test_known_ranges_are_found() -> None:
    assert special_prefixes("IT", classes.MOBILE) == ("393", "394")
    assert "4477" in special_prefixes("GB", classes.MOBILE)
    assert "4480" in special_prefixes("GB", classes.TOLL_FREE)
    assert "1800" in special_prefixes("US", classes.TOLL_FREE)
    assert "1204" in special_prefixes("US", classes.INTERNATIONAL)  # Manitoba
    assert special_prefixes("ZZ", classes.MOBILE) == ()


@pytest.mark.parametrize(
    ("digits", "cost"),
    [
        ("390612345678", 20_000),
        ("393471234567", 100_000),
        ("442079460123", 500_000),
        ("39800123456", 0),
        ("39899123456", None),
    ],
)
def test_a_few_prices_price_every_kind_of_number(digits: str, cost: int | None) -> None:
    prices = SimplePrices(
        name="Simple",
        country="IT",
        currency="EUR",
        time_zone="Europe/Rome",
        national=Decimal("0.02"),
        mobile=Decimal("0.10"),
        international=Decimal("0.50"),
    )
    tariff = compile_tariff(parse_tariff(simple_document(prices)))

    found = tariff.price(digits=digits, answered_ms=NOON, talk_ms=60_000)

    assert (found.cost if isinstance(found, Priced) else None) == cost


def test_every_country_has_proposals_that_the_set_up_takes() -> None:
    for code, name in country_choices("en"):
        usual = defaults_of(code)
        assert name
        assert len(usual.currency) == 3
        assert "/" in usual.zone or usual.zone == "UTC"
        assert usual.international_prefix.isdecimal()
        assert usual.national_prefix == "" or usual.national_prefix.isdecimal()


@pytest.mark.parametrize(
    ("header", "country"),
    [("it-IT,it;q=0.9", "IT"), ("de", "DE"), ("en-GB", "GB"), ("en", ""), ("", ""), ("x-<>", "")],
)
def test_a_browser_names_a_country_or_none(header: str, country: str) -> None:
    assert country_of_browser(header) == country
