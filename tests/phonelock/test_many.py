"""Locks with an end, and locks of many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from directory.models import Line
from phonelock.engine.flags import Actor, LockFlag
from phonelock.models import LineLock, LockEvent
from phonelock.operations import endings
from phonelock.operations.endings import lift_ended
from phonelock.operations.flags import (
    EndsTooEarly,
    NotLockable,
    StillLocked,
    ask_again,
    lock_by_administrator,
    lock_line,
    unlock_line,
)
from phonelock.operations.many import Outcome, lock_many, unlock_many
from phonelock.operations.reconciler import reconcile
from phonelock.operations.wishes import sweep_wishes
from tests.support.phonelock import NOON, StubSwitch, lock_of, make_line, make_site, wish_lock
from tests.support.phonelock import make_user as user_with

HOUR = timedelta(hours=1)


@pytest.fixture
def lines(db: None) -> list[Line]:
    site = make_site(driver="stub")
    return [make_line(site, str(201 + number)) for number in range(4)]


def admin_lock(line: Line, *, until: object = None, reason: str = "lent out") -> LineLock:
    return lock_by_administrator(
        line=line,
        by="anna",
        reason=reason,
        until=until,  # type: ignore[arg-type]
        at=NOON,
    )


# --- an end ---------------------------------------------------------------------------------------


@pytest.mark.feature("F240")
def test_a_lock_ends_by_itself_at_its_time_and_says_so(lines: list[Line]) -> None:
    admin_lock(lines[0], until=NOON + HOUR)
    reconcile(now=NOON)

    early = reconcile(now=NOON + HOUR - timedelta(seconds=1))
    still = lock_of(lines[0])
    late = reconcile(now=NOON + HOUR)

    assert (early.lifted, late.lifted) == (0, 1)
    assert still.wanted == "LOCKED"
    lock = lock_of(lines[0])
    assert (lock.wanted, lock.confirmed, lock.admin_until) == ("UNLOCKED", "UNLOCKED", None)
    set_, *_, lifted = LockEvent.objects.filter(kind__in=["SET", "CLEARED"]).order_by("pk")
    assert set_.until == NOON + HOUR
    assert (lifted.flag, lifted.made_by, lifted.reason) == ("ADMIN", "reconciler", "end_date")


@pytest.mark.feature("F240")
def test_the_end_of_a_lock_leaves_the_other_locks_alone(lines: list[Line]) -> None:
    admin_lock(lines[0], until=NOON + HOUR)
    lock_line(line=lines[0], actor=Actor.USER, by="mario", at=NOON)

    assert lift_ended(now=NOON + HOUR) == 1

    assert lock_of(lines[0]).flags == {LockFlag.USER}
    assert lock_of(lines[0]).wanted == "LOCKED"


def test_who_gives_a_later_end_keeps_the_phone_locked(lines: list[Line]) -> None:
    admin_lock(lines[0], until=NOON + HOUR)
    admin_lock(lines[0], until=NOON + 2 * HOUR)

    assert lift_ended(now=NOON + HOUR) == 0

    lock = lock_of(lines[0])
    assert (lock.admin_since, lock.admin_until) == (NOON, NOON + 2 * HOUR)
    kinds = LockEvent.objects.order_by("pk").values_list("kind", "until")
    assert list(kinds) == [("SET", NOON + HOUR), ("CHANGED", NOON + 2 * HOUR)]


def test_new_terms_ask_nothing_of_the_switch_and_the_same_terms_are_no_event(
    lines: list[Line],
) -> None:
    admin_lock(lines[0])
    version = lock_of(lines[0]).version

    admin_lock(lines[0], reason="stolen")
    admin_lock(lines[0], reason="stolen")

    lock = lock_of(lines[0])
    assert (lock.version, lock.admin_reason) == (version, "stolen")
    assert LockEvent.objects.filter(kind="CHANGED").count() == 1


@pytest.mark.parametrize("until", [NOON, NOON - HOUR])
def test_a_lock_cannot_end_before_it_begins(lines: list[Line], until: object) -> None:
    with pytest.raises(EndsTooEarly):
        admin_lock(lines[0], until=until)
    with pytest.raises(EndsTooEarly):
        lock_many(lines, by="anna", reason="x", until=until, at=NOON)  # type: ignore[arg-type]

    assert not LockEvent.objects.exists()


def test_many_ends_are_lifted_in_more_than_one_step(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "ROWS_A_QUERY", 3)
    lock_many(lines, by="anna", reason="x", until=NOON + HOUR, at=NOON)

    assert lift_ended(now=NOON + HOUR) == 4
    assert not LineLock.objects.filter(wanted="LOCKED").exists()


def test_the_table_keeps_ends_to_locks(lines: list[Line]) -> None:
    lock_line(line=lines[0], actor=Actor.USER, by="mario", at=NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        LineLock.objects.filter(line=lines[0]).update(admin_until=NOON)


# --- many -----------------------------------------------------------------------------------------


@pytest.mark.feature("F234")
def test_each_of_many_lines_says_what_became_of_it(lines: list[Line]) -> None:
    bare = make_line(make_site("Rome", driver="none"))
    admin_lock(lines[0], reason="first")
    lock_line(line=lines[1], actor=Actor.USER, by="mario", at=NOON)

    locked = lock_many([*lines, bare], by="anna", reason="strike", until=None, at=NOON)
    unlocked = unlock_many([*lines, bare], by="anna", reason="over", at=NOON + HOUR)

    assert {result.line_id: result.outcome for result in locked} == {
        lines[0].pk: Outcome.ALREADY,
        lines[1].pk: Outcome.STAYS_SO,
        lines[2].pk: Outcome.ASKED,
        lines[3].pk: Outcome.ASKED,
        bare.pk: Outcome.NO_SWITCH,
    }
    assert {result.line_id: result.outcome for result in unlocked} == {
        lines[0].pk: Outcome.ASKED,
        lines[1].pk: Outcome.STAYS_LOCKED,
        lines[2].pk: Outcome.ASKED,
        lines[3].pk: Outcome.ASKED,
        bare.pk: Outcome.ALREADY,
    }
    assert LockEvent.objects.filter(line=lines[0], kind="SET").get().reason == "first"


def test_unlocking_many_leaves_the_budgets_locks(lines: list[Line]) -> None:
    wish_lock(user_with("mario", lines[0]))
    sweep_wishes(now=NOON)
    lock_many(lines[:1], by="anna", reason="x", until=None, at=NOON)

    (result,) = unlock_many(lines[:1], by="anna", reason="y", at=NOON)

    assert result.outcome is Outcome.STAYS_LOCKED
    assert lock_of(lines[0]).flags == {LockFlag.BUDGET}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("F234")
def test_single_and_many_at_once_leave_one_consistent_state() -> None:
    """Whoever comes last wins a flag; state, versions and events always agree."""
    site = make_site(driver="stub")
    lines = [make_line(site, str(201 + number)) for number in range(12)]
    works = [
        lambda: lock_many(lines, by="anna", reason="all", until=None, at=NOON),
        lambda: unlock_many(lines[::-1], by="bert", reason="none", at=NOON),
        lambda: lock_many(lines[::-1], by="carl", reason="all too", until=NOON + HOUR, at=NOON),
        *(partial(lock_line, line=line, actor=Actor.USER, by="u", at=NOON) for line in lines[:3]),
        *(
            partial(unlock_line, line=line, actor=Actor.USER, by="u", at=NOON)
            for line in lines[3:5]
        ),
        lambda: lift_ended(now=NOON + 2 * HOUR),
    ]
    ready = Barrier(len(works))

    def run(work: object) -> None:
        try:
            ready.wait(timeout=30)
            work()  # type: ignore[operator]
        except StillLocked:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))

    for line in lines:
        lock = lock_of(line)
        events = list(LockEvent.objects.filter(line=line).order_by("pk"))
        flags: set[str] = set()
        before = "UNLOCKED"
        for event in events:
            assert event.state_before == before
            flags = flags | {event.flag} if event.kind == "SET" else flags - {event.flag}
            before = event.state_after
            assert before == ("LOCKED" if flags else "UNLOCKED")
        assert flags == lock.flags
        assert lock.wanted == before


# --- asking again ---------------------------------------------------------------------------------


@pytest.mark.feature("F239")
def test_asking_again_does_not_wait_for_the_lines_own_turn(lines: list[Line]) -> None:
    stub = StubSwitch.at("Milan")
    stub.fault = "down"
    lock_line(line=lines[0], actor=Actor.USER, by="mario", at=NOON)
    reconcile(now=NOON)
    stub.fault = ""

    assert ask_again(line=lines[0], at=NOON + timedelta(seconds=11)) is True
    reconcile(now=NOON + timedelta(seconds=11))

    assert lock_of(lines[0]).confirmed == "LOCKED"
    assert ask_again(line=lines[0], at=NOON + timedelta(seconds=12)) is False


def test_a_line_that_nothing_locks_is_refused_by_name(db: None) -> None:
    with pytest.raises(NotLockable, match="Rome"):
        admin_lock(make_line(make_site("Rome", driver="none")))
