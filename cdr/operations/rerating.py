"""Rating stored calls again, with the tariff of their day, after prices changed.

Who pays is not touched: old calls keep the snapshot of their day. Each changed
call leaves an adjustment and moves the totals, in one transaction per batch, so a
job killed half-way and started again ends with the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from cdr.models import Adjustment, Call, Source
from cdr.operations.storing import TotalsDelta, rewrite_money
from cdr.queries.families import Relatives, entry_of, families
from cdr.queries.known import calls_with_legs
from cdr.queries.pricing import CALL_COLUMNS, CallRow, price_family, reprice_alone
from cdr.queries.sites import SiteBook

BATCH = 500
KEPT = (
    "local_date",
    "local_hour",
    "call_type",
    "partition",
    "extension",
    "line_id",
    "user_id",
    "department_id",
    "cost_centre_id",
    "office_id",
)


@dataclass(slots=True)
class RerateReport:
    """Sums before and after, per currency, over the calls that were looked at."""

    seen: int = 0
    changed: int = 0
    newly_rated: int = 0
    newly_unrated: int = 0
    before_micros: dict[str, int] = field(default_factory=dict)
    after_micros: dict[str, int] = field(default_factory=dict)

    def add(self, old: CallRow, new: CallRow) -> None:
        self.seen += 1
        self.changed += old != new
        self.newly_rated += old.status == "UNRATED" and new.status == "RATED"
        self.newly_unrated += old.status == "RATED" and new.status == "UNRATED"
        for sums, row in ((self.before_micros, old), (self.after_micros, new)):
            sums[row.currency] = sums.get(row.currency, 0) + (row.charge_micros or 0)


def rerate(
    *, where: Q, at: datetime, by: str, reason: str = "rerated", is_dry_run: bool = False
) -> RerateReport:
    """Price the paid calls matching `where` again; says what changed, or would.

    Whole outside legs are rated: a segment's relatives are rated with it.
    """
    report = RerateReport()
    for source in Source.objects.select_related("site").order_by("pk"):
        book = SiteBook(source.site)
        last = 0
        while True:
            found = list(
                Call.objects.filter(where, source=source, is_paid=True, pk__gt=last)
                .order_by("pk")
                .values_list("pk", flat=True)[:BATCH]
            )
            if not found:
                break
            last = found[-1]
            with transaction.atomic():
                _rerate_batch(found, source, book, at=at, by=by, reason=reason, report=report)
                transaction.set_rollback(is_dry_run)
    return report


def _rerate_batch(
    pks: list[int],
    source: Source,
    book: SiteBook,
    *,
    at: datetime,
    by: str,
    reason: str,
    report: RerateReport,
) -> None:
    Source.objects.select_for_update().get(pk=source.pk)
    delta = TotalsDelta()
    adjustments = []
    changed: list[tuple[int, CallRow]] = []
    asked = set(pks)
    for pk, old, new in _repriced(pks, source.pk, book):
        if pk in asked:
            report.add(old, new)
        if new == old:
            continue
        delta.add(old, sign=-1)
        delta.add(new)
        changed.append((pk, new))
        if _money(old) != _money(new):
            adjustments.append(_adjustment(pk, old, new, at=at, by=by, reason=reason))
    rewrite_money(changed)
    Adjustment.objects.bulk_create(adjustments)
    delta.write()


def _repriced(
    pks: list[int], source_id: int, book: SiteBook
) -> Iterator[tuple[int, CallRow, CallRow]]:
    """(id, old row, new row) of the calls and of those tied to them by outside legs."""
    found = Call.objects.filter(pk__in=pks).order_by("pk").values_list(*CALL_COLUMNS)
    rows = {row[0]: CallRow(*row[1:]) for row in found}
    tied = _tied(rows, source_id)
    for pk, row in rows.items():
        if pk not in tied:
            yield pk, row, reprice_alone(row, book=book)
    entries = [entry_of(pk, rows[pk], book) for pk in sorted(tied)]
    for family in families([*entries, *Relatives(source_id, book).of(entries)]):
        members = [entry.fresh for entry in family if entry.fresh is not None]
        priced = price_family(members, book=book, source_id=source_id)
        for entry, row in zip(family, priced, strict=True):
            assert entry.old is not None
            assert entry.pk is not None
            kept = {name: getattr(entry.old, name) for name in KEPT}
            yield entry.pk, entry.old, row._replace(**kept)


def _tied(rows: Mapping[int, CallRow], source_id: int) -> set[int]:
    """Those of `rows` with an outside leg that another call has too, or that need a closer look."""
    by_leg: dict[str, set[int]] = {}
    for pk, row in rows.items():
        for leg in (row.from_trunk_leg, row.to_trunk_leg):
            if leg:
                by_leg.setdefault(leg, set()).add(pk)
    others = set(calls_with_legs(source_id, by_leg)) - set(rows)
    legs = [pks for pks in by_leg.values() if len(pks) > 1]
    tied = set().union(*legs)
    if others:
        shared = Call.objects.filter(pk__in=others).values_list("from_trunk_leg", "to_trunk_leg")
        for pair in shared:
            for leg in pair:
                tied |= by_leg.get(leg, set())
    unusual = {
        pk
        for pk, row in rows.items()
        if (row.from_trunk_leg and row.to_trunk_leg) or not row.number.startswith("+")
    }
    return tied | unusual


def _money(row: CallRow) -> tuple[int | None, int | None]:
    return row.cost_micros, row.charge_micros


def _adjustment(
    pk: int, old: CallRow, new: CallRow, *, at: datetime, by: str, reason: str
) -> Adjustment:
    return Adjustment(
        call_id=pk,
        made_at=at,
        made_by=by[:150],
        reason=reason[:32],
        old_cost_micros=old.cost_micros,
        new_cost_micros=new.cost_micros,
        old_charge_micros=old.charge_micros,
        new_charge_micros=new.charge_micros,
        note=f"tariff version {old.tariff_version_id} to {new.tariff_version_id}",
    )
