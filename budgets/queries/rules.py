"""The rules of budgets as the engine takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings

from budgets.engine.carry import CarryRule
from budgets.engine.thresholds import Latch, Step, default_steps
from budgets.models import Budget, Crossing, Threshold


def steps_of(budgets: Iterable[Budget]) -> dict[int, tuple[Step, ...]]:
    """The thresholds of each budget, ascending; a member's are those of his template."""
    budgets = list(budgets)
    found: dict[int, list[Step]] = defaultdict(list)
    rows = Threshold.objects.filter(budget_id__in={each.rules_id for each in budgets})
    for row in rows.order_by("budget_id", "percent"):
        found[row.budget_id].append(Step(row.percent, tuple(row.notify), row.lock))
    return {each.pk: tuple(found[each.rules_id]) for each in budgets}


def thresholds_of(budget: Budget) -> tuple[Step, ...]:
    """The thresholds of one budget, ascending."""
    return steps_of([budget])[budget.pk]


def carry_rule(budget: Budget) -> CarryRule | None:
    """How the budget hands its rest on; None where it does not."""
    if not budget.carry_over:
        return None
    return CarryRule(cap=budget.carry_cap, debt=budget.carry_debt)


def latches_of(period_ids: Iterable[int]) -> dict[int, list[Latch]]:
    """What was reached in each period, every generation."""
    found: dict[int, list[Latch]] = defaultdict(list)
    rows = Crossing.objects.filter(period_id__in=list(period_ids))
    for period_id, percent, generation, reset_at in rows.values_list(
        "period_id", "percent", "generation", "reset_at"
    ):
        found[period_id].append(Latch(percent, generation, is_set=reset_at is None))
    return found


def usual_steps() -> tuple[Step, ...]:
    """The thresholds of a budget that names none: with a lock where phones can be locked."""
    return default_steps(with_lock=bool(settings.LOCK_DRIVERS))
