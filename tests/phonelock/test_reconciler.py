"""Switches brought to the wanted state, whatever they do meanwhile (reliability B11-B14)."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from budgets.models import BudgetEvent, BudgetNotice, EventKind
from directory.models import Line
from phonelock.engine.flags import Actor, LineState, LockFlag
from phonelock.models import (
    CircuitState,
    LineLock,
    LockEvent,
    LockEventKind,
    SwitchCircuit,
    SwitchState,
)
from phonelock.operations import orders, reconciler
from phonelock.operations.answers import ReconcileReport
from phonelock.operations.flags import clear_flag, set_flag, sweep_wishes
from phonelock.operations.pace import Pace
from phonelock.operations.reconciler import reconcile
from tests.support.phonelock import (
    NOON,
    StubSwitch,
    lock_of,
    make_line,
    make_site,
    make_user,
    run_until,
    wish_lock,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TEN_MINUTES = timedelta(minutes=10)


def admin_lock(line: Line, *, at: object = NOON) -> None:
    set_flag(line=line, flag=LockFlag.ADMIN, actor=Actor.ADMINISTRATOR, by="anna", at=at)  # type: ignore[arg-type]


def admin_unlock(line: Line, *, at: object = NOON) -> None:
    clear_flag(line=line, flag=LockFlag.ADMIN, actor=Actor.ADMINISTRATOR, by="anna", at=at)  # type: ignore[arg-type]


def make_lines(count: int, *, site: str = "Milan") -> list[Line]:
    place = make_site(site, driver="stub")
    return [make_line(place, str(200 + each)) for each in range(count)]


def confirmed(lines: list[Line]) -> int:
    return sum(lock_of(line).is_confirmed for line in lines)


@pytest.mark.feature("F189")
def test_an_order_is_sent_confirmed_and_read_back() -> None:
    (line,) = make_lines(1)
    admin_lock(line)

    reconcile(now=NOON)
    sent = lock_of(line)
    reconcile(now=NOON + timedelta(seconds=40))

    stub = StubSwitch.at("Milan")
    assert [order.state for order in stub.orders] == [LineState.LOCKED]
    assert (sent.confirmed, sent.is_confirmed, sent.confirmed_at) == ("LOCKED", True, NOON)
    assert lock_of(line).attempts == 0
    assert list(LockEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        LockEventKind.SET,
        LockEventKind.CONFIRMED,
    ]


def test_a_switch_away_for_an_hour_gets_one_probe_every_ten_seconds() -> None:
    lines = make_lines(5)
    stub = StubSwitch.at("Milan")
    stub.fault = "down"
    for line in lines:
        admin_lock(line)

    run_until(NOON, NOON + HOUR)

    circuit = SwitchCircuit.objects.get()
    assert (circuit.state, circuit.since) == (CircuitState.OPEN, NOON)
    assert stub.tries <= 4  # the first run only, and not even every line of it
    assert 355 <= stub.probes <= 362
    assert confirmed(lines) == 0
    assert LockEvent.objects.filter(kind=LockEventKind.FAILED).count() == 5
    assert not LineLock.objects.exclude(wanted=SwitchState.LOCKED).exists()


@pytest.mark.parametrize("fault", ["down", "error 500", "garbage"])
def test_a_switch_that_returns_has_all_its_locks_within_a_minute(fault: str) -> None:
    lines = make_lines(5)
    stub = StubSwitch.at("Milan")
    stub.fault = fault
    for line in lines:
        admin_lock(line)
    run_until(NOON, NOON + TEN_MINUTES)

    stub.fault = ""
    run_until(NOON + TEN_MINUTES, NOON + TEN_MINUTES + timedelta(seconds=60))

    assert confirmed(lines) == 5
    assert set(stub.states.values()) == {LineState.LOCKED}
    assert SwitchCircuit.objects.get().state == CircuitState.CLOSED


def test_a_switch_that_is_away_is_probed_though_none_of_its_lines_is_due() -> None:
    lines = make_lines(2)
    stub = StubSwitch.at("Milan")
    stub.fault = "down"
    for line in lines:
        admin_lock(line)
    reconcile(now=NOON)
    LineLock.objects.update(next_attempt_at=NOON + timedelta(minutes=5))

    stub.fault = ""
    reconcile(now=NOON + timedelta(seconds=10))

    assert confirmed(lines) == 2


def test_orders_that_fail_while_the_switch_seems_well_are_brought_home_within_a_minute() -> None:
    lines = make_lines(5)
    stub = StubSwitch.at("Milan")
    stub.bad_lines = {line.extension for line in lines}
    for line in lines:
        admin_lock(line)
    run_until(NOON, NOON + TEN_MINUTES)

    stub.bad_lines = set()
    run_until(NOON + TEN_MINUTES, NOON + TEN_MINUTES + timedelta(seconds=60))

    assert confirmed(lines) == 5
    assert LockEvent.objects.filter(kind=LockEventKind.FAILED).count() == 5


def test_one_failing_line_waits_longer_and_longer_without_end() -> None:
    lines = make_lines(3)
    stub = StubSwitch.at("Milan")
    stub.bad_lines = {"201"}
    for line in lines:
        admin_lock(line)

    run_until(NOON, NOON + HOUR)

    lock = lock_of(lines[1])
    tried = stub.tries - 2
    assert (confirmed([lines[0]]), confirmed([lines[2]])) == (1, 1)
    assert not SwitchCircuit.objects.filter(state=CircuitState.OPEN).exists()
    assert 8 <= tried <= 16  # at 10 s doubling to 10 min; without back-off it were 360
    assert lock.attempts == tried
    assert lock.next_attempt_at is not None
    assert NOON + HOUR < lock.next_attempt_at <= NOON + HOUR + timedelta(minutes=10)
    assert LockEvent.objects.filter(kind=LockEventKind.FAILED).count() == 1


@pytest.mark.feature("F239")
def test_the_first_failure_is_visible_as_not_confirmed() -> None:
    (line,) = make_lines(1)
    StubSwitch.at("Milan").fault = "down"
    admin_lock(line)

    reconcile(now=NOON)

    lock = lock_of(line)
    assert (lock.wanted, lock.confirmed, lock.is_confirmed) == ("LOCKED", "UNKNOWN", False)
    assert (lock.failed_since, lock.last_error) == (NOON, "connection refused")


def test_a_refused_order_shows_the_state_as_it_is() -> None:
    (line,) = make_lines(1)
    StubSwitch.at("Milan").fault = "refuse"
    admin_lock(line)

    reconcile(now=NOON)

    lock = lock_of(line)
    assert (lock.wanted, lock.confirmed, lock.is_confirmed) == ("LOCKED", "UNLOCKED", False)


def test_a_failed_budget_lock_is_told_once_an_outage() -> None:
    site = make_site(driver="stub")
    line = make_line(site)
    user = make_user("mario", line)
    wish = wish_lock(user)
    stub = StubSwitch.at("Milan")
    stub.fault = "down"
    sweep_wishes(now=NOON)

    run_until(NOON, NOON + HOUR)

    failed = BudgetEvent.objects.get(kind=EventKind.LOCK_FAILED)
    assert failed.budget == wish.period.budget
    assert failed.details["extension"] == "201"
    notice = BudgetNotice.objects.get(kind=EventKind.LOCK_FAILED)
    assert notice.recipients == ["administrator"]

    stub.fault = ""
    run_until(NOON + HOUR, NOON + HOUR + timedelta(minutes=2))
    stub.fault = "refuse"
    stub.states.clear()  # opened by hand, and the repair refused: another outage
    run_until(NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert BudgetEvent.objects.filter(kind=EventKind.LOCK_FAILED).count() == 2
    assert BudgetNotice.objects.filter(kind=EventKind.LOCK_FAILED).count() == 2


def test_lock_unlock_lock_while_the_switch_is_away_is_one_order() -> None:
    (line,) = make_lines(1)
    stub = StubSwitch.at("Milan")
    reconcile(now=NOON)
    stub.fault = "down"
    for step, change in enumerate([admin_lock, admin_unlock, admin_lock]):
        at = NOON + timedelta(minutes=step + 1)
        change(line, at=at)
        reconcile(now=at)

    stub.fault = ""
    run_until(NOON + HOUR, NOON + HOUR + timedelta(minutes=1))

    assert [order.state for order in stub.orders] == [LineState.LOCKED]
    assert lock_of(line).is_confirmed


def test_a_late_answer_never_overwrites_a_newer_wish() -> None:
    (line,) = make_lines(1)
    stub = StubSwitch.at("Milan")
    admin_lock(line)
    (job,) = reconciler._jobs(ReconcileReport(), now=NOON, limit=10)
    admin_unlock(line)
    reconcile(now=NOON)
    newest = lock_of(line)

    reconciler._carry_out([job], ReconcileReport(), now=NOON, seconds=5)

    late = lock_of(line)
    assert newest.is_confirmed
    assert (late.wanted, late.confirmed) == ("UNLOCKED", "UNLOCKED")
    assert stub.states[job.orders[0].order.line] is LineState.LOCKED
    reconcile(now=NOON + timedelta(seconds=10))
    assert stub.states[job.orders[0].order.line] is LineState.UNLOCKED
    assert lock_of(line).is_confirmed


def test_an_answer_that_arrives_during_a_change_counts_for_its_own_version() -> None:
    (line,) = make_lines(1)
    admin_lock(line)
    (job,) = reconciler._jobs(ReconcileReport(), now=NOON, limit=10)
    admin_unlock(line)

    reconciler._carry_out([job], ReconcileReport(), now=NOON, seconds=5)

    assert not lock_of(line).is_confirmed
    reconcile(now=NOON)
    assert StubSwitch.at("Milan").states[job.orders[0].order.line] is LineState.UNLOCKED


def test_of_a_thousand_lines_ten_that_fail_cost_the_others_nothing() -> None:
    lines = make_lines(1000)
    StubSwitch.at("Milan").bad_lines = {str(200 + each) for each in range(0, 1000, 100)}
    site = lines[0].site
    LineLock.objects.bulk_create(
        LineLock(
            line=line,
            admin_since=NOON,
            wanted=SwitchState.LOCKED,
            wanted_flag="ADMIN",
            version=1,
            next_attempt_at=NOON,
        )
        for line in lines
    )

    reconcile(now=NOON)

    locks = LineLock.objects.filter(line__site=site)
    assert locks.filter(confirmed=SwitchState.LOCKED, confirmed_version=1).count() == 990
    assert locks.filter(attempts=1, failed_since=NOON, next_attempt_at__gt=NOON).count() == 10


def test_a_switch_that_hangs_delays_no_other() -> None:
    (slow,) = make_lines(1, site="Rome")
    fast = make_lines(20, site="Milan")
    StubSwitch.at("Rome").fault = "hang"
    for line in [slow, *fast]:
        admin_lock(line)

    began = time.monotonic()
    reconcile(now=NOON, seconds=1.5)

    assert time.monotonic() - began < 5
    assert confirmed(fast) == 20
    assert confirmed([slow]) == 0
    later = reconcile(now=NOON + timedelta(seconds=10), seconds=1.5)
    assert later.busy == {"Rome"}
    StubSwitch.at("Rome").released.set()
    _wait_until_free((slow.site_id, "stub"))
    StubSwitch.at("Rome").fault = ""
    run_until(NOON + timedelta(seconds=20), NOON + timedelta(seconds=40))
    assert confirmed([slow]) == 1


def _wait_until_free(key: tuple[int, str]) -> None:
    until = time.monotonic() + 10
    while orders.is_busy(key) and time.monotonic() < until:
        time.sleep(0.01)


def test_a_switch_that_forgets_is_told_of_once_and_asked_less_and_less() -> None:
    (line,) = make_lines(1)
    stub = StubSwitch.at("Milan")
    stub.fault = "forget"
    admin_lock(line)

    run_until(NOON, NOON + HOUR)

    assert LockEvent.objects.filter(kind=LockEventKind.FAILED).count() == 1
    assert LockEvent.objects.filter(kind=LockEventKind.DRIFT).count() == 1
    assert 4 <= len(stub.orders) <= 20
    stub.fault = ""
    run_until(NOON + HOUR, NOON + HOUR + timedelta(minutes=15))
    lock = lock_of(line)
    assert (lock.is_confirmed, lock.failed_since, lock.attempts) == (True, None, 0)


def test_a_switch_that_flaps_ends_in_the_wanted_state_with_one_failure_told() -> None:
    lines = make_lines(3)
    stub = StubSwitch.at("Milan")
    for line in lines:
        admin_lock(line)

    def flap(now: object) -> None:
        stub.fault = "down" if stub.fault == "" else ""

    run_until(NOON, NOON + timedelta(minutes=5), each=flap)
    stub.fault = ""
    run_until(NOON + timedelta(minutes=5), NOON + timedelta(minutes=7))

    assert confirmed(lines) == 3
    assert LockEvent.objects.filter(kind=LockEventKind.FAILED).count() == 3


def test_a_phone_opened_by_hand_at_the_switch_is_seen_logged_and_locked_again() -> None:
    (line,) = make_lines(1)
    stub = StubSwitch.at("Milan")
    admin_lock(line)
    run_until(NOON, NOON + timedelta(minutes=2))
    stub.states.clear()

    run_until(NOON + timedelta(minutes=2), NOON + timedelta(minutes=13))

    drift = LockEvent.objects.get(kind=LockEventKind.DRIFT)
    assert (drift.state_before, drift.state_after) == ("LOCKED", "UNLOCKED")
    assert drift.made_at <= NOON + timedelta(minutes=12)
    assert set(stub.states.values()) == {LineState.LOCKED}
    assert lock_of(line).is_confirmed
    assert not LockEvent.objects.filter(kind=LockEventKind.FAILED).exists()


def test_everything_is_read_back_when_a_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = make_lines(1)
    stub = StubSwitch.at("Milan")
    admin_lock(line)
    run_until(NOON, NOON + timedelta(minutes=1))
    stub.states.clear()

    monkeypatch.setattr(reconciler, "_start", Pace(seconds=reconciler.START_SECONDS))
    report = reconcile(now=NOON + timedelta(minutes=2))

    assert report.drifted == 1
    assert set(stub.states.values()) == {LineState.LOCKED}
    assert lock_of(line).is_confirmed


def test_lines_never_locked_are_read_once_and_then_known_to_be_open() -> None:
    lines = make_lines(2)
    sweep_wishes(now=NOON)

    reconcile(now=NOON)

    assert {lock_of(line).confirmed for line in lines} == {"UNLOCKED"}
    assert StubSwitch.at("Milan").orders == []


def test_lines_of_a_site_without_a_switch_stay_unknown_and_are_left_alone() -> None:
    line = make_line(make_site(driver="none"))
    sweep_wishes(now=NOON)

    reconcile(now=NOON)

    lock = lock_of(line)
    assert lock.confirmed == "UNKNOWN"
    assert lock.next_attempt_at is not None
    assert lock.next_attempt_at > NOON


def test_a_clock_set_back_makes_nothing_wait() -> None:
    (line,) = make_lines(1)
    admin_lock(line, at=NOON + 2 * HOUR)

    reconcile(now=NOON)

    assert lock_of(line).is_confirmed


def test_an_idle_run_costs_next_to_nothing(django_assert_max_num_queries: object) -> None:
    make_lines(20)
    sweep_wishes(now=NOON)
    run_until(NOON, NOON + timedelta(minutes=1))
    sweep_wishes(now=NOON + timedelta(minutes=1))

    with django_assert_max_num_queries(2):  # type: ignore[operator]
        sweep_wishes(now=NOON + timedelta(seconds=65))
        reconcile(now=NOON + timedelta(seconds=65))


@pytest.mark.feature("F191", "F239")
def test_the_simulated_switch_goes_the_same_way(data_dir: Path) -> None:
    site = make_site(driver="simulated")
    lines = [make_line(site, partition="PT-A"), make_line(site, partition="PT-B")]
    faults = data_dir / "switch" / "Milan.faults.json"
    faults.parent.mkdir()
    faults.write_text(json.dumps({"down": True}))
    admin_lock(lines[0])

    reconcile(now=NOON)
    faults.unlink()
    run_until(NOON + timedelta(seconds=10), NOON + timedelta(seconds=60))

    assert lock_of(lines[0]).is_confirmed
    state = json.loads((data_dir / "switch" / "Milan.json").read_text())
    assert {line: each["state"] for line, each in state["lines"].items()} == {"PT-A/201": "LOCKED"}
    state["lines"]["PT-A/201"]["state"] = "UNLOCKED"
    (data_dir / "switch" / "Milan.json").write_text(json.dumps(state))
    run_until(NOON + timedelta(minutes=2), NOON + timedelta(minutes=14))
    state = json.loads((data_dir / "switch" / "Milan.json").read_text())
    assert state["lines"]["PT-A/201"]["state"] == "LOCKED"
    assert LockEvent.objects.filter(kind=LockEventKind.DRIFT).count() == 1
