"""Departments, cost centres and offices: made on the way, branch by branch."""

from __future__ import annotations

from collections.abc import Iterable

from directory.models import OrgUnit, Site
from directory.operations.pens import Pen


def ensure_units(
    wanted: Iterable[tuple[str, str]], *, known: dict[tuple[str, str], OrgUnit], pen: Pen
) -> list[OrgUnit]:
    """Make the units (kind, clean path) that are missing, parents first, and return them.

    `known` holds the units that exist by (kind, path) and is filled up.
    """
    made: list[OrgUnit] = []
    for kind, path in sorted(set(wanted)):
        parent: OrgUnit | None = None
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            key = (str(kind), "/".join(parts[:depth]))
            unit = known.get(key)
            if unit is None:
                unit = OrgUnit(kind=kind, path=key[1], name=parts[depth - 1], parent=parent)
                pen.create([unit])
                known[key] = unit
                made.append(unit)
            parent = unit
    return made


def give_sites(
    sites: dict[str, Site],
    *,
    offices: dict[str, str],
    known: dict[tuple[str, str], OrgUnit],
    pen: Pen,
) -> list[OrgUnit]:
    """Give offices (path to site name) a site, unless they have one. Returns those changed."""
    given: list[OrgUnit] = []
    for path, site_name in sorted(offices.items()):
        unit = known.get(("OFFICE", path))
        if unit is not None and unit.site_id is None:
            unit.site = sites[site_name]
            given.append(unit)
    pen.update(given, ["site"])
    return given
