"""What a budget does to the reader's phones, as far as budgets know it.

Budgets wish; what became of a wish stands in the history, written by the phone lock.
Whether the phone system has confirmed it is told on "My phone".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.db.models import Q

from budgets.engine.terms import ROUNDED_TO
from budgets.engine.thresholds import least_below
from budgets.models import Budget, BudgetEvent, BudgetPeriod, EventKind, LockWish, PeriodState
from budgets.queries.shown import ShownBudget, shown
from directory.models import User
from kernel.money import ceil_div

LOCKING_KINDS = (EventKind.PHONE_LOCKED, EventKind.LOCK_SKIPPED, EventKind.LOCK_FAILED)


class PhoneMood(Enum):
    """How the reader's phones stand with one budget."""

    NEVER = "never"
    OPEN = "open"
    KEPT_OPEN = "kept_open"
    LOCKING = "locking"
    LOCKED = "locked"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PhoneState:
    """`since` and `extensions` of a lock; `reason` why none could be put on."""

    mood: PhoneMood
    since: datetime | None = None
    extensions: Sequence[str] = ()
    reason: str = ""
    is_elsewhere: bool = False
    """Another budget locks the phones, whatever this one says."""

    @property
    def is_locked(self) -> bool:
        return self.mood in (PhoneMood.LOCKING, PhoneMood.LOCKED, PhoneMood.FAILED)


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that wants one person's phones locked now, and what became of it."""

    since: Mapping[int, datetime]
    events: Mapping[int, Sequence[BudgetEvent]]
    elsewhere: Collection[int] = ()
    """Periods beside which another budget's wish stands."""

    def of(self, period_id: int, shown: ShownBudget) -> PhoneState:
        """How the phones stand with the period that `shown` tells of."""
        elsewhere = period_id in self.elsewhere
        since = self.since.get(period_id)
        if since is None:
            if shown.lock_percent is None:
                return PhoneState(PhoneMood.NEVER, is_elsewhere=elsewhere)
            mood = PhoneMood.KEPT_OPEN if shown.is_overridden else PhoneMood.OPEN
            return PhoneState(mood, is_elsewhere=elsewhere)
        events = self.events.get(period_id, ())
        locked = [each for each in events if each.kind == EventKind.PHONE_LOCKED]
        extensions = tuple(
            dict.fromkeys(str(each.details.get("extension", "")) for each in locked or events)
        )
        extensions = tuple(each for each in extensions if each)
        if any(each.kind == EventKind.LOCK_FAILED for each in events):
            return PhoneState(PhoneMood.FAILED, since, extensions, is_elsewhere=elsewhere)
        if locked:
            return PhoneState(PhoneMood.LOCKED, since, extensions, is_elsewhere=elsewhere)
        if events:
            reason = str(events[-1].details.get("reason", ""))
            return PhoneState(PhoneMood.SKIPPED, since, extensions, reason, elsewhere)
        return PhoneState(PhoneMood.LOCKING, since, is_elsewhere=elsewhere)


def wishes_of(user_id: int, *, periods: Collection[BudgetPeriod]) -> Wishes:
    """What wants `user_id`'s phones locked, with the events of these periods.

    Periods that were asked for with `wished_at` and `is_wished_elsewhere` cost no
    question, others one; what became of standing wishes costs one more.
    """
    if all(hasattr(each, "wished_at") for each in periods):
        since = {each.pk: each.wished_at for each in periods if each.wished_at}  # type: ignore[attr-defined]
        elsewhere = {each.pk for each in periods if each.is_wished_elsewhere}  # type: ignore[attr-defined]
    else:
        rows = LockWish.objects.filter(user=user_id, lifted_at__isnull=True)
        since = dict(rows.values_list("period_id", "wished_at"))
        elsewhere = {each.pk for each in periods if since.keys() - {each.pk}}
    events: dict[int, list[BudgetEvent]] = defaultdict(list)
    asked = [each.pk for each in periods if each.pk in since]
    if asked:
        own = Q(user=user_id) | Q(user__isnull=True)
        found = BudgetEvent.objects.filter(own, period__in=asked, kind__in=LOCKING_KINDS)
        for event in found.order_by("pk"):
            if event.period_id is not None and event.made_at >= since[event.period_id]:
                events[event.period_id].append(event)
    return Wishes(since, events, elsewhere)


@dataclass(frozen=True, slots=True)
class StillLocked:
    """Phones that stay locked. `missing` is what would open them; None: by another budget."""

    missing: int | None


def still_locked(budget: Budget, *, user: User | None) -> StillLocked | None:
    """Whether phones stay locked now that `budget` was given more: those of `user`, else any.

    `missing` is rounded up to a whole cent or minute.
    """
    wishes = LockWish.objects.filter(lifted_at__isnull=True)
    if user is not None:
        wishes = wishes.filter(user=user)
    by_this = Q(period__budget=budget, period__state=PeriodState.OPEN)
    if not wishes.filter(by_this).exists():
        is_elsewhere = user is not None and wishes.exclude(period__budget=budget).exists()
        return StillLocked(None) if is_elsewhere else None
    found = shown([budget])
    if not found or found[0].lock_percent is None:
        return None
    card, step = found[0], ROUNDED_TO[budget.measure]
    least = least_below(percent=found[0].lock_percent, spent=card.spent)
    return StillLocked(ceil_div(max(1, least - card.effective), step) * step)
