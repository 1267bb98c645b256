"""Who pays for the calls of a line at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from directory.models import (
    Line,
    LineHolding,
    Membership,
    Site,
)
from directory.queries.homes import Home, office_homes

# So many single look-ups cost as much as reading the whole site at once.
_LOOKUPS_BEFORE_READING_ALL = 24


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
        home = self._home_of(office_id)
        units = (department_id, cost_centre_id, office_id)
        return Payer(line_id, holding.user_id, *units, home.zone, home.currency)

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
