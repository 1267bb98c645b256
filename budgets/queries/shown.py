"""Budgets and their history as a reader may see them.

A member of a shared budget sees the group's figures and his own share, never what
another member did (domain 8.11).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet

from budgets.engine.thresholds import Step, mood, percent_hundredths
from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetException,
    BudgetPeriod,
    LockWish,
    PeriodState,
)
from budgets.queries.days import sums_by_days
from budgets.queries.members import UnitTree
from budgets.queries.rules import steps_of
from budgets.queries.sums import TOTALS, Sum, Watched, exceptions_by_budget, sums, watched_of
from directory.models import User
from directory.queries.units import membership_at
from directory.scoping import Scope, people_visible_to
from kernel.periods import ONE_DAY, local_date, local_midnight


@dataclass(frozen=True, slots=True)
class ShownBudget:
    """A budget with the figures of its running period.

    Amounts are micro-units of `currency`, or milliseconds where `measure` is
    MINUTES. `share` is the reader's own part of a shared budget, where asked for.
    `until` is the last day that belongs to the period.
    """

    id: int
    budget_for: str
    is_shared: bool
    measure: str
    currency: str
    period: str
    time_zone: str
    starts_on: date
    until: date
    base: int
    carried: int
    adjusted: int
    effective: int
    spent: int
    share: int | None
    percent_hundredths: int
    mood: str
    thresholds: Sequence[int]
    lock_percent: int | None
    is_locking: bool
    locks_reader: bool
    is_overridden: bool

    @property
    def remaining(self) -> int:
        """What is left; negative where more was spent."""
        return self.effective - self.spent


def budget_for(budget: Budget) -> str:
    """Whom the budget is for, in words."""
    return str(budget.user or budget.unit)


def budgets_in(scope: Scope, *, with_templates: bool = False) -> QuerySet[Budget]:
    """The budgets in force of the people and units in `scope`.

    `with_templates` adds those that stand for one budget for each member of a unit.
    """
    budgets = Budget.objects.filter(deleted_at__isnull=True)
    if not with_templates:
        budgets = budgets.filter(for_each_member=False)
    if not scope.sees_everything:
        people = people_visible_to(scope).values("pk")
        budgets = budgets.filter(Q(user__in=people) | Q(unit__in=scope.unit_ids))
    return budgets.order_by("user__last_name", "user__username", "unit__path", "pk")


class Reach(NamedTuple):
    """The tree of units, and which budgets count a person's calls in it, exceptions apart."""

    tree: UnitTree
    counted: Q


def reach_of(user: User, *, at: datetime) -> Reach:
    """Where `user` stands at `at`; ask once and hand it on."""
    tree = UnitTree()
    return Reach(tree, counts_calls_of(user, tree, at=at))


def budgets_counting(user: User, *, at: datetime, reach: Reach | None = None) -> QuerySet[Budget]:
    """The budgets that a person's calls count in: his own first, then those of his units."""
    counted = (reach or reach_of(user, at=at)).counted
    counted &= ~Q(pk__in=_left_out_of(user, at=at))
    budgets = Budget.objects.filter(counted, deleted_at__isnull=True, for_each_member=False)
    return budgets.order_by(F("unit__path").asc(nulls_first=True), "pk")


def shown_counting(user: User, *, at: datetime) -> list[ShownBudget]:
    """`budgets_counting` with their figures, as `user` sees them; in seven queries at most."""
    tree, counted = reach_of(user, at=at)
    budgets = Budget.objects.filter(counted, deleted_at__isnull=True, for_each_member=False)
    periods = BudgetPeriod.objects.filter(budget__in=budgets.values("pk"), state=PeriodState.OPEN)
    in_order = periods.select_related("budget__user", "budget__unit").order_by(
        F("budget__unit__path").asc(nulls_first=True), "budget_id"
    )
    found = list(in_order)
    exceptions = exceptions_by_budget(found)
    kept = [
        period
        for period in found
        if not any(
            row.user_id == user.pk and holds_at(row, period.budget, at=at)
            for row in exceptions.get(period.budget_id, ())
        )
    ]
    watched = watched_of(kept, tree, exceptions)
    spent = {key: each.amount for key, each in _sums_of_page(watched).items()}
    return _with_figures(kept, spent=spent, reader=user)


def counts_calls_of(user: User, tree: UnitTree, *, at: datetime) -> Q:
    """The budgets of a person and of the units he is in at `at`, exceptions apart."""
    membership = membership_at(user, at=at)
    if membership is None:
        return Q(user=user)
    units = (membership.department_id, membership.cost_centre_id, membership.office_id)
    return Q(user=user) | Q(unit__in=tree.above(unit for unit in units if unit is not None))


def _left_out_of(user: User, *, at: datetime) -> set[int]:
    """The budgets that `user` is excepted from on the day that `at` is in their own zones."""
    rows = BudgetException.objects.filter(user=user).select_related("budget")
    return {row.budget_id for row in rows if holds_at(row, row.budget, at=at)}


def holds_at(exception: BudgetException, budget: Budget, *, at: datetime) -> bool:
    """Whether an exception from `budget` is in force at `at`."""
    today = local_date(at, budget.zone)
    return exception.since <= today and (exception.until is None or exception.until > today)


