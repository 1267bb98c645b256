"""What switches that ask us know, kept up to date from the tables; decisions brought back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cdr.models import Source
from directory.models import Site
from phonelock.engine.flags import Actor, LockFlag
from phonelock.models import Decision
from phonelock.operations import decisions
from phonelock.operations.decisions import import_decisions
from phonelock.operations.flags import clear_flag, lock_line, set_flag, sweep_wishes
from phonelock.operations.reconciler import reconcile
from tests.support.curri import ask, make_desk, question, verdict
from tests.support.phonelock import (
    NOON,
    lift_wish,
    lock_of,
    make_line,
    make_site,
    make_user,
    run_until,
    wish_lock,
)

pytestmark = pytest.mark.django_db
OUTSIDE = question("0335123456")
MINUTE = timedelta(minutes=1)


@pytest.mark.feature("F189", "F226", "F260")
def test_from_a_spent_budget_to_a_refused_call_and_back(data_dir: Path) -> None:
    line = make_line(make_site())
    desk = make_desk(data_dir)
    wish = wish_lock(make_user("mario", line))
    reconcile(now=NOON)
    before = verdict(ask(desk, OUTSIDE).body)

    sweep_wishes(now=NOON)
    reconcile(now=NOON)
    during = [verdict(ask(desk, question(n)).body) for n in ("0335123456", "0112", "202")]
    lift_wish(wish, at=NOON + MINUTE)
    sweep_wishes(now=NOON + MINUTE)
    reconcile(now=NOON + MINUTE)
    after = verdict(ask(desk, OUTSIDE).body)

    assert (before, during, after) == ("Permit", ["Deny", "Permit", "Permit"], "Permit")
    assert lock_of(line).is_confirmed


def test_a_site_is_published_before_anything_is_locked(data_dir: Path) -> None:
    site = make_site(emergency_numbers=["1199"])
    make_line(site)
    door = {"failure_policy": "CLOSED", "callers": ["10.0.0.0/8"], "caller_secret": "k3y"}
    Source.objects.update(**door)

    reconcile(now=NOON)

    desk = make_desk(data_dir)
    unknown = question("0335123456", calling="299")
    here = {"path": "/curri/Milan/k3y", "remote_addr": "10.1.1.1"}
    assert verdict(ask(desk, unknown, **here).body) == "Deny"
    assert verdict(ask(desk, OUTSIDE, **here).body) == "Permit"
    assert verdict(ask(desk, OUTSIDE).body) == "Deny"
    assert verdict(ask(desk, question("01199")).body) == "Permit"
    assert b"k3y" not in (data_dir / "admission" / "Milan.json").read_bytes()


@pytest.mark.feature("F226")
def test_a_changed_emergency_list_is_in_force_within_a_minute(data_dir: Path) -> None:
    line = make_line(make_site())
    lock_line(line=line, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    reconcile(now=NOON)
    desk = make_desk(data_dir)
    before = verdict(ask(desk, question("04321")).body)

    Site.objects.update(emergency_numbers=["4321"])
    run_until(NOON + timedelta(seconds=10), NOON + timedelta(seconds=50))

    assert (before, verdict(ask(desk, question("04321")).body)) == ("Deny", "Permit")


def test_divert_announcement_and_allow_list_come_from_source_and_site(data_dir: Path) -> None:
    site = make_site(allowed_while_locked=["800*"])
    line = make_line(site)
    lock_line(line=line, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    Source.objects.update(options={"lock_announcement": {"admin": "Closed<1>", "any": "Locked"}})
    reconcile(now=NOON)
    desk = make_desk(data_dir)
    told = ask(desk, OUTSIDE).body
    free = verdict(ask(desk, question("0800123456")).body)

    Source.objects.update(options={"lock_divert_to": "2000"})
    run_until(NOON + MINUTE, NOON + MINUTE)

    assert b"Closed1" in told
    assert free == "Permit"
    assert b"2000" in ask(desk, OUTSIDE).body


@pytest.mark.feature("F191", "F260")
def test_a_number_in_two_partitions_is_wanted_locked_shown_unconfirmed_and_permitted(
    data_dir: Path,
) -> None:
    site = make_site()
    mine, twin = make_line(site, partition="PT-A"), make_line(site, partition="PT-B")
    wish_lock(make_user("mario", mine))
    sweep_wishes(now=NOON)

    reconcile(now=NOON)

    lock = lock_of(mine)
    assert (lock.wanted, lock.confirmed, lock.is_confirmed) == ("LOCKED", "UNLOCKED", False)
    assert "several partitions" in lock.last_error
    assert verdict(ask(make_desk(data_dir), OUTSIDE).body) == "Permit"
    twin.delete()
    run_until(NOON + MINUTE, NOON + MINUTE)
    assert lock_of(mine).is_confirmed
    assert verdict(ask(make_desk(data_dir), OUTSIDE).body) == "Deny"


def test_a_line_that_becomes_ambiguous_is_no_longer_shown_as_locked(data_dir: Path) -> None:
    site = make_site()
    mine = make_line(site, partition="PT-A")
    lock_line(line=mine, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    reconcile(now=NOON)

    make_line(site, partition="PT-B")
    run_until(NOON + MINUTE, NOON + MINUTE)

    lock = lock_of(mine)
    assert (lock.wanted, lock.confirmed) == ("LOCKED", "UNLOCKED")


def test_a_snapshot_deleted_by_hand_is_back_with_its_locks_within_a_minute(
    data_dir: Path,
) -> None:
    line = make_line(make_site())
    lock_line(line=line, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    reconcile(now=NOON)
    (data_dir / "admission" / "Milan.json").unlink()

    run_until(NOON + timedelta(seconds=10), NOON + timedelta(seconds=50))

    assert verdict(ask(make_desk(data_dir), OUTSIDE).body) == "Deny"


def test_a_renamed_site_leaves_no_old_snapshot_behind(data_dir: Path) -> None:
    site = make_site()
    line = make_line(site)
    set_flag(line=line, flag=LockFlag.ADMIN, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    reconcile(now=NOON)

    Site.objects.update(name="Milano")
    run_until(NOON + MINUTE, NOON + 2 * MINUTE)

    desk = make_desk(data_dir)
    assert [path.name for path in (data_dir / "admission").glob("*.json")] == ["Milano.json"]
    assert verdict(ask(desk, OUTSIDE, path="/curri/Milano/").body) == "Deny"
    clear_flag(line=line, flag=LockFlag.ADMIN, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    run_until(NOON + 3 * MINUTE, NOON + 3 * MINUTE)
    assert verdict(ask(desk, OUTSIDE, path="/curri/").body) == "Permit"


def test_decisions_are_imported_once_with_what_was_decided(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "SETTLED_SECONDS", 0)
    line = make_line(make_site())
    lock_line(line=line, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    reconcile(now=NOON)
    desk = make_desk(data_dir)
    for called in ("0335123456", "0112"):
        desk.keep(ask(desk, question(called)).note)

    for minute in range(1, 4):
        reconcile(now=NOON + minute * MINUTE)

    rows = Decision.objects.order_by("pk").values_list(
        "calling", "called", "effect", "reason", "flag"
    )
    assert list(rows) == [
        ("201", "033512****", "DENY", "locked", "ADMIN"),
        ("201", "0112", "PERMIT", "emergency", ""),
    ]
    assert list((data_dir / "admission" / "decisions").rglob("*.jsonl")) == []


def test_a_file_still_being_written_to_is_read_later(data_dir: Path) -> None:
    make_line(make_site())
    reconcile(now=NOON)
    desk = make_desk(data_dir)
    desk.keep(ask(desk, OUTSIDE).note)
    import_decisions(now=NOON, limit=10)  # moved aside under the writer
    desk.keep(ask(desk, OUTSIDE).note)

    early = import_decisions(now=NOON, limit=10)
    (moved,) = (data_dir / "admission" / "decisions" / "claimed").glob("*.jsonl")
    moved.rename(moved.with_name("1-aged.jsonl"))
    late = import_decisions(now=NOON, limit=10)

    assert (early, late, Decision.objects.count()) == (0, 2, 2)


def test_a_note_cut_off_by_a_crash_costs_only_itself(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "SETTLED_SECONDS", 0)
    folder = data_dir / "admission" / "decisions" / "claimed"
    make_site()
    reconcile(now=NOON)
    desk = make_desk(data_dir)
    desk.keep(ask(desk, OUTSIDE).note)
    import_decisions(now=NOON, limit=10)
    (spooled,) = folder.glob("*.jsonl")
    whole = spooled.read_bytes()
    spooled.write_bytes(b"\n" + whole + whole + b"[]\n" + b"x" * 9000 + b"\n" + whole[:40])

    import_decisions(now=NOON, limit=10)

    assert Decision.objects.count() == 1
