"""When a budget will be used up at this pace, and how sure that is.

Days are not alike: nobody calls on Sundays. So each weekday has a mean of its own,
drawn a little towards the mean of its kind (Monday to Friday, or the weekend)
because a few Mondays say little. What may come different is the spread of the days
around these means, and how few days the means stand on. The range is made to hold
the end in four of five cases; with too few days nothing is foretold at all.

Exact arithmetic: amounts are whole micro-units or milliseconds of talk, means and
spreads are fractions, and no root is taken where two squares can be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction
from math import isqrt
from typing import Final

from kernel.periods import ONE_DAY

FEWEST_DAYS: Final = 5
"""Ended days that must be known before anything is foretold."""
LOOK_BACK: Final = timedelta(days=42)
"""How far back days still speak for today: six weeks, each weekday six times."""
RANGE_SQUARED: Final = Fraction(128 * 128, 100 * 100)
"""1.28 standard deviations to either side hold four cases of five."""
_PULL: Final = 1
"""So many days of the mean of its kind are added to each weekday's own."""
SATURDAY: Final = 6


class Outlook(Enum):
    """What can be said of the end of a budget.

    UNSURE: the range reaches from now to beyond the period, so that a day would be a guess.
    """

    UNKNOWN = "unknown"
    USED_UP = "used_up"
    UNSURE = "unsure"
    ENDS = "ends"
    LASTS = "lasts"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The sum at the end of a day to come: expected, and the range around it."""

    day: date
    expected: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is foreseen for a period.

    `ends_on` is the day on which the budget is used up at this pace; `earliest` and
    `latest` its range. None = not within the period. `at_end` is the sum foreseen
    for the period's last day, `path` every day from today to it. `days_known` is how
    many ended days it stands on.
    """

    outlook: Outlook
    days_known: int
    ends_on: date | None = None
    earliest: date | None = None
    latest: date | None = None
    path: tuple[Foreseen, ...] = ()

    @property
    def at_end(self) -> Foreseen | None:
        """The last day foreseen."""
        return self.path[-1] if self.path else None


def forecast(
    *,
    spent: int,
    effective: int,
    today: date,
    ends_before: date,
    known: Mapping[date, int],
    known_since: date | None,
) -> Forecast:
    """Foresee the end of a budget of which `spent` is gone.

    `known` is what was spent on each day, today's part included; days that are not in
    it but lie after `known_since` are days on which nothing was spent. `ends_before` is
    the first day after the period.

    Raises:
        ValueError: if `today` does not lie before `ends_before`.

    >>> days = {date(2026, 11, day): 1_000_000 for day in range(2, 13)}
    >>> told = forecast(spent=11_000_000, effective=20_000_000, today=date(2026, 11, 13),
    ...     ends_before=date(2026, 12, 1), known=days, known_since=date(2026, 11, 2))
    >>> told.outlook.value, told.ends_on.isoformat(), told.days_known
    ('ends', '2026-11-21', 11)
    """
    if today >= ends_before:
        raise ValueError(f"{today} does not lie before {ends_before}")
    samples = _samples(known, since=known_since, today=today)
    if spent >= effective:
        return Forecast(Outlook.USED_UP, len(samples))
    if len(samples) < FEWEST_DAYS:
        return Forecast(Outlook.UNKNOWN, len(samples))
    pace = _Pace(samples)
    doubt, reach = _Doubt(pace), _Reach()
    expected = Fraction(spent)
    path = []
    day = today
    while day < ends_before:
        usual = pace.mean(day)
        expected += max(usual - known.get(today, 0), Fraction(0)) if day == today else usual
        doubt.add(day)
        reach.look(day, missing=effective - expected, variance=doubt.variance)
        width = isqrt(int(RANGE_SQUARED * doubt.variance))
        middle = int(expected)
        path.append(Foreseen(day, middle, max(spent, middle - width), middle + width))
        day += ONE_DAY
    return Forecast(
        reach.outlook(today),
        len(samples),
        reach.ends_on,
        reach.earliest,
        reach.latest,
        tuple(path),
    )


