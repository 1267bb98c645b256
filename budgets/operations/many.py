"""Many budgets changed at once, each as if alone, all or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.db import transaction

from budgets.engine.terms import ROUNDED_TO
from budgets.models import Budget
from budgets.operations.changes import change_amount
from budgets.operations.deletion import delete
from budgets.operations.families import NotAsSeen
from budgets.operations.looking import lock_budgets
from budgets.operations.overrides import NothingToOverride, override
from kernel.money import ceil_div

MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Raised:
    """How many were changed, and how many had nothing to change."""

    changed: int
    left_alone: int


def raised(amount: int, *, percent: int, measure: str) -> int:
    """`amount` and so many percent of it, rounded up to a whole cent or minute.

    >>> raised(10_000_000, percent=5, measure="MONEY")
    10500000
    """
    step = ROUNDED_TO[measure]
    return ceil_div(amount * (100 + percent), 100 * step) * step


def _without_members_of(budgets: Sequence[Budget]) -> list[Budget]:
    """The budgets without those of members whose unit's budget is among them: it takes them along."""
    templates = {each.pk for each in budgets if each.for_each_member}
    return [each for each in budgets if each.template_id not in templates]


def amounts_of(budgets: Iterable[Budget]) -> str:
    """What these budgets have to spend, in one short word: equal for equal amounts."""
    amounts = sorted((each.pk, each.amount) for each in budgets)
    return sha256(repr(amounts).encode()).hexdigest()[:32]


@transaction.atomic
def raise_many(
    *, budgets: Sequence[Budget], percent: int, at: datetime, by: str, seen: str = ""
) -> Raised:
    """Raise the amount of each by `percent`; a negative one cuts it.

    With `seen`, the `amounts_of` them when it was asked for, the same is not done twice.

    Raises:
        NotAsSeen: if one of them was changed since, or this was sent twice.
        BadBudget: if an amount would be out of bounds. Nothing is changed then.
        BudgetGone: if one was given up meanwhile.
    """
    ordered = _in_order(budgets)
    if seen and seen != amounts_of(Budget.objects.filter(pk__in=[each.pk for each in budgets])):
        raise NotAsSeen
    changed = sum(
        bool(
            change_amount(
                budget=each,
                amount=raised(each.amount, percent=percent, measure=each.measure),
                at=at,
                by=by,
            )
        )
        for each in ordered
    )
    return Raised(changed, len(ordered) - changed)


@transaction.atomic
def override_many(*, budgets: Sequence[Budget], reason: str, at: datetime, by: str) -> Raised:
    """Keep the phones of each open until its period ends; what has no period is passed over.

    Raises:
        BadBudget: without author or reason.
        BudgetGone: if one was given up meanwhile.
    """
    changed = 0
    ordered = _in_order(budgets)
    for each in ordered:
        try:
            changed += override(budget=each, at=at, by=by, reason=reason)
        except NothingToOverride:
            continue
    return Raised(changed, len(ordered) - changed)


@transaction.atomic
def delete_many(*, budgets: Sequence[Budget], at: datetime, by: str) -> Raised:
    """Give each up.

    Raises:
        BudgetGone: if one was given up meanwhile.
    """
    ordered = _in_order(budgets)
    for each in ordered:
        delete(budget=each, at=at, by=by)
    return Raised(len(ordered), 0)


def _in_order(budgets: Sequence[Budget]) -> list[Budget]:
    """All of them locked in the order of their ids, so that two such changes cannot cross."""
    ids = [each.pk for each in _without_members_of(budgets)]
    members = Budget.objects.filter(template__in=ids, deleted_at__isnull=True)
    lock_budgets({*ids, *members.values_list("pk", flat=True)})
    return list(Budget.objects.filter(pk__in=ids).order_by("pk"))
