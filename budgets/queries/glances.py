"""A glance at many periods: which of them need a look, by one comparison each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Q

from budgets.models import BudgetPeriod, PeriodState
from budgets.queries.members import UnitTree
from budgets.queries.sums import sums, watched_of


class Change(NamedTuple):
    """The totals of this payer and day have moved. Keys of 0 stand for none."""

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


def touched_beyond(changes: Sequence[Change]) -> dict[int, set[int]]:
    """The periods that `changes` move beyond a bound, by budget."""
    users = {each.user_key for each in changes}
    days_of_unit: dict[int, set[date]] = defaultdict(set)
    for each in changes:
        for unit_id in each.unit_ids:
            days_of_unit[unit_id].add(each.local_date)
    users.discard(0)
    days_of_unit.pop(0, None)
    beyond: dict[int, set[int]] = defaultdict(set)
    if users:
        days = {each.local_date for each in changes}
        for budget_id, period_id in _users_beyond(users, first=min(days), last=max(days)):
            beyond[budget_id].add(period_id)
    for glance, spent in _units_spent(days_of_unit):
        if glance.needs_look(spent):
            beyond[glance.budget_id].add(glance.period_id)
    return beyond


def unseen_beyond(periods: Sequence[BudgetPeriod]) -> dict[int, set[int]]:
    """Which of these periods does their present sum move beyond a bound?"""
    beyond: dict[int, set[int]] = defaultdict(set)
    spent = sums(watched_of(periods))
    for period in periods:
        if glance_at(period).needs_look(spent[period.pk].amount):
            beyond[period.budget_id].add(period.pk)
    return beyond


# One statement, because it is the one thing every tick does for every call: it sums the
# users' periods where the rows are and answers with the few that need a look. The rules are
# those of `Span.condition` and `Glance.needs_look`.
USERS_BEYOND: Final = """
    WITH glanced AS MATERIALIZED (
        SELECT p.id, p.budget_id, p.fires_from, p.resets_below,
            p.closed_spent + p.late_amount AS settled,
            COALESCE((
                SELECT SUM(CASE WHEN b.measure = 'MINUTES'
                    THEN t.paid_talk_ms ELSE t.charge_micros END)
                FROM cdr_usagetotal t
                WHERE t.user_key = b.user_id
                    AND t.local_date >= p.starts_on AND t.local_date < p.ends_before
                    AND t.number_class <> 'emergency'
                    AND (b.measure = 'MINUTES' OR t.currency = b.currency)
                    AND (b.classes_key = ''
                        OR ',' || b.classes_key || ',' LIKE '%%,' || t.number_class || ',%%')
            ), 0) AS spent
        FROM budgets_budget b
        JOIN budgets_budgetperiod p ON p.budget_id = b.id
        WHERE b.user_id {is_among}
            AND p.starts_on <= %s AND p.ends_before > %s
            AND p.state <> 'DROPPED'
    )
    SELECT budget_id, id FROM glanced
    WHERE CASE WHEN settled IS NULL
        THEN spent >= fires_from OR spent < resets_below
        ELSE spent <> settled END
"""
IS_AMONG: Final = {
    "postgresql": "= ANY(%s::bigint[])",
    "sqlite": "IN (SELECT value FROM json_each(%s))",
}
"""A list of ids as one parameter, whatever its length."""


def _users_beyond(users: Collection[int], *, first: date, last: date) -> list[tuple[int, int]]:
    """Budget and period of the users' own budgets around these days that need a look."""
    is_sqlite = connection.vendor == "sqlite"
    ids = sorted(users)
    with connection.cursor() as cursor:
        cursor.execute(
            USERS_BEYOND.format(is_among=IS_AMONG[connection.vendor]),
            [json.dumps(ids) if is_sqlite else ids, last.isoformat(), first.isoformat()],
        )
        return list(cursor.fetchall())


def _units_spent(days_of_unit: dict[int, set[date]]) -> Iterator[tuple[Glance, int]]:
    """The periods of budgets that count any of these units on these days, with their sums.

    A running period counts what lies below its unit now, an ended one what lay there
    when it ended: the tree may have been moved since.
    """
    if not days_of_unit:
        return
    tree = UnitTree()
    all_days = set[date]().union(*days_of_unit.values())
    around = BudgetPeriod.objects.filter(
        Q(budget__unit_id__in=list(tree.above(days_of_unit))) | Q(counted_units__isnull=False),
        budget__unit__isnull=False,
        budget__for_each_member=False,
        starts_on__lte=max(all_days),
        ends_before__gt=min(all_days),
    ).exclude(state=PeriodState.DROPPED)
    watched = [
        each
        for each in watched_of(around.select_related("budget__unit"), tree)
        if any(
            each.span.starts_on <= day < each.span.ends_before
            for unit_id in each.unit_ids & days_of_unit.keys()
            for day in days_of_unit[unit_id]
        )
    ]
    spent = sums(watched)
    for period in BudgetPeriod.objects.filter(pk__in=spent):
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
