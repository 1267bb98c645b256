"""A call file to try the set-up with: kept aside, read by the real driver, priced for real.

What is shown is what would be stored: the file goes through the driver and through a
batch of the Miner, inside a transaction that is taken back.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from billingsite.setup.drafts import Draft
from billingsite.setup.kept_files import KeptFile
from cdr.drivers.base import CallDriver
from cdr.engine.extensions import is_extension
from cdr.engine.records import DiscardedLine, Line
from cdr.models import Call, CallStatus, Delivery, QuarantinedRecord, Source
from cdr.operations.batches import Batch
from cdr.queries.calls import ListedCall, listed
from cdr.queries.drivers import make_driver
from cdr.queries.sites import SiteBook
from directory.models import Site
from directory.scoping import Scope
from kernel.errors import DomainError

MOST_LINES: Final = 5_000
BATCH: Final = 500
SHOWN_CALLS: Final = 5
QUIET_SECONDS: Final = 60
LISTED_WITH: Final = (
    "site",
    "user",
    "carrier",
    "department",
    "cost_centre",
    "office",
    "tariff_version__tariff",
)
SHOWN_PROBLEMS: Final = 5
MOST_DEVICES: Final = 40
MOST_EXTENSIONS: Final = 2_000
LONGEST_EXTENSION: Final = 7


class NotHandedOver(DomainError):
    """The sample cannot be put where the source would find it."""

    code = "not_handed_over"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A record that would be set aside, with its line and why."""

    line: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Device:
    """A way out of the house that the records name and the set-up does not know."""

    name: str
    calls: int


@dataclass(slots=True)
class SampleLook:
    """What the sample holds, read with the set-up as it is (or as it would be).

    `is_cut` says that only the beginning was read. Counts are of records.
    """

    name: str
    records: int = 0
    discarded: int = 0
    set_aside: int = 0
    is_cut: bool = False
    calls: list[ListedCall] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    paid: int = 0
    priced: int = 0
    unpriced: dict[str, int] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    extensions: list[tuple[str, str]] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)

    @property
    def has_calls(self) -> bool:
        return bool(self.calls)


# --- Handing it over ------------------------------------------------------------------------------


def hand_over(sample: KeptFile, source: Source) -> Path:
    """Put a copy of the sample into the source's folder, where the next pass takes it.

    It is dated back by a minute: it is whole, nobody writes it any more.

    Raises:
        NotHandedOver: if the source has no folder, or it cannot be written.
    """
    if not source.folder:
        raise NotHandedOver(_("The source has no folder; name one in step 4."))
    folder = Path(settings.DATA_DIR, source.folder)
    partial = folder / f".{sample.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.path, partial)
        quiet = time.time() - QUIET_SECONDS
        os.utime(partial, (quiet, quiet))
        partial.replace(folder / sample.name)
    except OSError as error:
        raise NotHandedOver(
            _("The file cannot be put into %(folder)s: %(reason)s.")
            % {"folder": folder, "reason": error.strerror}
        ) from error
    return folder / sample.name


# --- The look ---------------------------------------------------------------------------------


def look_at(
    sample: KeptFile, *, source: str, draft: Draft, scope: Scope, now: datetime
) -> SampleLook:
    """Read the sample as the source called `source` would, with `draft` applied; keep nothing.

    Raises:
        SetUpRefused: if the draft cannot be applied.
        DomainError: if the driver's options cannot be used.
    """
    with transaction.atomic():
        draft.store(at=now, by="set-up")
        of = Source.objects.select_related("site").get(name=source)
        try:
            return _Look(sample, of, scope=scope, now=now).run()
        finally:
            transaction.set_rollback(True)


