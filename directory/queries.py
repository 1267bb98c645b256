"""Questions about people, lines and units: who pays, in which zone, who belongs where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from directory.models import (
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Site,
    UnitKind,
    User,
    valid_at,
)

# So many single look-ups cost as much as reading the whole site at once.
_LOOKUPS_BEFORE_READING_ALL = 24
_BRANCH_DEPTH = 32


class Home(NamedTuple):
    """Where something is at home: its time zone and its currency."""

    zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for the calls of a line at an instant, with the units of that day."""

    line_id: int | None
    user_id: int | None
    department_id: int | None
    cost_centre_id: int | None
    office_id: int | None
    zone: str
    currency: str


class _Span(NamedTuple):
    """A fact and the half-open span in which it holds."""

    valid_from: datetime | None
    valid_to: datetime | None
    user_id: int
    units: tuple[int | None, int | None, int | None] = (None, None, None)

    def holds(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


class PayerBook:
    """The payers of one site's lines, as they stood when they were first asked for.

    Make a new book for each run: it does not notice later changes. A few lines are
    looked up one by one, many are read in three queries.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._nobody = Payer(None, None, None, None, None, site.time_zone, site.currency)
        self._line_ids: dict[tuple[str, str], int] = {}
        self._holdings: dict[int, list[_Span]] = {}
        self._memberships: dict[int, list[_Span]] = {}
        self._payers: dict[tuple[int, _Span | None, _Span | None], Payer] = {}
        self._homes: dict[int, Home] | None = None
        self._sole_partitions: dict[str, str | None] = {}
        self._asked: set[tuple[str, str]] = set()
        self._has_all = False

    def find(self, *, partition: str, extension: str, at: datetime) -> Payer:
        """Who pays for the line (site, `partition`, `extension`) at `at` (aware).

        An extension that is no line has no ids at all, a line that nobody holds only
        its own; both have the zone and currency of the site.
        """
        key = (partition, extension)
        if key not in self._asked and not self._has_all:
            self._read(key)
        line_id = self._line_ids.get(key)
        if line_id is None:
            return self._nobody
        holding = _latest(self._holdings.get(line_id, ()), at)
        membership = _latest(self._memberships.get(holding.user_id, ()), at) if holding else None
        found = self._payers.get((line_id, holding, membership))
        if found is None:
            found = self._payer(line_id, holding, membership)
            self._payers[line_id, holding, membership] = found
        return found

    def find_unnamed(self, *, extension: str, at: datetime) -> Payer:
        """Who pays for `extension` where the switch does not name its partition.

        Only a number that stands in one partition of the site is told; of several,
        none (never look anybody up by extension alone).
        """
        if extension not in self._sole_partitions:
            partitions = list(
                Line.objects.filter(site=self._site, extension=extension).values_list(
                    "partition", flat=True
                )[:2]
            )
            sole = partitions[0] if len(partitions) == 1 else None
            self._sole_partitions[extension] = sole
        partition = self._sole_partitions[extension]
        if partition is None:
            return self._nobody
        return self.find(partition=partition, extension=extension, at=at)

    def _payer(self, line_id: int, holding: _Span | None, membership: _Span | None) -> Payer:
        if holding is None:
            return replace(self._nobody, line_id=line_id)
        department_id, cost_centre_id, office_id = membership.units if membership else (None,) * 3
        zone, currency = self._home_of(office_id)
        return Payer(
            line_id, holding.user_id, department_id, cost_centre_id, office_id, zone, currency
        )

    def _home_of(self, office_id: int | None) -> Home:
        if self._homes is None:
            self._homes = office_homes()
        own = Home(self._site.time_zone, self._site.currency)
        return own if office_id is None else self._homes.get(office_id, own)

    def _read(self, key: tuple[str, str]) -> None:
        self._asked.add(key)
        lines = Line.objects.filter(site=self._site)
        if len(self._asked) > _LOOKUPS_BEFORE_READING_ALL:
            self._has_all = True
        else:
            lines = lines.filter(partition=key[0], extension=key[1])
        known = set(self._memberships)
        holdings = LineHolding.objects.filter(line__in=lines.values("pk"))
        for pk, partition, extension in lines.values_list("pk", "partition", "extension"):
            self._line_ids[partition, extension] = pk
            self._holdings[pk] = []
        holders: set[int] = set()
        for line_id, valid_from, valid_to, user_id in holdings.order_by("pk").values_list(
            "line_id", "valid_from", "valid_to", "user_id"
        ):
            self._holdings[line_id].append(_Span(valid_from, valid_to, user_id))
            holders.add(user_id)
        memberships = Membership.objects.order_by("pk")
        if not self._has_all:
            memberships = memberships.filter(user__in=holders - known)
        for (
            user_id,
            department,
            cost_centre,
            office,
            valid_from,
            valid_to,
        ) in memberships.values_list(
            "user_id", "department_id", "cost_centre_id", "office_id", "valid_from", "valid_to"
        ):
            if user_id not in known:
                units = (department, cost_centre, office)
                self._memberships.setdefault(user_id, []).append(
                    _Span(valid_from, valid_to, user_id, units)
                )
        for user_id in holders:
            self._memberships.setdefault(user_id, [])


def _latest(spans: Sequence[_Span], at: datetime) -> _Span | None:
    """The span that holds at `at`; of several, the one that began last."""
    best: _Span | None = None
    for span in spans:
        if span.holds(at) and (
            best is None
            or best.valid_from is None
            or (span.valid_from is not None and span.valid_from >= best.valid_from)
        ):
            best = span
    return best


# --- Zones and currencies -----------------------------------------------------------------------


def installation_zone() -> str:
    """The zone of what belongs to no office: the setting, else the first site's, else UTC."""
    return settings.INSTALLATION_TIME_ZONE or _first_site().zone


def installation_currency() -> str:
    """The currency of what belongs to no office: the setting, else the first site's, else EUR."""
    return settings.INSTALLATION_CURRENCY or _first_site().currency


def installation_home() -> Home:
    """Zone and currency of what belongs to no office."""
    return Home(installation_zone(), installation_currency())


def _first_site() -> Home:
    first = Site.objects.order_by("pk").values_list("time_zone", "currency").first()
    return Home(*first) if first else Home("UTC", "EUR")


def budget_home(subject: User | OrgUnit, *, at: datetime | None = None) -> Home:
    """The zone and currency of a budget for `subject` (design 10).

    A user's: of his office, else of his line's site, else the installation's. A
    unit's: of its own site or a parent's, else the installation's. `at` chooses the
    office and line of that instant; without it those that hold until further notice.
    """
    if isinstance(subject, OrgUnit):
        return _unit_home(subject) or installation_home()
    return _user_home(subject, at=at) or installation_home()


def _unit_home(unit: OrgUnit) -> Home | None:
    site_id = _site_of_branch(unit.pk, _unit_rows(kind=unit.kind))
    return _site_home(site_id) if site_id is not None else None


def _user_home(user: User, *, at: datetime | None) -> Home | None:
    memberships = Membership.objects.filter(user=user)
    holdings = LineHolding.objects.filter(user=user)
    if at is None:
        memberships, holdings = (
            memberships.filter(valid_to__isnull=True),
            holdings.filter(valid_to__isnull=True),
        )
    else:
        memberships, holdings = memberships.filter(valid_at(at)), holdings.filter(valid_at(at))
    office = memberships.order_by("-pk").values_list("office_id", flat=True).first()
    if office is not None:
        home = office_homes().get(office)
        if home is not None:
            return home
    site_id = holdings.order_by("pk").values_list("line__site_id", flat=True).first()
    return _site_home(site_id) if site_id is not None else None


def _site_home(site_id: int) -> Home:
    zone, currency = Site.objects.values_list("time_zone", "currency").get(pk=site_id)
    return Home(zone, currency)


def office_homes() -> dict[int, Home]:
    """The zone and currency of every office that has them, from itself or from a parent."""
    rows = _unit_rows(kind=UnitKind.OFFICE)
    sites = {
        pk: Home(zone, currency)
        for pk, zone, currency in Site.objects.values_list("pk", "time_zone", "currency")
    }
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


# --- Units and their members ----------------------------------------------------------------------


def with_sub_units(unit_ids: Iterable[int]) -> frozenset[int]:
    """The units and everything below them."""
    found = set(unit_ids)
    if not found:
        return frozenset()
    children: dict[int, list[int]] = {}
    below = OrgUnit.objects.filter(parent__isnull=False).values_list("pk", "parent_id")
    for pk, parent_id in below:
        if parent_id is not None:
            children.setdefault(parent_id, []).append(pk)
    waiting = list(found)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return frozenset(found)


def members_of(unit: OrgUnit, *, at: datetime) -> QuerySet[User]:
    """The people who belong to `unit` or a unit below it at `at`."""
    field = {
        UnitKind.DEPARTMENT: "department",
        UnitKind.COST_CENTRE: "cost_centre",
        UnitKind.OFFICE: "office",
    }[UnitKind(unit.kind)]
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
