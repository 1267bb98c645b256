"""Money as whole micro-units, and the roundings a bill may ask for.

One unit of a currency is 1,000,000 micro-units. Inside, amounts are ``int``
(stored) or ``Fraction`` (exact, before the one rounding of a call); ``Decimal``
appears only at the edges, where people and files write amounts.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal, NewType

Micros = NewType("Micros", int)
RoundingMode = Literal["half_up", "half_even", "up", "down", "none"]

MICROS_PER_UNIT = 1_000_000
STORED_DECIMALS = 6
MOST_DIGITS = 18
"""An amount in micro-units has no more digits: it would fit into no column."""
_DIRECTION_MARKS = {ord(mark): None for mark in "\u200e\u200f\u061c"}


class BadAmount(ValueError):
    """An amount was not a plain decimal number with at most six places."""


def to_micros(amount: Decimal | str | int) -> Micros:
    """Turn `amount`, in units of a currency, into whole micro-units.

    Raises:
        BadAmount: if it is not a finite decimal, too large, or has more than six places.
    """
    try:
        scaled = Decimal(str(amount).strip()) * MICROS_PER_UNIT
    except ArithmeticError:
        raise BadAmount(f"not a decimal amount: {amount!r}") from None
    if not scaled.is_finite():
        raise BadAmount(f"not a finite amount: {amount!r}")
    if scaled.adjusted() >= MOST_DIGITS:
        raise BadAmount(f"too large an amount: {amount!r}")
    if scaled != scaled.to_integral_value():
        raise BadAmount(f"more than six decimal places: {amount!r}")
    return Micros(int(scaled))


def to_decimal(micros: int) -> Decimal:
    """Turn whole micro-units into units of the currency, exactly."""
    return Decimal(micros).scaleb(-STORED_DECIMALS)


def plain(micros: int, *, decimals: int = 4) -> str:
    """Write `micros` with `decimals` places, or more where that would lose something.

    >>> plain(150_000), plain(12_345_678)
    ('0.1500', '12.345678')
    """
    text = f"{to_decimal(micros):.{STORED_DECIMALS}f}"
    whole, _, places = text.partition(".")
    kept = places.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{kept}" if kept else whole


def isolated(text: str) -> str:
    """An amount that reads from left to right as a whole inside right-to-left text.

    A locale's own marks would put the minus sign behind the figure in one place and the
    currency on the other side in the next.
    """
    return f"\u2066{text.translate(_DIRECTION_MARKS)}\u2069"


def exact_text(value: Fraction) -> str:
    """Write an exact amount the short way: ``0.15``; a third as ``1/3``."""
    denominator = value.denominator
    twos = fives = 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    if denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    scaled = abs(value.numerator) * 10**places // value.denominator
    digits = str(scaled).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def ceil_div(dividend: int, divisor: int) -> int:
    """Divide whole numbers, rounding up."""
    return -(-dividend // divisor)


def round_amount(value: Fraction, *, mode: RoundingMode, decimals: int) -> Fraction:
    """Round `value` (units of a currency) once, to `decimals` places.

    Negative amounts are rounded on their absolute value, as on a credit note
    (rating reference 3.10). ``none`` gives the value back unchanged.

    Raises:
        ValueError: for an unknown `mode` or decimals outside 0..20.
    """
    if mode == "none":
        return value
    if not 0 <= decimals <= 20:
        raise ValueError(f"decimals must be 0..20, got {decimals}")
    scale = 10**decimals
    size = abs(value) * scale
    whole, rest = divmod(size.numerator, size.denominator)
    double = 2 * rest
    if mode == "up":
        whole += rest > 0
    elif mode == "half_up":
        whole += double >= size.denominator
    elif mode == "half_even":
        whole += double > size.denominator or (double == size.denominator and whole % 2 == 1)
    elif mode != "down":
        raise ValueError(f"unknown rounding mode {mode!r}")
    return Fraction(-whole if value < 0 else whole, scale)


def fraction_to_micros(value: Fraction) -> Micros:
    """Turn an already rounded amount in units into micro-units.

    Raises:
        BadAmount: if the value still has more than six places.
    """
    scaled = value * MICROS_PER_UNIT
    if scaled.denominator != 1:
        raise BadAmount(f"more than six decimal places: {exact_text(value)}")
    return Micros(scaled.numerator)
