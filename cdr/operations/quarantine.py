"""Mending, replaying and closing records that could not be used (reliability P16)."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cdr.engine.records import Line, RejectedLine, SegmentLine
from cdr.engine.standard import decode_line
from cdr.models import Delivery, Outcome, OutcomeKind, QuarantinedRecord, QuarantineState, Source
from cdr.operations.batches import Batch, implausible
from cdr.queries.drivers import make_driver
from cdr.queries.sites import SiteBook
from cdr.words import SET_ASIDE, word
from kernel.errors import DomainError

NOT_WHOLE: Final = frozenset({"field_count", "truncated"})
_FIELDS_HELD: Final = re.compile(r"\b(\d+) fields")
_FIELDS_WANTED: Final = re.compile(r"\bfields (?:where the column names are|instead of) (\d+)")
"""How the drivers count: `cdr/drivers/cucm.py`, `cdr/drivers/delimited.py`."""


class StillUnusable(DomainError):
    """The mended record cannot be used either; nothing has changed."""

    code = "still_unusable"


class AlreadySettled(DomainError):
    """Somebody has replayed or closed the record before."""

    code = "already_settled"


def _open(record: QuarantinedRecord) -> QuarantinedRecord:
    locked = (
        QuarantinedRecord.objects.select_for_update(of=("self",))
        .select_related("delivery__source__site")
        .get(pk=record.pk)
    )
    if locked.state != QuarantineState.OPEN:
        raise AlreadySettled(
            _("this record was settled before: %(state)s") % {"state": locked.get_state_display()}
        )
    return locked


def _read(text: str, record: QuarantinedRecord) -> Line:
    """`text` as a standard record (it begins with a brace) or as the switch writes it."""
    delivery = record.delivery
    assert delivery.source is not None
    if text.lstrip().startswith("{"):
        return decode_line(text.encode(), position=record.position, source=delivery.source.name)
    source = delivery.source
    driver = make_driver(
        source.driver, source=source.name, zone=source.site.time_zone, options=source.options
    )
    lines = list(driver.read(io.BytesIO(text.encode()), trust_tail=True))
    if not lines:
        raise StillUnusable(
            _(
                "There is no record in the text. Where its file begins with the names of the"
                " columns, put that line above this one."
            )
        )
    if len(lines) != 1:
        raise StillUnusable(
            _("the text holds %(count)s records, one is needed") % {"count": len(lines)}
        )
    return lines[0]


def replay(
    record: QuarantinedRecord, *, raw: str | None = None, by: str, at: datetime
) -> QuarantinedRecord:
    """Take the record again, as it is or with its text mended in `raw`.

    `raw` may be a line as the switch writes it, or a standard record in JSON. The
    record's one outcome moves from quarantined to what it becomes now.

    Raises:
        StillUnusable: with the reason, if it still cannot be used.
        AlreadySettled: if it was replayed or closed before.
    """
    with transaction.atomic():
        locked = _open(record)
        facts = str(locked.record.get("facts", "")) if isinstance(locked.record, dict) else ""
        line = _read(raw if raw is not None else facts or locked.raw, locked)
        if isinstance(line, RejectedLine):
            raise StillUnusable(_cut_short(line, locked) or _why(line.reason, line.detail))
        if isinstance(line, SegmentLine):
            line = SegmentLine(locked.position, line.segment, raw or locked.raw)
            problem = implausible(line.segment, now=at, keep_days=settings.KEEP_CALLS_DAYS)
            if problem is not None:
                raise StillUnusable(_why(*problem))
        delivery = Delivery.objects.select_for_update().get(pk=locked.delivery_id)
        assert delivery.source_id is not None
        source = Source.objects.select_related("site").get(pk=delivery.source_id)
        Outcome.objects.filter(
            delivery=delivery, position=locked.position, kind=OutcomeKind.QUARANTINED
        ).delete()
        Batch(
            delivery=delivery,
            book=SiteBook(source.site),
            now=at,
            keep_days=settings.KEEP_CALLS_DAYS,
        ).take([line])
        return _settle(locked, QuarantineState.REPLAYED, by=by, at=at)


def _why(reason: str, detail: str) -> str:
    """The same words as in the list of what is set aside, and what exactly is wrong."""
    return f"{capfirst(word(SET_ASIDE, reason))}: {detail}"


def _cut_short(line: RejectedLine, record: QuarantinedRecord) -> str:
    """What to do with a line that is not whole; empty where that is not its fault.

    Alone it stands without the names of its columns; how many there were, the words say
    for which it was set aside.
    """
    held = _FIELDS_HELD.search(line.detail)
    wanted = _FIELDS_WANTED.search(line.detail) or _FIELDS_WANTED.search(record.detail)
    if held is None or line.reason not in NOT_WHOLE:
        return ""
    count, names = int(held[1]), int(wanted[1]) if wanted else 0
    if names > count:
        said = _("The line itself is cut short: it has %(count)s of %(wanted)s fields.")
    elif names:
        said = _("The line has %(count)s fields, and its file has names for %(wanted)s.")
    else:
        said = _("The line has %(count)s fields, which fits no file of this telephone system.")
    cure = _(
        "Put the whole line in its place, from the telephone system's own file, or close the record."
    )
    return f"{said % {'count': count, 'wanted': names}} {cure}"


def close(record: QuarantinedRecord, *, reason: str, by: str, at: datetime) -> QuarantinedRecord:
    """Settle a record for good without using it.

    Raises:
        AlreadySettled: if it was replayed or closed before.
        StillUnusable: if no reason is given.
    """
    if not reason.strip():
        raise StillUnusable(_("closing a record needs a reason"))
    with transaction.atomic():
        return _settle(_open(record), QuarantineState.CLOSED, by=by, at=at, reason=reason.strip())


@dataclass(slots=True)
class SettledMany:
    """What became of many records: how many were settled, and why the others were not."""

    settled: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        """How many stay as they were."""
        return self.refused.total()


def replay_many(ids: Iterable[int], *, by: str, at: datetime) -> SettledMany:
    """Take each of these records again as it is; one that is refused stops no other."""
    report = SettledMany()
    for record in _records(ids):
        try:
            replay(record, by=by, at=at)
        except DomainError as refusal:
            report.refused[refusal.message] += 1
        else:
            report.settled += 1
    return report


def close_many(ids: Iterable[int], *, reason: str, by: str, at: datetime) -> SettledMany:
    """Settle each of these records for good without using it, all for one reason."""
    report = SettledMany()
    for record in _records(ids):
        try:
            close(record, reason=reason, by=by, at=at)
        except DomainError as refusal:
            report.refused[refusal.message] += 1
        else:
            report.settled += 1
    return report


def _records(ids: Iterable[int]) -> list[QuarantinedRecord]:
    """The records by age, oldest first, so that corrections come after what they correct."""
    return list(QuarantinedRecord.objects.filter(pk__in=list(ids)).order_by("set_aside_at", "pk"))


def _settle(
    record: QuarantinedRecord, state: QuarantineState, *, by: str, at: datetime, reason: str = ""
) -> QuarantinedRecord:
    record.state = state
    record.settled_by = by[:150]
    record.settled_at = at
    record.settled_reason = reason[:500]
    record.save(update_fields=["state", "settled_by", "settled_at", "settled_reason"])
    return record
