"""Which band holds at an instant: local times of day, weekdays, dates and holidays.

Instants are whole milliseconds since 1970 in UTC. A band is a question of local
time, a duration never is: the hour that comes twice in autumn is in its band
twice, the one that spring skips is in none.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cdr.engine.calendars import holidays_in

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
REMEMBERED_DAYS: Final = 10_000
REMEMBERED_HOURS: Final = 50_000
NO_BAND: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a band holds, in the tariff's zone: half-open times of day, `from` = `to` all day.

    `holiday` true: only on holidays; false: only on other days; None: on both.
    Weekdays count from 1 for Monday; None means every month, every day of the month.
    """

    days: frozenset[int]
    from_ms: int
    to_ms: int
    months: frozenset[int] | None
    month_days: frozenset[int] | None
    holiday: bool | None
    weight: int


def intervals(when: Timing) -> tuple[tuple[int, int], ...]:
    """The half-open times of one day in which a band holds; two where it wraps midnight."""
    start, end = when.from_ms, when.to_ms
    if start == end:
        return ((0, DAY_MS),)
    if start < end:
        return ((start, end),)
    return tuple(part for part in ((0, end), (start, DAY_MS)) if part[0] < part[1])


_LONGEST_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _share_a_date(one: Timing, other: Timing) -> bool:
    """Whether some date is in the months and month days of both.

    In the 400 years of the calendar every date falls on every weekday, so days
    of the week are a question of their own.
    """
    every_month, every_day = frozenset(range(1, 13)), frozenset(range(1, 32))
    months = (one.months or every_month) & (other.months or every_month)
    days = (one.month_days or every_day) & (other.month_days or every_day)
    return bool(days) and any(min(days) <= _LONGEST_MONTH[month - 1] for month in months)


def overlap(one: Timing, other: Timing, *, has_holidays: bool) -> bool:
    """Whether some second of some year lies in both; any date may be a holiday."""
    if not (one.days & other.days) or not _share_a_date(one, other):
        return False
    holds_on = {one.holiday, other.holiday} - {None}
    if len(holds_on) == 2 or (True in holds_on and not has_holidays):
        return False
    return any(
        a_start < b_end and b_start < a_end
        for a_start, a_end in intervals(one)
        for b_start, b_end in intervals(other)
    )