def shown(
    budgets: Iterable[Budget],
    *,
    reader: User | None = None,
    with_share: bool = False,
    known: Mapping[int, int] | None = None,
) -> list[ShownBudget]:
    """`budgets` with the figures of their running periods, in their order.

    Those without a running period are left out. The number of queries does not grow
    with the number of budgets; `with_share` adds one for each shared budget. `known`
    is what was spent of all of them, by budget, where the caller has it already.
    """
    ordered = [budget.pk for budget in budgets]
    periods = list(
        BudgetPeriod.objects.filter(budget__in=ordered, state=PeriodState.OPEN).select_related(
            "budget__user", "budget__unit"
        )
    )
    if known is None:
        watched = watched_of(periods)
        spent = {key: each.amount for key, each in _sums_of_page(watched).items()}
    else:
        watched = []
        spent = {period.pk: known[period.budget_id] for period in periods}
    shares = _shares(watched, reader) if reader and with_share else {}
    found = {
        each.id: each for each in _with_figures(periods, spent=spent, reader=reader, shares=shares)
    }
    return [found[pk] for pk in ordered if pk in found]


def _with_figures(
    periods: Sequence[BudgetPeriod],
    *,
    spent: Mapping[int, int],
    reader: User | None,
    shares: Mapping[int, int] = MappingProxyType({}),
) -> list[ShownBudget]:
    steps = steps_of(period.budget for period in periods)
    locking = _locking(periods, reader) if reader else frozenset()
    return [
        shown_period(
            period,
            spent=spent[period.pk],
            steps=steps[period.budget_id],
            share=shares.get(period.pk),
            locks_reader=period.pk in locking,
        )
        for period in periods
    ]


def _sums_of_page(watched: Sequence[Watched]) -> dict[int, Sum]:
    """The sums of a page's periods: by rule where there is one rule, else by days."""
    rules = {(each.span, each.unit_field) for each in watched}
    return sums(watched) if len(rules) == 1 else sums_by_days(watched)


def shown_period(
    period: BudgetPeriod,
    *,
    spent: int,
    steps: Sequence[Step],
    share: int | None = None,
    locks_reader: bool = False,
) -> ShownBudget:
    """A running period with its budget at hand, as a reader sees it."""
    budget = period.budget
    return ShownBudget(
        id=budget.pk,
        budget_for=budget_for(budget),
        is_shared=budget.unit_id is not None,
        measure=budget.measure,
        currency=budget.currency,
        period=budget.period,
        time_zone=budget.time_zone,
        starts_on=period.starts_on,
        until=period.last_date,
        base=period.base,
        carried=period.carried,
        adjusted=period.adjusted,
        effective=period.effective,
        spent=spent,
        share=share,
        percent_hundredths=percent_hundredths(spent=spent, effective=period.effective),
        mood=mood(spent=spent, effective=period.effective, steps=steps),
        thresholds=[step.percent for step in steps],
        lock_percent=min((step.percent for step in steps if step.locks), default=None),
        is_locking=period.is_locking,
        locks_reader=locks_reader,
        is_overridden=period.is_overridden,
    )


def _shares(watched: Iterable[Watched], reader: User) -> dict[int, int]:
    """What the reader himself spent of each shared period."""
    return {
        each.period_id: sum(
            amount or 0
            for _, unit, amount, _ in TOTALS.by(
                each.span, "user", each.unit_field, keys=[reader.pk]
            )
            if unit in each.unit_ids
        )
        for each in watched
        if each.unit_field
    }


def _locking(periods: Sequence[BudgetPeriod], reader: User) -> frozenset[int]:
    """The periods that want the reader's phones locked."""
    wishes = LockWish.objects.filter(period__in=periods, user=reader, lifted_at__isnull=True)
    return frozenset(wishes.values_list("period_id", flat=True))


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What a reader narrows a history down to. Days are of `zone`, both included."""

    zone: ZoneInfo
    from_day: date | None = None
    to_day: date | None = None
    kind: str = ""
    text: str = ""
    oldest_first: bool = False


def history(
    *, budget_ids: Collection[int], reader: User | None, wanted: HistoryFilter
) -> QuerySet[BudgetEvent]:
    """What happened to these budgets.

    With a `reader`, events about other members are left out; None shows them all.
    """
    events = BudgetEvent.objects.filter(budget__in=budget_ids).select_related(
        "budget__user", "budget__unit", "user"
    )
    if reader is not None:
        events = events.filter(Q(user__isnull=True) | Q(user=reader))
    if wanted.from_day:
        events = events.filter(made_at__gte=local_midnight(wanted.from_day, wanted.zone))
    if wanted.to_day:
        events = events.filter(made_at__lt=local_midnight(wanted.to_day + ONE_DAY, wanted.zone))
    if wanted.kind:
        events = events.filter(kind=wanted.kind)
    for word in wanted.text.split()[:5]:
        events = events.filter(
            Q(budget__unit__path__icontains=word)
            | Q(budget__user__username__icontains=word)
            | Q(budget__user__first_name__icontains=word)
            | Q(budget__user__last_name__icontains=word)
        )
    sign = "" if wanted.oldest_first else "-"
    return events.order_by(f"{sign}made_at", f"{sign}id")
