"""What a people file would change: worked out in memory, before anything is written.

Rows that contradict each other or what is stored are refused one by one, and the
rest is worked out again without them, so that a refused row leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from directory.engine.people_file import RefusedRow
from directory.engine.spans import HistoryStands, Timeline, changed, in_force
from directory.models import Role, UnitKind
from directory.operations.people_rows import LineKey, RowFacts, UnitRef, in_order_of_time
from directory.queries.administrators import ONE_HAS_TO_STAY
from kernel.sentences import sentence as _

Units = tuple[str, str, str]
"""Paths of department, cost centre and office; empty where there is none."""

UNIT_ORDER = (UnitKind.DEPARTMENT, UnitKind.COST_CENTRE, UnitKind.OFFICE)
NO_UNITS: Units = ("", "", "")


@dataclass(frozen=True, slots=True)
class Known:
    """The installation as it stands: users with their units, lines with their holders.

    `administrators` are those who can sign in.
    """

    usernames: frozenset[str]
    administrators: frozenset[str]
    units: frozenset[UnitRef]
    memberships: Mapping[str, Timeline[Units]]
    holdings: Mapping[LineKey, Timeline[str]]


@dataclass(slots=True)
class Person:
    """What the file wants one user to be. None: the file does not speak of it."""

    username: str
    line: int
    is_new: bool
    personal: dict[str, str]
    manager: str | None
    supervises: frozenset[UnitRef] | None
    membership: Timeline[Units]


@dataclass(slots=True)
class Plan:
    """The file's persons and the lines that get another holder, and the rows left out."""

    people: dict[str, Person] = field(default_factory=dict)
    holdings: dict[LineKey, Timeline[str]] = field(default_factory=dict)
    offices_seen: dict[str, str] = field(default_factory=dict)
    units: set[UnitRef] = field(default_factory=set)
    refused: list[RefusedRow] = field(default_factory=list)


def plan_people(rows: Sequence[RowFacts], *, known: Known, at: datetime) -> Plan:
    """The plan of all rows that can stand together; the others are in `refused`."""
    left = list(rows)
    refused: list[RefusedRow] = []
    while True:
        problems = (
            _contradictions(left)
            or _unknown_managers(left, known)
            or _claims(left)
            or _without_administrators(left, known)
        )
        plan = Plan()
        if not problems:
            plan = _plan(left, known=known, at=at)
            problems = plan.refused
        if not problems:
            plan.refused = refused
            return plan
        refused += problems
        bad = {problem.line for problem in problems}
        left = [row for row in left if row.line not in bad]


def _by_user(rows: Iterable[RowFacts]) -> dict[str, list[RowFacts]]:
    people: dict[str, list[RowFacts]] = {}
    for row in rows:
        people.setdefault(row.username, []).append(row)
    return people


# --- Rows against rows ----------------------------------------------------------------------------


def _contradictions(rows: Sequence[RowFacts]) -> list[RefusedRow]:
    """Rows of one user that say different things of the same day."""
    found: list[RefusedRow] = []
    for theirs in _by_user(rows).values():
        said: dict[tuple[datetime | None, str], RowFacts] = {}
        for row in theirs:
            for column, value in _statements(row).items():
                first = said.setdefault((row.since, column), row)
                earlier = _statements(first)[column]
                if earlier != value:
                    reason = _(
                        "%(value)s, but line %(line)s says %(other)s of %(name)s",
                        value=repr(value),
                        line=str(first.line),
                        other=repr(earlier),
                        name=row.username,
                    )
                    found.append(RefusedRow(row.line, column, reason))
                    break
    return found


def _statements(row: RowFacts) -> dict[str, str]:
    """The cells of the person that are filled, by column."""
    statements = {column: value for column, value in row.personal.items() if value}
    statements |= {kind.lower(): path for kind, path in row.units.items() if path}
    if row.manager:
        statements["manager"] = row.manager
    return statements


def _unknown_managers(rows: Sequence[RowFacts], known: Known) -> list[RefusedRow]:
    there = known.usernames | {row.username for row in rows}
    return [
        RefusedRow(row.line, "manager", _("there is no user %(name)s", name=repr(row.manager)))
        for row in rows
        if row.manager and row.manager not in there
    ]


def _claims(rows: Sequence[RowFacts]) -> list[RefusedRow]:
    """Lines that two rows want from the same instant on."""
    first: dict[tuple[LineKey, datetime | None], RowFacts] = {}
    found: list[RefusedRow] = []
    for row in rows:
        if row.line_key is None:
            continue
        earlier = first.setdefault((row.line_key, row.since), row)
        if earlier is not row:
            reason = _(
                "line %(name)s is given to %(holder)s in line %(line)s already",
                name="/".join(row.line_key),
                holder=earlier.username,
                line=str(earlier.line),
            )
            found.append(RefusedRow(row.line, "extension", reason))
    return found


def _without_administrators(rows: Sequence[RowFacts], known: Known) -> list[RefusedRow]:
    """Rows after which nobody could administer. Whoever is new cannot sign in yet."""
    people = _by_user(row for row in rows if row.username in known.administrators)
    demoted = {name for name, theirs in people.items() if _role(theirs) not in ("", Role.ADMIN)}
    if not demoted or demoted != known.administrators:
        return []
    return [
        RefusedRow(row.line, "role", str(ONE_HAS_TO_STAY))
        for name in demoted
        for row in people[name]
        if row.personal.get("role", "") not in ("", Role.ADMIN)
    ]


