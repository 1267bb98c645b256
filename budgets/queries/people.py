"""The people under a unit's budget, with what each has spent and how his phone stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from budgets.models import Budget, BudgetException, BudgetPeriod, LockWish, PeriodOverride
from budgets.queries.members import UnitTree, members_of
from budgets.queries.sums import NOTHING, TOTALS, Sum, Watched
from directory.models import User


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member's part. `locked_since` = this budget wants his phones locked."""

    user: User
    spent: int
    calls: int
    locked_since: datetime | None
    is_kept_open: bool


def unit_members(
    budget: Budget, period: BudgetPeriod | None, *, tree: UnitTree | None, at: datetime
) -> QuerySet[Any, Any]:
    """Whom a cumulative budget counts at `at`, by name, with what its period wants of them."""
    wishes = LockWish.objects.filter(period=period, user=OuterRef("pk"), lifted_at__isnull=True)
    overrides = PeriodOverride.objects.filter(period=period, user=OuterRef("pk"))
    found: QuerySet[Any, Any] = members_of(budget, at, tree).annotate(
        locked_since=Subquery(wishes.values("wished_at")[:1]), is_let_off=Exists(overrides)
    )
    named = found.only("username", "first_name", "last_name")
    return named.order_by("last_name", "first_name", "username", "pk")


def member_rows(period: BudgetPeriod, watched: Watched, users: Sequence[Any]) -> list[MemberRow]:
    """These members of a unit's running period with their parts, in their order. One query."""
    ids = [user.pk for user in users]
    spent: dict[int, Sum] = {}
    for user_id, unit, amount, calls in TOTALS.by(
        watched.span, "user", watched.unit_field, keys=ids
    ):
        if unit in watched.unit_ids:
            spent[user_id] = spent.get(user_id, NOTHING) + Sum(amount or 0, calls or 0)
    return [
        MemberRow(
            user=user,
            spent=spent.get(user.pk, NOTHING).amount,
            calls=spent.get(user.pk, NOTHING).calls,
            locked_since=user.locked_since,
            is_kept_open=period.is_overridden or user.is_let_off,
        )
        for user in users
    ]


def exceptions_of(budget: Budget) -> QuerySet[BudgetException]:
    """Who is left out of a unit's budget now."""
    rows = BudgetException.objects.filter(budget=budget, until__isnull=True)
    return rows.select_related("user").order_by("user__last_name", "user__username", "pk")
