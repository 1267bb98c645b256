"""The four flags of a line, who may touch which, and what they add up to.

Locked = any flag set. The flags are independent so that the end of a budget
period never opens a phone that the administrator closed (domain 9.1).
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final


class LockFlag(StrEnum):
    """Why a line is locked, strongest first: this order is the precedence shown."""

    ADMIN = "ADMIN"
    BUDGET = "BUDGET"
    USER = "USER"
    SESSION = "SESSION"


class Actor(StrEnum):
    """On whose behalf a flag is touched. A supervisor in scope acts as ADMINISTRATOR."""

    USER = "USER"
    PC_TOOL = "PC_TOOL"
    BUDGET_ENGINE = "BUDGET_ENGINE"
    ADMINISTRATOR = "ADMINISTRATOR"


class LineState(StrEnum):
    """The state of a line at its switch. UNKNOWN: nobody has asked the switch yet."""

    UNKNOWN = "UNKNOWN"
    UNLOCKED = "UNLOCKED"
    LOCKED = "LOCKED"


MAY_SET: Final[dict[Actor, frozenset[LockFlag]]] = {
    Actor.USER: frozenset({LockFlag.USER}),
    Actor.PC_TOOL: frozenset({LockFlag.SESSION}),
    Actor.BUDGET_ENGINE: frozenset({LockFlag.BUDGET}),
    Actor.ADMINISTRATOR: frozenset({LockFlag.ADMIN, LockFlag.USER}),
}
MAY_CLEAR: Final[dict[Actor, frozenset[LockFlag]]] = {
    Actor.USER: frozenset({LockFlag.USER, LockFlag.SESSION}),
    Actor.PC_TOOL: frozenset({LockFlag.SESSION}),
    Actor.BUDGET_ENGINE: frozenset({LockFlag.BUDGET}),
    # The budget flag is lifted by a budget override, never here.
    Actor.ADMINISTRATOR: frozenset({LockFlag.ADMIN, LockFlag.USER, LockFlag.SESSION}),
}
OWN_FLAG: Final[dict[Actor, LockFlag]] = {
    Actor.USER: LockFlag.USER,
    Actor.PC_TOOL: LockFlag.SESSION,
    Actor.BUDGET_ENGINE: LockFlag.BUDGET,
    Actor.ADMINISTRATOR: LockFlag.ADMIN,
}
"""The flag that an actor's plain "lock" sets."""


def may_set(*, actor: Actor, flag: LockFlag) -> bool:
    """Say whether `actor` may set `flag` (domain 9.1)."""
    return flag in MAY_SET[actor]


def may_clear(*, actor: Actor, flag: LockFlag) -> bool:
    """Say whether `actor` may clear `flag` (domain 9.1)."""
    return flag in MAY_CLEAR[actor]


def strongest(flags: Collection[LockFlag]) -> LockFlag | None:
    """The flag to give as the reason: admin > budget > user > session; None if no flag is set."""
    return next((flag for flag in LockFlag if flag in flags), None)


def wanted_state(flags: Collection[LockFlag]) -> LineState:
    """Locked = any flag set."""
    return LineState.LOCKED if flags else LineState.UNLOCKED
