"""Bring people, their lines and units in line with a people file.

One transaction. Lock order: users, memberships, lines, holdings, as written below.
Accounts get no usable password; old calls keep the snapshot of their day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction

from directory.engine.people_file import (
    InvalidPeopleFile,
    PeopleFile,
    RefusedRow,
    read_people_file,
)
from directory.engine.spans import Span, Timeline, timeline
from directory.models import (
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    User,
)
from directory.operations.pens import DryPen, Pen
from directory.operations.people_plan import (
    NO_UNITS,
    UNIT_ORDER,
    Known,
    Person,
    Plan,
    Units,
    plan_people,
)
from directory.operations.people_report import Change, LeftOut, PeopleReport, PersonReport
from directory.operations.people_rows import LineKey, RowChecker, RowFacts, UnitRef
from directory.operations.runs import note_run
from directory.operations.units import ensure_units, give_sites
from directory.queries.administrators import able_administrators
from directory.said import said
from kernel.sentences import sentence as _

WATCHED_EVERY = 200


Watch = Callable[[int, int], None]


def import_people(
    *, content: bytes, at: datetime, is_dry_run: bool = False, watch: Watch | None = None
) -> PeopleReport:
    """Store what the people file `content` says; rows that cannot be used are reported.

    Good rows are stored even if others are refused. With `is_dry_run` the same way is
    gone with a pen that writes nothing and holds no lock. `watch` is told how many
    rows of how many have been looked at; what it raises takes everything back.

    Raises:
        InvalidPeopleFile: if the file as a whole cannot be read.
    """
    file = _read(content)
    if is_dry_run:
        return _take(file, pen=DryPen(), at=at, watch=watch)
    with transaction.atomic():
        report = _take(file, pen=Pen(), at=at, watch=watch)
        note_run(
            User,
            words="import of people",
            figures={
                "new": len(report.new),
                "changed": len(report.changed),
                "refused": len(report.refused) if report.new or report.changed else 0,
                "units": len(report.units_made),
            },
        )
        return report


def _read(content: bytes) -> PeopleFile:
    try:
        return read_people_file(content)
    except InvalidPeopleFile as refusal:
        raise InvalidPeopleFile(str(said(refusal.words))) from refusal


def _take(file: PeopleFile, *, pen: Pen, at: datetime, watch: Watch | None) -> PeopleReport:
    pen.hold(User.objects.all())  # and read afterwards: whom another import has made is seen
    stock = _Stock.load()
    checker = RowChecker(sites=stock.sites)
    facts: list[RowFacts] = []
    for number, row in enumerate(file.rows):
        if watch is not None and number % WATCHED_EVERY == 0:
            watch(number, len(file.rows))
        fact = checker.check(row)
        if fact is not None:
            facts.append(fact)
    facts, twins = _without_twins(facts, usernames=stock.users)
    plan = plan_people(facts, known=stock.known(), at=at)
    report = _Import(stock=stock, plan=plan, at=at, pen=pen).run()
    if watch is not None:
        watch(len(file.rows), len(file.rows))
    named = frozenset(row.cells.get("username", "").casefold() for row in file.rows)
    found = (*file.refused, *checker.refused, *twins, *plan.refused)
    refused = [
        LeftOut(row.line, row.column, str(said(row.reason)))
        for row in sorted(found, key=lambda row: (row.line, row.column))
    ]
    return PeopleReport(**report, refused=tuple(refused), is_dry_run=not pen.is_real, named=named)


def _without_twins(
    rows: Sequence[RowFacts], *, usernames: Iterable[str]
) -> tuple[list[RowFacts], list[RefusedRow]]:
    """Leave out usernames that differ from a known one, or an earlier row's, only in case."""
    spelling = {name.casefold(): name for name in usernames}
    kept: list[RowFacts] = []
    refused: list[RefusedRow] = []
    for row in rows:
        known = spelling.setdefault(row.username.casefold(), row.username)
        if known == row.username:
            kept.append(row)
        else:
            reason = _(
                "%(value)s is written %(known)s elsewhere",
                value=repr(row.username),
                known=repr(known),
            )
            refused.append(RefusedRow(row.line, "username", reason))
    return kept, refused


@dataclass(slots=True)
class _Stock:
    """Everything the import compares with, read once."""

    sites: dict[str, Site]
    users: dict[str, User]
    administrators: frozenset[str]
    units: dict[UnitRef, OrgUnit]
    lines: dict[LineKey, Line]
    memberships: dict[str, Timeline[Units]]
    holdings: dict[LineKey, Timeline[str]]

    @classmethod
    def load(cls) -> _Stock:
        sites = {site.pk: site for site in Site.objects.all()}
        users = {user.pk: user for user in User.objects.all()}
        units = {unit.pk: unit for unit in OrgUnit.objects.all()}
        lines = {
            (sites[line.site_id].name, line.partition, line.extension): line
            for line in Line.objects.all()
        }
        return cls(
            sites={site.name: site for site in sites.values()},
            users={user.username: user for user in users.values()},
            administrators=frozenset(able_administrators().values_list("username", flat=True)),
            units={(unit.kind, unit.path): unit for unit in units.values()},
            lines=lines,
            memberships=_stored_memberships(users, {pk: unit.path for pk, unit in units.items()}),
            holdings=_stored_holdings({line.pk: key for key, line in lines.items()}),
        )

    def known(self) -> Known:
        return Known(
            usernames=frozenset(self.users),
            administrators=self.administrators,
            units=frozenset(self.units),
            memberships=self.memberships,
            holdings=self.holdings,
        )


