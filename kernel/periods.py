"""Half-open periods of local days: day, week and month, in any zone.

A period is a run of local dates; its two ends are the local midnights of its
zone, stored as UTC instants. Days of 23 and 25 hours are ordinary days, and a
midnight that a zone skips starts at the first instant that exists.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

PeriodKind = Literal["day", "week", "month"]

ONE_DAY = timedelta(days=1)
YEARS = range(1900, 3000)
"""The years that people may ask for: the calendar's own ends have no midnight in every zone."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The local dates ``[starts_on, ends_before)`` and their instants in UTC."""

    starts_on: date
    ends_before: date
    starts_at: datetime
    ends_at: datetime

    @property
    def last_date(self) -> date:
        """The last day that still belongs to the period."""
        return self.ends_before - ONE_DAY

    def holds(self, instant: datetime) -> bool:
        """Say whether `instant` lies inside the half-open period."""
        return self.starts_at <= instant < self.ends_at


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day` in `zone`, as UTC.

    Where the zone skips midnight (America/Sao_Paulo did) the day begins at the
    first local time that exists; where midnight comes twice, at the first. A
    whole skipped day (Pacific/Apia, 2011-12-30) begins and ends at one instant.
    """
    naive = datetime.combine(day, time.min)
    early = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early <= late:
        return early
    # A gap: fold=1 lies before it, fold=0 behind; the change itself is between.
    low, high = late, early
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).date() < day:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of `instant` in `zone`."""
    return instant.astimezone(zone).date()


def _month_start(year: int, month: int, starts_on: int) -> date:
    """The day a month period starts: `starts_on`, or the last day of a shorter month."""
    return date(year, month, min(starts_on, calendar.monthrange(year, month)[1]))


def _first_day(day: date, *, kind: PeriodKind, starts_on: int) -> date:
    if kind == "day":
        return day
    if kind == "week":
        return day - timedelta(days=(day.isoweekday() - starts_on) % 7)
    start = _month_start(day.year, day.month, starts_on)
    if start <= day:
        return start
    year, month = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
    return _month_start(year, month, starts_on)


def _next_first_day(first: date, *, kind: PeriodKind, starts_on: int) -> date:
    if kind == "day":
        return first + ONE_DAY
    if kind == "week":
        return first + timedelta(days=7)
    year, month = (first.year, first.month + 1) if first.month < 12 else (first.year + 1, 1)
    return _month_start(year, month, starts_on)


def check_starts_on(kind: PeriodKind, starts_on: int) -> None:
    """Raise ValueError unless `starts_on` suits `kind`: 1..31 for months, 1 (Monday)..7."""
    last = {"day": 31, "week": 7, "month": 31}[kind]
    if not 1 <= starts_on <= last:
        raise ValueError(f"a {kind} starts on 1..{last}, got {starts_on}")


def period_of_date(day: date, *, kind: PeriodKind, zone: ZoneInfo, starts_on: int = 1) -> Period:
    """The period of `kind` that holds the local date `day`."""
    check_starts_on(kind, starts_on)
    first = _first_day(day, kind=kind, starts_on=starts_on)
    after = _next_first_day(first, kind=kind, starts_on=starts_on)
    return Period(first, after, local_midnight(first, zone), local_midnight(after, zone))


def period_at(instant: datetime, *, kind: PeriodKind, zone: ZoneInfo, starts_on: int = 1) -> Period:
    """The period of `kind` that holds `instant` (aware) in `zone`."""
    return period_of_date(local_date(instant, zone), kind=kind, zone=zone, starts_on=starts_on)


def period_after(period: Period, *, kind: PeriodKind, zone: ZoneInfo, starts_on: int = 1) -> Period:
    """The period that follows `period` without a gap.

    A period may be followed by one of another kind or start day when a budget was
    changed: the follower then begins where the old one ended and ends at its own
    next regular border.
    """
    regular = period_of_date(period.ends_before, kind=kind, zone=zone, starts_on=starts_on)
    return Period(period.ends_before, regular.ends_before, period.ends_at, regular.ends_at)
