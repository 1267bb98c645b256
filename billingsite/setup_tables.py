"""Typed reading of the tables of a set-up file, with the place of everything that is wrong.

A table is read key by key; what was not asked for in the end is an unknown key. All
problems of a file are gathered, so that one run names them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from kernel.periods import local_midnight

T = TypeVar("T")

LONGEST_TEXT = 2000
Moment = date | datetime
"""A day (its first instant at the site) or an instant, perhaps without an offset."""


class BadValue(ValueError):
    """A value cannot be used: why, without the place."""


@dataclass(slots=True)
class Problems:
    """What is wrong with a file, each with its place."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, place: str, reason: str) -> None:
        self.found.append(": ".join(part for part in (self.file, place, reason) if part))


@dataclass(slots=True)
class Table:
    """One table of the file, such as the second ``[[gateway]]``."""

    place: str
    raw: Mapping[str, object]
    problems: Problems
    _asked: set[str] = field(default_factory=set)

    def has(self, key: str) -> bool:
        """Whether the key is there, whatever it holds."""
        return key in self.raw

    def refuse(self, key: str, reason: str) -> None:
        """Note that the value of `key` cannot be used."""
        self.problems.add(f"{self.place}, {key}" if key else self.place, reason)

    def read(self, key: str, check: Callable[[object], T]) -> T | None:
        """The checked value of `key`; None if it is missing or was refused."""
        self._asked.add(key)
        if key not in self.raw:
            return None
        try:
            return check(self.raw[key])
        except BadValue as refusal:
            self.refuse(key, str(refusal))
            return None

    def required(self, key: str, check: Callable[[object], T]) -> T | None:
        """As `read`, but a missing key is a problem."""
        if key not in self.raw:
            self._asked.add(key)
            self.refuse(key, "is missing")
            return None
        return self.read(key, check)

    def finish(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self.raw:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.refuse(key, f"unknown key; known are {known}")


def tables(document: Mapping[str, object], name: str, *, problems: Problems) -> Iterator[Table]:
    """The tables ``[[name]]`` of the file, numbered from 1."""
    raw = document.get(name, [])
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        problems.add(f"[[{name}]]", f"must be written as [[{name}]], once for each")
        return
    for number, item in enumerate(raw, start=1):
        label = item.get("name", item.get("device", item.get("for", "")))
        shown = f" ({label})" if isinstance(label, str) and label else ""
        yield Table(f"[[{name}]] {number}{shown}", item, problems)


def text(value: object, *, longest: int = LONGEST_TEXT) -> str:
    """A text without control characters."""
    if not isinstance(value, str):
        raise BadValue(f"must be a text in quotes, got {show(value)}")
    if len(value) > longest:
        raise BadValue(f"is longer than {longest} characters")
    if any(not sign.isprintable() for sign in value):
        raise BadValue("holds a control character")
    return value


def name(value: object, *, longest: int = 100) -> str:
    """A text that is not empty, trimmed, and has no slash."""
    found = text(value, longest=longest).strip()
    if not found:
        raise BadValue("is empty")
    if "/" in found:
        raise BadValue(f"{found!r} may not hold a slash")
    return found


def digits(value: object, *, longest: int = 8) -> str:
    """Digits in quotes, perhaps none."""
    found = text(value, longest=longest)
    if found and not (found.isascii() and found.isdecimal()):
        raise BadValue(f"must be digits in quotes, got {show(value)}")
    return found


def boolean(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise BadValue(f"must be true or false, got {show(value)}")
    return value


def whole(value: object, *, lowest: int, highest: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise BadValue(f"must be a whole number from {lowest} to {highest}, got {show(value)}")
    return value


def decimal(value: object) -> Decimal:
    """An amount in quotes, or a whole number. A bare 0.1 was read exactly as well."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BadValue(f'must be an amount such as "10.00", got {show(value)}')
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise BadValue(f'must be an amount such as "10.00", got {show(value)}') from None
    if not found.is_finite():
        raise BadValue(f"must be a finite amount, got {show(value)}")
    return found


def one_of(value: object, *, choices: Mapping[str, T]) -> T:
    """The meaning of one of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise BadValue(f"must be one of {', '.join(choices)}, got {show(value)}")
    return choices[value]


def each(value: object, check: Callable[[object], T]) -> list[T]:
    """A list with every item checked."""
    if not isinstance(value, list):
        raise BadValue(f"must be a list in [ ], got {show(value)}")
    found: list[T] = []
    for place, item in enumerate(value, start=1):
        try:
            found.append(check(item))
        except BadValue as refusal:
            raise BadValue(f"item {place} {refusal}") from None
    return found


def table(value: object) -> dict[str, object]:
    """A table of the driver's own, passed on as it is."""
    if not isinstance(value, dict):
        raise BadValue(f"must be a table, got {show(value)}")
    return value


def moment(value: object) -> Moment:
    """A TOML date or date and time, or the same as a text."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            raise BadValue(f"must be a date such as 2026-01-31, got {show(value)}") from None
    if not isinstance(value, date):
        raise BadValue(f"must be a date such as 2026-01-31, got {show(value)}")
    if not 1970 <= value.year < 2200:
        raise BadValue(f"the year {value.year} is not plausible")
    return value


def instant_of(when: Moment, *, zone: ZoneInfo) -> datetime:
    """The instant meant: a day begins at its first instant in `zone`."""
    if not isinstance(when, datetime):
        return local_midnight(when, zone)
    return (when if when.tzinfo is not None else when.replace(tzinfo=zone)).astimezone(UTC)


def show(value: object) -> str:
    """A value as it may stand in an error line."""
    shown = repr(value) if not isinstance(value, dict | list) else type(value).__name__
    return shown if len(shown) <= 60 else shown[:57] + "…"
