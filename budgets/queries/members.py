"""Who is under a budget: units with their sub-units, members, exceptions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final

from django.db.models import Q, QuerySet

from budgets.models import Budget, BudgetException
from directory.models import Membership, OrgUnit, User, valid_at
from directory.queries.units import UNIT_FIELDS
from kernel.periods import local_date

MOST_LEVELS: Final = 64


class UnitTree:
    """All org units at one moment, to ask what lies below and above. One query."""

    def __init__(self) -> None:
        self._parents = dict(OrgUnit.objects.values_list("pk", "parent_id"))
        self._below: dict[int, set[int]] = {pk: {pk} for pk in self._parents}
        for pk in self._parents:
            for upper in self.above([pk]):
                self._below[upper].add(pk)

    def above(self, unit_ids: Iterable[int]) -> set[int]:
        """The units themselves and all that hold them. Ids of units long gone are left out."""
        found: set[int] = set()
        for unit_id in unit_ids:
            current: int | None = unit_id
            for _ in range(MOST_LEVELS):
                if current is None or current not in self._parents:
                    break
                found.add(current)
                current = self._parents[current]
        return found

    def below(self, unit_id: int) -> frozenset[int]:
        """The unit itself and all it holds."""
        return frozenset(self._below.get(unit_id, {unit_id}))


def memberships_in(
    *, kind: str, unit_ids: Collection[int], at: datetime
) -> QuerySet[Membership, Membership]:
    """The memberships in force at `at` in any of the units, all of one `kind`."""
    in_units = Q(**{f"{UNIT_FIELDS[kind]}_id__in": unit_ids})
    return Membership.objects.filter(valid_at(at), in_units)


def holds_on(day: date) -> Q:
    """The exceptions in force for a period that starts on, or a look made on, `day`."""
    return Q(since__lte=day) & (Q(until__isnull=True) | Q(until__gt=day))


def members_of(budget: Budget, at: datetime, tree: UnitTree | None = None) -> QuerySet[User, User]:
    """The people `budget` is for at `at`: its user, or the unit's members but the excepted."""
    if budget.unit is None:
        return User.objects.filter(budgets=budget)
    unit_ids = (tree or UnitTree()).below(budget.unit.pk)
    today = local_date(at, budget.zone)
    members = memberships_in(kind=budget.unit.kind, unit_ids=unit_ids, at=at)
    excepted = BudgetException.objects.filter(holds_on(today), budget=budget)
    return (
        User.objects.filter(pk__in=members.values("user_id"))
        .exclude(pk__in=excepted.values("user_id"))
        .order_by("username")
    )
