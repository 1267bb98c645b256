"""The state of the works: what is alive, what waits, and what became of the records.

Cheap at any size: nothing here counts calls or reads a table of facts whole. Where a
history is asked for, it is that of the newest rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, DateTimeField, F, Min, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast

from alarms.models import UNSETTLED, MailState, OutboxMessage, SuppressedAddress
from alarms.queries.mail_server import mail_server_away_since
from budgets.models import BudgetNotice, LockWish
from cdr.models import (
    Delivery,
    DeliveryState,
    Heartbeat,
    Outcome,
    OutcomeKind,
    QuarantinedRecord,
    QuarantineState,
    Source,
    UsageChange,
)
from cdr.queries.drivers import driver_title
from phonelock.models import CircuitState, LineLock, SwitchCircuit

LATE_AFTER = timedelta(seconds=40)
STOPPED_AFTER = timedelta(seconds=60)
QUIET_AFTER = timedelta(days=3)
FILES_COUNTED = 10_000
RECORDS_LOOKED_AT = 10_000
LINES_SHOWN = 10
PARKED_SHOWN = 10
MAILS_WITHIN = timedelta(days=7)
FAILED = "failed"
TICK = "tick"
ORDER = (
    *(TICK, "record", "mine", "periods", "budgets", "wishes", "switch", "notices", "mail", "jobs"),
    *("beat", "fast worker", "slow worker"),
)


class PartState(StrEnum):
    """How a part of the product is: by the age of its last sign of life, and what it said."""

    RUNNING = "running"
    LATE = "late"
    STOPPED = "stopped"
    FAILED = "failed"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Part:
    """A part with its last sign of life; `note` is what it said then."""

    name: str
    state: PartState
    beaten_at: datetime | None = None
    age: timedelta | None = None
    note: str = ""

    @property
    def is_well(self) -> bool:
        return self.state in (PartState.RUNNING, PartState.LATE)


def part_state(*, age: timedelta, note: str) -> PartState:
    """Silence comes before failure: what a silent part said last is old news."""
    if age > STOPPED_AFTER:
        return PartState.STOPPED
    if note.startswith(FAILED):
        return PartState.FAILED
    return PartState.LATE if age > LATE_AFTER else PartState.RUNNING


def parts(*, now: datetime) -> list[Part]:
    """Every part that has ever given a sign of life, in the order of the work."""
    found = []
    for beat in Heartbeat.objects.order_by("name")[:100]:
        age = max(timedelta(0), now - beat.beaten_at)
        state = part_state(age=age, note=beat.note)
        found.append(Part(beat.name, state, beat.beaten_at, age, beat.note))
    if all(part.name != TICK for part in found):
        found.append(Part(TICK, PartState.NEVER))
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(found, key=lambda part: (places.get(part.name, len(ORDER)), part.name))


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits at one door: how much, and since when the oldest has."""

    name: str
    waiting: int
    oldest: datetime | None = None
    is_more: bool = False


def queues() -> list[Queue]:
    """Every door, in the order in which a call passes them."""
    return [*_folders(), *_rows_waiting()]


def _folders() -> list[Queue]:
    return [_folder("ready", "files"), _folder("parked", "parked")]


def _folder(folder: str, name: str) -> Queue:
    """Files in a spool folder; a folder that is not there yet holds none."""
    path = Path(settings.DATA_DIR, "spool", folder)
    waiting, oldest = 0, None
    if path.is_dir():
        for file in path.iterdir():
            if file.name.startswith((".", "_")):
                continue
            waiting += 1
            if waiting > FILES_COUNTED:
                break
            try:
                changed = datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)
            except FileNotFoundError:  # taken while we looked
                continue
            oldest = changed if oldest is None else min(oldest, changed)
    return Queue(name, min(waiting, FILES_COUNTED), oldest, is_more=waiting > FILES_COUNTED)


