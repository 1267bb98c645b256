"""Amounts, shares and days as a reader of a locale writes them (Unicode CLDR, by Babel)."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_FLOOR, Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_percent
from babel.units import format_unit

from kernel.money import isolated, to_decimal

_MILLISECONDS_A_MINUTE = 60_000


def money(micros: int, *, currency: str, locale: Locale) -> str:
    """Write an amount with its currency and every place it has beyond the usual two.

    Nothing is rounded: spent and remaining must add up to the budget on paper too.
    """
    exact = to_decimal(micros).normalize()
    text = format_currency(exact, currency, locale=locale, decimal_quantization=False)
    return isolated(text) if locale.text_direction == "rtl" else text


def minutes(milliseconds: int, *, locale: Locale) -> str:
    """Write talk time in minutes, to the hundredth, rounded down."""
    exact = Decimal(milliseconds) / _MILLISECONDS_A_MINUTE
    places = Decimal("0.01")
    value = exact.quantize(places, rounding=ROUND_FLOOR).normalize()
    return format_unit(value, "duration-minute", length="short", locale=locale)


def share(part: int, whole: int, *, locale: Locale) -> str:
    """Write `part` of `whole` in percent, rounded down: 99.99 % is not yet 100 %.

    Of a budget of nothing the first cent is all (domain 8.3).
    """
    if whole > 0:
        return percent(part * 100 // whole, locale=locale)
    return percent(100 if part > 0 else 0, locale=locale)


def percent(value: int, *, locale: Locale) -> str:
    """Write a whole percentage."""
    return format_percent(Decimal(value) / 100, locale=locale)


def day(value: date, *, locale: Locale) -> str:
    """Write a day in full: 31 March 2026."""
    return format_date(value, format="long", locale=locale)
