"""Setting and clearing flags: what is refused, what is written down, what pages are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from directory.models import Line
from phonelock.engine.flags import MAY_CLEAR, MAY_SET, Actor, LineState, LockFlag
from phonelock.models import LineLock, LockEvent
from phonelock.operations.flags import (
    NotAllowed,
    NotLockable,
    StillLocked,
    clear_flag,
    lock_line,
    set_flag,
    unlock_line,
)
from phonelock.operations.reconciler import reconcile
from phonelock.operations.rows import change_flags, locked_rows, write_rows
from phonelock.queries import line_states, phone_state, phone_states
from tests.support.phonelock import NOON, StubSwitch, lock_of, make_line, make_site, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> Line:
    return make_line(make_site(driver="stub"))


def force(line: Line, *flags: LockFlag) -> None:
    """Set flags as the engine of each would."""
    with transaction.atomic():
        lock = locked_rows([line.pk], at=NOON)[0]
        events = change_flags(lock, put_on=flags, by="test", reason="because", at=NOON)
        write_rows([lock], events)


@pytest.mark.parametrize("flag", LockFlag)
@pytest.mark.parametrize("actor", Actor)
def test_every_cell_of_the_table_is_kept(actor: Actor, flag: LockFlag, line: Line) -> None:
    def try_set() -> None:
        set_flag(line=line, flag=flag, actor=actor, by="x", at=NOON)

    def try_clear() -> None:
        clear_flag(line=line, flag=flag, actor=actor, by="x", at=NOON)

    if flag in MAY_SET[actor]:
        try_set()
        assert lock_of(line).flags == {flag}
    else:
        with pytest.raises(NotAllowed):
            try_set()
    force(line, flag)
    if flag in MAY_CLEAR[actor]:
        try_clear()
        assert lock_of(line).flags == frozenset()
    else:
        with pytest.raises(NotAllowed):
            try_clear()
        assert lock_of(line).flags == {flag}


@pytest.mark.feature("F229")
def test_a_user_locks_and_unlocks_his_own_phone(line: Line) -> None:
    lock_line(line=line, actor=Actor.USER, by="mario", at=NOON)
    locked = lock_of(line)
    unlock_line(line=line, actor=Actor.USER, by="mario", at=NOON + timedelta(minutes=1))

    assert (locked.wanted, locked.user_since, locked.user_by) == ("LOCKED", NOON, "mario")
    assert lock_of(line).wanted == "UNLOCKED"
    events = LockEvent.objects.order_by("pk").values_list(
        "kind", "flag", "made_by", "state_before", "state_after"
    )
    assert list(events) == [
        ("SET", "USER", "mario", "UNLOCKED", "LOCKED"),
        ("CLEARED", "USER", "mario", "LOCKED", "UNLOCKED"),
    ]


@pytest.mark.feature("F229")
@pytest.mark.parametrize("stronger", [LockFlag.ADMIN, LockFlag.BUDGET])
def test_a_user_who_may_not_open_his_phone_is_told_why_and_his_own_wish_is_gone(
    stronger: LockFlag, line: Line
) -> None:
    force(line, stronger, LockFlag.USER, LockFlag.SESSION)

    with pytest.raises(StillLocked) as refusal:
        unlock_line(line=line, actor=Actor.USER, by="mario", at=NOON)

    assert refusal.value.flag is stronger
    assert refusal.value.code == "still_locked"
    assert lock_of(line).flags == {stronger}
    assert lock_of(line).wanted == "LOCKED"


@pytest.mark.feature("F240")
def test_an_administrator_locks_any_line_with_a_reason(line: Line) -> None:
    lock_line(line=line, actor=Actor.ADMINISTRATOR, by="anna", reason="lost phone", at=NOON)

    (phone,) = phone_state(make_user("mario", line), at=NOON)
    assert (phone.reason, phone.by, phone.why, phone.since) == (
        LockFlag.ADMIN,
        "anna",
        "lost phone",
        NOON,
    )


def test_a_pc_tool_lifts_its_own_flag_and_never_the_budgets(line: Line) -> None:
    force(line, LockFlag.BUDGET)
    lock_line(line=line, actor=Actor.PC_TOOL, by="agent", at=NOON)

    with pytest.raises(StillLocked):
        unlock_line(line=line, actor=Actor.PC_TOOL, by="agent", at=NOON)

    assert lock_of(line).flags == {LockFlag.BUDGET}


def test_setting_a_flag_twice_is_one_event_and_keeps_the_first_since(line: Line) -> None:
    lock_line(line=line, actor=Actor.USER, by="mario", at=NOON)
    lock_line(line=line, actor=Actor.USER, by="mario", at=NOON + timedelta(hours=1))

    assert lock_of(line).user_since == NOON
    assert LockEvent.objects.count() == 1


def test_the_switch_is_told_again_only_when_it_must_know(line: Line) -> None:
    force(line, LockFlag.ADMIN)
    version = lock_of(line).version

    force(line, LockFlag.USER)  # weaker: neither state nor reason changes

    assert lock_of(line).version == version == 1


@pytest.mark.feature("F190")
def test_a_line_that_nothing_can_lock_is_refused() -> None:
    line = make_line(make_site("Rome", driver="none"))

    with pytest.raises(NotLockable, match=r"Rome/PT-Internal/201"):
        lock_line(line=line, actor=Actor.USER, by="mario", at=NOON)

    (phone,) = phone_state(make_user("mario", line), at=NOON)
    assert phone.not_lockable == "no_switch"


@pytest.mark.feature("F244")
def test_a_user_without_a_line_has_no_phone(line: Line) -> None:
    without, holder = make_user("nobody"), make_user("mario", line)

    states = phone_states([without.pk, holder.pk], at=NOON)

    assert list(states) == [holder.pk]
    assert phone_state(without, at=NOON) == []


@pytest.mark.feature("F239")
def test_a_page_sees_state_reason_and_whether_the_switch_answers(line: Line) -> None:
    user = make_user("mario", line)
    force(line, LockFlag.USER, LockFlag.BUDGET)
    (before,) = phone_state(user, at=NOON)
    StubSwitch.at("Milan").fault = "down"
    reconcile(now=NOON)
    (away,) = phone_state(user, at=NOON)
    StubSwitch.at("Milan").fault = ""
    reconcile(now=NOON + timedelta(seconds=10))
    (after,) = phone_state(user, at=NOON)

    assert (before.wanted, before.reason) == (LineState.LOCKED, LockFlag.BUDGET)
    assert [each.is_confirmed for each in (before, away, after)] == [False, False, True]
    assert [each.is_reachable for each in (before, away, after)] == [True, False, True]


def test_the_digest_names_every_line_sorted(line: Line) -> None:
    force(line, LockFlag.USER)
    make_line(line.site, "200")
    reconcile(now=NOON)

    assert line_states() == [
        {"line": "Milan/PT-Internal/200", "wanted": "unlocked", "confirmed": "unknown"},
        {"line": "Milan/PT-Internal/201", "wanted": "locked", "confirmed": "locked"},
    ]


def test_the_database_keeps_locked_and_flags_together(line: Line) -> None:
    force(line, LockFlag.USER)

    with pytest.raises(IntegrityError), transaction.atomic():
        LineLock.objects.filter(line=line).update(wanted="UNLOCKED")
