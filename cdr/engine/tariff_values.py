"""Single values of a tariff document: JSON values in, checked values out.

What is wrong is raised as `Bad`, which gathers the path on its way up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from numbers import Real
from typing import Final, TypeVar, cast
from zoneinfo import ZoneInfo

T = TypeVar("T")

MAX_AMOUNT: Final = 100_000
MAX_PLACES: Final = 12
MAX_SECONDS: Final = 100_000_000


class Bad(Exception):
    """A problem at `path`, on its way up to whoever knows the rest of the path."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text

    def under(self, parent: str) -> Bad:
        """The same problem seen from one level up."""
        dot = "" if self.path.startswith("[") or not self.path else "."
        return Bad(f"{parent}{dot}{self.path}", self.text)


def show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_object(value: object, *, keys: frozenset[str], what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise Bad("", f"must be {what}, got {show(value)}")
    if not value.keys() <= keys:
        unknown = sorted(str(key) for key in value.keys() - keys)
        raise Bad(unknown[0], f"unknown key; known are {', '.join(sorted(keys))}")
    return cast("Mapping[str, object]", value)


def read_list(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise Bad("", f"must be a list, got {show(value)}")
    return cast("Sequence[object]", value)


def read_text(value: object, *, longest: int) -> str:
    if not isinstance(value, str):
        raise Bad("", f"must be text, got {show(value)}")
    if len(value) > longest:
        raise Bad("", f"longer than {longest} characters")
    if not value.isprintable() and any(char < " " or "\ud800" <= char < "\ue000" for char in value):
        raise Bad("", f"control characters are not text: {show(value)}")
    return value


def read_decimal(value: object) -> Decimal:
    """A number written as text or as a JSON number; never a binary fraction's long tail."""
    if isinstance(value, bool) or not isinstance(value, str | Decimal | Real):
        raise Bad("", f"must be a number, got {show(value)}")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise Bad("", f"not a decimal number: {show(value)}") from None
    if not number.is_finite():
        raise Bad("", f"not a finite number: {show(value)}")
    return number


def read_amount(value: object) -> Decimal:
    """An amount of money, not negative, with at most twelve places."""
    return _known_amount(value) if isinstance(value, str) else _amount(value)


@lru_cache(maxsize=65_536)
def _known_amount(value: str) -> Decimal:
    return _amount(value)


def _amount(value: object) -> Decimal:
    number = read_decimal(value)
    if number < 0:
        raise Bad("", f"must not be negative, got {value}")
    if number > MAX_AMOUNT:
        raise Bad("", f"more than {MAX_AMOUNT}: {value}")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_PLACES:
        raise Bad("", f"more than {MAX_PLACES} decimal places: {value}")
    return number


def read_whole(value: object, *, lowest: int, highest: int) -> int:
    number = read_decimal(value)
    if number != number.to_integral_value() or not lowest <= number <= highest:
        raise Bad("", f"must be a whole number from {lowest} to {highest}, got {show(value)}")
    return int(number)


def read_seconds(value: object) -> int:
    """Seconds, whole or with up to three places, as milliseconds."""
    if type(value) is int and 0 <= value <= MAX_SECONDS:
        return value * 1000
    number = read_decimal(value)
    if number < 0:
        raise Bad("", f"must not be negative, got {value}")
    if number > MAX_SECONDS:
        raise Bad("", f"more than {MAX_SECONDS} seconds")
    scaled = number * 1000
    if scaled != scaled.to_integral_value():
        raise Bad("", f"finer than a millisecond: {value}")
    return int(scaled)


def read_positive_seconds(value: object) -> int:
    milliseconds = read_seconds(value)
    if milliseconds == 0:
        raise Bad("", "must be more than 0")
    return milliseconds


@lru_cache(maxsize=4096)
def read_time_of_day(value: str) -> int:
    parts = value.split(":")
    if len(parts) not in {2, 3} or not all(
        len(p) == 2 and p.isascii() and p.isdigit() for p in parts
    ):
        raise Bad("", f"must be HH:MM or HH:MM:SS, got {show(value)}")
    hour, minute, second = (int(part) for part in (*parts, "00")[:3])
    if (hour, minute, second) != (24, 0, 0) and (hour > 23 or minute > 59 or second > 59):
        raise Bad("", f"no such time of day: {value}")
    return ((hour * 60 + minute) * 60 + second) * 1000


def read_numbers(value: object, *, lowest: int, highest: int) -> frozenset[int]:
    numbers = frozenset(
        read_whole(item, lowest=lowest, highest=highest) for item in read_list(value)
    )
    if not numbers:
        raise Bad("", "an empty list never holds; leave it out (or null) for all")
    return numbers


def read_choice(value: object, *, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise Bad("", f"must be one of {', '.join(choices)}, got {show(value)}")
    return str(value)


@lru_cache(maxsize=1024)
def read_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Bad("", f"no such time zone: {show(name)}") from None


@lru_cache(maxsize=65_536)
def read_instant(value: str, zone: ZoneInfo) -> datetime:
    """An ISO 8601 time; without offset, or a date alone, in the tariff's zone."""
    try:
        if len(value) == len("2026-01-01"):
            return datetime.combine(date.fromisoformat(value), datetime.min.time(), tzinfo=zone)
        parsed = datetime.fromisoformat(value)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
        aware.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Bad("", f"not an ISO 8601 date or time: {show(value)}") from None
    return aware


def optional(raw: Mapping[str, object], key: str, read: Callable[[object], T], *, default: T) -> T:
    """The value at `key`, or `default` where it is absent or null."""
    value = raw.get(key)
    if value is None:
        return default
    try:
        return read(value)
    except Bad as bad:
        raise bad.under(key) from None


def required(raw: Mapping[str, object], key: str, read: Callable[[object], T]) -> T:
    value = raw.get(key)
    if value is None:
        raise Bad(key, "is missing")
    try:
        return read(value)
    except Bad as bad:
        raise bad.under(key) from None


def read_each(value: object, read: Callable[[object], T], *, most: int) -> tuple[T, ...]:
    items = read_list(value)
    if len(items) > most:
        raise Bad("", f"more than {most} entries")
    found: list[T] = []
    for index, item in enumerate(items):
        try:
            found.append(read(item))
        except Bad as bad:
            raise bad.under(f"[{index}]") from None
    return tuple(found)