@dataclass(slots=True)
class _Reach:
    """On which days a budget is used up: at the earliest, as expected, and surely by then."""

    earliest: date | None = None
    ends_on: date | None = None
    latest: date | None = None

    def look(self, day: date, *, missing: Fraction, variance: Fraction) -> None:
        """Look at the end of `day`, in the order of days: what is still `missing` then."""
        is_gone = missing <= 0
        is_near = missing * missing <= RANGE_SQUARED * variance
        if self.ends_on is None and is_gone:
            self.ends_on = day
        if self.earliest is None and (is_gone or is_near):
            self.earliest = day
        if self.latest is None and is_gone and (not is_near or variance == 0):
            self.latest = day

    def outlook(self, today: date) -> Outlook:
        """What can be said once every day was looked at."""
        if self.ends_on is None:
            return Outlook.LASTS
        begins_now = self.earliest is not None and self.earliest <= today + ONE_DAY
        return Outlook.UNSURE if begins_now and self.latest is None else Outlook.ENDS


def _samples(known: Mapping[date, int], *, since: date | None, today: date) -> dict[date, int]:
    """The ended days to go by: from `since` on, at most `LOOK_BACK` of them."""
    if since is None:
        return {}
    first = max(since, today - LOOK_BACK)
    count = max(0, (today - first).days)
    return {day: known.get(day, 0) for day in (first + n * ONE_DAY for n in range(count))}


def _is_weekend(weekday: int) -> bool:
    return weekday >= SATURDAY


class _Pace:
    """What a day usually costs, by its weekday, and how far days stray from it."""

    def __init__(self, samples: Mapping[date, int]) -> None:
        self._sums: dict[int, int] = defaultdict(int)
        self._counts: dict[int, int] = defaultdict(int)
        for day, amount in samples.items():
            self._sums[day.isoweekday()] += amount
            self._counts[day.isoweekday()] += 1
        everything = Fraction(sum(self._sums.values()), sum(self._counts.values()))
        self._kinds = {kind: self._kind_mean(everything, is_weekend=kind) for kind in (False, True)}
        self._means = {weekday: self._mean_of(weekday) for weekday in range(1, 8)}
        self._variances = self._spread(samples)

    def mean(self, day: date) -> Fraction:
        """What is usually spent on such a day."""
        return self._means[day.isoweekday()]

    def variance(self, day: date) -> Fraction:
        """How far single days like this stray from their mean, squared."""
        return self._variances[_is_weekend(day.isoweekday())]

    def weight(self, weekday: int) -> int:
        """How many days the mean of `weekday` stands on, as far as it is its own."""
        return self._counts[weekday] + _PULL

    def _kind_mean(self, everything: Fraction, *, is_weekend: bool) -> Fraction:
        weekdays = [weekday for weekday in self._counts if _is_weekend(weekday) == is_weekend]
        counted = sum(self._counts[weekday] for weekday in weekdays)
        if not counted:
            return everything
        return Fraction(sum(self._sums[weekday] for weekday in weekdays), counted)

    def _mean_of(self, weekday: int) -> Fraction:
        pulled = self._sums[weekday] + _PULL * self._kinds[_is_weekend(weekday)]
        return Fraction(pulled) / (self._counts[weekday] + _PULL)

    def _spread(self, samples: Mapping[date, int]) -> dict[bool, Fraction]:
        squares = dict.fromkeys((False, True), Fraction(0))
        counts = dict.fromkeys((False, True), 0)
        for day, amount in samples.items():
            kind = _is_weekend(day.isoweekday())
            squares[kind] += (amount - self.mean(day)) ** 2
            counts[kind] += 1
        everything = sum(squares.values(), Fraction(0)) / max(1, sum(counts.values()) - 1)
        return {
            kind: squares[kind] / (counts[kind] - 1) if counts[kind] > 1 else everything
            for kind in (False, True)
        }


class _Doubt:
    """How uncertain the sum of the days added so far is: their spread, and their means'."""

    def __init__(self, pace: _Pace) -> None:
        self._pace = pace
        self._days = Fraction(0)
        self._times: dict[int, int] = defaultdict(int)
        self._variances: dict[int, Fraction] = {}

    def add(self, day: date) -> None:
        weekday = day.isoweekday()
        variance = self._pace.variance(day)
        self._days += variance
        self._times[weekday] += 1
        self._variances[weekday] = variance

    @property
    def variance(self) -> Fraction:
        of_means = (
            times * times * self._variances[weekday] / self._pace.weight(weekday)
            for weekday, times in self._times.items()
        )
        return self._days + sum(of_means, Fraction(0))
