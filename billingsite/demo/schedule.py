"""The calls of a day in one office: drawn by chance, but for a given day always the same.

The seed is the office and the day, so that the past can be written again, or from
where it was left, without a memory of what was drawn before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from random import Random

from billingsite.demo.cluster import Values
from billingsite.demo.company import EMERGENCY_DESK, Office, Person, staff
from billingsite.demo.numbers import contacts, number
from billingsite.demo.stars import RING_SECONDS, STAR_NAMES, Star, stars_of
from billingsite.demo.telephony import BUSY, NO_ANSWER, Desk, Ids, ended

SEED = "calder-voss"
FIRST_DAY = date(2024, 1, 1)
CALLS_A_DAY = 4_000
LEGS_A_DAY = 16_000
BUSINESS_HOURS = (8, 9, 9, 10, 10, 10, 11, 11, 11, 12, 13, 14, 14, 15, 15, 15, 16, 16, 17, 18)
PER_DAY = {"Sales": 9, "Operations": 7, "Management": 5, "Marketing": 5}
USUAL_PER_DAY = 4
WEEKEND_SHARE = 0.06
EMERGENCY_TEST_TIME = time(10, 30)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """The records of one call; `caller` and `dialled` where it went outside on purpose."""

    records: list[Values]
    caller: Person | None = None
    dialled: str = ""

    @property
    def ended(self) -> int:
        return ended(self.records)


@cache
def favourites(person: Person) -> tuple[str, ...]:
    rng = Random(f"{SEED}/{person.username}")  # noqa: S311 - play, not secrets
    return contacts(rng, office=person.office, department=person.department)


def talk_seconds(rng: Random) -> int:
    """Mostly a minute or three, now and then half an hour."""
    return max(4, min(2_400, int(rng.lognormvariate(4.6, 0.95))))


@lru_cache(maxsize=16)
def day_of(office: Office, day: date) -> tuple[PlannedCall, ...]:
    """All calls that begin on the local `day`; those made by plan come last."""
    rng = Random(f"{SEED}/{office.code}/{day.isoformat()}")  # noqa: S311 - play, not secrets
    number_of_day = (day - FIRST_DAY).days
    ids = Ids(1, number_of_day * CALLS_A_DAY, number_of_day * LEGS_A_DAY)
    desk = Desk(office, ids, rng)
    calls = [draw(desk, person, start) for start, person in _starts(office, day, rng)]
    calls.extend(_planned(desk, day))
    return tuple(calls)


def _starts(office: Office, day: date, rng: Random) -> Sequence[tuple[int, Person]]:
    """Who begins a call when, in order."""
    found = []
    is_weekend = day.isoweekday() > 5
    for person in staff(office):
        usual = PER_DAY.get(person.department.partition("/")[0], USUAL_PER_DAY)
        calls = max(0, int(rng.gauss(usual, 1.6)))
        if is_weekend:
            calls = int(rng.random() < WEEKEND_SHARE)
        for _ in range(calls):
            at = time(rng.choice(BUSINESS_HOURS), rng.randrange(60), rng.randrange(60))
            start = datetime.combine(day, at, office.zone).astimezone(UTC)
            found.append((int(start.timestamp()), person))
    found.sort(key=lambda item: (item[0], item[1].number))
    return found


def ship_call(desk: Desk, star: Star, start: datetime) -> PlannedCall:
    """A call of `star` to the ship that is his, as long as his plan says."""
    ship = number(Random(f"{SEED}/ship/{star.username}"), "ship")  # noqa: S311 - play
    records = desk.outgoing(
        star.person,
        ship,
        start=int(start.timestamp()),
        ring=RING_SECONDS,
        talk=star.minutes * 60,
        second=False,
    )
    return PlannedCall(records, star.person, ship)


def _planned(desk: Desk, day: date) -> Iterator[PlannedCall]:
    """The calls that are made by plan: to ships, and the monthly test of the emergency line."""
    for star in stars_of(desk.office):
        for start in star.planned_on(day):
            yield ship_call(desk, star, start)
    tester = next((one for one in staff(desk.office) if one.username == EMERGENCY_DESK), None)
    if tester and day.isoweekday() == 1 and day.day <= 7:
        start = datetime.combine(day, EMERGENCY_TEST_TIME, desk.office.zone).astimezone(UTC)
        records = desk.outgoing(
            tester,
            desk.office.emergency[0],
            start=int(start.timestamp()),
            ring=4,
            talk=21,
            second=False,
        )
        yield PlannedCall(records)


# --- one call by chance ---------------------------------------------------------------------------


def draw(desk: Desk, person: Person, start: int) -> PlannedCall:
    """A call that `person` makes or gets at `start`."""
    kinds = _KINDS_OF_STARS if person.username in STAR_NAMES else _KINDS
    kind = desk.rng.choices(kinds.kinds, cum_weights=kinds.cumulative)[0]
    return kind(desk, person, start)


def _other(desk: Desk, person: Person) -> Person:
    colleagues = staff(desk.office)
    found = desk.rng.choice(colleagues)
    while found is person:
        found = desk.rng.choice(colleagues)
    return found


def _contact(desk: Desk, person: Person) -> str:
    """One of the person's numbers, the first ones much more often."""
    numbers = favourites(person)
    return numbers[min(int(desk.rng.expovariate(0.35)), len(numbers) - 1)]


