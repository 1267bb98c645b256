"""Calls tied together by outside legs: finding them and grouping them into families."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cdr.engine.attribution import family_order
from cdr.engine.classify import Sided, sided
from cdr.engine.standard import read_facts
from cdr.models import Call
from cdr.queries.known import calls_with_legs
from cdr.queries.pricing import CALL_COLUMNS, CallRow, Member
from cdr.queries.sites import SiteBook

LEG_LIVES = timedelta(days=2)
MOST_ROUNDS = 6


@dataclass(slots=True)
class Entry:
    """A call as the batch sees it: stored before, or new, perhaps with fresh content."""

    started_at: datetime
    sequence: str
    position: int
    content_hash: str
    pk: int | None = None
    old: CallRow | None = None
    fresh: Member | None = None

    def is_older_than(self, sequence: str, position: int) -> bool:
        return (self.sequence, self.position) <= (sequence, position)


class Relatives:
    """Finds the stored segments that belong to the same outside legs."""

    def __init__(self, source_id: int, book: SiteBook) -> None:
        self.source_id = source_id
        self.book = book

    def of(self, touched: Sequence[Entry]) -> list[Entry]:
        """All stored calls tied to `touched` by outside legs, near in time, not among them."""
        seen = {entry.pk for entry in touched if entry.pk is not None}
        found: list[Entry] = []
        legs = {leg for entry in touched for leg in legs_of(entry)}
        asked: set[str] = set()
        for _ in range(MOST_ROUNDS):
            legs -= asked
            if not legs:
                break
            asked |= legs
            asked_now = legs
            times = [entry.started_at for entry in [*touched, *found]]
            first, last = min(times) - LEG_LIVES, max(times) + LEG_LIVES
            legs = set()
            for pk, row in self._rows_with(asked_now, seen):
                seen.add(pk)
                if first <= row.started_at <= last:
                    entry = entry_of(pk, row, self.book)
                    found.append(entry)
                    legs |= set(legs_of(entry))
        return found

    def _rows_with(self, legs: set[str], seen: set[int]) -> list[tuple[int, CallRow]]:
        pks = [pk for pk in calls_with_legs(self.source_id, legs) if pk not in seen]
        if not pks:
            return []
        rows = Call.objects.filter(pk__in=pks).order_by("pk").values_list(*CALL_COLUMNS)
        return [(row[0], CallRow(*row[1:])) for row in rows]


def entry_of(pk: int, row: CallRow, book: SiteBook) -> Entry:
    """A stored call, its segment read again from its facts."""
    member = Member(
        sided=sided(read_facts(row.facts), view=book.view),
        delivery_id=row.delivery_id,
        position=row.position,
        sequence=row.sequence,
        content_hash=row.content_hash,
        facts=row.facts,
    )
    return Entry(row.started_at, row.sequence, row.position, row.content_hash, pk, row, member)


def legs_of(entry: Entry) -> list[str]:
    """The leg ids of the outside parties of an entry, old content and new."""
    legs = []
    if entry.fresh is not None:
        legs += [entry.fresh.sided.from_trunk_leg, entry.fresh.sided.to_trunk_leg]
    if entry.old is not None:
        legs += [entry.old.from_trunk_leg, entry.old.to_trunk_leg]
    return [leg for leg in legs if leg]


def families(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Group entries that share outside legs within the life of a leg, each in family order."""
    by_leg: dict[str, list[Entry]] = {}
    for entry in entries:
        assert entry.fresh is not None
        for leg in {entry.fresh.sided.from_trunk_leg, entry.fresh.sided.to_trunk_leg}:
            if leg:
                by_leg.setdefault(leg, []).append(entry)
    if all(len(group) == 1 for group in by_leg.values()):
        return [[entry] for entry in entries]
    return _joined(entries, by_leg)


def _joined(entries: Sequence[Entry], by_leg: dict[str, list[Entry]]) -> list[list[Entry]]:
    parent = {id(entry): id(entry) for entry in entries}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for group in by_leg.values():
        ordered = sorted(group, key=lambda e: e.started_at)
        for left, right in pairwise(ordered):
            if right.started_at - left.started_at <= LEG_LIVES:
                parent[root(id(left))] = root(id(right))
    grouped: dict[int, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(root(id(entry)), []).append(entry)
    return [sorted(family, key=_entry_order) for family in grouped.values()]


def _entry_order(entry: Entry) -> tuple[datetime, str, str]:
    assert entry.fresh is not None
    sided_segment: Sided = entry.fresh.sided
    return family_order(sided_segment)
