"""A glance at many periods: which of them need a look, by one comparison each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from django.db.models import F, Q, QuerySet

from budgets.models import BudgetPeriod, Measure, PeriodState
from budgets.queries.members import UnitTree
from budgets.queries.sums import NOTHING, Span, sums, sums_by_user, watched_of
from cdr.models import UsageChange


class Change(NamedTuple):
    """The totals of this payer and day have moved. Keys of 0 stand for none."""

    pk: int
    user_key: int
    department_key: int
    cost_centre_key: int
    office_key: int
    local_date: date

    @property
    def unit_ids(self) -> tuple[int, int, int]:
        return (self.department_key, self.cost_centre_key, self.office_key)


class Glance(NamedTuple):
    """A period as far as a glance needs it. `settled` is None while the period is open."""

    period_id: int
    budget_id: int
    starts_on: date
    ends_before: date
    fires_from: int | None
    resets_below: int | None
    settled: int | None

    def needs_look(self, spent: int) -> bool:
        """Whether `spent` crosses a bound, or is not what an ended period was settled with."""
        if self.settled is not None:
            return spent != self.settled
        return (self.fires_from is not None and spent >= self.fires_from) or (
            self.resets_below is not None and spent < self.resets_below
        )


def waiting_changes(limit: int) -> list[Change]:
    """Some of the changes nobody has taken, taken for this transaction."""
    rows = UsageChange.objects.select_for_update(skip_locked=True).order_by("pk")
    return [Change(*row) for row in rows.values_list(*Change._fields)[:limit]]


class Beyond(NamedTuple):
    """The periods of each budget that need a look, and how many were summed for it."""

    periods: dict[int, set[int]]
    summed: int


def touched_periods(changes: Sequence[Change]) -> Beyond:
    """Which periods do `changes` move beyond a bound?"""
    days_of_user: dict[int, set[date]] = defaultdict(set)
    days_of_unit: dict[int, set[date]] = defaultdict(set)
    for each in changes:
        days_of_user[each.user_key].add(each.local_date)
        for unit_id in each.unit_ids:
            days_of_unit[unit_id].add(each.local_date)
    days_of_user.pop(0, None)
    days_of_unit.pop(0, None)
    beyond: dict[int, set[int]] = defaultdict(set)
    summed = 0
    for glance, spent in (*_users_spent(days_of_user), *_units_spent(days_of_unit)):
        summed += 1
        if glance.needs_look(spent):
            beyond[glance.budget_id].add(glance.period_id)
    return Beyond(beyond, summed)


def unseen_beyond(periods: Sequence[BudgetPeriod]) -> dict[int, set[int]]:
    """Which of these periods does their present sum move beyond a bound?"""
    beyond: dict[int, set[int]] = defaultdict(set)
    spent = sums(watched_of(periods))
    for period in periods:
        if glance_at(period).needs_look(spent[period.pk].amount):
            beyond[period.budget_id].add(period.pk)
    return beyond


GLANCE = (
    "pk",
    "budget_id",
    "starts_on",
    "ends_before",
    "fires_from",
    "resets_below",
    "settled",
)


def _glanced(periods: QuerySet[BudgetPeriod, BudgetPeriod]) -> QuerySet[BudgetPeriod, BudgetPeriod]:
    """With `settled`: null while the period is open."""
    settled = F("closed_spent") + F("late_amount")
    return periods.exclude(state=PeriodState.DROPPED).annotate(settled=settled)


def _overlap(days: Iterable[set[date]]) -> Q:
    """The periods that may hold any of the days; which do is for Python to say."""
    flat = set[date]().union(*days)
    return Q(starts_on__lte=max(flat), ends_before__gt=min(flat))


def _users_spent(days_of_user: dict[int, set[date]]) -> Iterator[tuple[Glance, int]]:
    """The periods of the users' own budgets that hold a moved day, with their sums."""
    if not days_of_user:
        return
    periods = BudgetPeriod.objects.filter(
        _overlap(days_of_user.values()), budget__user_id__in=list(days_of_user)
    )
    rows = _glanced(periods).values_list(
        *GLANCE, "budget__user_id", "budget__measure", "budget__currency", "budget__classes_key"
    )
    by_span: dict[Span, list[tuple[int, Glance]]] = defaultdict(list)
    for *fields, user_id, measure, currency, classes_key in rows:
        glance = Glance(*fields)
        if any(glance.starts_on <= day < glance.ends_before for day in days_of_user[user_id]):
            talk = measure == Measure.MINUTES
            span = Span(
                glance.starts_on, glance.ends_before, talk, "" if talk else currency, classes_key
            )
            by_span[span].append((user_id, glance))
    for span, together in by_span.items():
        spent = sums_by_user(span, {user_id for user_id, _ in together})
        for user_id, glance in together:
            yield glance, spent.get(user_id, NOTHING).amount


def _units_spent(days_of_unit: dict[int, set[date]]) -> Iterator[tuple[Glance, int]]:
    """The same for budgets of the units and of all that hold them."""
    if not days_of_unit:
        return
    tree = UnitTree()
    days_above: dict[int, set[date]] = defaultdict(set)
    for unit_id, days in days_of_unit.items():
        for upper in tree.above([unit_id]):
            days_above[upper] |= days
    if not days_above:
        return
    touched = BudgetPeriod.objects.filter(
        _overlap(days_above.values()),
        budget__unit_id__in=list(days_above),
        budget__for_each_member=False,
    )
    periods = [
        period
        for period in _glanced(touched).select_related("budget__unit")
        if any(
            period.starts_on <= day < period.ends_before
            for day in days_above[period.budget.unit_id or 0]
        )
    ]
    spent = sums(watched_of(periods, tree))
    for period in periods:
        yield glance_at(period), spent[period.pk].amount


def glance_at(period: BudgetPeriod) -> Glance:
    """The glance of a whole row."""
    settled = None if period.closed_spent is None else period.settled_spent
    return Glance(
        period.pk,
        period.budget_id,
        period.starts_on,
        period.ends_before,
        period.fires_from,
        period.resets_below,
        settled,
    )
