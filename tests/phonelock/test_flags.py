"""Who may touch which flag, and what the flags add up to."""

from __future__ import annotations

from itertools import combinations

import pytest

from phonelock.engine.flags import (
    Actor,
    LineState,
    LockFlag,
    may_clear,
    may_set,
    strongest,
    wanted_state,
)

TABLE = {
    Actor.USER: ({LockFlag.USER}, {LockFlag.USER, LockFlag.SESSION}),
    Actor.PC_TOOL: ({LockFlag.SESSION}, {LockFlag.SESSION}),
    Actor.BUDGET_ENGINE: ({LockFlag.BUDGET}, {LockFlag.BUDGET}),
    Actor.ADMINISTRATOR: (
        {LockFlag.ADMIN, LockFlag.USER},
        {LockFlag.ADMIN, LockFlag.USER, LockFlag.SESSION},
    ),
}


@pytest.mark.parametrize("actor", Actor)
def test_each_actor_may_touch_just_the_flags_of_the_table(actor: Actor) -> None:
    sets, clears = TABLE[actor]

    assert {flag for flag in LockFlag if may_set(actor=actor, flag=flag)} == sets
    assert {flag for flag in LockFlag if may_clear(actor=actor, flag=flag)} == clears


def test_any_flag_locks_and_none_unlocks() -> None:
    for count in range(1, 5):
        for flags in combinations(LockFlag, count):
            assert wanted_state(flags) is LineState.LOCKED

    assert wanted_state(()) is LineState.UNLOCKED


def test_the_reason_shown_is_admin_then_budget_then_user_then_session() -> None:
    order = [LockFlag.ADMIN, LockFlag.BUDGET, LockFlag.USER, LockFlag.SESSION]

    for place, flag in enumerate(order):
        assert strongest(order[place:]) is flag
    assert strongest(()) is None
