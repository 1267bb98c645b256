"""Where people, units and the installation are at home: zone, currency, language."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from directory.installation import stored_installation
from directory.models import (
    LineHolding,
    Membership,
    OrgUnit,
    Site,
    UnitKind,
    User,
    valid_at,
)

_BRANCH_DEPTH = 32


class Home(NamedTuple):
    """Where something is at home: its time zone, its currency, its language (empty: none chosen)."""

    zone: str
    currency: str
    language: str = ""


def installation_zone() -> str:
    """The zone of what belongs to no office: the environment's, else the one chosen in the
    set-up, else the first site's, else UTC."""
    return chosen_zone() or _first_site().zone


def chosen_zone() -> str:
    """The installation's zone where somebody chose one; else empty."""
    return settings.INSTALLATION_TIME_ZONE or stored_installation().time_zone


def installation_currency() -> str:
    """The currency of what belongs to no office: the environment's, else the one chosen in the
    set-up, else the first site's, else EUR."""
    chosen = settings.INSTALLATION_CURRENCY or stored_installation().currency
    return chosen or _first_site().currency


def installation_language() -> str:
    """The language of what belongs to no site: the one chosen in the set-up, else the first
    site's, else English."""
    return chosen_language() or _first_site().language or settings.LANGUAGE_CODE


def chosen_language() -> str:
    """The installation's language where somebody chose one; else empty."""
    chosen = stored_installation().language
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def installation_home() -> Home:
    """Zone and currency of what belongs to no office."""
    stored = stored_installation()
    zone = settings.INSTALLATION_TIME_ZONE or stored.time_zone
    currency = settings.INSTALLATION_CURRENCY or stored.currency
    if zone and currency:
        return Home(zone, currency)
    first = _first_site()
    return Home(zone or first.zone, currency or first.currency)


def _first_site() -> Home:
    first = Site.objects.order_by("pk").values_list("time_zone", "currency", "language").first()
    return Home(*first) if first else Home("UTC", "EUR")


def budget_home(subject: User | OrgUnit, *, at: datetime | None = None) -> Home:
    """The zone and currency of a budget for `subject` (design 10).

    A user's: of his office, else of his line's site, else the installation's. A
    unit's: of its own site or a parent's, else the installation's. `at` chooses the
    office and line of that instant; without it those that hold until further notice.
    """
    if isinstance(subject, OrgUnit):
        return _unit_home(subject) or installation_home()
    return user_homes([subject.pk], at=at).get(subject.pk) or installation_home()


def _unit_home(unit: OrgUnit) -> Home | None:
    site_id = _site_of_branch(unit.pk, _unit_rows(kind=unit.kind))
    return _site_home(site_id) if site_id is not None else None


def user_homes(user_ids: Collection[int], *, at: datetime | None = None) -> dict[int, Home]:
    """The home of each person's office, else of his line's site; who has neither has none.

    `at` chooses the office and line of that instant; without it those that hold until
    further notice.
    """
    holds = Q(valid_to__isnull=True) if at is None else valid_at(at)
    in_offices = Membership.objects.filter(holds, user_id__in=user_ids, office__isnull=False)
    rows = list(in_offices.order_by("pk").values_list("user_id", "office_id"))
    offices = office_homes() if rows else {}
    found = {user_id: offices[office_id] for user_id, office_id in rows if office_id in offices}
    others = set(user_ids) - found.keys()
    if others:
        held = (
            LineHolding.objects.filter(holds, user_id__in=others)
            .order_by("-pk")
            .values_list(
                "user_id", "line__site__time_zone", "line__site__currency", "line__site__language"
            )
        )
        found |= {user_id: Home(*home) for user_id, *home in held}
    return found


def _site_home(site_id: int) -> Home:
    return Home(*Site.objects.values_list("time_zone", "currency", "language").get(pk=site_id))


def office_homes() -> dict[int, Home]:
    """The home of every office that has one, from itself or from a parent."""
    offices = OrgUnit.objects.filter(kind=UnitKind.OFFICE).values_list(
        "pk", "parent_id", "site_id", "site__time_zone", "site__currency", "site__language"
    )
    rows: dict[int, tuple[int | None, int | None]] = {}
    sites: dict[int, Home] = {}
    for pk, parent_id, own_site_id, *home in offices:
        rows[pk] = (parent_id, own_site_id)
        if own_site_id is not None:
            sites[own_site_id] = Home(*home)
    homes: dict[int, Home] = {}
    for pk in rows:
        site_id = _site_of_branch(pk, rows)
        if site_id is not None:
            homes[pk] = sites[site_id]
    return homes


def _unit_rows(*, kind: str) -> dict[int, tuple[int | None, int | None]]:
    """Parent and site of each unit of a kind."""
    units = OrgUnit.objects.filter(kind=kind).values_list("pk", "parent_id", "site_id")
    return {pk: (parent_id, site_id) for pk, parent_id, site_id in units}


def _site_of_branch(pk: int, rows: dict[int, tuple[int | None, int | None]]) -> int | None:
    current: int | None = pk
    for _ in range(_BRANCH_DEPTH):
        if current is None or current not in rows:
            return None
        parent_id, site_id = rows[current]
        if site_id is not None:
            return site_id
        current = parent_id
    return None
