"""Who may see which rows, and how much of a number: the only place that decides it.

Every queryset that leaves through a page, interface, gadget, export or admin passes
`visible_to(scope)`. Closed by default: a model that names no way to a person or a
unit cannot be shown to anybody, and whoever has no role sees nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, Max, OuterRef, Q
from django.http import HttpRequest

from directory.engine.masking import DEFAULT_HIDDEN_DIGITS, mask
from directory.models import (
    Contact,
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    UnitKind,
    User,
    valid_at,
)
from directory.queries.units import with_all_above, with_all_below
from directory.roles import role_of
from kernel.errors import DomainError

CLEAR_CLASSES = frozenset({"internal", "emergency"})
"""Classes of number that are never masked; the words are those of the calls file."""


class MayNotReveal(DomainError):
    """Somebody without the right asked for numbers in clear."""

    code = "may_not_reveal"


class Unscopable(Exception):
    """A programming error: rows were to be shown that no scope can be applied to."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one reader may see at `at`. Unit ids include the units below.

    `own_unit_ids` are the units that a supervisor belongs to himself, with those above them:
    what is shared there is shared by him too. `mask_digits` is the number of digits hidden from this reader, by the strictest
    rule; `may_change` is false for those who only look (auditors).
    """

    user_id: int | None
    role: Role | None
    at: datetime
    department_ids: frozenset[int] = frozenset()
    cost_centre_ids: frozenset[int] = frozenset()
    office_ids: frozenset[int] = frozenset()
    own_unit_ids: frozenset[int] = frozenset()
    sees_everything: bool = False
    may_change: bool = False
    may_reveal: bool = False
    mask_digits: int = DEFAULT_HIDDEN_DIGITS

    @property
    def unit_ids(self) -> frozenset[int]:
        """All units in scope, of whatever kind."""
        return self.department_ids | self.cost_centre_ids | self.office_ids

    def masked(
        self,
        number: str,
        *,
        number_class: str = "",
        is_internal: bool = False,
        is_private: bool = False,
    ) -> str:
        """`number` as this reader may see it."""
        return mask(
            number,
            hidden_digits=self.mask_digits,
            is_clear=is_internal or number_class in CLEAR_CLASSES,
            is_private=is_private,
        )

    def mask_of_class(self, number: str, number_class: str) -> str:
        """`number` as this reader may see it, where only its class is known."""
        return self.masked(number, number_class=number_class)

    def may_name(self, number: str, *, payer_id: int | None, shown: str) -> bool:
        """Whether a contact's name may stand beside a number that he sees as `shown`.

        On his own calls, and where he sees the number whole; else a phone book with every
        number in it would tell him which of them is behind the mask (docs/decisions/0009).
        """
        is_own = payer_id is not None and payer_id == self.user_id
        return is_own or shown == number

    def own(self) -> Scope:
        """The same reader with his own rows only, whatever else he may see."""
        return replace(
            self,
            department_ids=frozenset(),
            cost_centre_ids=frozenset(),
            office_ids=frozenset(),
            sees_everything=False,
        )

    def revealing(self) -> Scope:
        """The same scope with numbers in clear. Whoever uses it writes down that it was used.

        Raises:
            MayNotReveal: if the reader has not the right.
        """
        if not self.may_reveal:
            raise MayNotReveal("You may not see numbers in clear.")
        return replace(self, mask_digits=0)


def scope_of(user: AbstractBaseUser | AnonymousUser | None, *, at: datetime) -> Scope:
    """What `user` may see: nothing for strangers, everything for administrators and auditors."""
    role = role_of(user)
    if role is None or not isinstance(user, User):
        return Scope(user_id=None, role=None, at=at)
    scope = Scope(
        user_id=user.pk,
        role=role,
        at=at,
        sees_everything=role in (Role.ADMIN, Role.AUDITOR),
        may_change=role is not Role.AUDITOR,
        may_reveal=user.may_reveal_numbers and role is not Role.AUDITOR,
        mask_digits=max(_strictest_site(), user.mask_digits or 0),
    )
    return _with_units(scope, user.pk) if role is Role.SUPERVISOR else scope


def narrowed(scope: Scope, whose: str) -> Scope:
    """The same reader with his own rows (`mine`), or those of the units he leads (`team`).

    Never wider than `scope`. An administrator or auditor who leads no unit has a team of
    one; a supervisor's team is all that he may see.
    """
    if whose == "mine":
        return scope.own()
    if whose != "team" or not scope.sees_everything or scope.user_id is None:
        return scope
    return _with_units(scope.own(), scope.user_id)


def leads_units(scope: Scope) -> bool:
    """Whether the reader supervises anybody, so that "my team" means something."""
    if scope.unit_ids or scope.user_id is None:
        return bool(scope.unit_ids)
    return supervisions_of(scope).exists()


def supervisions_of(scope: Scope) -> models.QuerySet[Supervision]:
    """The reader's grants that are in force."""
    return Supervision.objects.filter(valid_at(scope.at), user=scope.user_id)


def _strictest_site() -> int:
    digits = Site.objects.aggregate(digits=Max("mask_digits"))["digits"]
    return DEFAULT_HIDDEN_DIGITS if digits is None else int(digits)