def _internal(desk: Desk, person: Person, start: int) -> PlannedCall:
    rng = desk.rng
    answered = rng.random() < 0.84
    ring, talk = rng.randrange(2, 24), min(600, talk_seconds(rng)) if answered else 0
    return PlannedCall(
        desk.internal(person, _other(desk, person), start=start, ring=ring, talk=talk)
    )


def _incoming(desk: Desk, person: Person, start: int) -> PlannedCall:
    rng = desk.rng
    caller = _contact(desk, person)
    fate = rng.random()
    if fate < 0.70:
        return PlannedCall(
            desk.incoming(
                caller,
                person,
                start=start,
                ring=rng.randrange(3, 22),
                talk=talk_seconds(rng),
                second=rng.random() < 0.3,
            )
        )
    if fate < 0.86:
        ring = rng.randrange(8, 30)
        return PlannedCall(
            desk.incoming(caller, person, start=start, ring=ring, talk=0, second=False)
        )
    return PlannedCall(
        desk.to_voicemail(caller, person, start=start, ring=20, talk=rng.randrange(6, 70))
    )


def _outgoing(desk: Desk, person: Person, start: int) -> PlannedCall:
    rng = desk.rng
    e164 = _contact(desk, person)
    answered = rng.random() < 0.83
    records = desk.outgoing(
        person,
        e164,
        start=start,
        ring=rng.randrange(5, 28),
        talk=talk_seconds(rng) if answered else 0,
        second=rng.random() < 0.35,
        cause=BUSY if rng.random() < 0.4 else NO_ANSWER,
    )
    return PlannedCall(records, person, e164)


def _forwarded(desk: Desk, person: Person, start: int) -> PlannedCall:
    rng = desk.rng
    mobile = number(
        Random(f"{SEED}/mobile/{person.username}"),  # noqa: S311 - play, not secrets
        {"IT": "it-mobile", "GB": "gb-mobile", "US": "newyork"}[desk.office.country],
    )
    return PlannedCall(
        desk.forwarded(
            _contact(desk, person),
            person,
            mobile,
            start=start,
            ring=rng.randrange(6, 20),
            talk=talk_seconds(rng),
        )
    )


def _transferred(desk: Desk, person: Person, start: int) -> PlannedCall:
    records = desk.transferred(
        person,
        _contact(desk, person),
        _other(desk, person),
        start=start,
        ring=desk.rng.randrange(5, 20),
        talk=talk_seconds(desk.rng),
    )
    return PlannedCall(records)


def _conference(desk: Desk, person: Person, start: int) -> PlannedCall:
    records = desk.conference(
        person,
        _contact(desk, person),
        _other(desk, person),
        start=start,
        ring=desk.rng.randrange(5, 20),
        talk=talk_seconds(desk.rng),
    )
    return PlannedCall(records)


class _Mix:
    """Kinds of calls with how often each comes."""

    def __init__(self, *kinds: tuple[int, Callable[[Desk, Person, int], PlannedCall]]) -> None:
        self.kinds = [kind for _, kind in kinds]
        self.cumulative = [sum(weight for weight, _ in kinds[: i + 1]) for i in range(len(kinds))]


_KINDS = _Mix(
    (30, _internal),
    (30, _incoming),
    (36, _outgoing),
    (1, _forwarded),
    (2, _transferred),
    (1, _conference),
)
_KINDS_OF_STARS = _Mix((50, _internal), (50, _incoming))


def calls_between(office: Office, *, after: datetime, until: datetime) -> Iterator[PlannedCall]:
    """All calls of the plan that ended in `(after, until]`, day by day, by their end."""
    day = after.astimezone(office.zone).date() - timedelta(days=1)
    last = until.astimezone(office.zone).date()
    earliest, latest = after.timestamp(), until.timestamp()
    while day <= last:
        calls = [call for call in day_of(office, day) if earliest < call.ended <= latest]
        yield from sorted(calls, key=lambda call: call.ended)
        day += timedelta(days=1)
