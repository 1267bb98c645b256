"""The price lists of the two demo carriers, one in the currency of each office.

Meridian is an old national company: a set-up fee, a first minute that is paid
whole, day and night prices, and a mobile price that fell in October 2026. Atlantic
sells by the second, the same at all hours, without a fee, a little dearer abroad.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from billingsite.demo.company import ASSETS, Office

FOUR_PLACES = Decimal("0.0001")
SINCE = "2024-01-01T00:00:00+00:00"
MOBILE_CHEAPER_SINCE = "2026-10-01T00:00:00+00:00"
FREE_CLASSES = ("toll-free",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """How a carrier turns the market's prices into his own."""

    name: str
    key: str
    factor: Decimal
    connect_fee: Decimal
    first_seconds: int
    next_seconds: int
    night_discount: Decimal

    def title(self, office: Office) -> str:
        return f"{self.name} {office.country}"

    def file_name(self, office: Office) -> str:
        return f"{self.key}-{office.currency.lower()}.json"


MERIDIAN = Carrier(
    name="Meridian Telecom",
    key="meridian",
    factor=Decimal("1.35"),
    connect_fee=Decimal("0.05"),
    first_seconds=60,
    next_seconds=30,
    night_discount=Decimal("0.30"),
)
ATLANTIC = Carrier(
    name="Atlantic Voice",
    key="atlantic",
    factor=Decimal("1.20"),
    connect_fee=Decimal(0),
    first_seconds=1,
    next_seconds=1,
    night_discount=Decimal(0),
)
CARRIERS = (MERIDIAN, ATLANTIC)


@dataclass(frozen=True, slots=True)
class Destination:
    """A line of the market price table; amounts in euro a minute, empty where not sold."""

    prefix: str
    area: str
    nation: str
    number_class: str
    home: str
    abroad: str

    def sold_in(self, country: str) -> str:
        return self.home if self.nation == country else self.abroad


@cache
def destinations() -> tuple[Destination, ...]:
    with (ASSETS / "destinations.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Destination(
                row["prefix"],
                row["area"],
                row["nation"],
                row["class"],
                row["home"] or "",
                row["abroad"] or "",
            )
            for row in csv.DictReader(file)
        )


def per_minute(carrier: Carrier, office: Office, prefix: str) -> Decimal:
    """The day price a minute of `prefix`, in the office's currency."""
    found = next(item for item in destinations() if item.prefix == prefix)
    price = Decimal(found.sold_in(office.country)) * carrier.factor * office.rate
    return price.quantize(FOUR_PLACES)


def fee(carrier: Carrier, office: Office) -> Decimal:
    return (carrier.connect_fee * office.rate).quantize(Decimal("0.01"))


def document(carrier: Carrier, office: Office) -> dict[str, Any]:
    """The whole tariff document of `carrier` for `office`."""
    return {
        "name": f"{carrier.name} {office.currency}",
        "currency": office.currency,
        "timezone": office.time_zone,
        "holidays": office.country,
        "rounding": {"mode": "half_up", "decimals": 4},
        "band_rule": "answer",
        "destinations": list(_rows(carrier, office)),
    }


def _rows(carrier: Carrier, office: Office) -> Iterator[dict[str, Any]]:
    for item in destinations():
        price = item.sold_in(office.country)
        if price == "":
            continue
        at_home = item.nation == office.country
        number_class = item.number_class if at_home else "international"
        day = Decimal(price) * carrier.factor * office.rate
        row = {"prefix": item.prefix, "area": item.area, "class": number_class}
        dearer = carrier is MERIDIAN and item.number_class == "mobile" and at_home
        spans = [(SINCE, day)]
        if dearer:
            spans = [(SINCE, day * Decimal("1.15")), (MOBILE_CHEAPER_SINCE, day)]
        for since, amount in spans:
            yield {
                **row,
                "valid_from": since,
                "valid_to": None,
                "bands": _bands(carrier, office, amount=amount, number_class=number_class),
            }


def _bands(
    carrier: Carrier, office: Office, *, amount: Decimal, number_class: str
) -> list[dict[str, Any]]:
    free = number_class in FREE_CLASSES
    connect_fee = Decimal(0) if free else fee(carrier, office)
    whole_week = {"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "to": "24:00", "holiday": None}
    if not carrier.night_discount or free:
        return [_band(carrier, whole_week, weight=0, price=amount, connect_fee=connect_fee)]
    night = amount * (1 - carrier.night_discount)
    office_hours = {"days": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:30", "holiday": False}
    if number_class in ("premium", "international"):
        night = amount
    return [
        _band(carrier, office_hours, weight=10, price=amount, connect_fee=connect_fee),
        _band(carrier, whole_week, weight=0, price=night, connect_fee=connect_fee),
    ]


def _band(
    carrier: Carrier,
    when: dict[str, Any],
    *,
    weight: int,
    price: Decimal,
    connect_fee: Decimal,
) -> dict[str, Any]:
    text = str(price.quantize(FOUR_PLACES))
    steps = [
        {
            "from_second": 0,
            "price": text,
            "per_seconds": 60,
            "increment_seconds": carrier.first_seconds,
        }
    ]
    if carrier.next_seconds != carrier.first_seconds:
        steps.append(
            {
                "from_second": carrier.first_seconds,
                "price": text,
                "per_seconds": 60,
                "increment_seconds": carrier.next_seconds,
            }
        )
    return {
        **when,
        "months": None,
        "month_days": None,
        "weight": weight,
        "connect_fee": str(connect_fee),
        "free_seconds": 0,
        "grace_seconds": 0,
        "minimum_charge": None,
        "maximum_charge": None,
        "at_maximum": "free",
        "steps": steps,
    }