def _with_units(scope: Scope, user_id: int) -> Scope:
    """The scope with what the person supervises now, and where he belongs himself: one question."""
    unit = OuterRef("pk")
    grants = Supervision.objects.filter(valid_at(scope.at), user_id=user_id, unit=unit)
    is_in = Q(department=unit) | Q(cost_centre=unit) | Q(office=unit)
    own = Membership.objects.filter(is_in, valid_at(scope.at), user_id=user_id)
    rows = OrgUnit.objects.order_by().annotate(is_granted=Exists(grants), is_own=Exists(own))
    units = list(rows.values_list("pk", "kind", "parent_id", "is_granted", "is_own"))
    parents = {pk: parent_id for pk, _, parent_id, _, _ in units}
    reached = with_all_below([pk for pk, _, _, is_granted, _ in units if is_granted], parents)
    by_kind: dict[str, set[int]] = {kind: set() for kind in UnitKind.values}
    for pk, kind, _, _, _ in units:
        if pk in reached:
            by_kind[kind].add(pk)
    return replace(
        scope,
        department_ids=frozenset(by_kind[UnitKind.DEPARTMENT]),
        cost_centre_ids=frozenset(by_kind[UnitKind.COST_CENTRE]),
        office_ids=frozenset(by_kind[UnitKind.OFFICE]),
        own_unit_ids=with_all_above([pk for pk, _, _, _, is_own in units if is_own], parents),
    )


def request_scope(request: HttpRequest) -> Scope:
    """The scope that the middleware gave the request; without one, nothing is visible.

    Raises:
        Unscopable: if the request did not pass the middleware.
    """
    scope = getattr(request, "directory_scope", None)
    if scope is None:
        raise Unscopable("the request has no directory_scope: is ScopeMiddleware installed?")
    found: Scope = scope
    return found


M = TypeVar("M", bound=models.Model)


class ScopedQuerySet(models.QuerySet[M]):
    """Rows that belong to a person or a unit. Subclasses name the columns.

    Paths must lead to one row each (no many-to-many), or rows would come twice. Rows
    that belong to the installation as a whole (tariffs, sources) set
    `is_for_administrators` instead and are seen by those who see everything.
    """

    person_path: ClassVar[str] = ""
    department_path: ClassVar[str] = ""
    cost_centre_path: ClassVar[str] = ""
    office_path: ClassVar[str] = ""
    is_for_administrators: ClassVar[bool] = False

    def visible_to(self, scope: Scope) -> Self:
        """The rows that `scope` reaches.

        Raises:
            Unscopable: if the model names no column to scope by.
        """
        paths = (
            (self.department_path, scope.department_ids),
            (self.cost_centre_path, scope.cost_centre_ids),
            (self.office_path, scope.office_ids),
        )
        is_scopable = self.person_path or any(path for path, _ in paths)
        if not is_scopable and not self.is_for_administrators:
            raise Unscopable(f"{type(self).__name__} names no person and no unit")
        if scope.sees_everything:
            return self.all()
        conditions = [Q(**{f"{path}__in": ids}) for path, ids in paths if path and ids]
        if self.person_path and scope.user_id is not None:
            conditions.append(Q(**{self.person_path: scope.user_id}))
        if not conditions:
            return self.none()
        reached = conditions[0]
        for condition in conditions[1:]:
            reached |= condition
        return self.filter(reached)


def people_visible_to(scope: Scope) -> models.QuerySet[User]:
    """The people in scope: oneself, and whoever belongs to a supervised unit now."""
    people = User.objects.all()
    if scope.sees_everything:
        return people
    if scope.user_id is None:
        return people.none()
    reached = Q(pk=scope.user_id)
    if scope.unit_ids:
        members = Membership.objects.filter(valid_at(scope.at)).filter(
            Q(department__in=scope.department_ids)
            | Q(cost_centre__in=scope.cost_centre_ids)
            | Q(office__in=scope.office_ids)
        )
        reached |= Q(pk__in=members.values("user_id"))
    return people.filter(reached)


def lines_visible_to(scope: Scope) -> models.QuerySet[Line]:
    """The lines in scope: those that people in scope hold now."""
    lines = Line.objects.all()
    if scope.sees_everything:
        return lines
    held = LineHolding.objects.filter(
        valid_at(scope.at), user__in=people_visible_to(scope).values("pk")
    )
    return lines.filter(pk__in=held.values("line_id"))


def units_visible_to(scope: Scope) -> models.QuerySet[OrgUnit]:
    """The units in scope: the supervised ones with everything below them."""
    units = OrgUnit.objects.all()
    return units if scope.sees_everything else units.filter(pk__in=scope.unit_ids)


def contacts_visible_to(scope: Scope) -> models.QuerySet[Contact]:
    """The reader's own phone book and the company's; nobody opens another person's."""
    if scope.user_id is None:
        return Contact.objects.none()
    return Contact.objects.filter(Q(owner=scope.user_id) | Q(owner__isnull=True))


def may_write_contact(scope: Scope, owner_id: int | None) -> bool:
    """His own entries everybody writes, those of the company administrators do."""
    if owner_id is None:
        return scope.role is Role.ADMIN
    return owner_id == scope.user_id
