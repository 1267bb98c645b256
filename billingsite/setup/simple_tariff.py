"""A plain tariff from a few prices a minute, for whoever has no price list at hand.

It becomes a real tariff document: one destination a country, with finer ones for the
own country's mobile, free and premium numbers, which the numbering plan knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from billingsite.setup.number_ranges import special_prefixes
from cdr.engine import classes
from cdr.engine.numbering import country_code

FREE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class SimplePrices:
    """Prices a minute, the fee of every connected call, and how time is rounded up.

    `premium` None leaves premium numbers unpriced, which the list then shows as "not
    rated". `increment_seconds` 1 bills by the second, 60 by the begun minute.
    """

    name: str
    country: str
    currency: str
    time_zone: str
    national: Decimal
    mobile: Decimal
    international: Decimal
    premium: Decimal | None = None
    connect_fee: Decimal = FREE
    increment_seconds: int = 1


def simple_document(prices: SimplePrices) -> dict[str, Any]:
    """The tariff document of these prices. Places are left to the numbering plan, which is finer."""
    return {
        "name": prices.name,
        "currency": prices.currency,
        "timezone": prices.time_zone,
        "holidays": None,
        "rounding": {"mode": "half_up", "decimals": 4},
        "band_rule": "answer",
        "destinations": list(_destinations(prices)),
    }


def _destinations(prices: SimplePrices) -> Iterator[dict[str, Any]]:
    own = country_code(prices.country)
    by_class = {
        classes.MOBILE: prices.mobile,
        classes.TOLL_FREE: FREE,
        classes.PREMIUM: prices.premium,
    }
    for code in sorted(map(str, COUNTRY_CODE_TO_REGION_CODE)):
        price = prices.national if code == own else prices.international
        yield _destination(prices, code, price)
    for number_class, special in by_class.items():
        for prefix in special_prefixes(prices.country, number_class):
            yield _destination(prices, prefix, special, number_class=number_class)
    for prefix in special_prefixes(prices.country, classes.INTERNATIONAL):
        yield _destination(prices, prefix, prices.international)


def _destination(
    prices: SimplePrices,
    prefix: str,
    price: Decimal | None,
    *,
    number_class: str = "",
) -> dict[str, Any]:
    found: dict[str, Any] = {"prefix": prefix}
    if number_class:
        found["class"] = number_class
    return {**found, "bands": [] if price is None else [_band(prices, price)]}


def _band(prices: SimplePrices, price: Decimal) -> dict[str, Any]:
    fee = prices.connect_fee if price else FREE
    return {
        "connect_fee": f"{fee:f}",
        "steps": [
            {
                "from_second": 0,
                "price": f"{price:f}",
                "per_seconds": 60,
                "increment_seconds": prices.increment_seconds,
            }
        ],
    }
