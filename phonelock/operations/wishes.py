"""Taking over what budgets wish: the budget flag of every line of a spent user.

A wish is taken over once, in one transaction with the flags, the history of the
budget and the notices. The budget flag of a line is set while its holder has any
wish that is not lifted: several budgets may wish at once, and the lock follows the
holder when lines change hands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from budgets.models import EventKind, LockWish
from budgets.operations.history import add_notice, record_event
from budgets.queries.rules import thresholds_of
from directory.models import Line, LineHolding, valid_at
from kernel.crashpoints import crashpoint
from phonelock.engine.flags import LockFlag
from phonelock.models import LineLock
from phonelock.operations.pace import Pace
from phonelock.operations.rows import change_flags, locked_rows, make_rows
from phonelock.queries.lines import NO_LINE, NO_SWITCH
from phonelock.queries.switches import switches

BATCH: Final = 200
MAX_BATCHES: Final = 100
ALIGN_SECONDS: Final = 30
SWEEPER: Final = "budget"

_alignment = Pace(seconds=ALIGN_SECONDS)


@dataclass(slots=True)
class SweepReport:
    """What a sweep came to, counted in wishes and lines."""

    wishes: int = 0
    locked: int = 0
    unlocked: int = 0
    skipped: int = 0


@dataclass(slots=True)
class _Phones:
    """The lines that some users hold, with their locks held for change."""

    by_user: dict[int, list[LineLock]] = field(default_factory=lambda: defaultdict(list))
    lockable: Collection[int] = frozenset()

    def lockable_of(self, user_id: int) -> list[LineLock]:
        return [lock for lock in self.by_user[user_id] if lock.line.site_id in self.lockable]


def sweep_wishes(*, now: datetime) -> SweepReport:
    """Take over every wish not yet taken over; now and then see that all flags are right."""
    report = SweepReport()
    for _ in range(MAX_BATCHES):
        if not _sweep_batch(report, now=now):
            break
    if _alignment.is_due(now):
        align(now=now, report=report)
    return report


def _sweep_batch(report: SweepReport, *, now: datetime) -> bool:
    waiting = LockWish.objects.filter(swept_at__isnull=True)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return False
    with transaction.atomic():
        wishes = _claim(ids)
        phones = _phones({wish.user_id for wish in wishes}, now=now)
        lifted = [wish for wish in wishes if wish.lifted_at is not None]
        for wish in lifted:
            _take_back(wish, phones=phones, report=report, now=now)
        for wish in wishes:
            if wish.lifted_at is None:
                _take_over(wish, phones=phones, report=report, now=now)
        LockWish.objects.filter(pk__in=[wish.pk for wish in wishes]).update(swept_at=now)
        report.wishes += len(wishes)
    crashpoint("phonelock.flags_swept")
    return True


def _claim(ids: Sequence[int]) -> list[LockWish]:
    """Hold the wishes that are still waiting, the lifted ones in the order of their lifting."""
    rows = LockWish.objects.select_for_update(of=("self",)).select_related(
        "period__budget__user", "period__budget__unit", "user"
    )
    return list(
        rows.filter(pk__in=ids, swept_at__isnull=True).order_by(
            F("lifted_at").asc(nulls_last=True), "pk"
        )
    )


def _phones(user_ids: Collection[int], *, now: datetime) -> _Phones:
    holdings = LineHolding.objects.filter(valid_at(now), user_id__in=user_ids)
    holder = dict(holdings.order_by("pk").values_list("line_id", "user_id"))
    found = _Phones()
    locks = locked_rows(holder, at=now)
    for lock in locks:
        found.by_user[holder[lock.line_id]].append(lock)
    found.lockable = frozenset(switches(site_ids={lock.line.site_id for lock in locks}))
    return found


def _take_over(wish: LockWish, *, phones: _Phones, report: SweepReport, now: datetime) -> None:
    held = phones.by_user[wish.user_id]
    lockable = phones.lockable_of(wish.user_id)
    if not held:
        report.skipped += 1
        _record(wish, EventKind.LOCK_SKIPPED, at=now, reason=NO_LINE)
    for lock in held:
        if lock in lockable:
            _lock_line(lock, wish=wish, report=report, now=now)
        else:
            report.skipped += 1
            _record(wish, EventKind.LOCK_SKIPPED, at=now, reason=NO_SWITCH, line=lock.line)
    if lockable:
        _tell(wish, EventKind.PHONE_LOCKED, lines=[lock.line for lock in lockable], at=now)


def _lock_line(lock: LineLock, *, wish: LockWish, report: SweepReport, now: datetime) -> None:
    already = lock.reason
    why = f"budget of {wish.period.budget.user or wish.period.budget.unit}"
    change_flags(lock, put_on=[LockFlag.BUDGET], by=SWEEPER, reason=why, at=now)
    report.locked += 1
    _record(
        wish,
        EventKind.PHONE_LOCKED,
        at=now,
        reason=LockFlag.BUDGET.lower(),
        line=lock.line,
        already=already.lower() if already else "",
    )


def _take_back(wish: LockWish, *, phones: _Phones, report: SweepReport, now: datetime) -> None:
    """Open what this wish closed, unless another wish, or one lifted after it, remains."""
    others = LockWish.objects.filter(user_id=wish.user_id).exclude(pk=wish.pk)
    if others.filter(lifted_at__isnull=True).exists() or _lifted_later(wish, others=others):
        return
    opened: list[Line] = []
    for lock in phones.by_user[wish.user_id]:
        if _open_line(lock, reason=wish.lifted_because, now=now):
            report.unlocked += 1
            opened.append(lock.line)
            _record(
                wish,
                EventKind.PHONE_UNLOCKED,
                at=now,
                reason=wish.lifted_because,
                line=lock.line,
            )
    if opened:
        _tell(wish, EventKind.PHONE_UNLOCKED, lines=opened, at=now)


def _lifted_later(wish: LockWish, *, others: QuerySet[LockWish]) -> bool:
    """Whether the unlocking belongs to another wish of the user that waits as well."""
    assert wish.lifted_at is not None
    mine = (wish.lifted_at, wish.pk)
    return any(
        other.swept_at is None
        and other.lifted_at is not None
        and (other.lifted_at, other.pk) > mine
        for other in others
    )


def _open_line(lock: LineLock, *, reason: str, now: datetime) -> bool:
    return change_flags(lock, take_off=[LockFlag.BUDGET], by=SWEEPER, reason=reason, at=now)


def _record(
    wish: LockWish,
    kind: EventKind,
    *,
    at: datetime,
    reason: str,
    line: Line | None = None,
    already: str = "",
) -> None:
    details: dict[str, object] = {"reason": reason}
    if line is not None:
        details |= {"line": str(line), "extension": line.extension}
    if already:
        details["already_locked_by"] = already
    budget = wish.period.budget
    record_event(
        budget=budget,
        period=wish.period,
        kind=kind,
        details=details,
        at=at,
        by=SWEEPER,
        user=wish.user if budget.user_id is None else None,
    )


def _tell(wish: LockWish, kind: EventKind, *, lines: Sequence[Line], at: datetime) -> None:
    """Ask for the user, and whoever the locking threshold names, to be told; once a wish."""
    add_notice(
        key=f"{kind}:{wish.period_id}:{wish.pk}",
        kind=kind,
        period=wish.period,
        user=wish.user,
        recipients=told_of_locks(wish),
        values={
            "extension": [line.extension for line in lines],
            "lines": [str(line) for line in lines],
            "reason": wish.lifted_because or LockFlag.BUDGET.lower(),
        },
        at=at,
    )


def told_of_locks(wish: LockWish) -> list[str]:
    """Who is named at the lowest threshold that locks; the user alone if it names nobody."""
    budget = wish.period.budget
    locking = [step for step in thresholds_of(budget) if step.locks]
    named = min(locking, key=lambda step: step.percent).notify if locking else ()
    extra = [budget.extra_recipient] if budget.extra_recipient else []
    return list(dict.fromkeys([*(named or ("user",)), *extra]))


def align(*, now: datetime, report: SweepReport) -> None:
    """Put right what changed without a wish: new lines, and lines that changed hands.

    Wishes still waiting are left to the sweep. A flag on a line whose site lost its
    switch stays: it was never lifted.
    """
    make_rows(Line.objects.filter(lock__isnull=True).values_list("pk", flat=True), at=now)
    wishes = LockWish.objects.filter(lifted_at__isnull=True)
    waiting = set(LockWish.objects.filter(swept_at__isnull=True).values_list("user_id", flat=True))
    holdings = LineHolding.objects.filter(valid_at(now), user_id__in=wishes.values("user_id"))
    wanted = dict(holdings.order_by("pk").values_list("line_id", "user_id"))
    flagged = LineLock.objects.filter(budget_since__isnull=False)
    have = set(flagged.values_list("line_id", flat=True))
    to_lock = [line for line, user in wanted.items() if line not in have and user not in waiting]
    for line_id in to_lock:
        with transaction.atomic():
            _follow_holder(line_id, wanted[line_id], report=report, now=now)
    for line_id in have - set(wanted):
        with transaction.atomic():
            _let_go(line_id, waiting=waiting, report=report, now=now)


def _follow_holder(line_id: int, user_id: int, *, report: SweepReport, now: datetime) -> None:
    lock = locked_rows([line_id], at=now)[0]
    wish = (
        LockWish.objects.filter(user_id=user_id, lifted_at__isnull=True, swept_at__isnull=False)
        .select_related("period__budget__user", "period__budget__unit", "user")
        .order_by("pk")
        .first()
    )
    is_lockable = lock.line.site_id in switches(site_ids=[lock.line.site_id])
    if wish is not None and is_lockable and LockFlag.BUDGET not in lock.flags:
        _lock_line(lock, wish=wish, report=report, now=now)


def _let_go(line_id: int, *, waiting: Collection[int], report: SweepReport, now: datetime) -> None:
    """Clear the flag of a line that left a locked user. A wish that waits does so itself."""
    lock = locked_rows([line_id], at=now)[0]
    holders = LineHolding.objects.filter(valid_at(now), line_id=line_id)
    holder_ids = set(holders.values_list("user_id", flat=True))
    still = LockWish.objects.filter(user_id__in=holder_ids, lifted_at__isnull=True).exists()
    if not still and not holder_ids & set(waiting):
        report.unlocked += _open_line(lock, reason="the line changed hands", now=now)
