"""Budgets and their history as a reader may see them.

A member of a shared budget sees the group's figures and his own share, never what
another member did (domain 8.11).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from budgets.engine.thresholds import mood, percent_hundredths
from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetException,
    BudgetPeriod,
    LockWish,
    PeriodState,
)
from budgets.queries.members import UnitTree
from budgets.queries.rules import steps_of
from budgets.queries.sums import TOTALS, Watched, sums, watched_of
from directory.models import User
from directory.queries import membership_at
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
    effective: int
    spent: int
    share: int | None
    percent_hundredths: int
    mood: str
    thresholds: Sequence[int]
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


def budgets_in(scope: Scope) -> QuerySet[Budget]:
    """The budgets in force of the people and units in `scope`."""
    budgets = Budget.objects.filter(deleted_at__isnull=True, for_each_member=False)
    if not scope.sees_everything:
        people = people_visible_to(scope).values("pk")
        budgets = budgets.filter(Q(user__in=people) | Q(unit__in=scope.unit_ids))
    return budgets.order_by("user__last_name", "user__username", "unit__path", "pk")


def budgets_counting(user: User, *, at: datetime) -> QuerySet[Budget]:
    """The budgets that a person's calls count in: his own first, then those of his units."""
    counted = Q(user=user)
    membership = membership_at(user, at=at)
    if membership is not None:
        units = (membership.department_id, membership.cost_centre_id, membership.office_id)
        above = UnitTree().above(unit for unit in units if unit is not None)
        counted |= Q(unit__in=above) & ~Q(pk__in=_left_out_of(user, at=at))
    budgets = Budget.objects.filter(counted, deleted_at__isnull=True, for_each_member=False)
    return budgets.order_by("unit__path", "pk")


def _left_out_of(user: User, *, at: datetime) -> set[int]:
    """The budgets that `user` is excepted from on the day that `at` is in their own zones."""
    rows = BudgetException.objects.filter(user=user).select_related("budget")
    return {
        row.budget_id
        for row in rows
        if row.since <= (today := local_date(at, row.budget.zone))
        and (row.until is None or row.until > today)
    }


def shown(
    budgets: Iterable[Budget], *, reader: User | None = None, with_share: bool = False
) -> list[ShownBudget]:
    """`budgets` with the figures of their running periods, in their order.

    Those without a running period are left out. The number of queries does not grow
    with the number of budgets; `with_share` adds one for each shared budget.
    """
    ordered = [budget.pk for budget in budgets]
    periods = list(
        BudgetPeriod.objects.filter(budget__in=ordered, state=PeriodState.OPEN).select_related(
            "budget__user", "budget__unit"
        )
    )
    watched = watched_of(periods)
    spent = sums(watched)
    steps = steps_of(period.budget for period in periods)
    shares = _shares(watched, reader) if reader and with_share else {}
    locking = _locking(periods, reader) if reader else frozenset()
    found = {}
    for period in periods:
        budget, amount = period.budget, spent[period.pk].amount
        found[budget.pk] = ShownBudget(
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
            effective=period.effective,
            spent=amount,
            share=shares.get(period.pk),
            percent_hundredths=percent_hundredths(spent=amount, effective=period.effective),
            mood=mood(spent=amount, effective=period.effective, steps=steps[budget.pk]),
            thresholds=[step.percent for step in steps[budget.pk]],
            is_locking=period.is_locking,
            locks_reader=period.pk in locking,
            is_overridden=period.is_overridden,
        )
    return [found[pk] for pk in ordered if pk in found]


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
