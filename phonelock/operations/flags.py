"""Setting and clearing the flags of lines, for people, tools and budgets.

Lock order: wishes, then the locks of lines by key. Nothing here talks to a switch:
that is the reconciler's part.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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
from phonelock.operations.rows import change_flags, change_terms, locked_rows, write_rows
from phonelock.operations.wishes import sweep_wishes
from phonelock.queries.switches import switches

__all__ = [
    "EndsTooEarly",
    "NotAllowed",
    "NotLockable",
    "StillLocked",
    "ask_again",
    "clear_flag",
    "lock_by_administrator",
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


class EndsTooEarly(DomainError):
    """A lock was to end before it begins."""

    code = "ends_too_early"


class StillLocked(DomainError):
    """The asker's own flags are cleared, and the line stays locked for the reason in `flag`."""

    code = "still_locked"

    def __init__(self, message: str, *, flag: LockFlag) -> None:
        super().__init__(message)
        self.flag = flag


_STILL_LOCKED = {
    LockFlag.ADMIN: gettext_lazy("The administrator has locked this phone; only he can unlock it."),
    LockFlag.BUDGET: gettext_lazy(
        "The budget is spent; the phone opens at the end of the period, or when"
        " the budget is raised or overridden."
    ),
    LockFlag.USER: gettext_lazy("The user has locked this phone himself."),
    LockFlag.SESSION: gettext_lazy("The phone is locked with its user's computer."),
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
    return _set(line=line, flag=flag, by=by, reason=reason, at=at)


def _set(
    *,
    line: Line,
    flag: LockFlag,
    by: str,
    reason: str,
    at: datetime,
    until: datetime | None = None,
    terms_count: bool = False,
) -> LineLock:
    if line.site_id not in switches(site_ids=[line.site_id]):
        raise NotLockable(
            _("%(line)s: the telephone system of this site has no lock set up.") % {"line": line}
        )
    with transaction.atomic():
        lock = locked_rows([line.pk], at=at)[0]
        events = change_flags(lock, put_on=[flag], by=by, reason=reason, until=until, at=at)
        if terms_count and not events:
            events = change_terms(lock, by=by, reason=reason, until=until, at=at)
        write_rows([lock], events)
    return lock


def lock_by_administrator(
    *, line: Line, by: str, reason: str, until: datetime | None = None, at: datetime
) -> LineLock:
    """Set the administrator's flag, or give the one that stands this reason and end.

    Raises:
        EndsTooEarly: if `until` is over.
        NotLockable: if no switch can lock the lines of this site.
    """
    check_end(until, at=at)
    return _set(
        line=line, flag=LockFlag.ADMIN, by=by, reason=reason, until=until, at=at, terms_count=True
    )


def check_end(until: datetime | None, *, at: datetime) -> None:
    """An end must be ahead.

    Raises:
        EndsTooEarly: if it is not.
    """
    if until is not None and until <= at:
        raise EndsTooEarly(_("The lock would end before it begins. Choose a later end."))


def ask_again(*, line: Line, at: datetime) -> bool:
    """Have the switch asked at once for what it has not confirmed; False if it has all.

    A switch that is away as a whole is still only probed: its lines come after that.
    """
    waiting = LineLock.objects.filter(line=line, confirmed_version__lt=F("version"))
    return bool(waiting.update(next_attempt_at=at))


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
        raise StillLocked(str(_STILL_LOCKED[flag]), flag=flag)
    return lock


def _word(actor: Actor) -> str:
    return {
        Actor.USER: "A user",
        Actor.PC_TOOL: "The computer tool",
        Actor.BUDGET_ENGINE: "The budget",
        Actor.ADMINISTRATOR: "An administrator",
    }[actor]
