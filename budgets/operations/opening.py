"""Periods are opened: the first of a new budget, and the next when one ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from budgets.engine.thresholds import Step, judge
from budgets.models import Budget, BudgetPeriod, PeriodState
from budgets.queries.rules import steps_of
from kernel.periods import Period, PeriodKind, period_after, period_at


def open_first_periods(budgets: Iterable[Budget], *, at: datetime) -> list[BudgetPeriod]:
    """Open the running period of new budgets, whole: what was spent before today counts.

    Every budget of one call has its thresholds already. Nothing is looked at yet.
    """
    budgets = list(budgets)
    steps = steps_of(budgets)
    return BudgetPeriod.objects.bulk_create(
        [
            unopened(
                budget,
                period_at(
                    at,
                    kind=cast(PeriodKind, budget.period),
                    zone=budget.zone,
                    starts_on=budget.starts_on,
                ),
                steps=steps[budget.pk],
            )
            for budget in budgets
        ],
        batch_size=500,
    )


def period_following(
    ended: BudgetPeriod, *, steps: Mapping[int, tuple[Step, ...]], carried: int
) -> BudgetPeriod:
    """The period after `ended`, by the rules and amount its budget has now; not yet stored."""
    budget = ended.budget
    days = period_after(
        Period(ended.starts_on, ended.ends_before, ended.starts_at, ended.ends_at),
        kind=cast(PeriodKind, budget.period),
        zone=budget.zone,
        starts_on=budget.starts_on,
    )
    return unopened(budget, days, steps=steps[budget.pk], carried=carried)


def unopened(
    budget: Budget, days: Period, *, steps: tuple[Step, ...], carried: int = 0
) -> BudgetPeriod:
    """A period's row with its bounds set, to be stored."""
    verdict = judge(spent=-1, effective=budget.amount + carried, steps=steps, latches=())
    return BudgetPeriod(
        budget=budget,
        starts_on=days.starts_on,
        ends_before=days.ends_before,
        starts_at=days.starts_at,
        ends_at=days.ends_at,
        base=budget.amount,
        carried=carried,
        carried_told=carried,
        state=PeriodState.OPEN,
        fires_from=verdict.fires_from,
        resets_below=None,
    )
