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
from django.db.models import F

from budgets.engine.thresholds import Step
from budgets.models import BudgetEvent, BudgetNotice, EventKind, LockWish
from budgets.operations.history import write_many
from budgets.queries.rules import steps_of
from directory.models import Line, LineHolding, valid_at
from directory.modules import PHONE_LOCK, is_on
from kernel.crashpoints import crashpoint
from phonelock.engine.flags import LineState, LockFlag
from phonelock.models import LineLock, LockEvent
from phonelock.operations.pace import Pace
from phonelock.operations.rows import change_flags, locked_rows, make_rows, write_rows
from phonelock.queries.lines import NO_LINE, NO_SWITCH
from phonelock.queries.switches import switches

BATCH: Final = 200
MAX_BATCHES: Final = 100
ALIGN_SECONDS: Final = 30
SWEEPER: Final = "budget"
CHANGED_HANDS: Final = "the line changed hands"
MODULE_OFF: Final = "module_off"

_alignment = Pace(seconds=ALIGN_SECONDS)


@dataclass(slots=True)
class SweepReport:
    """What a sweep came to, counted in wishes and lines."""

    wishes: int = 0
    locked: int = 0
    unlocked: int = 0
    skipped: int = 0


def sweep_wishes(*, now: datetime) -> SweepReport:
    """Take over every wish not yet taken over; now and then see that all flags are right.

    Where the installation does without phone locks every wish is skipped, and its budget's
    history says so; once they are switched on, the flags are put right.
    """
    report = SweepReport()
    for _ in range(MAX_BATCHES):
        waiting = LockWish.objects.filter(swept_at__isnull=True)
        ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        with transaction.atomic():
            _sweep(_claim(ids), report=report, now=now)
        crashpoint("phonelock.flags_swept")
    if is_on(PHONE_LOCK) and _alignment.is_due(now):
        align(now=now, report=report)
    return report


def _claim(ids: Sequence[int]) -> list[LockWish]:
    """Hold the wishes that are still waiting, the lifted ones first, as they were lifted."""
    rows = LockWish.objects.select_for_update(of=("self",)).select_related(
        "period__budget__user", "period__budget__unit", "user"
    )
    return list(
        rows.filter(pk__in=ids, swept_at__isnull=True).order_by(
            F("lifted_at").asc(nulls_last=True), "pk"
        )
    )


def _sweep(wishes: Sequence[LockWish], *, report: SweepReport, now: datetime) -> None:
    batch = _Batch.of(wishes, report=report, now=now)
    for wish in wishes:
        if wish.lifted_at is not None:
            batch.take_back(wish)
        else:
            batch.take_over(wish)
    batch.write()
    LockWish.objects.filter(pk__in=[wish.pk for wish in wishes]).update(swept_at=now)
    report.wishes += len(wishes)


@dataclass(slots=True)
class _Batch:
    """Wishes with the phones of their users, held in one transaction, and what came of them."""

    now: datetime
    report: SweepReport
    phones: dict[int, list[LineLock]]
    lockable_sites: Collection[int]
    steps: dict[int, tuple[Step, ...]]
    opened_by: dict[int, int]
    """For each user whom nobody wishes locked any more, the wish lifted last."""
    changed: dict[int, LineLock] = field(default_factory=dict)
    lock_events: list[LockEvent] = field(default_factory=list)
    events: list[BudgetEvent] = field(default_factory=list)
    notices: list[BudgetNotice] = field(default_factory=list)

    @classmethod
    def of(cls, wishes: Sequence[LockWish], *, report: SweepReport, now: datetime) -> _Batch:
        users = {wish.user_id for wish in wishes}
        phones = _phones(users, now=now)
        sites = {lock.line.site_id for locks in phones.values() for lock in locks}
        return cls(
            now=now,
            report=report,
            phones=phones,
            lockable_sites=frozenset(switches(site_ids=sites)),
            steps=steps_of({wish.period.budget_id: wish.period.budget for wish in wishes}.values()),
            opened_by=_opened_by(users),
        )

    def take_over(self, wish: LockWish) -> None:
        if not is_on(PHONE_LOCK):
            self._skip(wish, reason=MODULE_OFF)
            return
        held = self.phones.get(wish.user_id, [])
        lockable = [lock for lock in held if lock.line.site_id in self.lockable_sites]
        if not held:
            self._skip(wish, reason=NO_LINE)
        for lock in held:
            if lock in lockable:
                self.lock(lock, wish=wish)
            else:
                self._skip(wish, reason=NO_SWITCH, line=lock.line)
        if lockable:
            self._tell(wish, EventKind.PHONE_LOCKED, lines=[lock.line for lock in lockable])

    def lock(self, lock: LineLock, *, wish: LockWish) -> None:
        already = lock.reason
        why = f"budget of {wish.period.budget.user or wish.period.budget.unit}"
        self._change(lock, put_on=[LockFlag.BUDGET], reason=why)
        self.report.locked += 1
        details = {"already_locked_by": already.lower()} if already else {}
        self._record(
            wish,
            EventKind.PHONE_LOCKED,
            reason=LockFlag.BUDGET.lower(),
            line=lock.line,
            details=details,
        )

    def take_back(self, wish: LockWish) -> None:
        """Open what budgets closed, if this wish was the last to be lifted."""
        if self.opened_by.get(wish.user_id) != wish.pk:
            return
        opened: list[Line] = []
        for lock in self.phones.get(wish.user_id, []):
            if self.open(lock, reason=wish.lifted_because):
                opened.append(lock.line)
                self._record(
                    wish, EventKind.PHONE_UNLOCKED, reason=wish.lifted_because, line=lock.line
                )
        if opened:
            self._tell(wish, EventKind.PHONE_UNLOCKED, lines=opened)

    def open(self, lock: LineLock, *, reason: str) -> bool:
        """Clear the budget flag; say whether the line really opens by it."""
        was_locked = lock.wanted == LineState.LOCKED
        self._change(lock, take_off=[LockFlag.BUDGET], reason=reason)
        is_opened = was_locked and lock.wanted == LineState.UNLOCKED
        self.report.unlocked += is_opened
        return is_opened

    def write(self) -> None:
        write_rows(list(self.changed.values()), self.lock_events)
        write_many(events=self.events, notices=self.notices)

    def _change(
        self,
        lock: LineLock,
        *,
        put_on: Collection[LockFlag] = (),
        take_off: Collection[LockFlag] = (),
        reason: str,
    ) -> None:
        events = change_flags(
            lock, put_on=put_on, take_off=take_off, by=SWEEPER, reason=reason, at=self.now
        )
        if events:
            self.changed[lock.pk] = lock
            self.lock_events += events

    def _skip(self, wish: LockWish, *, reason: str, line: Line | None = None) -> None:
        self.report.skipped += 1
        self._record(wish, EventKind.LOCK_SKIPPED, reason=reason, line=line)

    def _record(
        self,
        wish: LockWish,
        kind: EventKind,
        *,
        reason: str,
        line: Line | None = None,
        details: dict[str, str] | None = None,
    ) -> None:
        named = {"line": str(line), "extension": line.extension} if line else {}
        budget = wish.period.budget
        self.events.append(
            BudgetEvent(
                budget=budget,
                period=wish.period,
                kind=kind,
                user=wish.user if budget.user_id is None else None,
                details={"reason": reason, **named, **(details or {})},
                made_at=self.now,
                made_by=SWEEPER,
            )
        )

    def _tell(self, wish: LockWish, kind: EventKind, *, lines: Sequence[Line]) -> None:
        """Ask for the user, and whoever the locking threshold names, to be told; once a wish."""
        self.notices.append(
            BudgetNotice(
                key=f"{kind}:{wish.period_id}:{wish.pk}",
                kind=kind,
                budget=wish.period.budget,
                period=wish.period,
                user=wish.user,
                recipients=self._told(wish),
                values={
                    "extension": [line.extension for line in lines],
                    "lines": [str(line) for line in lines],
                    "reason": wish.lifted_because or LockFlag.BUDGET.lower(),
                },
                made_at=self.now,
            )
        )

    def _told(self, wish: LockWish) -> list[str]:
        """Whom the lowest threshold that locks names; the user alone if it names nobody."""
        budget = wish.period.budget
        locking = [step for step in self.steps.get(budget.pk, ()) if step.locks]
        named = min(locking, key=lambda step: step.percent).notify if locking else ()
        extra = [budget.extra_recipient] if budget.extra_recipient else []
        return list(dict.fromkeys([*(named or ("user",)), *extra]))