def _stored_memberships(
    users: Mapping[int, User], paths: Mapping[int | None, str]
) -> dict[str, Timeline[Units]]:
    spans: dict[str, list[Span[Units]]] = {}
    rows = Membership.objects.values_list(
        "user_id", "department_id", "cost_centre_id", "office_id", "valid_from", "valid_to", "pk"
    )
    for user_id, department, cost_centre, office, valid_from, valid_to, pk in rows:
        units = (paths.get(department, ""), paths.get(cost_centre, ""), paths.get(office, ""))
        spans.setdefault(users[user_id].username, []).append(Span(units, valid_from, valid_to, pk))
    return {username: timeline(theirs) for username, theirs in spans.items()}


def _stored_holdings(keys: Mapping[int, LineKey]) -> dict[LineKey, Timeline[str]]:
    spans: dict[LineKey, list[Span[str]]] = {}
    rows = LineHolding.objects.values_list(
        "line_id", "user__username", "valid_from", "valid_to", "pk"
    )
    for line_id, username, valid_from, valid_to, pk in rows:
        spans.setdefault(keys[line_id], []).append(Span(username, valid_from, valid_to, pk))
    return {key: timeline(theirs) for key, theirs in spans.items()}


@dataclass(slots=True)
class _Import:
    """Writes a plan and notes what changed."""

    stock: _Stock
    plan: Plan
    at: datetime
    pen: Pen
    changes: dict[str, list[Change]] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        made = ensure_units(self.plan.units, known=self.stock.units, pen=self.pen)
        give_sites(
            self.stock.sites, offices=self.plan.offices_seen, known=self.stock.units, pen=self.pen
        )
        self.changes = {username: [] for username in self.plan.people}
        self._store_users()
        self._store_managers()
        self._store_memberships()
        self._store_holdings()
        self._store_supervisions()
        return {
            "new": self._reports(is_new=True),
            "changed": self._reports(is_new=False),
            "unchanged": tuple(
                person.username
                for person in self.plan.people.values()
                if not person.is_new and not self.changes[person.username]
            ),
            "units_made": tuple(f"{unit.kind.lower()}:{unit.path}" for unit in made),
        }

    def _reports(self, *, is_new: bool) -> tuple[PersonReport, ...]:
        return tuple(
            PersonReport(person.username, person.line, tuple(self.changes[person.username]))
            for person in self.plan.people.values()
            if person.is_new is is_new and (is_new or self.changes[person.username])
        )

    def _note(self, username: str, change: Change) -> None:
        self.changes.setdefault(username, []).append(change)

    # --- the user himself ---

    def _store_users(self) -> None:
        fresh: list[User] = []
        touched: list[User] = []
        columns: set[str] = set()
        for person in self.plan.people.values():
            user = self.stock.users.get(person.username)
            if user is None:
                user = User(username=person.username, password=_no_password())
                fresh.append(user)
            moved = self._fill(user, person)
            if moved and not person.is_new:
                touched.append(user)
                columns |= moved
        self.pen.create(fresh)
        self.stock.users |= {user.username: user for user in fresh}
        self.pen.update(touched, columns)

    def _fill(self, user: User, person: Person) -> set[str]:
        """Set the user's columns; returns those that changed."""
        wanted = dict(person.personal)
        if not wanted.get("role"):
            # An empty role leaves a known user what he is; who supervises is a supervisor.
            wanted.pop("role", None)
            if person.is_new and person.supervises:
                wanted["role"] = Role.SUPERVISOR
        if not wanted.get("language"):
            wanted.pop("language", None)
        moved: set[str] = set()
        for column, value in wanted.items():
            old = str(getattr(user, column))
            if old != value:
                setattr(user, column, value)
                moved.add(column)
                self._note(person.username, Change(column, "" if person.is_new else old, value))
        return moved | self._fill_rights(user, is_told="role" in wanted)

    def _fill_rights(self, user: User, *, is_told: bool) -> set[str]:
        """A stated role is the whole truth: whoever is no administrator keeps none of his rights."""
        moved: set[str] = set()
        is_administrator = user.role == Role.ADMIN
        if is_told and user.is_staff != is_administrator:
            user.is_staff = is_administrator
            moved.add("is_staff")
        if is_told and user.is_superuser and not is_administrator:
            user.is_superuser = False
            moved.add("is_superuser")
        return moved

    def _store_managers(self) -> None:
        touched: list[User] = []
        names = {user.pk: user.username for user in self.stock.users.values()}
        for person in self.plan.people.values():
            if person.manager is None:
                continue
            user = self.stock.users[person.username]
            old = names.get(user.manager_id, "") if user.manager_id else ""
            if old != person.manager:
                user.manager = self.stock.users[person.manager] if person.manager else None
                touched.append(user)
                self._note(person.username, Change("manager", old, person.manager))
        self.pen.update(touched, ["manager"])

    # --- units and lines over time ---

    def _store_memberships(self) -> None:
        fresh: list[Membership] = []
        touched: list[Membership] = []
        for person in self.plan.people.values():
            before = self.stock.memberships.get(person.username, ())
            for span in person.membership:
                if span in before:
                    continue
                (fresh if span.key is None else touched).append(self._membership(person, span))
                self._note_units(person.username, span, before=before, after=person.membership)
        columns = ["valid_from", "valid_to", "department", "cost_centre", "office"]
        self.pen.update(touched, columns)
        self.pen.create(fresh)

    def _membership(self, person: Person, span: Span[Units]) -> Membership:
        department, cost_centre, office = (
            self.stock.units[str(kind), path] if path else None
            for kind, path in zip(UNIT_ORDER, span.value, strict=True)
        )
        return Membership(
            pk=span.key,
            user=self.stock.users[person.username],
            department=department,
            cost_centre=cost_centre,
            office=office,
            valid_from=span.valid_from,
            valid_to=span.valid_to,
        )

    def _note_units(
        self, username: str, span: Span[Units], *, before: Timeline[Units], after: Timeline[Units]
    ) -> None:
        """Note what is new about `span`; that an old one was closed goes without saying."""
        stored = next((old for old in before if old.key == span.key), None) if span.key else None
        if stored is not None:
            if stored.value == span.value and stored.valid_from == span.valid_from:
                return
            earlier = stored.value
        else:
            place = after.index(span)
            earlier = after[place - 1].value if place else NO_UNITS
        for kind, old, new in zip(UNIT_ORDER, earlier, span.value, strict=True):
            moved_back = stored is not None and stored.value == span.value and new
            if old != new or moved_back:
                self._note(username, Change(kind.lower(), old, new, span.valid_from))

    def _store_holdings(self) -> None:
        self._make_lines()
        fresh: list[LineHolding] = []
        touched: list[LineHolding] = []
        for key, after in self.plan.holdings.items():
            before = self.stock.holdings.get(key, ())
            for span in after:
                if span in before:
                    continue
                holding = LineHolding(
                    pk=span.key,
                    line=self.stock.lines[key],
                    user=self.stock.users[span.value],
                    valid_from=span.valid_from,
                    valid_to=span.valid_to,
                )
                (fresh if span.key is None else touched).append(holding)
                self._note_holder(key, span, before=before, after=after)
        self.pen.update(touched, ["user", "valid_from", "valid_to"])
        self.pen.create(fresh)

    def _make_lines(self) -> None:
        fresh = {
            key: Line(site=self.stock.sites[key[0]], partition=key[1], extension=key[2])
            for key in self.plan.holdings
            if key not in self.stock.lines
        }
        self.pen.create(fresh.values())
        self.stock.lines |= fresh

    def _note_holder(
        self, key: LineKey, span: Span[str], *, before: Timeline[str], after: Timeline[str]
    ) -> None:
        stored = next((old for old in before if old.key == span.key), None) if span.key else None
        if stored is not None:
            if stored.value == span.value and stored.valid_from == span.valid_from:
                return
            old = stored.value
        else:
            place = after.index(span)
            old = after[place - 1].value if place else ""
        name = "/".join(key)
        self._note(span.value, Change(f"line {name}", old, span.value, span.valid_from))

    # --- supervision ---

    def _store_supervisions(self) -> None:
        granted: dict[int, dict[int, int]] = {}
        lasting = Supervision.objects.filter(valid_from__isnull=True, valid_to__isnull=True)
        for pk, user_id, unit_id in lasting.values_list("pk", "user_id", "unit_id"):
            granted.setdefault(user_id, {})[unit_id] = pk
        paths = {unit.pk: f"{unit.kind.lower()}:{unit.path}" for unit in self.stock.units.values()}
        fresh: list[Supervision] = []
        gone: list[int] = []
        for person in self.plan.people.values():
            if person.supervises is None:
                continue
            user = self.stock.users[person.username]
            old = granted.get(user.pk, {})
            wanted = {self.stock.units[reference].pk for reference in person.supervises}
            if wanted == set(old):
                continue
            fresh += [Supervision(user=user, unit_id=pk) for pk in sorted(wanted - set(old))]
            gone += [old[pk] for pk in set(old) - wanted]
            self._note(
                person.username,
                Change(
                    "supervises",
                    "; ".join(sorted(paths[pk] for pk in old)),
                    "; ".join(sorted(paths[pk] for pk in wanted)),
                ),
            )
        self.pen.delete(Supervision.objects.filter(pk__in=gone))
        self.pen.create(fresh)


def _no_password() -> str:
    """What no password matches; each another, so that no two rows tell anything of each other."""
    return f"{UNUSABLE_PASSWORD_PREFIX}{token_urlsafe(30)}"
