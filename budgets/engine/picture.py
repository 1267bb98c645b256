"""The picture of a period: where its lines run, in whole units of a drawing.

What was spent, added up day by day; the even pace from nothing to all; what is
foreseen with its range; the marks of the thresholds. A day is drawn up to its end,
today up to its middle. Everything that would stand above the top is cut off there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from budgets.engine.forecast import Forecast
from kernel.periods import ONE_DAY

WIDTH: Final = 840
TOP: Final = 24
BOTTOM: Final = 396
START: Final = 8
END: Final = 736
"""The plot; what lies beyond `END` belongs to the labels of the marks."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the drawing."""

    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.x},{self.y}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold's line across the plot."""

    percent: int
    amount: int
    y: int
    is_reached: bool
    locks: bool


@dataclass(frozen=True, slots=True)
class TableDay:
    """One day in figures. `even` is where an even pace would stand in the evening."""

    day: date
    spent: int | None
    total: int
    even: int
    is_foreseen: bool = False
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn, as points, and the same as a table."""

    spent: Sequence[Point]
    even: tuple[Point, Point]
    foreseen: Sequence[Point]
    band: Sequence[Point]
    marks: Sequence[Mark]
    today: Point
    ends: Point | None
    is_mirrored: bool
    days: Sequence[TableDay]
    even_today: int

    @property
    def area(self) -> Sequence[Point]:
        """The ground under what was spent."""
        if not self.spent:
            return ()
        return (
            Point(self.spent[0].x, BOTTOM),
            *self.spent,
            Point(self.spent[-1].x, BOTTOM),
        )

    @property
    def plot_start(self) -> int:
        """Where the first day begins: at the other side in a mirrored drawing."""
        return WIDTH - START if self.is_mirrored else START

    @property
    def plot_end(self) -> int:
        """Where the last day ends."""
        return WIDTH - END if self.is_mirrored else END


class _Canvas:
    """From days and amounts to places."""

    def __init__(self, *, starts_on: date, days: int, top: int, is_mirrored: bool) -> None:
        self._starts_on = starts_on
        self._days = days
        self.top = max(1, top)
        self._is_mirrored = is_mirrored

    def x(self, halves: int) -> int:
        """The place of so many half days after the start."""
        x = START + (END - START) * halves // (2 * self._days)
        return WIDTH - x if self._is_mirrored else x

    def y(self, amount: int) -> int:
        kept = max(0, min(amount, self.top))
        return BOTTOM - (BOTTOM - TOP) * kept // self.top

    def evening(self, day: date, amount: int) -> Point:
        return Point(self.x(2 * ((day - self._starts_on).days + 1)), self.y(amount))

    def noon(self, day: date, amount: int) -> Point:
        return Point(self.x(2 * (day - self._starts_on).days + 1), self.y(amount))


def draw(
    *,
    starts_on: date,
    ends_before: date,
    today: date,
    spent_by_day: Mapping[date, int],
    effective: int,
    told: Forecast,
    thresholds: Mapping[int, bool],
    is_mirrored: bool = False,
) -> Picture:
    """Draw a period. `thresholds` are percents, and whether they lock.

    Amounts are micro-units, or milliseconds of talk: all of them in the one or the other.
    """
    length = (ends_before - starts_on).days
    last = min(today, ends_before - ONE_DAY)
    totals: dict[date, int] = {}
    total = 0
    for number in range((last - starts_on).days + 1):
        day = starts_on + number * ONE_DAY
        total += spent_by_day.get(day, 0)
        totals[day] = total
    canvas = _Canvas(
        starts_on=starts_on,
        days=length,
        top=_top(effective=effective, spent=total, told=told),
        is_mirrored=is_mirrored,
    )
    line = [Point(canvas.x(0), canvas.y(0))]
    line += [canvas.evening(day, amount) for day, amount in totals.items() if day != last]
    here = canvas.noon(last, total)
    line.append(here)
    foreseen = [here, *(canvas.evening(each.day, each.expected) for each in told.path)]
    high = [canvas.evening(each.day, each.high) for each in told.path]
    low = [canvas.evening(each.day, each.low) for each in told.path]
    return Picture(
        spent=line,
        even=(Point(canvas.x(0), canvas.y(0)), Point(canvas.x(2 * length), canvas.y(effective))),
        foreseen=foreseen if told.path else (),
        band=(here, *high, *reversed(low)) if told.path else (),
        marks=[
            Mark(percent, amount, canvas.y(amount), total >= amount, locks)
            for percent, locks in sorted(thresholds.items())
            if (amount := effective * percent // 100) <= canvas.top
        ],
        today=here,
        ends=canvas.noon(told.ends_on, effective) if told.ends_on else None,
        is_mirrored=is_mirrored,
        days=_table(totals, spent_by_day, starts_on, length, effective, told),
        even_today=effective * ((last - starts_on).days + 1) // length,
    )


def _top(*, effective: int, spent: int, told: Forecast) -> int:
    """A little above what matters; a wide range must not press the rest to the ground."""
    ahead = told.at_end.high if told.at_end else 0
    return max(effective * 27 // 25, spent * 27 // 25, min(ahead, effective * 8 // 5))


def _table(
    totals: Mapping[date, int],
    spent_by_day: Mapping[date, int],
    starts_on: date,
    length: int,
    effective: int,
    told: Forecast,
) -> list[TableDay]:
    def even(day: date) -> int:
        return effective * ((day - starts_on).days + 1) // length

    past = [
        TableDay(day, spent_by_day.get(day, 0), total, even(day)) for day, total in totals.items()
    ]
    ahead = [
        TableDay(
            each.day,
            None,
            each.expected,
            even(each.day),
            is_foreseen=True,
            low=each.low,
            high=each.high,
        )
        for each in told.path[1:]
    ]
    return [*past, *ahead]
