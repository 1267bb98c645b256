"""A unit's path follows its name and parent, and its branch follows it."""

from __future__ import annotations

import pytest

from directory.models import OrgUnit
from directory.operations.branches import BadPlace, put_unit

pytestmark = pytest.mark.django_db


def unit(name: str, parent: OrgUnit | None = None, kind: str = "DEPARTMENT") -> OrgUnit:
    return put_unit(OrgUnit(kind=kind, name=name, parent=parent))


def paths() -> set[str]:
    return set(OrgUnit.objects.values_list("path", flat=True))


def test_a_renamed_unit_takes_its_branch_along_and_nothing_else() -> None:
    sales = unit("Sales")
    north = unit("North", sales)
    unit("Inner", north)
    unit("Salesmen")
    unit("Sales", kind="OFFICE")

    sales.name = "Selling"
    put_unit(sales)

    assert paths() == {"Selling", "Selling/North", "Selling/North/Inner", "Salesmen", "Sales"}


def test_a_moved_unit_takes_its_branch_along() -> None:
    sales, support = unit("Sales"), unit("Support")
    north = unit("North", sales)
    unit("Inner", north)

    north.parent = support
    put_unit(north)

    assert paths() == {"Sales", "Support", "Support/North", "Support/North/Inner"}


def test_a_unit_cannot_stand_below_itself_or_another_kind_or_twice() -> None:
    sales = unit("Sales")
    north = unit("North", sales)
    sales.parent = north

    with pytest.raises(BadPlace, match="below itself"):
        put_unit(sales)
    with pytest.raises(BadPlace, match="of another kind"):
        unit("Desk", sales, kind="OFFICE")
    with pytest.raises(BadPlace, match="already"):
        unit("North", OrgUnit.objects.get(path="Sales"))
    for name in ("", " ", "A/B"):
        with pytest.raises(BadPlace, match="slash"):
            unit(name)
    assert paths() == {"Sales", "Sales/North"}
