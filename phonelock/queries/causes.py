"""Which budgets keep a person's phones locked, for the page that has to say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from budgets.models import LockWish
from directory.models import User


@dataclass(frozen=True, slots=True)
class BudgetCause:
    """A budget that is spent: whose it is, and when its period ends."""

    budget_id: int
    is_own: bool
    name: str
    ends_at: datetime


def budgets_that_lock(user: User) -> list[BudgetCause]:
    """The budgets that wish the phones of `user` locked, the one that ends first in front."""
    wishes = LockWish.objects.filter(user=user, lifted_at__isnull=True)
    found = wishes.select_related("period__budget__unit").order_by("period__ends_at", "pk")
    return [
        BudgetCause(
            budget_id=wish.period.budget_id,
            is_own=wish.period.budget.user_id == user.pk,
            name=str(wish.period.budget.unit or ""),
            ends_at=wish.period.ends_at,
        )
        for wish in found
    ]
