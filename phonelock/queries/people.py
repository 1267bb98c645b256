"""The people in scope with their phones, as the list of users shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Length

from directory.models import Line, LineHolding, User, valid_at
from directory.scoping import Scope, lines_visible_to, people_visible_to
from phonelock.models import SwitchState
from phonelock.queries.lines import PhoneState, phone_states
from phonelock.queries.pins import with_pins


class PhoneFilter(StrEnum):
    """What the column STATUS is narrowed down to."""

    LOCKED = "LOCKED"
    ADMIN = "ADMIN"
    BUDGET = "BUDGET"
    USER = "USER"
    SESSION = "SESSION"
    UNLOCKED = "UNLOCKED"
    UNCONFIRMED = "UNCONFIRMED"
    NO_LINE = "NO_LINE"


SORTS: Final = ("username", "first_name", "last_name", "extension")
BY_NAME: Final = ("last_name", "first_name", "username", "pk")


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What a reader narrows the people down to; parts of names, and the state of the lock.

    `sort` is one of SORTS, with a minus for the other way round; empty: by name.
    """

    username: str = ""
    first_name: str = ""
    last_name: str = ""
    extension: str = ""
    state: str = ""
    sort: str = ""

    @property
    def is_about_lines(self) -> bool:
        """Whether only some of a person's lines may match."""
        return bool(self.extension or self.state)

    def holdings(self) -> Q:
        """The holdings (`LineHolding`) that match, whoever the holder is."""
        matching = Q()
        if self.extension:
            matching &= Q(line__extension__icontains=self.extension)
        return matching & _BY_STATE.get(self.state, Q())


_LOCKED = Q(line__lock__wanted=SwitchState.LOCKED)
_BY_STATE: Final[dict[str, Q]] = {
    PhoneFilter.LOCKED: _LOCKED,
    PhoneFilter.ADMIN: Q(line__lock__admin_since__isnull=False),
    PhoneFilter.BUDGET: Q(line__lock__budget_since__isnull=False),
    PhoneFilter.USER: Q(line__lock__user_since__isnull=False),
    PhoneFilter.SESSION: Q(line__lock__session_since__isnull=False),
    PhoneFilter.UNLOCKED: Q(line__lock__isnull=True) | Q(line__lock__wanted=SwitchState.UNLOCKED),
    PhoneFilter.UNCONFIRMED: Q(line__lock__confirmed_version__lt=F("line__lock__version"))
    | (Q(line__lock__version__gt=0) & ~Q(line__lock__confirmed=F("line__lock__wanted"))),
}


def people(scope: Scope, wanted: PeopleFilter) -> QuerySet[User]:
    """The people in scope, with a line or without, in the order asked for, with their PINs' states."""
    return with_pins(_ordered(_matching(scope, wanted), wanted.sort, at=scope.at))


def matching_lines(scope: Scope, wanted: PeopleFilter) -> QuerySet[Line]:
    """The lines in scope that the list shows for `wanted`, on all of its pages."""
    held = LineHolding.objects.filter(valid_at(scope.at), wanted.holdings())
    held = held.filter(user__in=_matching(scope, wanted).values("pk"))
    return lines_visible_to(scope).filter(pk__in=held.values("line_id"))


def _matching(scope: Scope, wanted: PeopleFilter) -> QuerySet[User]:
    found = people_visible_to(scope)
    if wanted.username:
        found = found.filter(username__icontains=wanted.username)
    if wanted.first_name:
        found = found.filter(first_name__icontains=wanted.first_name)
    if wanted.last_name:
        found = found.filter(last_name__icontains=wanted.last_name)
    held = LineHolding.objects.filter(valid_at(scope.at))
    if wanted.state == PhoneFilter.NO_LINE:
        return found.exclude(pk__in=held.values("user"))
    if wanted.is_about_lines:
        found = found.filter(pk__in=held.filter(wanted.holdings()).values("user"))
    return found


def _ordered(found: QuerySet[User], sort: str, *, at: datetime) -> QuerySet[User]:
    name = sort.removeprefix("-")
    if name not in SORTS:
        return found.order_by(*BY_NAME)
    is_down = sort.startswith("-")
    if name == "extension":
        # Shorter numbers first: 98 stands before 201. Who has none stands at the end.
        held = LineHolding.objects.filter(valid_at(at), user=OuterRef("pk")).values("user")
        first = held.annotate(first=Min("line__extension")).values("first")
        found = found.annotate(extension=Subquery(first), digits=Length("extension"))
        keys = [F("digits"), F("extension")]
    else:
        keys = [F(name)]
    order = [key.desc(nulls_last=True) if is_down else key.asc(nulls_last=True) for key in keys]
    return found.order_by(*order, *BY_NAME)


@dataclass(frozen=True, slots=True)
class PersonPhone:
    """One row of the list: a person with one of his phones, or with none."""

    user: User
    phone: PhoneState | None


def with_phones(
    users: Sequence[User], *, at: datetime, wanted: PeopleFilter | None = None
) -> list[PersonPhone]:
    """Each of `users` once for every line he holds at `at`, and once if he holds none.

    Lines that `wanted` does not ask for are left out.
    """
    only = wanted.holdings() if wanted else None
    states = phone_states([user.pk for user in users], at=at, only=only, are_named=False)
    rows: list[PersonPhone] = []
    for user in users:
        held = states.get(user.pk)
        rows += [PersonPhone(user, each) for each in held] if held else [PersonPhone(user, None)]
    return rows
