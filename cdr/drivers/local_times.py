"""Times and durations as switches write them: often without a zone (reliability P9).

A local time in the repeated hour is its first occurrence, unless the order of the
file or of the call's own times proves the second; one in the missing hour moves
forward. Both are said to be adjusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from cdr.drivers.base import Unusable

_TOLERANCE: Final = timedelta(minutes=1)
_LONGEST_MS: Final = 366 * 86_400_000
_PER_MILLISECOND: Final = {"s": Decimal(1000), "ms": Decimal(1), "us": Decimal("0.001")}


@dataclass(frozen=True, slots=True)
class Reading:
    """One time: its first and, in the repeated hour, its second possible instant."""

    first: datetime
    second: datetime | None = None
    was_missing: bool = False

    @property
    def is_certain(self) -> bool:
        return self.second is None and not self.was_missing


def located(naive: datetime, zone: ZoneInfo) -> Reading:
    """What the local time `naive` can mean in `zone`."""
    local = naive.replace(tzinfo=zone)
    offset, later_offset = local.utcoffset(), local.replace(fold=1).utcoffset()
    first = local.astimezone(UTC)
    if offset == later_offset:
        return Reading(first)
    if first.astimezone(zone).replace(tzinfo=None) != naive:
        return Reading(first, was_missing=True)
    return Reading(first, second=local.replace(fold=1).astimezone(UTC))


def read_time(text: str, *, formats: tuple[str, ...], zone: ZoneInfo, name: str) -> Reading:
    """`text` by the first of `formats` that fits.

    Raises:
        Unusable: ``bad_field`` if none does.
    """
    for pattern in formats:
        try:
            moment = _by_format(text, pattern)
        except (ValueError, OverflowError, OSError):
            continue
        if moment.tzinfo is not None:
            return Reading(moment.astimezone(UTC))
        return located(moment, zone)
    raise Unusable("bad_field", f"{name} is {text[:40]!r}, which no time format fits")


def _by_format(text: str, pattern: str) -> datetime:
    if pattern == "iso":
        return datetime.fromisoformat(text)
    if pattern in {"epoch", "epoch_ms"}:
        milliseconds = milliseconds_of(text, unit="ms" if pattern == "epoch_ms" else "s")
        if milliseconds <= 0:
            raise ValueError(text)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added by the caller


def milliseconds_of(text: str, *, unit: str = "s") -> int:
    """A number of `unit`, or ``[hours:]minutes:seconds``; fractions of a millisecond are cut.

    Raises:
        ValueError: if it is neither, or negative.
    """
    try:
        parts = [Decimal(part) for part in text.split(":")]
        if len(parts) == 1:
            value = parts[0] * _PER_MILLISECOND[unit]
        elif len(parts) <= 3:
            value = Decimal(0)
            for part in parts:
                value = value * 60 + part
            value *= 1000
        else:
            raise ValueError(text)
        if not value.is_finite() or any(part < 0 for part in parts):
            raise ValueError(text)
        return int(value)
    except InvalidOperation:
        raise ValueError(text) from None


def duration(text: str, *, unit: str, name: str) -> timedelta:
    """`text` as a length of time.

    Raises:
        Unusable: ``bad_field`` if it is none, or longer than a year.
    """
    try:
        milliseconds = milliseconds_of(text, unit=unit)
    except ValueError:
        milliseconds = -1
    if not 0 <= milliseconds <= _LONGEST_MS:
        raise Unusable("bad_field", f"{name} is {text[:40]!r}, not a duration")
    return timedelta(milliseconds=milliseconds)


@dataclass(slots=True)
class FileOrder:
    """Start and end of the record before, to tell the two passes of the repeated hour apart.

    Files are in the order of starts or of ends; a record that starts and ends before
    the one above it breaks both, so it belongs to the second pass.
    """

    started_at: datetime | None = None
    ended_at: datetime | None = None

    def proves_second(self, *, started_at: datetime, ended_at: datetime) -> bool:
        """Whether these times, read as the first pass, cannot be true after the record before."""
        if self.started_at is None or self.ended_at is None:
            return False
        return started_at < self.started_at - _TOLERANCE and ended_at < self.ended_at - _TOLERANCE

    def note(self, *, started_at: datetime, ended_at: datetime) -> None:
        """Remember the record just read."""
        self.started_at, self.ended_at = started_at, ended_at
