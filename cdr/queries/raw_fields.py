"""A record set aside, field by field: what each column holds, and which one is at fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, runtime_checkable

from cdr.drivers.base import BadOptions
from cdr.models import QuarantinedRecord
from cdr.queries.drivers import UnknownDriver, make_driver

TIMES_AT_FAULT: Final[Mapping[str, frozenset[str]]] = {
    "future": frozenset({"started_at", "datetimeorigination"}),
    "too_old": frozenset({"started_at", "datetimeorigination"}),
    "implausible": frozenset(
        {
            *("started_at", "answered_at", "ended_at"),
            *("datetimeorigination", "datetimeconnect", "datetimedisconnect"),
        }
    ),
}
"""Where the reason is about times, the columns that hold them."""
FIRST_SECOND, LAST_SECOND = 100_000_000, 4_102_444_800
FIELDS_SHOWN: Final = 400


@runtime_checkable
class NamesCells(Protocol):
    """A driver that can take one of its lines apart, and put it together again.

    `columns_read` are the columns that it makes something of, in small letters.
    """

    columns_read: frozenset[str]

    def cells_of(self, text: str) -> list[tuple[str, str]]:
        """The cells of one line with their columns' names; a cell beyond the last has none."""

    def line_of(self, cells: list[str], *, like: str) -> str:
        """`cells` as one line, with the delimiter of the line `like`."""


@dataclass(frozen=True, slots=True)
class RawField:
    """One field of the raw record. `means` is its value for people, where it is a code.

    `is_read`: the driver makes something of it; most columns of some switches it does not.
    """

    place: int
    name: str
    value: str
    means: datetime | None
    is_at_fault: bool
    is_read: bool = True


def raw_fields(record: QuarantinedRecord) -> list[RawField]:
    """The fields of `record` as its driver names them; none where its text cannot be told apart."""
    cells = _cells(record)
    faulty = _at_fault(record, [name for name, _ in cells])
    driver = _driver(record)
    is_json = record.raw.lstrip().startswith("{")
    read = driver.columns_read if isinstance(driver, NamesCells) and not is_json else None
    return [
        RawField(
            place,
            name,
            value,
            _moment(name, value),
            is_at_fault=name.lower() in faulty,
            is_read=not name or read is None or name.lower() in read,
        )
        for place, (name, value) in enumerate(cells[:FIELDS_SHOWN])
    ]


def with_fields(record: QuarantinedRecord, typed: Mapping[int, str]) -> str:
    """The raw text of `record` with the fields at these places replaced."""
    cells = [value for _, value in _cells(record)]
    driver = _driver(record)
    if not cells or not isinstance(driver, NamesCells):
        return record.raw
    for place, value in typed.items():
        if 0 <= place < len(cells):
            cells[place] = value
    return driver.line_of(cells, like=record.raw)


def can_be_mended_by_field(record: QuarantinedRecord) -> bool:
    """Whether a line can be put together again from its fields."""
    return not record.raw.lstrip().startswith("{") and isinstance(_driver(record), NamesCells)


def _driver(record: QuarantinedRecord) -> object | None:
    source = record.delivery.source
    if source is None:
        return None
    try:
        return make_driver(
            source.driver, source=source.name, zone=source.site.time_zone, options=source.options
        )
    except (UnknownDriver, BadOptions):
        return None


def _cells(record: QuarantinedRecord) -> list[tuple[str, str]]:
    if record.raw.lstrip().startswith("{"):
        return list(_flat(_document(record.raw)))
    driver = _driver(record)
    return driver.cells_of(record.raw) if isinstance(driver, NamesCells) else []


def _document(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _flat(document: Mapping[str, object], before: str = "") -> Iterable[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{before}{name}", said


def _at_fault(record: QuarantinedRecord, names: list[str]) -> frozenset[str]:
    """The columns that the reason is about: named in its words, or known for it."""
    words = {word.lower() for word in re.findall(r"\w+", record.detail)}
    named = frozenset(name.lower() for name in names if name and name.lower() in words)
    return named or TIMES_AT_FAULT.get(record.reason, frozenset())


def _moment(name: str, value: str) -> datetime | None:
    """Seconds since 1970 as an instant, for columns that hold times."""
    if not name.lower().startswith("datetime") or not value.strip().isdecimal():
        return None
    seconds = int(value)
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)