def _role(rows: list[RowFacts]) -> str:
    """What the rows of one person make him in the end; empty if they do not say."""
    roles = [row.personal.get("role", "") for row in in_order_of_time(rows)]
    return next((role for role in reversed(roles) if role), "")


# --- The plan -------------------------------------------------------------------------------------


def _plan(rows: Sequence[RowFacts], *, known: Known, at: datetime) -> Plan:
    plan = Plan()
    for username, theirs in _by_user(rows).items():
        plan.people[username] = _person(username, theirs, known=known, at=at, plan=plan)
    for row in rows:
        _note_units(row, plan=plan)
    _settle_bare_references(rows, known=known, plan=plan)
    by_line: dict[LineKey, list[RowFacts]] = {}
    for row in rows:
        if row.line_key is not None:
            by_line.setdefault(row.line_key, []).append(row)
    for key, claims in by_line.items():
        plan.holdings[key] = _holding(key, claims, known=known, at=at, plan=plan)
    return plan


def _person(
    username: str, rows: list[RowFacts], *, known: Known, at: datetime, plan: Plan
) -> Person:
    is_new = username not in known.usernames
    personal: dict[str, str] = dict(rows[0].personal)
    manager = rows[0].manager
    for row in in_order_of_time(rows):
        personal |= {column: value for column, value in row.personal.items() if value}
        manager = row.manager or manager
    supervised = [row.supervises for row in rows if row.supervises is not None]
    return Person(
        username=username,
        line=rows[0].line,
        is_new=is_new,
        personal=personal,
        manager=manager,
        supervises=frozenset().union(*supervised) if supervised else None,
        membership=_membership(
            rows, spans=known.memberships.get(username, ()), is_new=is_new, at=at, plan=plan
        ),
    )


def _membership(
    rows: list[RowFacts], *, spans: Timeline[Units], is_new: bool, at: datetime, plan: Plan
) -> Timeline[Units]:
    """The user's units over time. In his first row an empty cell means none, later: as before."""
    for row in in_order_of_time(rows):
        if not row.units:
            continue
        now_valid = in_force(spans, at=at if row.since is None else row.since)
        value = _overlaid(
            now_valid.value if now_valid else NO_UNITS,
            row.units,
            empty_counts=row is rows[0],
        )
        if value == NO_UNITS and not spans:
            continue
        try:
            spans = changed(
                spans, value=value, since=row.since, now=at, first=None if is_new else at
            )
        except HistoryStands as refusal:
            plan.refused.append(RefusedRow(row.line, "valid_from", refusal.words))
    return spans


def _overlaid(before: Units, stated: Mapping[UnitKind, str], *, empty_counts: bool) -> Units:
    department, cost_centre, office = (
        stated[kind] if kind in stated and (stated[kind] or empty_counts) else earlier
        for kind, earlier in zip(UNIT_ORDER, before, strict=True)
    )
    return (department, cost_centre, office)


def _holding(
    key: LineKey, claims: list[RowFacts], *, known: Known, at: datetime, plan: Plan
) -> Timeline[str]:
    spans: Timeline[str] = known.holdings.get(key, ())
    for row in in_order_of_time(claims):
        is_new = row.username not in known.usernames
        try:
            spans = changed(
                spans, value=row.username, since=row.since, now=at, first=None if is_new else at
            )
        except HistoryStands as refusal:
            plan.refused.append(RefusedRow(row.line, "valid_from", refusal.words))
    return spans


def _note_units(row: RowFacts, *, plan: Plan) -> None:
    for kind, path in row.units.items():
        if path:
            plan.units.add((kind, path))
            if kind is UnitKind.OFFICE and row.site:
                plan.offices_seen.setdefault(path, row.site)
    plan.units |= {(kind, path) for kind, path in row.supervises or () if kind}


def _settle_bare_references(rows: Sequence[RowFacts], *, known: Known, plan: Plan) -> None:
    """`Sales` without a kind is whatever unit has that path, if there is only one."""
    kinds_of: dict[str, list[str]] = {}
    for kind, path in sorted(_with_parents(known.units | plan.units)):
        kinds_of.setdefault(path, []).append(kind)
    for row in rows:
        for kind, path in row.supervises or ():
            if kind:
                continue
            kinds = kinds_of.get(path, [])
            if len(kinds) != 1:
                reason = _("there is no unit %(path)s", path=repr(path))
                if kinds:
                    reason = _(
                        "%(value)s names several units; write one of %(known)s",
                        value=repr(path),
                        known=", ".join(f"{kind.lower()}:{path}" for kind in kinds),
                    )
                plan.refused.append(RefusedRow(row.line, "supervises", reason))
                continue
            person = plan.people[row.username]
            assert person.supervises is not None
            person.supervises = person.supervises - {("", path)} | {(kinds[0], path)}


def _with_parents(units: Iterable[UnitRef]) -> set[UnitRef]:
    found: set[UnitRef] = set()
    for kind, path in units:
        parts = path.split("/")
        found |= {(kind, "/".join(parts[:depth])) for depth in range(1, len(parts) + 1)}
    return found