class _Look:
    """One reading of a sample, as a source of its own, so that no call is known already."""

    def __init__(self, sample: KeptFile, of: Source, *, scope: Scope, now: datetime) -> None:
        self.sample = sample
        self.site: Site = of.site
        self.scope = scope
        self.now = now
        self.look = SampleLook(sample.name)
        self.driver = make_driver(
            of.driver, source=of.name, zone=of.site.time_zone, options=of.options
        )
        self.source = Source.objects.create(
            name=f"sample-{uuid4().hex}", site=of.site, driver=of.driver, is_active=False
        )

    def run(self) -> SampleLook:
        delivery = self._delivery(self.driver)
        book = SiteBook(self.site)
        batch = Batch(delivery=delivery, book=book, now=self.now)
        for lines in self._lines():
            batch.take(lines)
            batch = Batch(delivery=delivery, book=book, now=self.now)
        self._tell()
        return self.look

    def _delivery(self, driver: CallDriver) -> Delivery:
        return Delivery.objects.create(
            claim=f"sample-{uuid4().hex}",
            source=self.source,
            name=self.sample.name[:255],
            content_hash=uuid4().hex,
            sequence=driver.sequence_of(self.sample.name),
            received_at=self.now,
        )

    def _lines(self) -> Iterable[Sequence[Line]]:
        with self.sample.path.open("rb") as stream:
            found = iter(self.driver.read(stream, trust_tail=True))
            while self.look.records < MOST_LINES and (lines := list(islice(found, BATCH))):
                self.look.records += len(lines)
                self.look.discarded += sum(isinstance(line, DiscardedLine) for line in lines)
                yield lines
            self.look.is_cut = next(found, None) is not None

    def _tell(self) -> None:
        look, calls = self.look, Call.objects.filter(source=self.source)
        aside = QuarantinedRecord.objects.filter(delivery__source=self.source)
        look.set_aside = aside.count()
        look.flaws = [
            Flaw(row.position, row.reason, row.detail)
            for row in aside.order_by("position")[:SHOWN_PROBLEMS]
        ]
        paid = calls.filter(is_paid=True)
        look.paid = paid.count()
        look.priced = paid.filter(status=CallStatus.RATED, talk_ms__gt=0).count()
        reasons = paid.exclude(status=CallStatus.RATED).values_list("unrated_reason")
        look.unpriced = dict(reasons.annotate(Count("pk")).order_by("unrated_reason"))
        first = calls.select_related(*LISTED_WITH).order_by("started_at", "pk")
        look.calls = [listed(call, self.scope) for call in _outside_first(first)]
        unknown = calls.filter(gateway__isnull=True).exclude(gateway_name="")
        named = unknown.values_list("gateway_name").annotate(Count("pk"))
        look.devices = _gathered(named)
        inside = calls.exclude(extension="").values_list("partition", "extension").distinct()
        look.extensions = sorted(
            key for key in inside[:MOST_EXTENSIONS] if _may_be_extension(key[1], self.site)
        )
        outgoing = calls.filter(call_type__in=("OA", "OU")).exclude(number_raw="")
        look.dialled = list(outgoing.values_list("number_raw", flat=True)[:200])


def _outside_first(calls: Any) -> list[Call]:
    """The first five calls; paid ones among them if there are any, in the order of time."""
    paid = list(calls.filter(is_paid=True)[: SHOWN_CALLS - 1])
    others = list(calls.exclude(pk__in=[call.pk for call in paid])[: SHOWN_CALLS - len(paid)])
    return sorted([*paid, *others], key=lambda call: (call.started_at, call.pk))


def _gathered(named: Iterable[tuple[str, int]]) -> list[Device]:
    """Devices by name; the ports of one gateway (`S0/SU0/DS1-0@host`) as one, `*@host`."""
    counts: dict[str, int] = {}
    for name, calls in named:
        _port, at_sign, host = name.partition("@")
        device = f"*@{host}" if at_sign and host else name
        counts[device] = counts.get(device, 0) + calls
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Device(name, calls) for name, calls in ordered[:MOST_DEVICES]]


def _may_be_extension(extension: str, site: Site) -> bool:
    patterns = tuple(str(each) for each in site.extension_patterns)
    if patterns:
        return is_extension(extension, patterns=patterns)
    return extension.isascii() and extension.isdecimal() and len(extension) <= LONGEST_EXTENSION
