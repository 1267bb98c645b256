"""What the sample company is known by: its names, and the names of its call files.

Its people, sites, sources, units, carriers and price lists carry names of its own. A call
file is the demo's when its name says that one of the demo's clusters wrote it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePath
from typing import Final

from billingsite.demo.company import ASSETS, OFFICES, Office, people, person
from billingsite.demo.decks import CARRIERS
from billingsite.demo.phone_books import COMPANY
from billingsite.demo.schedule import favourites
from directory.models import UnitKind

SITES: Final = frozenset(office.name for office in OFFICES)
SOURCES: Final = {office.source: office for office in OFFICES}
CARRIER_NAMES: Final = frozenset(each.title(office) for each in CARRIERS for office in OFFICES)
TARIFF_NAMES: Final = frozenset(
    f"{each.name} {office.currency}" for each in CARRIERS for office in OFFICES
)
TARIFF_FILES: Final = frozenset(each.file_name(office) for each in CARRIERS for office in OFFICES)
_COLUMNS: Final = {
    "department": UnitKind.DEPARTMENT,
    "cost_centre": UnitKind.COST_CENTRE,
    "office": UnitKind.OFFICE,
}


@cache
def usernames() -> frozenset[str]:
    return frozenset(each.username for each in people())


@cache
def units() -> frozenset[tuple[str, str]]:
    """Kind and path of every unit of the people file, with those above it."""
    with (ASSETS / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return frozenset(
        (kind.value, branch)
        for row in rows
        for column, kind in _COLUMNS.items()
        for branch in _branches(row[column])
    )


def _branches(path: str) -> Iterator[str]:
    """``Sales`` and ``Sales/Italy`` of the latter."""
    parts = PurePath(path).parts
    for length in range(1, len(parts) + 1):
        yield "/".join(parts[:length])


@cache
def company_numbers() -> frozenset[str]:
    """The numbers of the company's phone book."""
    return frozenset(favourites(person(caller))[0] for _name, caller in COMPANY)


def file_pattern(office: Office) -> str:
    """What the names of the call files of the office's cluster look like."""
    return rf"^cdr_{re.escape(office.cluster)}_[0-9]{{2}}_[0-9]{{12}}_[0-9]+$"


def is_call_file(office: Office, name: str) -> bool:
    """Whether the office's cluster wrote a file of this name; with a leading ``_`` it was writing it."""
    return re.match(file_pattern(office), name.removeprefix("_")) is not None
