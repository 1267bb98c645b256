"""One batch of records: decide each one's outcome and store what it changes, together.

The order of locks is fixed: delivery, source, calls, totals. Everything happens in
the caller's transaction; nothing here knows files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cdr.engine.classify import sided
from cdr.engine.records import DiscardedLine, Line, RejectedLine, Segment, SegmentLine
from cdr.engine.standard import canonical, content_hash_of, hash_of_text
from cdr.models import Adjustment, Call, Delivery, OutcomeKind, QuarantinedRecord
from cdr.operations.storing import (
    CALL_TABLE,
    TotalsDelta,
    rewrite_call,
    take_ids,
    write_calls,
    write_outcomes,
)
from cdr.queries.families import Entry, Relatives, families
from cdr.queries.known import calls_with_ids
from cdr.queries.pricing import CALL_COLUMNS, CallRow, Member, price_family
from cdr.queries.sites import SiteBook

SAME_KEY_WITHIN = timedelta(hours=24)
FUTURE_TOLERANCE = timedelta(minutes=5)
LONGEST_CALL = timedelta(days=7)


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
