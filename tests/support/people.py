"""Builders for people, units, lines and calls of a small firm."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from cdr.models import Call, Delivery, Source
from directory.models import (
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    UnitKind,
    User,
)
from directory.scoping import Scope, scope_of

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
_numbers = count(1)


def site(name: str = "Milan", **values: Any) -> Site:
    """A site in Italy, unless told otherwise."""
    usual: dict[str, Any] = {
        "country": "IT",
        "time_zone": "Europe/Rome",
        "currency": "EUR",
        "exit_code": "0",
        "area_code": "02",
        "extension_patterns": ["2XX"],
    }
    return Site.objects.create(name=name, **{**usual, **values})


def unit(path: str, *, kind: UnitKind = UnitKind.DEPARTMENT, site: Site | None = None) -> OrgUnit:
    """A unit with its parents, made where missing."""
    parent_path, _, name = path.rpartition("/")
    parent = unit(parent_path, kind=kind) if parent_path else None
    found, _ = OrgUnit.objects.get_or_create(
        kind=kind, path=path, defaults={"name": name, "parent": parent, "site": site}
    )
    return found


def user(username: str, role: Role = Role.USER, **values: Any) -> User:
    """A person who may sign in."""
    return User.objects.create(username=username, role=role, **values)


def member(
    of_user: User,
    *units: OrgUnit,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Membership:
    """Make the user belong to these units, at most one of a kind."""
    fields = {unit.kind.lower(): unit for unit in units}
    return Membership.objects.create(user=of_user, valid_from=since, valid_to=until, **fields)


def line(
    at: Site,
    extension: str,
    *holders: tuple[User, datetime | None, datetime | None] | User,
    partition: str = "PT-Internal",
) -> Line:
    """A line, held by one user for ever or by several in turn."""
    made = Line.objects.create(site=at, partition=partition, extension=extension)
    for holder in holders:
        who, since, until = holder if isinstance(holder, tuple) else (holder, None, None)
        LineHolding.objects.create(line=made, user=who, valid_from=since, valid_to=until)
    return made


def supervisor(username: str, *units: OrgUnit) -> User:
    """A supervisor of these units."""
    made = user(username, Role.SUPERVISOR)
    for each in units:
        Supervision.objects.create(user=made, unit=each)
    return made


def scope(of_user: User | None) -> Scope:
    """The scope of a user at NOW."""
    return scope_of(of_user, at=NOW)


@dataclass(slots=True)
class Switchboard:
    """Stores calls at a site, each with the snapshot it is given."""

    site: Site
    _source: Source = field(init=False)
    _delivery: Delivery = field(init=False)

    def __post_init__(self) -> None:
        self._source = Source.objects.create(
            name=f"source-{next(_numbers)}", site=self.site, driver="cucm"
        )
        self._delivery = Delivery.objects.create(
            claim=f"claim-{next(_numbers)}",
            source=self._source,
            name="file",
            content_hash="0",
            sequence="1",
            received_at=NOW,
        )

    def call(self, of_user: User | None = None, *units: OrgUnit, **values: Any) -> Call:
        """A call to Milan of a minute, paid by the user with these units of the day."""
        usual: dict[str, Any] = {
            "call_id": str(next(_numbers)),
            "leg": "1",
            "position": next(_numbers),
            "sequence": "1",
            "content_hash": "0",
            "started_at": NOW,
            "ended_at": NOW + timedelta(minutes=1),
            "local_date": date(2026, 5, 20),
            "local_hour": 14,
            "ring_ms": 0,
            "talk_ms": 60_000,
            "call_type": "OA",
            "number": "+390266771234",
            "number_class": "local",
            "currency": "EUR",
            "cost_micros": 100_000,
            "charge_micros": 100_000,
            "facts": "{}",
        }
        snapshot = {unit.kind.lower(): unit for unit in units}
        return Call.objects.create(
            source=self._source,
            delivery=self._delivery,
            site=self.site,
            user=of_user,
            **{**usual, **snapshot, **values},
        )
