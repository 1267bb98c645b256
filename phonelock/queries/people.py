"""The people in scope with their phones, as the list of users shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from directory.models import LineHolding, User, valid_at
from directory.scoping import Scope, people_visible_to
from phonelock.models import SwitchState
from phonelock.queries.lines import PhoneState, phone_states


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What a reader narrows the people down to; parts of names, and the state of the lock."""

    username: str = ""
    first_name: str = ""
    last_name: str = ""
    extension: str = ""
    state: str = ""


def people(scope: Scope, wanted: PeopleFilter) -> QuerySet[User]:
    """The people in scope, with a line or without, by name."""
    found = people_visible_to(scope)
    if wanted.username:
        found = found.filter(username__icontains=wanted.username)
    if wanted.first_name:
        found = found.filter(first_name__icontains=wanted.first_name)
    if wanted.last_name:
        found = found.filter(last_name__icontains=wanted.last_name)
    held = LineHolding.objects.filter(valid_at(scope.at))
    if wanted.extension:
        with_line = held.filter(line__extension__icontains=wanted.extension)
        found = found.filter(pk__in=with_line.values("user"))
    if wanted.state:
        locked = held.filter(line__lock__wanted=SwitchState.LOCKED).values("user")
        is_locked = Q(pk__in=locked)
        found = found.filter(is_locked if wanted.state == SwitchState.LOCKED else ~is_locked)
    return found.order_by("last_name", "first_name", "username", "pk")


@dataclass(frozen=True, slots=True)
class PersonPhone:
    """One row of the list: a person with one of his phones, or with none."""

    user: User
    phone: PhoneState | None


def with_phones(users: Sequence[User], *, at: datetime) -> list[PersonPhone]:
    """Each of `users` once for every line he holds at `at`, and once if he holds none."""
    states = phone_states([user.pk for user in users], at=at)
    rows: list[PersonPhone] = []
    for user in users:
        held = states.get(user.pk)
        rows += [PersonPhone(user, each) for each in held] if held else [PersonPhone(user, None)]
    return rows
