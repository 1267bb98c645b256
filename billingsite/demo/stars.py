"""The people whose budgets are nearly spent, so that a visitor sees one cross and lock.

Each has an allowance that a known number of calls to a ship uses up. Most of these
calls are made early in the period, by plan; the last ones come with the live
traffic. Right after a period has begun the live traffic makes up for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from zoneinfo import ZoneInfo

from billingsite.demo.company import Office, Person, person
from billingsite.demo.decks import MERIDIAN, fee, per_minute
from kernel.periods import Period, PeriodKind, local_date, period_at

SHIP = "870"
RING_SECONDS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Star:
    """A budget about to be spent: `minutes` a call, planned at local times of some days.

    `days` are days of the month, or weekdays from 1 for Monday, by `period`.
    """

    username: str
    period: PeriodKind
    amount: Decimal
    minutes: int
    days: tuple[int, ...]
    times: tuple[str, ...]
    live_after: float

    @property
    def person(self) -> Person:
        return person(self.username)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.person.office.time_zone)

    @property
    def price(self) -> Decimal:
        """What one of the calls costs, with the set-up fee."""
        office = self.person.office
        return fee(MERIDIAN, office) + per_minute(MERIDIAN, office, SHIP) * self.minutes

    @property
    def calls_to_spend(self) -> int:
        """How many calls use the whole amount up."""
        return int((self.amount / self.price).to_integral_value(ROUND_CEILING))

    def current_period(self, now: datetime) -> Period:
        return period_at(now, kind=self.period, zone=self.zone)

    def planned_on(self, day: date) -> Iterator[datetime]:
        """The starts of the planned calls of a local day."""
        number = day.day if self.period == "month" else day.isoweekday()
        if number in self.days:
            for text in self.times:
                yield datetime.combine(day, time.fromisoformat(text), self.zone).astimezone(UTC)

    def planned_before(self, now: datetime) -> int:
        """How many planned calls of the running period have been made by `now`."""
        period = self.current_period(now)
        days = (local_date(now, self.zone) - period.starts_on).days + 1
        return sum(
            start + timedelta(minutes=self.minutes, seconds=RING_SECONDS) <= now
            for offset in range(days)
            for start in self.planned_on(period.starts_on + timedelta(days=offset))
        )


STARS = (
    Star(
        username="giulia.ferri",
        period="month",
        amount=Decimal("60.00"),
        minutes=2,
        days=(1, 2),
        times=("09:20", "15:40"),
        live_after=2,
    ),
    Star(
        username="charlotte.ellis",
        period="week",
        amount=Decimal("25.00"),
        minutes=1,
        days=(1, 2),
        times=("09:15", "14:10"),
        live_after=50,
    ),
    Star(
        username="marcus.greene",
        period="day",
        amount=Decimal("14.00"),
        minutes=1,
        days=(1, 2, 3, 4, 5),
        times=("09:10",),
        live_after=120,
    ),
)
STAR_NAMES = frozenset(star.username for star in STARS)


def stars_of(office: Office) -> tuple[Star, ...]:
    return tuple(star for star in STARS if star.person.office is office)