def _phones(user_ids: Collection[int], *, now: datetime) -> dict[int, list[LineLock]]:
    """The locks of the lines that these users hold now, held for change."""
    holdings = LineHolding.objects.filter(valid_at(now), user_id__in=user_ids)
    holder = dict(holdings.order_by("pk").values_list("line_id", "user_id"))
    found: dict[int, list[LineLock]] = defaultdict(list)
    for lock in locked_rows(holder, at=now):
        found[holder[lock.line_id]].append(lock)
    return dict(found)


def _opened_by(user_ids: Collection[int]) -> dict[int, int]:
    """Users whom no wish locks any more, with the wish not yet taken back that was lifted last."""
    wishes = LockWish.objects.filter(user_id__in=user_ids)
    still = set(wishes.filter(lifted_at__isnull=True).values_list("user_id", flat=True))
    waiting = wishes.filter(lifted_at__isnull=False, swept_at__isnull=True)
    last = dict(waiting.order_by("lifted_at", "pk").values_list("user_id", "pk"))
    return {user_id: wish_id for user_id, wish_id in last.items() if user_id not in still}


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
    for line_id, user_id in wanted.items():
        if line_id not in have and user_id not in waiting:
            with transaction.atomic():
                _follow_holder(line_id, user_id, report=report, now=now)
    for line_id in have - set(wanted):
        with transaction.atomic():
            _let_go(line_id, waiting=waiting, report=report, now=now)


def _follow_holder(line_id: int, user_id: int, *, report: SweepReport, now: datetime) -> None:
    taken_over = LockWish.objects.filter(
        user_id=user_id, lifted_at__isnull=True, swept_at__isnull=False
    )
    related = taken_over.select_related("period__budget__user", "period__budget__unit", "user")
    wish = related.order_by("pk").first()
    if wish is None:
        return
    batch = _Batch.of([wish], report=report, now=now)
    for lock in batch.phones.get(user_id, []):
        is_lockable = lock.line.site_id in batch.lockable_sites
        if lock.line_id == line_id and is_lockable and LockFlag.BUDGET not in lock.flags:
            batch.lock(lock, wish=wish)
    batch.write()


def _let_go(line_id: int, *, waiting: Collection[int], report: SweepReport, now: datetime) -> None:
    """Clear the flag of a line that left a locked user. A wish that waits does so itself."""
    lock = locked_rows([line_id], at=now)[0]
    holders = LineHolding.objects.filter(valid_at(now), line_id=line_id)
    holder_ids = set(holders.values_list("user_id", flat=True))
    still = LockWish.objects.filter(user_id__in=holder_ids, lifted_at__isnull=True).exists()
    if still or holder_ids & set(waiting):
        return
    events = change_flags(
        lock, take_off=[LockFlag.BUDGET], by=SWEEPER, reason=CHANGED_HANDS, at=now
    )
    write_rows([lock], events)
    report.unlocked += lock.wanted == LineState.UNLOCKED
