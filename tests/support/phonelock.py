"""Sites with switches, lines with holders, wishes of budgets, and switches to be faulty on order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import ClassVar

from budgets.models import Budget, BudgetPeriod, LockWish, Threshold
from cdr.models import Source
from directory.models import Line, LineHolding, Site, User
from phonelock.drivers.base import LineOrder, LineRef, OrderRefused, SwitchSetup, SwitchUnavailable
from phonelock.engine.flags import LineState
from phonelock.models import LineLock
from phonelock.operations.answers import ReconcileReport
from phonelock.operations.reconciler import reconcile

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
STUB = {"stub": "tests.support.phonelock:StubSwitch"}


def make_site(name: str = "Milan", *, driver: str = "cucm", **fields: object) -> Site:
    """A site in Italy, locked by the lock driver of this name ("none": by nothing)."""
    values: dict[str, object] = {
        "country": "IT",
        "time_zone": "Europe/Rome",
        "exit_code": "0",
        "area_code": "02",
        "extension_patterns": ["2XX", "7XXX"],
    }
    site = Site.objects.create(name=name, **(values | fields))
    Source.objects.create(name=name.lower(), site=site, driver="cucm", options={"lock": driver})
    return site


def make_line(site: Site, extension: str = "201", *, partition: str = "PT-Internal") -> Line:
    return Line.objects.create(site=site, partition=partition, extension=extension)


def make_user(username: str = "mario.rossi", *lines: Line) -> User:
    """A user who holds `lines` since ever."""
    user = User.objects.create(username=username, email=f"{username}@example.com")
    for line in lines:
        LineHolding.objects.create(line=line, user=user)
    return user


def make_period(user: User, *, at: datetime = NOON, measure: str = "MONEY") -> BudgetPeriod:
    """A monthly budget that locks at 100 %, and its running period."""
    budget = Budget.objects.create(
        user=user,
        measure=measure,
        amount=10_000_000,
        currency="EUR",
        time_zone="Europe/Rome",
        assigned_at=at,
    )
    Threshold.objects.create(budget=budget, percent=100, notify=["user", "manager"], lock=True)
    return BudgetPeriod.objects.create(
        budget=budget,
        starts_on=at.date().replace(day=1),
        ends_before=(at.date().replace(day=1) + timedelta(days=32)).replace(day=1),
        starts_at=at - timedelta(days=9),
        ends_at=at + timedelta(days=22),
        base=10_000_000,
    )


def wish_lock(user: User, *, period: BudgetPeriod | None = None, at: datetime = NOON) -> LockWish:
    """What a budget writes when it is spent."""
    return LockWish.objects.create(
        period=period or make_period(user, at=at), user=user, wished_at=at
    )


def lift_wish(wish: LockWish, *, at: datetime, because: str = "end_period") -> None:
    """What a budget writes when the lock is no longer its wish."""
    LockWish.objects.filter(pk=wish.pk).update(lifted_at=at, lifted_because=because, swept_at=None)


def lock_of(line: Line) -> LineLock:
    return LineLock.objects.get(line=line)


def run_until(
    start: datetime,
    end: datetime,
    *,
    step: int = 10,
    each: Callable[[datetime], None] | None = None,
) -> list[ReconcileReport]:
    """Reconcile every `step` seconds of a passed-in time, `each` called before every run."""
    reports = []
    now = start
    while now <= end:
        if each is not None:
            each(now)
        reports.append(reconcile(now=now))
        now += timedelta(seconds=step)
    return reports


class StubSwitch:
    """A switch in memory, one a site, that counts and obeys the faults a test sets.

    `fault` may be "", "down", "refuse", "forget", "garbage" or "hang"; `bad_lines` are
    extensions for which only orders fail while the rest works.
    """

    parallel_orders: ClassVar[int] = 4
    timeout_seconds: ClassVar[int] = 5
    by_site: ClassVar[dict[str, StubSwitch]] = {}

    def __new__(cls, setup: SwitchSetup) -> StubSwitch:
        return cls.at(setup.site)

    def __init__(self, setup: SwitchSetup) -> None: ...

    @classmethod
    def at(cls, site: str) -> StubSwitch:
        if site not in cls.by_site:
            stub = super().__new__(cls)
            stub.reset()
            cls.by_site[site] = stub
        return cls.by_site[site]

    def reset(self) -> None:
        self.fault = ""
        self.bad_lines: set[str] = set()
        self.states: dict[LineRef, LineState] = {}
        self.orders: list[LineOrder] = []
        self.tries = 0
        self.probes = 0
        self.released = Event()
        self.before_answer: Callable[[LineOrder], None] | None = None
        self._guard = Lock()

    def set_line_state(self, *, order: LineOrder) -> None:
        with self._guard:
            self.tries += 1
        self._meet_fault()
        if order.line.extension in self.bad_lines:
            raise SwitchUnavailable("error 500 for this line")
        if self.fault == "refuse":
            raise OrderRefused("not this line")
        with self._guard:
            if self.fault != "forget" and order.order_id not in {o.order_id for o in self.orders}:
                self.states[order.line] = order.state
            self.orders.append(order)
        if self.before_answer is not None:
            self.before_answer(order)

    def get_line_state(self, *, line: LineRef) -> LineState:
        self._meet_fault()
        return self.states.get(line, LineState.UNLOCKED)

    def probe(self) -> None:
        with self._guard:
            self.probes += 1
        self._meet_fault()

    def _meet_fault(self) -> None:
        if self.fault == "down":
            raise SwitchUnavailable("connection refused")
        if self.fault == "error 500":
            raise SwitchUnavailable("error 500")
        if self.fault == "garbage":
            raise ValueError("<html>not what I asked for</html>")
        if self.fault == "hang":
            self.released.wait(timeout=30)
            raise SwitchUnavailable("no answer in time")
