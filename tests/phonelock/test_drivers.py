"""The contract that every lock driver keeps, and what is special about ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from phonelock.checks import lock_settings
from phonelock.drivers.base import (
    LineOrder,
    LineRef,
    LockDriver,
    OrderRefused,
    SwitchSetup,
    SwitchUnavailable,
    TakesManyLines,
)
from phonelock.drivers.curri import CurriDriver
from phonelock.drivers.simulated import SimulatedSwitch
from phonelock.drivers.snapshots import read_snapshot
from phonelock.engine.flags import LineState
from tests.support.curri import MILAN, ask, make_desk, publish, question, verdict
from tests.support.phonelock import StubSwitch

LINE = LineRef("Milan", "PT-Internal", "201")
OTHER = LineRef("Milan", "PT-Internal", "202")


def order(line: LineRef = LINE, state: LineState = LineState.LOCKED) -> LineOrder:
    return LineOrder(line, state, uuid4(), "BUDGET")


def make_curri(data_dir: Path) -> LockDriver:
    driver = CurriDriver(SwitchSetup("Milan", data_dir))
    driver.publish(facts=MILAN, locked={})
    return driver


def make_simulated(data_dir: Path) -> LockDriver:
    return SimulatedSwitch(SwitchSetup("Milan", data_dir))


def make_stub(data_dir: Path) -> LockDriver:
    return StubSwitch(SwitchSetup("Milan", data_dir))


DRIVERS = {"curri": make_curri, "simulated": make_simulated, "stub": make_stub}


@pytest.fixture(params=DRIVERS)
def make(request: pytest.FixtureRequest) -> Callable[[Path], LockDriver]:
    return DRIVERS[request.param]


@pytest.mark.feature("F189", "F230")
def test_a_line_is_locked_and_unlocked(make: Callable[[Path], LockDriver], data_dir: Path) -> None:
    driver = make(data_dir)

    before = driver.get_line_state(line=LINE)
    driver.set_line_state(order=order())
    locked = (driver.get_line_state(line=LINE), driver.get_line_state(line=OTHER))
    driver.set_line_state(order=order(state=LineState.UNLOCKED))

    assert before is LineState.UNLOCKED
    assert locked == (LineState.LOCKED, LineState.UNLOCKED)
    assert driver.get_line_state(line=LINE) is LineState.UNLOCKED


def test_the_same_order_twice_is_one_change(
    make: Callable[[Path], LockDriver], data_dir: Path
) -> None:
    driver = make(data_dir)
    again = order()

    driver.set_line_state(order=again)
    driver.set_line_state(order=again)

    assert driver.get_line_state(line=LINE) is LineState.LOCKED


def test_a_new_driver_finds_the_state_that_is_in_force(
    make: Callable[[Path], LockDriver], data_dir: Path
) -> None:
    make(data_dir).set_line_state(order=order())

    assert make(data_dir).get_line_state(line=LINE) is LineState.LOCKED


def test_a_line_never_heard_of_is_unlocked_and_a_probe_is_answered(
    make: Callable[[Path], LockDriver], data_dir: Path
) -> None:
    driver = make(data_dir)

    driver.probe()

    assert driver.get_line_state(line=replace(LINE, extension="299")) is LineState.UNLOCKED
    assert driver.parallel_orders >= 1
    assert driver.timeout_seconds >= 1


def test_many_lines_at_once_are_the_same_as_one_by_one(
    make: Callable[[Path], LockDriver], data_dir: Path
) -> None:
    driver = make(data_dir)
    if not isinstance(driver, TakesManyLines):
        return

    refusals = driver.set_line_states(orders=[order(), order(OTHER, LineState.UNLOCKED)])

    assert list(refusals) == [None, None]
    states = list(driver.get_line_states(lines=[OTHER, LINE]))
    assert states == [LineState.UNLOCKED, LineState.LOCKED]


@pytest.mark.feature("F191")
def test_the_simulated_switch_tells_partitions_apart(data_dir: Path) -> None:
    driver = make_simulated(data_dir)
    twin = replace(LINE, partition="PT-Guests")

    driver.set_line_state(order=order(twin))

    assert driver.get_line_state(line=twin) is LineState.LOCKED
    assert driver.get_line_state(line=LINE) is LineState.UNLOCKED


@pytest.mark.parametrize(
    "faults",
    [
        {"down": True},
        {"error": 500},
        {"wrong_answer": True},
        {"slow_seconds": 30},
        {"flaps_seconds": 5},
    ],
)
def test_each_fault_of_the_simulated_switch_is_unavailability(
    faults: dict[str, object], data_dir: Path
) -> None:
    waited: list[float] = []
    setup = SwitchSetup("Milan", data_dir, {"faults": faults})
    driver = SimulatedSwitch(setup, clock=lambda: 5.0, sleep=waited.append)

    for call in (
        driver.probe,
        lambda: driver.get_line_state(line=LINE),
        lambda: driver.set_line_state(order=order()),
    ):
        with pytest.raises(SwitchUnavailable):
            call()
    assert all(seconds <= driver.timeout_seconds for seconds in waited)


def test_faults_can_be_switched_on_and_off_while_the_switch_runs(data_dir: Path) -> None:
    driver = make_simulated(data_dir)
    switchboard = data_dir / "switch" / "Milan.faults.json"
    switchboard.parent.mkdir()

    switchboard.write_text(json.dumps({"forgets": True}))
    driver.set_line_state(order=order())
    assert driver.get_line_state(line=LINE) is LineState.UNLOCKED
    switchboard.write_text(json.dumps({"refuse_lines": ["PT-Internal/201"]}))
    with pytest.raises(OrderRefused):
        driver.set_line_state(order=order())
    switchboard.unlink()
    driver.set_line_state(order=order())

    assert driver.get_line_state(line=LINE) is LineState.LOCKED


@pytest.mark.feature("F191", "F260")
def test_external_call_control_refuses_to_lock_what_it_cannot_tell_apart(data_dir: Path) -> None:
    driver = make_curri(data_dir)
    twin = LineRef("Milan", "PT-A", "250")

    with pytest.raises(OrderRefused, match="several partitions"):
        driver.set_line_state(order=order(twin))

    assert driver.get_line_state(line=twin) is LineState.UNLOCKED


@pytest.mark.feature("F260")
def test_what_is_published_is_what_questions_are_answered_from(data_dir: Path) -> None:
    driver = make_curri(data_dir)
    desk = make_desk(data_dir)

    driver.set_line_state(order=order())
    denied = ask(desk, question("0335123456"))
    driver.set_line_state(order=order(state=LineState.UNLOCKED))
    permitted = ask(desk, question("0335123456"))

    assert (verdict(denied.body), verdict(permitted.body)) == ("Deny", "Permit")


def test_facts_are_written_only_when_they_change_and_keep_the_locks(data_dir: Path) -> None:
    driver = CurriDriver(SwitchSetup("Milan", data_dir))
    moved = replace(MILAN, emergency_numbers=("999",))

    assert driver.publish(facts=MILAN, locked={})
    driver.set_line_state(order=order())
    assert not driver.publish(facts=MILAN, locked={})
    assert driver.publish(facts=moved, locked={})

    assert driver.get_line_state(line=LINE) is LineState.LOCKED


@pytest.mark.parametrize("lost", ["deleted", "garbled"])
def test_losing_what_was_published_unlocks_nobody(lost: str, data_dir: Path) -> None:
    path = publish(data_dir)
    driver = CurriDriver(SwitchSetup("Milan", data_dir))
    if lost == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"{")
    with pytest.raises(SwitchUnavailable):
        driver.get_line_state(line=LINE)

    driver.publish(facts=MILAN, locked={LINE: "BUDGET"})

    assert driver.get_line_state(line=LINE) is LineState.LOCKED


def test_a_folder_that_cannot_be_written_is_an_unavailable_switch(data_dir: Path) -> None:
    (data_dir / "admission").write_text("in the way")
    driver = CurriDriver(SwitchSetup("Milan", data_dir))

    with pytest.raises(SwitchUnavailable):
        driver.publish(facts=MILAN, locked={})
    with pytest.raises(SwitchUnavailable):
        driver.set_line_state(order=order())


def test_snapshots_of_other_sites_are_taken_back(data_dir: Path) -> None:
    kept = publish(data_dir)
    gone = publish(data_dir, replace(MILAN, site="Rome"))

    withdrawn = CurriDriver.withdraw_all_but(data_dir=data_dir, sites={"Milan"})

    assert (withdrawn, kept.exists(), gone.exists()) == (1, True, False)


def test_a_snapshot_holds_no_secret_and_is_not_for_everybody(data_dir: Path) -> None:
    path = publish(data_dir)

    stored = read_snapshot(path)

    assert stored is not None
    assert stored.facts == MILAN
    assert path.stat().st_mode & 0o007 == 0


def test_a_driver_that_cannot_be_loaded_stops_the_start(settings: Settings) -> None:
    settings.LOCK_DRIVERS = {"cucm": "phonelock.drivers.nothing:Here"}
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "proxy.example.com"]

    found = lock_settings(None)

    assert [error.id for error in found] == ["phonelock.E001", "phonelock.E002"]
