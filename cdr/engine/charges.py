"""What the user is charged for a call that cost the company something (domain 5.2)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from kernel.money import (
    MICROS_PER_UNIT,
    STORED_DECIMALS,
    Micros,
    RoundingMode,
    fraction_to_micros,
    round_amount,
)


def user_charge(
    *,
    cost: int,
    markup_percent: Decimal,
    surcharge: int,
    decimals: int = 4,
    mode: RoundingMode = "half_up",
) -> Micros:
    """The charge for a call of `cost`: marked up, then the surcharge, rounded once.

    `cost` and `surcharge` are micro-units. The surcharge is not marked up, and a
    call that cost nothing is charged nothing.
    """
    if cost == 0:
        return Micros(0)
    marked_up = Fraction(cost) * (1 + Fraction(markup_percent) / 100)
    charge = (marked_up + surcharge) / MICROS_PER_UNIT
    if mode == "none":
        mode, decimals = "half_up", STORED_DECIMALS
    return fraction_to_micros(
        round_amount(charge, mode=mode, decimals=min(decimals, STORED_DECIMALS))
    )
