"""The rows of locks: held while they change, and every change written down.

What the switch is to do changes its version in the same transaction; the reconciler
does the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import uuid4

from phonelock.engine.flags import LockFlag, strongest, wanted_state
from phonelock.models import LineLock, LockEvent, LockEventKind

MAX_REASON = 255
MAX_NAME = 150
ROWS_A_QUERY = 200
_CHANGED_BY_FLAGS = [
    *(f"{flag.lower()}_{part}" for flag in LockFlag for part in ("since", "by", "reason")),
    "admin_until",
    *("wanted", "wanted_flag", "version", "order_id", "attempts", "next_attempt_at"),
]


def locked_rows(line_ids: Collection[int], *, at: datetime) -> list[LineLock]:
    """The locks of these lines, made where missing, held until the transaction ends."""
    have = set(LineLock.objects.filter(line_id__in=line_ids).values_list("line_id", flat=True))
    make_rows(set(line_ids) - have, at=at)
    rows = LineLock.objects.select_for_update(of=("self",)).select_related("line__site")
    return list(rows.filter(line_id__in=line_ids).order_by("line_id"))


def make_rows(line_ids: Iterable[int], *, at: datetime) -> int:
    """Begin the lock rows of these lines: open, and the switch to be asked at once."""
    rows = [LineLock(line_id=line_id, next_attempt_at=at) for line_id in sorted(line_ids)]
    LineLock.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def change_flags(
    lock: LineLock,
    *,
    put_on: Iterable[LockFlag] = (),
    take_off: Iterable[LockFlag] = (),
    by: str,
    reason: str,
    at: datetime,
    until: datetime | None = None,
) -> list[LockEvent]:
    """Change flags of a row held by `locked_rows`; `write_rows` must follow.

    `until` is when an administrator's lock lifts itself. Returns the events of the
    flags that have really changed.
    """
    events = [
        _changed(lock, flag, is_on=True, by=by, reason=reason, at=at, until=until)
        for flag in put_on
        if flag not in lock.flags
    ]
    events += [
        _changed(lock, flag, is_on=False, by=by, reason=reason, at=at)
        for flag in take_off
        if flag in lock.flags
    ]
    return events


def write_rows(locks: Collection[LineLock], events: Collection[LockEvent]) -> None:
    """Write changed rows with their events, in the transaction that holds them."""
    if events:
        LineLock.objects.bulk_create(
            locks,
            update_conflicts=True,
            unique_fields=["pk"],
            update_fields=_CHANGED_BY_FLAGS,
            batch_size=ROWS_A_QUERY,
        )
        LockEvent.objects.bulk_create(events, batch_size=ROWS_A_QUERY)


def change_terms(
    lock: LineLock, *, by: str, reason: str, until: datetime | None, at: datetime
) -> list[LockEvent]:
    """Give a standing administrator's lock another reason or end; `write_rows` must follow.

    Who locked, and since when, stays; the same terms again are no event.
    """
    reason = reason[:MAX_REASON]
    if (lock.admin_reason, lock.admin_until) == (reason, until):
        return []
    lock.admin_reason = reason
    lock.admin_until = until
    changed = LockEvent(
        line_id=lock.line_id,
        kind=LockEventKind.CHANGED,
        flag=LockFlag.ADMIN.value,
        made_by=by[:MAX_NAME],
        reason=reason,
        state_before=lock.wanted,
        state_after=lock.wanted,
        until=until,
        made_at=at,
    )
    return [changed]


def _changed(
    lock: LineLock,
    flag: LockFlag,
    *,
    is_on: bool,
    by: str,
    reason: str,
    at: datetime,
    until: datetime | None = None,
) -> LockEvent:
    before = lock.wanted
    prefix = flag.lower()
    setattr(lock, f"{prefix}_since", at if is_on else None)
    setattr(lock, f"{prefix}_by", by[:MAX_NAME] if is_on else "")
    setattr(lock, f"{prefix}_reason", reason[:MAX_REASON] if is_on else "")
    if flag is LockFlag.ADMIN:
        lock.admin_until = until if is_on else None
    want(lock, at=at)
    return LockEvent(
        line_id=lock.line_id,
        kind=LockEventKind.SET if is_on else LockEventKind.CLEARED,
        flag=flag.value,
        made_by=by[:MAX_NAME],
        reason=reason[:MAX_REASON],
        state_before=before,
        state_after=lock.wanted,
        until=lock.admin_until if flag is LockFlag.ADMIN else None,
        made_at=at,
    )


def want(lock: LineLock, *, at: datetime) -> None:
    """Bring the wanted state in line with the flags: a new version if the switch must know."""
    flags = lock.flags
    flag = strongest(flags)
    wanted = (wanted_state(flags).value, flag.value if flag else "")
    if wanted != (lock.wanted, lock.wanted_flag):
        lock.wanted, lock.wanted_flag = wanted
        order_anew(lock, at=at)


def order_anew(lock: LineLock, *, at: datetime) -> None:
    """Have the wanted state ordered of the switch at once, as a new order."""
    lock.version += 1
    lock.order_id = uuid4()
    lock.attempts = 0
    lock.next_attempt_at = at