class ZoneClock:
    """The offset of one zone from UTC, day by day; the days met are remembered."""

    __slots__ = ("_days", "_zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: dict[int, tuple[tuple[int, int], ...]] = {}

    def offset(self, at_ms: int) -> tuple[int, int]:
        """The offset at `at_ms` and the instant until which it is known to hold."""
        day = at_ms // DAY_MS
        spans = self._days.get(day)
        if spans is None:
            if len(self._days) >= REMEMBERED_DAYS:
                self._days.clear()
            spans = self._days[day] = self._spans(day * DAY_MS)
        for offset, until in spans:
            if at_ms < until:
                return offset, until
        raise AssertionError("the spans of a day reach to its end")

    def _spans(self, start: int) -> tuple[tuple[int, int], ...]:
        """The offsets of one UTC day, found by looking at each hour and halving between."""
        spans: list[tuple[int, int]] = []
        current = self._offset_at(start)
        for hour in range(start, start + DAY_MS, HOUR_MS):
            following = self._offset_at(hour + HOUR_MS)
            if following != current:
                change = self._change(hour, hour + HOUR_MS, current)
                if change < start + DAY_MS:
                    spans.append((current, change))
                    current = following
        spans.append((current, start + DAY_MS))
        return tuple(spans)

    def _change(self, low: int, high: int, before: int) -> int:
        while high - low > 1000:
            middle = (low + high) // 2000 * 1000
            if self._offset_at(middle) == before:
                low = middle
            else:
                high = middle
        return high

    def _offset_at(self, at_ms: int) -> int:
        offset = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(self._zone).utcoffset()
        assert offset is not None
        return offset // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The bands of one local day: `bands[i]` holds from `starts[i]` to `starts[i + 1]`."""

    starts: tuple[int, ...]
    bands: tuple[int, ...]


class Schedule:
    """Which of a destination's bands holds, by index into the timings it was made of.

    Of the bands that hold at a second the heaviest wins. Destinations with the
    same timings share one schedule.
    """

    __slots__ = ("_calendar", "_clock", "_days", "_hours", "_plans", "_timings", "always")

    def __init__(self, timings: tuple[Timing, ...], *, clock: ZoneClock, calendar: str) -> None:
        self._timings = timings
        self._clock = clock
        self._calendar = calendar
        self._days: dict[int, DayPlan] = {}
        self._hours: dict[int, tuple[int, int]] = {}
        self._plans: dict[tuple[int, ...], DayPlan] = {}
        self.always = self._find_always()

    def _find_always(self) -> int:
        """The band that holds at every second of every year, or -1."""
        if not self._timings:
            return NO_BAND
        heaviest = max(range(len(self._timings)), key=lambda index: self._timings[index].weight)
        when = self._timings[heaviest]
        unbound = (
            len(when.days) == 7
            and when.months is None
            and when.month_days is None
            and when.holiday is None
            and intervals(when) == ((0, DAY_MS),)
        )
        return heaviest if unbound else NO_BAND

    def at(self, at_ms: int) -> tuple[int, int]:
        """The band at `at_ms` (-1: none), and an instant until which it surely holds."""
        known = self._hours.get(at_ms // HOUR_MS)
        return self._find(at_ms) if known is None else known

    def _find(self, at_ms: int) -> tuple[int, int]:
        offset, offset_until = self._clock.offset(at_ms)
        day, within = divmod(at_ms + offset, DAY_MS)
        plan = self._days.get(day)
        if plan is None:
            plan = self._remember(day)
        starts = plan.starts
        place = bisect_right(starts, within)
        end = starts[place] if place < len(starts) else DAY_MS
        found = plan.bands[place - 1], min(at_ms + end - within, offset_until)
        hour = at_ms // HOUR_MS
        began = at_ms - within + starts[place - 1]
        if (
            began <= hour * HOUR_MS
            and found[1] >= (hour + 1) * HOUR_MS
            and self._clock.offset(hour * HOUR_MS)[0] == offset
        ):
            if len(self._hours) >= REMEMBERED_HOURS:
                self._hours.clear()
            self._hours[hour] = found
        return found

    def _remember(self, day: int) -> DayPlan:
        if len(self._days) >= REMEMBERED_DAYS:
            self._days.clear()
        local = date.fromordinal(EPOCH_ORDINAL + day)
        is_holiday = local in holidays_in(self._calendar, local.year)
        holding = tuple(
            index
            for index, when in enumerate(self._timings)
            if local.isoweekday() in when.days
            and (when.months is None or local.month in when.months)
            and (when.month_days is None or local.day in when.month_days)
            and (when.holiday is None or when.holiday == is_holiday)
        )
        plan = self._plans.get(holding)
        if plan is None:
            plan = self._plans[holding] = self._plan(holding)
        self._days[day] = plan
        return plan

    def _plan(self, holding: tuple[int, ...]) -> DayPlan:
        parts = [
            (start, end, self._timings[index].weight, index)
            for index in holding
            for start, end in intervals(self._timings[index])
        ]
        edges = sorted({0, *(part[0] for part in parts), *(part[1] for part in parts)} - {DAY_MS})
        starts: list[int] = []
        bands: list[int] = []
        for edge in edges:
            here = [(part[2], part[3]) for part in parts if part[0] <= edge < part[1]]
            band = max(here)[1] if here else NO_BAND
            if not bands or bands[-1] != band:
                starts.append(edge)
                bands.append(band)
        return DayPlan(tuple(starts), tuple(bands))
