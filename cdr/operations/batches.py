"""One batch of records: decide each one's outcome and store what it changes, together.

The order of locks is fixed: delivery, source, calls, totals. Everything happens in
the caller's transaction; nothing here knows files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from cdr.engine.attribution import family_order
from cdr.engine.classify import Sided, sided
from cdr.engine.records import DiscardedLine, Line, RejectedLine, Segment, SegmentLine
from cdr.engine.standard import canonical, content_hash_of, hash_of_text, read_facts
from cdr.models import Adjustment, Call, Delivery, OutcomeKind, QuarantinedRecord
from cdr.operations.pricing import CallRow, Member, price_family
from cdr.operations.storing import (
    CALL_COLUMNS,
    CALL_TABLE,
    TotalsDelta,
    rewrite_call,
    take_ids,
    write_calls,
    write_outcomes,
)
from cdr.queries.known import calls_with_ids, calls_with_legs
from cdr.queries.sites import SiteBook

SAME_KEY_WITHIN = timedelta(hours=24)
LEG_LIVES = timedelta(days=2)
FUTURE_TOLERANCE = timedelta(minutes=5)
LONGEST_CALL = timedelta(days=7)
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


@dataclass(slots=True)
class Verdict:
    """The outcome of one record; `entry` is the call it is about."""

    position: int
    kind: str
    reason: str
    content_hash: str
    entry: Entry | None = None


@dataclass(slots=True)
class BatchResult:
    """How many records ended in which outcome."""

    outcomes: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        self.outcomes[kind] = self.outcomes.get(kind, 0) + 1


def implausible(segment: Segment, *, now: datetime, keep_days: int) -> tuple[str, str] | None:
    """Why the times of `segment` cannot be true: (reason, detail), or None (reliability P9)."""
    started, answered, ended = segment.started_at, segment.answered_at, segment.ended_at
    if started > now + FUTURE_TOLERANCE:
        return "future", f"starts at {started.isoformat()}, later than now ({now.isoformat()})"
    if keep_days and started < now - timedelta(days=keep_days):
        return "too_old", f"starts at {started.isoformat()}, more than {keep_days} days ago"
    if ended < started:
        return "implausible", f"ends at {ended.isoformat()}, before it starts"
    if answered is not None and not started <= answered <= ended:
        return "implausible", f"answered at {answered.isoformat()}, outside of the call"
    if ended - started > LONGEST_CALL:
        return "implausible", f"lasts {ended - started}, more than 7 days"
    return None


class Batch:
    """Works on the records of one batch of one delivery, inside one transaction."""

    def __init__(
        self, *, delivery: Delivery, book: SiteBook, now: datetime, keep_days: int = 0
    ) -> None:
        assert delivery.source_id is not None
        self.delivery = delivery
        self.source_id: int = delivery.source_id
        self.book = book
        self.now = now
        self.keep_days = keep_days
        self.verdicts: list[Verdict] = []
        self.quarantine: list[QuarantinedRecord] = []
        self._by_key: dict[tuple[str, str], list[Entry]] = {}
        self._touched: list[Entry] = []

    # --- deciding -----------------------------------------------------------------------------

    def take(self, lines: Sequence[Line]) -> BatchResult:
        """Decide and store `lines`; each ends in exactly one outcome."""
        self._read_known(lines)
        for line in lines:
            self._decide(line)
        self._store()
        result = BatchResult()
        for verdict in self.verdicts:
            result.count(verdict.kind)
        return result

    def _read_known(self, lines: Sequence[Line]) -> None:
        call_ids = {line.segment.call_id for line in lines if isinstance(line, SegmentLine)}
        if not call_ids:
            return
        known = calls_with_ids(self.source_id, call_ids)
        for pk, call_id, leg, started_at, sequence, position, content_hash in known:
            self._by_key.setdefault((call_id, leg), []).append(
                Entry(started_at, sequence, position, content_hash, pk)
            )

    def _decide(self, line: Line) -> None:
        if isinstance(line, RejectedLine):
            self._set_aside(line.position, line.reason, line.detail, line.raw)
            return
        if isinstance(line, DiscardedLine):
            self._verdict(line.position, OutcomeKind.DISCARDED, line.rule, hash_of_text(line.raw))
            return
        facts = canonical(line.segment)
        content_hash = content_hash_of(facts)
        problem = implausible(line.segment, now=self.now, keep_days=self.keep_days)
        if problem is not None:
            self._set_aside(line.position, *problem, line.raw, facts)
            return
        member = Member(
            sided=sided(line.segment, view=self.book.view),
            delivery_id=self.delivery.pk,
            position=line.position,
            sequence=self.delivery.sequence,
            content_hash=content_hash,
            facts=facts,
        )
        self._settle(member)

    def _settle(self, member: Member) -> None:
        segment = member.sided.segment
        key = (segment.call_id, segment.leg)
        entries = self._by_key.setdefault(key, [])
        entry = next(
            (e for e in entries if abs(e.started_at - segment.started_at) <= SAME_KEY_WITHIN), None
        )
        position, content_hash = member.position, member.content_hash
        if entry is None:
            entry = Entry(segment.started_at, member.sequence, position, content_hash)
            entry.fresh = member
            entries.append(entry)
            self._touched.append(entry)
            self._verdict(position, OutcomeKind.STORED, "", content_hash, entry)
        elif entry.content_hash == content_hash:
            self._verdict(position, OutcomeKind.DUPLICATE, "", content_hash, entry)
        elif entry.is_older_than(member.sequence, position):
            if entry.fresh is None:
                self._touched.append(entry)
            entry.fresh = member
            entry.sequence, entry.position = member.sequence, position
            entry.content_hash, entry.started_at = content_hash, segment.started_at
            self._verdict(position, OutcomeKind.CORRECTED, "", content_hash, entry)
        else:
            self._verdict(position, OutcomeKind.DISCARDED, "older", content_hash, entry)

    def _verdict(
        self, position: int, kind: str, reason: str, content_hash: str, entry: Entry | None = None
    ) -> None:
        self.verdicts.append(Verdict(position, kind, reason[:32], content_hash, entry))

    def _set_aside(
        self, position: int, reason: str, detail: str, raw: str, facts: str = ""
    ) -> None:
        self._verdict(position, OutcomeKind.QUARANTINED, reason, hash_of_text(raw))
        self.quarantine.append(
            QuarantinedRecord(
                delivery=self.delivery,
                position=position,
                reason=reason[:32],
                detail=detail,
                raw=raw,
                record={"facts": facts} if facts else {},
                set_aside_at=self.now,
            )
        )

    # --- storing ------------------------------------------------------------------------------

    def _store(self) -> None:
        self._read_old(self._touched)
        entries = self._touched + Relatives(self.source_id, self.book).of(self._touched)
        delta = TotalsDelta()
        adjustments: list[Adjustment] = []
        new_entries: list[Entry] = []
        new_rows: list[CallRow] = []
        dropped: set[int] = set()
        for entry, row in self._priced(entries):
            if entry.pk is None and self._is_unwanted(row):
                dropped.add(id(entry))
            elif entry.pk is None:
                delta.add(row)
                new_entries.append(entry)
                new_rows.append(row)
            elif entry.old is not None and entry.old != row:
                delta.add(entry.old, sign=-1)
                delta.add(row)
                rewrite_call(entry.pk, row)
                adjustments += self._adjustment(entry.pk, entry.old, row)
        ids = take_ids(CALL_TABLE, len(new_rows))
        for entry, pk in zip(new_entries, ids, strict=True):
            entry.pk = pk
        write_calls(ids, new_rows)
        Adjustment.objects.bulk_create(adjustments)
        self._write_outcomes(dropped)
        delta.write()

    def _priced(self, entries: Sequence[Entry]) -> Iterable[tuple[Entry, CallRow]]:
        for family in families(entries):
            members = [entry.fresh for entry in family if entry.fresh is not None]
            rows = price_family(members, book=self.book, source_id=self.source_id)
            yield from zip(family, rows, strict=True)

    def _is_unwanted(self, row: CallRow) -> bool:
        return row.call_type in {"NA", "NU"} and not self.book.site.keep_internal_calls

    def _adjustment(self, pk: int, old: CallRow, new: CallRow) -> list[Adjustment]:
        if (old.cost_micros, old.charge_micros, old.user_id) == (
            new.cost_micros,
            new.charge_micros,
            new.user_id,
        ):
            return []
        reason = "corrected" if old.content_hash != new.content_hash else "leg_completed"
        return [
            Adjustment(
                call_id=pk,
                made_at=self.now,
                made_by="miner",
                reason=reason,
                old_cost_micros=old.cost_micros,
                new_cost_micros=new.cost_micros,
                old_charge_micros=old.charge_micros,
                new_charge_micros=new.charge_micros,
                note=f"record {self.delivery.name}"[:255],
            )
        ]

    def _write_outcomes(self, dropped: set[int]) -> None:
        rows = []
        for verdict in self.verdicts:
            entry = verdict.entry
            if entry is not None and id(entry) in dropped:
                verdict.kind, verdict.reason, entry = OutcomeKind.DISCARDED, "internal", None
            rows.append(
                (
                    self.delivery.pk,
                    verdict.position,
                    str(verdict.kind),
                    verdict.reason,
                    verdict.content_hash,
                    entry.pk if entry else None,
                )
            )
        write_outcomes(rows)
        QuarantinedRecord.objects.bulk_create(self.quarantine)

    def _read_old(self, entries: Iterable[Entry]) -> None:
        missing = [e for e in entries if e.pk is not None and e.old is None]
        if not missing:
            return
        rows = Call.objects.filter(pk__in=[e.pk for e in missing]).values_list(*CALL_COLUMNS)
        by_pk = {row[0]: CallRow(*row[1:]) for row in rows}
        for entry in missing:
            assert entry.pk is not None
            entry.old = by_pk[entry.pk]


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
