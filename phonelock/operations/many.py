"""The administrator's lock on many lines at once, with what became of each.

Rows are held in the order of their lines, a few hundred at a time: two people who do
this at once wait for each other, and every line ends as one of them said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from directory.models import Line
from phonelock.engine.flags import LockFlag
from phonelock.models import LineLock
from phonelock.operations.flags import check_end
from phonelock.operations.rows import ROWS_A_QUERY, change_flags, locked_rows, write_rows
from phonelock.queries.switches import switches


class Outcome(StrEnum):
    """What became of one line."""

    ASKED = "asked"
    """The phone system is being asked."""
    ALREADY = "already"
    """It was so before; nothing has changed."""
    STAYS_LOCKED = "stays_locked"
    """The administrator's lock is lifted; another lock keeps the line closed."""
    STAYS_SO = "stays_so"
    """The flag is set; the line had been locked for another reason."""
    NO_SWITCH = "no_switch"
    """Refused: nothing can lock the lines of this site."""


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line."""

    line_id: int
    outcome: Outcome


def lock_many(
    lines: Sequence[Line], *, by: str, reason: str, until: datetime | None, at: datetime
) -> list[LineResult]:
    """Set the administrator's flag on all `lines`; one already locked keeps its terms.

    Raises:
        EndsTooEarly: if `until` is over.
    """
    check_end(until, at=at)
    lockable = switches(site_ids={line.site_id for line in lines})
    refused = [line.pk for line in lines if line.site_id not in lockable]
    results = [LineResult(line_id, Outcome.NO_SWITCH) for line_id in refused]
    line_ids = sorted({line.pk for line in lines} - set(refused))
    for start in range(0, len(line_ids), ROWS_A_QUERY):
        chunk = line_ids[start : start + ROWS_A_QUERY]
        results += _change(chunk, is_on=True, by=by, reason=reason, until=until, at=at)
    return results


def unlock_many(lines: Sequence[Line], *, by: str, reason: str, at: datetime) -> list[LineResult]:
    """Clear the administrator's flag of all `lines`; other flags may keep some locked."""
    line_ids = sorted({line.pk for line in lines})
    results: list[LineResult] = []
    for start in range(0, len(line_ids), ROWS_A_QUERY):
        chunk = line_ids[start : start + ROWS_A_QUERY]
        results += _change(chunk, is_on=False, by=by, reason=reason, until=None, at=at)
    return results


def _change(
    line_ids: Sequence[int],
    *,
    is_on: bool,
    by: str,
    reason: str,
    until: datetime | None,
    at: datetime,
) -> list[LineResult]:
    flags = [LockFlag.ADMIN]
    results = []
    with transaction.atomic():
        changed, events = [], []
        for lock in locked_rows(line_ids, at=at):
            before = lock.wanted
            made = change_flags(
                lock,
                put_on=flags if is_on else (),
                take_off=() if is_on else flags,
                by=by,
                reason=reason,
                until=until,
                at=at,
            )
            if made:
                changed.append(lock)
                events += made
            outcome = _outcome(before, lock, is_changed=bool(made))
            results.append(LineResult(lock.line_id, outcome))
        write_rows(changed, events)
    return results


def _outcome(before: str, lock: LineLock, *, is_changed: bool) -> Outcome:
    if not is_changed:
        return Outcome.ALREADY
    if before != lock.wanted:
        return Outcome.ASKED
    return Outcome.STAYS_SO if LockFlag.ADMIN in lock.flags else Outcome.STAYS_LOCKED
