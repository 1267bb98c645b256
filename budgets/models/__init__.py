"""Budgets: what may be spent, by whom, in which period, and what happened.

Spent is never stored for a running period: it is the sum of `cdr.UsageTotal`
over the period's local days, right at every commit. Crossings, events, notices
and lock wishes are facts; the last two are what upper apps read and answer.

Whoever changes a budget, its periods or what hangs on them locks the `Budget`
row first, several of them in the order of their ids.
"""

from budgets.models.periods import BudgetPeriod, Crossing, PeriodOverride, PeriodState
from budgets.models.records import (
    BudgetEvent,
    BudgetNotice,
    BudgetRequest,
    EventKind,
    LockWish,
    RequestState,
)
from budgets.models.rules import Budget, BudgetException, Measure, PeriodKind, Threshold

__all__ = [
    "Budget",
    "BudgetEvent",
    "BudgetException",
    "BudgetNotice",
    "BudgetPeriod",
    "BudgetRequest",
    "Crossing",
    "EventKind",
    "LockWish",
    "Measure",
    "PeriodKind",
    "PeriodOverride",
    "PeriodState",
    "RequestState",
    "Threshold",
]