def _rows_waiting() -> list[Queue]:
    """Rows that say that something is to be done, counted with one question."""
    no_time = Cast(Value(None), DateTimeField())
    asked = (
        ("usage", UsageChange.objects.all(), no_time),
        ("wishes", LockWish.objects.filter(swept_at__isnull=True), Min("wished_at")),
        ("notices", BudgetNotice.objects.filter(swept_at__isnull=True), Min("made_at")),
        ("mails", OutboxMessage.objects.filter(state__in=UNSETTLED), Min("created_at")),
        ("mining", Delivery.objects.filter(state=DeliveryState.MINING), Min("received_at")),
    )
    answers = [
        rows.order_by()
        .values(door=Value(name))
        .annotate(waiting=Count("pk"), oldest=oldest)
        .values_list("door", "waiting", "oldest")
        for name, rows, oldest in asked
    ]
    first: QuerySet[Any, Any] = answers[0]
    counted = {door: (waiting, oldest) for door, waiting, oldest in first.union(*answers[1:])}
    return [Queue(name, *counted.get(name, (0, None))) for name, _, _ in asked]


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source with how far its records have come and what became of its newest ones.

    `outcomes` counts among the newest `RECORDS_LOOKED_AT` records of all sources, by
    the words of `OutcomeKind` in its order; `records` are all that were ever read;
    `driver` is in words, in the language that is spoken.
    """

    pk: int
    name: str
    site: str
    driver: str
    is_active: bool
    last_record_at: datetime | None
    lag: timedelta | None
    records: int
    outcomes: Sequence[tuple[OutcomeKind, int]]

    @property
    def is_quiet(self) -> bool:
        return self.is_active and (self.lag is None or self.lag > QUIET_AFTER)

    @property
    def outcomes_named(self) -> list[tuple[str, int | None]]:
        """The outcomes in words; None where none of its records is among the newest."""
        is_among = any(records for _, records in self.outcomes)
        return [(str(kind.label), records if is_among else None) for kind, records in self.outcomes]


def source_states(*, now: datetime) -> list[SourceState]:
    """Each source by name; three questions."""
    newest = Outcome.objects.order_by("-pk").values("pk")[:RECORDS_LOOKED_AT]
    counted = (
        Outcome.objects.filter(pk__in=newest)
        .values("delivery__source", "kind")
        .annotate(records=Count("pk"))
        .order_by()
    )
    by_key = {(row["delivery__source"], row["kind"]): row["records"] for row in counted}
    read = records_read()
    return [
        SourceState(
            pk=source.pk,
            name=source.name,
            site=source.site.name,
            driver=driver_title(source.driver),
            is_active=source.is_active,
            last_record_at=source.last_record_at,
            lag=None
            if source.last_record_at is None
            else max(timedelta(0), now - source.last_record_at),
            records=read.get(source.pk, 0),
            outcomes=[(kind, by_key.get((source.pk, kind.value), 0)) for kind in OutcomeKind],
        )
        for source in Source.objects.select_related("site").order_by("name")
    ]


def records_read() -> dict[int, int]:
    """How many records were read of each source, by its id: a sum over files, not over calls."""
    sums = Delivery.objects.values("source").annotate(records=Sum("records_read")).order_by()
    return {row["source"]: row["records"] or 0 for row in sums if row["source"]}


@dataclass(frozen=True, slots=True)
class SetAside:
    """Records in quarantine for one reason."""

    reason: str
    records: int
    oldest: datetime


def set_aside() -> list[SetAside]:
    """The open records of the quarantine by reason, most first."""
    counted = (
        QuarantinedRecord.objects.filter(state=QuarantineState.OPEN)
        .values("reason")
        .annotate(records=Count("pk"), oldest=Min("set_aside_at"))
        .order_by("-records", "reason")[:50]
    )
    return [SetAside(row["reason"], row["records"], row["oldest"]) for row in counted]


def parked_files() -> list[Delivery]:
    """Files that were given up, newest first, each with the reason in `note`."""
    rows = Delivery.objects.filter(state=DeliveryState.PARKED).select_related("source")
    return list(rows.order_by("-pk")[:PARKED_SHOWN])


@dataclass(frozen=True, slots=True)
class MailStates:
    """Mails by state: those that wait, and what became of those of the last seven days."""

    by_state: Mapping[str, int]
    away: tuple[datetime, str] | None
    suppressed: int

    @property
    def named(self) -> list[tuple[MailState, int]]:
        return [(state, self.by_state.get(state, 0)) for state in MailState]

    @property
    def given_up(self) -> int:
        gone = (MailState.FAILED, MailState.BOUNCED, MailState.EXPIRED, MailState.SUPPRESSED)
        return sum(self.by_state.get(state, 0) for state in gone)


def mail_states(*, now: datetime) -> MailStates:
    """The outbox by state; three questions."""
    recent = Q(created_at__gte=now - MAILS_WITHIN) | Q(state__in=UNSETTLED)
    counted = (
        OutboxMessage.objects.filter(recent)
        .values("state")
        .annotate(mails=Count("pk"))
        .order_by("state")
    )
    return MailStates(
        by_state={row["state"]: row["mails"] for row in counted},
        away=mail_server_away_since(),
        suppressed=SuppressedAddress.objects.filter(suppressed_at__isnull=False).count(),
    )


@dataclass(frozen=True, slots=True)
class LockStates:
    """Lines whose switch has not confirmed what is wanted, and switches that do not answer.

    `pending` wait for their first or next answer; `failing` have had an attempt fail.
    `lines` are some of the failing ones, longest first.
    """

    pending: int = 0
    failing: int = 0
    oldest_failure: datetime | None = None
    lines: Sequence[LineLock] = ()
    away: Sequence[SwitchCircuit] = field(default_factory=tuple)


def lock_states() -> LockStates:
    """How far the switches have followed; three questions at most."""
    unconfirmed = ~Q(confirmed=F("wanted")) | ~Q(confirmed_version=F("version"))
    counted = LineLock.objects.aggregate(
        pending=Count("pk", filter=unconfirmed),
        failing=Count("pk", filter=Q(failed_since__isnull=False)),
        oldest=Min("failed_since"),
    )
    failing = counted["failing"] or 0
    rows = LineLock.objects.filter(failed_since__isnull=False).select_related("line__site")
    away = SwitchCircuit.objects.filter(state=CircuitState.OPEN).select_related("site")
    return LockStates(
        pending=counted["pending"] or 0,
        failing=failing,
        oldest_failure=counted["oldest"],
        lines=list(rows.order_by("failed_since", "pk")[:LINES_SHOWN]) if failing else (),
        away=list(away.order_by("since", "pk")[:LINES_SHOWN]),
    )
