"""Setting and clearing the flags of lines, for people, tools and budgets.

Lock order: wishes, then the locks of lines by key. Nothing here talks to a switch:
that is the reconciler's part.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from directory.models import Line
from kernel.errors import DomainError
from phonelock.engine.flags import (
    MAY_CLEAR,
    OWN_FLAG,
    Actor,
    LockFlag,
    may_clear,
    may_set,
)
from phonelock.models import LineLock
from phonelock.operations.rows import change_flags, locked_rows, write_rows
from phonelock.operations.wishes import sweep_wishes
from phonelock.queries.switches import switches

__all__ = [
    "NotAllowed",
    "NotLockable",
    "StillLocked",
    "clear_flag",
    "lock_line",
    "set_flag",
    "sweep_wishes",
    "unlock_line",
]


class NotAllowed(DomainError):
    """Whoever asks may not touch this flag."""

    code = "lock_not_allowed"


class NotLockable(DomainError):
    """Nothing can lock this line."""

    code = "not_lockable"


class StillLocked(DomainError):
    """The asker's own flags are cleared, and the line stays locked for the reason in `flag`."""

    code = "still_locked"

    def __init__(self, message: str, *, flag: LockFlag) -> None:
        super().__init__(message)
        self.flag = flag


_STILL_LOCKED = {
    LockFlag.ADMIN: "The administrator has locked this phone; only he can unlock it.",
    LockFlag.BUDGET: "The budget is spent; the phone opens at the end of the period, or when"
    " the budget is raised or overridden.",
    LockFlag.USER: "The user has locked this phone himself.",
    LockFlag.SESSION: "The phone is locked with its user's computer.",
}


def set_flag(
    *, line: Line, flag: LockFlag, actor: Actor, by: str, reason: str = "", at: datetime
) -> LineLock:
    """Set one flag of `line`; setting it again changes nothing.

    Raises:
        NotAllowed: if `actor` may not set this flag.
        NotLockable: if no switch can lock the lines of this site.
    """
    if not may_set(actor=actor, flag=flag):
        raise NotAllowed(f"{_word(actor)} may not set the {flag.lower()} lock.")
    if line.site_id not in switches(site_ids=[line.site_id]):
        raise NotLockable(f"{line}: the telephone system of this site has no lock set up.")
    with transaction.atomic():
        lock = locked_rows([line.pk], at=at)[0]
        events = change_flags(lock, put_on=[flag], by=by, reason=reason, at=at)
        write_rows([lock], events)
    return lock


def clear_flag(
    *, line: Line, flag: LockFlag, actor: Actor, by: str, reason: str = "", at: datetime
) -> LineLock:
    """Clear one flag of `line`; the line opens when no other flag is set.

    Raises:
        NotAllowed: if `actor` may not clear this flag.
    """
    if not may_clear(actor=actor, flag=flag):
        raise NotAllowed(f"{_word(actor)} may not clear the {flag.lower()} lock.")
    with transaction.atomic():
        lock = locked_rows([line.pk], at=at)[0]
        events = change_flags(lock, take_off=[flag], by=by, reason=reason, at=at)
        write_rows([lock], events)
    return lock


def lock_line(*, line: Line, actor: Actor, by: str, reason: str = "", at: datetime) -> LineLock:
    """Lock as `actor` does by a plain "lock": his own flag. Raises as `set_flag`."""
    return set_flag(line=line, flag=OWN_FLAG[actor], actor=actor, by=by, reason=reason, at=at)


def unlock_line(*, line: Line, actor: Actor, by: str, reason: str = "", at: datetime) -> LineLock:
    """Clear every flag that `actor` may clear.

    Raises:
        StillLocked: if a flag of somebody else keeps the line locked. What `actor` may
            clear is cleared all the same; do not call this inside a transaction that
            this refusal would undo.
    """
    with transaction.atomic():
        lock = locked_rows([line.pk], at=at)[0]
        own = sorted(MAY_CLEAR[actor])
        events = change_flags(lock, take_off=own, by=by, reason=reason, at=at)
        write_rows([lock], events)
    flag = lock.reason
    if flag is not None:
        raise StillLocked(_STILL_LOCKED[flag], flag=flag)
    return lock


def _word(actor: Actor) -> str:
    return {
        Actor.USER: "A user",
        Actor.PC_TOOL: "The computer tool",
        Actor.BUDGET_ENGINE: "The budget",
        Actor.ADMINISTRATOR: "An administrator",
    }[actor]
