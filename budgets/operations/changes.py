"""Terms are changed at once, for one budget or for all the members of a unit.

Each change is a line of history, and leaves the running period to be looked at once
more by the next evaluation: calls may be arriving in transactions that this one
cannot see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import transaction

from budgets.engine.carry import CarryRule
from budgets.engine.terms import Terms, changes
from budgets.engine.thresholds import Step
from budgets.models import Budget, BudgetPeriod, EventKind
from budgets.operations.families import (
    BadBudget,
    NotAsSeen,
    lock_family,
    look_again,
    put_terms,
    refuse_bad,
    running,
    terms_of,
    write_steps,
)
from budgets.operations.findings import Findings
from kernel.periods import PeriodKind

CHANGED: Final = "changed"
TERM_FIELDS: Final = (
    "amount",
    "period",
    "starts_on",
    "carry_over",
    "carry_cap",
    "carry_debt",
    "extra_recipient",
)


def change(*, budget: Budget, to: Terms, at: datetime, by: str) -> tuple[str, ...]:
    """Change a budget to other terms at once; returns what changed, a phrase each.

    A new period length or start day waits until the running period has ended as
    planned. A raise above the lock threshold lifts the lock, a cut below what is
    spent fires thresholds. Of a budget for each member all are changed; an amount
    that was set for one member alone stays. Measure and classes are the budget's
    kind and cannot change.

    Raises:
        BadBudget: if the terms contradict themselves or are of another kind.
        BudgetGone: if the budget was deleted.
    """
    return _change(budget, lambda _: to, at=at, by=by)


def change_amount(
    *, budget: Budget, amount: int, at: datetime, by: str, seen: int | None = None
) -> tuple[str, ...]:
    """Change what may be spent: micro-units, or milliseconds of talk. See `change`.

    Raises:
        NotAsSeen: if it is neither `amount` already nor `seen`, which was there to be changed.
    """

    def alter(terms: Terms) -> Terms:
        if seen is not None and terms.amount not in (seen, amount):
            raise NotAsSeen
        return replace(terms, amount=amount)

    return _change(budget, alter, at=at, by=by)


def change_thresholds(
    *, budget: Budget, steps: Sequence[Step], at: datetime, by: str
) -> tuple[str, ...]:
    """Change whom to tell and when to lock. See `change`."""
    ascending = tuple(sorted(steps, key=lambda each: each.percent))
    return _change(budget, lambda terms: replace(terms, steps=ascending), at=at, by=by)


def change_schedule(
    *, budget: Budget, period: PeriodKind, starts_on: int, at: datetime, by: str
) -> tuple[str, ...]:
    """Change length and start day of the periods after the running one. See `change`."""
    return _change(
        budget, lambda terms: replace(terms, period=period, starts_on=starts_on), at=at, by=by
    )


def change_carry(
    *, budget: Budget, carry: CarryRule | None, at: datetime, by: str
) -> tuple[str, ...]:
    """Change what is handed on at the end of the running period. See `change`."""
    return _change(budget, lambda terms: replace(terms, carry=carry), at=at, by=by)


@transaction.atomic
def _change(
    budget: Budget, alter: Callable[[Terms], Terms], *, at: datetime, by: str
) -> tuple[str, ...]:
    """Change the terms that stand once the budget is locked, not those the caller has read."""
    family = lock_family(budget)
    budget = family[0]
    old = terms_of(budget)
    to = alter(old)
    if (to.measure, set(to.number_classes)) != (old.measure, set(old.number_classes)):
        raise BadBudget("measure and classes of a budget cannot change; delete it and assign anew")
    to = replace(to, number_classes=old.number_classes)
    if to.steps != old.steps and budget.template_id is not None:
        raise BadBudget("a member's thresholds are those of his unit's budget; change them there")
    said = changes(old, to)
    if not said:
        return ()
    refuse_bad(to, holder_is_user=budget.user_id is not None, for_each_member=False)
    findings = Findings(at=at, by=by)
    for each in family:
        before = each.amount
        put_terms(to if before == old.amount else replace(to, amount=before), each)
        amounts = {"old_amount": before, "new_amount": each.amount}
        findings.event(EventKind.CHANGED, each, details={**amounts, "changes": list(said)})
    Budget.objects.bulk_update(family, list(TERM_FIELDS), batch_size=200)
    if to.steps != old.steps:
        write_steps(budget, to.steps)
    findings.write()
    _rebase(family)
    look_again(family, at=at, by=by, because=CHANGED)
    return said


def _rebase(budgets: Iterable[Budget]) -> None:
    """Give the running periods their budgets' present amount."""
    moved = []
    for period in running(budgets):
        if period.base != period.budget.amount:
            period.base = period.budget.amount
            moved.append(period)
    BudgetPeriod.objects.bulk_update(moved, ["base"], batch_size=500)
