"""Who belongs to which unit, and who holds which line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from directory.models import (
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    UnitKind,
    User,
    valid_at,
)

UNIT_FIELDS: Final[Mapping[str, str]] = {
    UnitKind.DEPARTMENT: "department",
    UnitKind.COST_CENTRE: "cost_centre",
    UnitKind.OFFICE: "office",
}
"""How memberships, calls, totals and addresses name the unit of each kind."""


def with_sub_units(unit_ids: Iterable[int]) -> frozenset[int]:
    """The units and everything below them."""
    found = set(unit_ids)
    if not found:
        return frozenset()
    below = OrgUnit.objects.filter(parent__isnull=False).values_list("pk", "parent_id")
    return with_all_below(found, dict(below))


def with_all_below(unit_ids: Iterable[int], parents: Mapping[int, int | None]) -> frozenset[int]:
    """The units and everything below them, by the parent of each unit."""
    found = set(unit_ids)
    children: dict[int, list[int]] = {}
    for pk, parent_id in parents.items():
        if parent_id is not None:
            children.setdefault(parent_id, []).append(pk)
    waiting = list(found)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return frozenset(found)


def with_all_above(unit_ids: Iterable[int], parents: Mapping[int, int | None]) -> frozenset[int]:
    """The units and everything that holds them, by the parent of each unit."""
    found: set[int] = set()
    for unit_id in unit_ids:
        above: int | None = unit_id
        while above is not None and above not in found:
            found.add(above)
            above = parents.get(above)
    return frozenset(found)


def members_of(unit: OrgUnit, *, at: datetime) -> QuerySet[User]:
    """The people who belong to `unit` or a unit below it at `at`."""
    field = UNIT_FIELDS[unit.kind]
    memberships = Membership.objects.filter(
        valid_at(at), **{f"{field}__in": with_sub_units([unit.pk])}
    )
    return User.objects.filter(pk__in=memberships.values("user_id"))


def membership_at(user: User, *, at: datetime) -> Membership | None:
    """The units of `user` at `at`."""
    return (
        Membership.objects.filter(valid_at(at), user=user)
        .select_related("department", "cost_centre", "office")
        .order_by("-pk")
        .first()
    )


def lines_of(user: User, *, at: datetime) -> QuerySet[Line]:
    """The lines that `user` holds at `at`."""
    held = LineHolding.objects.filter(valid_at(at), user=user)
    return Line.objects.filter(pk__in=held.values("line_id")).select_related("site")
