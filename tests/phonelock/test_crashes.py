"""A process that dies anywhere between a wish and a locked phone leaves nothing undone or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from budgets.models import BudgetEvent, BudgetNotice, LockWish
from directory.models import Line, Site
from phonelock.models import LineLock, LockEvent
from phonelock.operations import orders, reconciler, wishes
from phonelock.operations.reconciler import reconcile
from phonelock.operations.wishes import sweep_wishes
from phonelock.queries import line_states
from tests.support.phonelock import (
    NOON,
    StubSwitch,
    lift_wish,
    make_line,
    make_site,
    make_user,
    wish_lock,
)

MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """As good as SIGKILL: nothing in the product catches it."""


def story() -> list[Callable[[], object]]:
    """Three users are locked, one is let go, each step followed by a pass."""
    site = make_site(driver="stub")
    found = [
        wish_lock(make_user(f"user{number}", make_line(site, str(201 + number))))
        for number in range(3)
    ]

    def pass_at(minute: int) -> None:
        sweep_wishes(now=NOON + minute * MINUTE)
        reconcile(now=NOON + minute * MINUTE)

    return [
        lambda: pass_at(0),
        lambda: lift_wish(found[0], at=NOON + MINUTE),
        lambda: pass_at(1),
        lambda: pass_at(2),
    ]


def outcome() -> tuple[object, ...]:
    return (
        line_states(),
        Counter(BudgetEvent.objects.values_list("kind", "details__extension")),
        Counter(BudgetNotice.objects.values_list("kind", flat=True)),
        Counter(LockEvent.objects.values_list("kind", "line__extension")),
        sorted(StubSwitch.at("Milan").states.items()),
    )


def play(monkeypatch: pytest.MonkeyPatch, *, point: str = "", nth: int = 1) -> tuple[object, ...]:
    """Run the story, killed at the `nth` pass of `point` and begun again from there."""
    left = nth

    def crash(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                raise Killed

    monkeypatch.setattr(reconciler, "crashpoint", crash)
    monkeypatch.setattr(wishes, "crashpoint", crash)
    for step in story():
        try:
            step()
        except Killed:
            for thread in list(orders._running.values()):
                thread.join(timeout=30)
            step()
    for _ in range(2):
        reconcile(now=NOON + 3 * MINUTE)
    assert not point or left <= 0  # it was killed indeed
    return outcome()


@pytest.mark.django_db
@pytest.mark.fault
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(
    "point", ["phonelock.flags_swept", "phonelock.order_sent", "phonelock.order_confirmed"]
)
def test_killed_at_any_point_the_end_is_the_same(
    point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = play(monkeypatch, point=point, nth=nth)
    for model in (LockEvent, LineLock, BudgetNotice, LockWish, BudgetEvent):
        model.objects.all().delete()
    _forget_people()

    whole = play(monkeypatch)

    assert killed == whole


def _forget_people() -> None:
    from budgets.models import Budget, BudgetPeriod, Threshold  # noqa: PLC0415 - the order matters
    from cdr.models import Source  # noqa: PLC0415
    from directory.models import LineHolding, User  # noqa: PLC0415

    for model in (Threshold, BudgetPeriod, Budget, LineHolding, Line, Source, Site, User):
        model.objects.all().delete()
    StubSwitch.by_site.clear()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_twenty_sweeps_at_once_take_every_wish_over_once() -> None:
    site = make_site(driver="stub")
    for number in range(30):
        wish_lock(make_user(f"user{number}", make_line(site, str(201 + number))))
    together = Barrier(20)
    failures: list[BaseException] = []

    def tick() -> None:
        together.wait(timeout=30)
        try:
            sweep_wishes(now=NOON)
            reconcile(now=NOON)
        except BaseException as failure:  # noqa: BLE001 - shown below
            failures.append(failure)
        finally:
            connection.close()

    ticks = [Thread(target=tick) for _ in range(20)]
    for each in ticks:
        each.start()
    for each in ticks:
        each.join(timeout=60)
    reconcile(now=NOON + MINUTE)

    assert failures == []
    assert BudgetEvent.objects.count() == BudgetNotice.objects.count() == 30
    assert LockEvent.objects.filter(kind="SET").count() == 30
    assert LockEvent.objects.filter(kind="CONFIRMED").count() == 30
    assert {state["confirmed"] for state in line_states()} == {"locked"}
