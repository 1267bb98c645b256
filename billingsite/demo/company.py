"""The offices and people of the demo company."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

ASSETS = Path(__file__).with_name("assets")
EMERGENCY_DESK = "ada.rinaldi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One office with its telephone system and the two ways out of the house.

    `rate` is what one euro is in the office's currency, for the price lists.
    `primary` carries most calls over an ISDN gateway, `second` over a SIP trunk.
    """

    name: str
    code: str
    country: str
    time_zone: str
    currency: str
    rate: Decimal
    exit_code: str
    international_prefix: str
    national_prefix: str
    area_code: str
    extensions: tuple[str, ...]
    local_lengths: tuple[int, ...]
    emergency: tuple[str, ...]
    cluster: str
    network: str
    main_number: str
    voicemail_pilot: str
    primary: str
    second: str

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.time_zone)

    @property
    def partition(self) -> str:
        return f"PT-{self.name.replace(' ', '')}"

    @property
    def source(self) -> str:
        return self.code


MILAN = Office(
    name="Milan",
    code="milan",
    country="IT",
    time_zone="Europe/Rome",
    currency="EUR",
    rate=Decimal(1),
    exit_code="0",
    international_prefix="00",
    national_prefix="",
    area_code="02",
    extensions=("2XX", "6000"),
    local_lengths=(),
    emergency=("112", "113"),
    cluster="CV-Milan",
    network="10.39.2",
    main_number="+390255550",
    voicemail_pilot="6000",
    primary="S0/SU0/DS1-0@gw-milan.caldervoss.example",
    second="SIPTRK-MILAN",
)
LONDON = Office(
    name="London",
    code="london",
    country="GB",
    time_zone="Europe/London",
    currency="GBP",
    rate=Decimal("0.86"),
    exit_code="9",
    international_prefix="00",
    national_prefix="0",
    area_code="20",
    extensions=("40XX", "6400"),
    local_lengths=(8,),
    emergency=("999", "112"),
    cluster="CV-London",
    network="10.44.20",
    main_number="+44207946",
    voicemail_pilot="6400",
    primary="S0/SU0/DS1-0@gw-london.caldervoss.example",
    second="SIPTRK-LONDON",
)
NEW_YORK = Office(
    name="New York",
    code="newyork",
    country="US",
    time_zone="America/New_York",
    currency="USD",
    rate=Decimal("1.09"),
    exit_code="9",
    international_prefix="011",
    national_prefix="1",
    area_code="212",
    extensions=("51XX", "6500"),
    local_lengths=(7,),
    emergency=("911",),
    cluster="CV-NewYork",
    network="10.1.212",
    main_number="+12125550",
    voicemail_pilot="6500",
    primary="S0/SU0/DS1-0@gw-newyork.caldervoss.example",
    second="SIPTRK-NEWYORK",
)
OFFICES = (MILAN, LONDON, NEW_YORK)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone; `number` is his place among all, for addresses and devices."""

    username: str
    extension: str
    department: str
    office: Office
    number: int

    @property
    def device(self) -> str:
        return f"SEP0C17{self.number:08X}"

    @property
    def address(self) -> str:
        return f"{self.office.network}.{10 + self.number}"


@cache
def people() -> tuple[Person, ...]:
    """Everybody of `people.csv` with the first line he has."""
    offices = {office.name: office for office in OFFICES}
    found: dict[str, Person] = {}
    with (ASSETS / "people.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(
                row["username"],
                Person(
                    username=row["username"],
                    extension=row["extension"],
                    department=row["department"],
                    office=offices[row["office"]],
                    number=len(found) + 1,
                ),
            )
    return tuple(found.values())


@cache
def staff(office: Office) -> tuple[Person, ...]:
    return tuple(person for person in people() if person.office is office)


def person(username: str) -> Person:
    return next(person for person in people() if person.username == username)
