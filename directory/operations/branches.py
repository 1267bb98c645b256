"""Putting a unit in its place: its path follows its name and its parent, its branch follows it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from directory.models import OrgUnit
from kernel.errors import DomainError

SEPARATOR = "/"


class BadPlace(DomainError):
    """A unit cannot stand there."""

    code = "bad_place"


def place_of(unit: OrgUnit) -> str:
    """The path that `unit` will have by its name and parent.

    Raises:
        BadPlace: for a name with a slash, a parent of another kind or below the unit
            itself, or a place where another unit stands.
    """
    name = unit.name.strip()
    if not name or SEPARATOR in name:
        raise BadPlace(_("a unit's name is not empty and holds no slash"))
    parent = unit.parent
    if parent is None:
        path = name
    else:
        _refuse_bad_parent(unit, parent)
        path = f"{parent.path}{SEPARATOR}{name}"
    if OrgUnit.objects.filter(kind=unit.kind, path=path).exclude(pk=unit.pk).exists():
        raise BadPlace(
            _("there is already: %(kind)s %(path)s")
            % {"kind": unit.get_kind_display(), "path": path}
        )
    return path


def _refuse_bad_parent(unit: OrgUnit, parent: OrgUnit) -> None:
    if parent.kind != unit.kind:
        raise BadPlace(
            _("%(path)s is of another kind: %(kind)s")
            % {"path": parent.path, "kind": parent.get_kind_display()}
        )
    old_path = OrgUnit.objects.filter(pk=unit.pk).values_list("path", flat=True).first()
    is_below = old_path is not None and parent.path.startswith(old_path + SEPARATOR)
    if parent.pk == unit.pk or is_below:
        raise BadPlace(_("a unit cannot stand below itself"))


def hold_tree(unit: OrgUnit) -> None:
    """Keep everybody else who moves units of this kind waiting until the transaction ends.

    Else two who move at once could put each of two units below the other. The parent is
    read anew: it may have moved meanwhile.
    """
    held = OrgUnit.objects.select_for_update(no_key=True).filter(kind=unit.kind).order_by("pk")
    list(held.values_list("pk", flat=True))
    if unit.parent_id is not None:
        unit.parent = OrgUnit.objects.get(pk=unit.parent_id)


def put_unit(unit: OrgUnit) -> OrgUnit:
    """Save `unit` in its place and move everything below it along.

    Raises:
        BadPlace: as `place_of`; nothing is changed then.
    """
    with transaction.atomic():
        hold_tree(unit)
        old_path = OrgUnit.objects.filter(pk=unit.pk).values_list("path", flat=True).first()
        unit.name = unit.name.strip()
        unit.path = place_of(unit)
        unit.save()
        if old_path is not None and old_path != unit.path:
            below = list(
                OrgUnit.objects.filter(kind=unit.kind, path__startswith=old_path + SEPARATOR)
            )
            for each in below:
                each.path = unit.path + each.path[len(old_path) :]
            OrgUnit.objects.bulk_update(below, ["path"], batch_size=500)
    return unit
