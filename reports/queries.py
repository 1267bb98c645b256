"""The home page's figures and the state of the works: read-only questions over all apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Avg, Count, Max, Q, Sum

from alarms.models import UNSETTLED, OutboxMessage
from budgets.models import BudgetNotice, LockWish
from cdr.models import (
    CallStatus,
    CallType,
    Delivery,
    DeliveryState,
    Heartbeat,
    Outcome,
    OutcomeKind,
    Source,
    UsageChange,
)
from cdr.queries.calls import calls_in
from cdr.queries.quarantine import open_count
from directory.scoping import Scope
from kernel.periods import period_at

FILES_COUNTED = 10_000
TAKEN_OVER = frozenset({CallType.INCOMING_ANSWERED, CallType.TRANSFER_RECEIVED})


@dataclass(frozen=True, slots=True)
class Amount:
    """Micro-units of one currency."""

    micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The five figures of the home page, with the definitions that the page shows.

    `costs`: charges of the month's calls, one a currency. `calls` and `answered`:
    segments of the month. `talk_ms`: mean conversation of the answered ones.
    `ring_ms`: mean time until an incoming call was answered. `missed_today`: calls
    that came in today and nobody of the scope answered. None: there were none.
    """

    costs: Sequence[Amount]
    unrated: int
    calls: int
    answered: int
    talk_ms: int | None
    ring_ms: int | None
    missed_today: int


def month_figures(*, scope: Scope, now: datetime, zone: ZoneInfo) -> MonthFigures:
    """The figures of the calendar month and day that `now` falls in, in the reader's zone."""
    month = period_at(now, kind="month", zone=zone)
    today = period_at(now, kind="day", zone=zone)
    calls = calls_in(scope).filter(started_at__gte=month.starts_at, started_at__lt=month.ends_at)
    answered = Q(answered_at__isnull=False)
    sums = calls.aggregate(
        calls=Count("id"),
        answered=Count("id", filter=answered),
        unrated=Count("id", filter=Q(status=CallStatus.UNRATED)),
        talk=Avg("talk_ms", filter=answered),
        ring=Avg("ring_ms", filter=answered & Q(call_type__in=TAKEN_OVER)),
        missed=Count(
            "id",
            filter=Q(call_type=CallType.INCOMING_UNANSWERED, started_at__gte=today.starts_at),
        ),
    )
    costs = (
        calls.filter(status=CallStatus.RATED)
        .values("currency")
        .annotate(micros=Sum("charge_micros"))
        .order_by("currency")
    )
    return MonthFigures(
        costs=[Amount(row["micros"], row["currency"]) for row in costs],
        unrated=sums["unrated"],
        calls=sums["calls"],
        answered=sums["answered"],
        talk_ms=_whole(sums["talk"]),
        ring_ms=_whole(sums["ring"]),
        missed_today=sums["missed"],
    )


def _whole(mean: float | None) -> int | None:
    return None if mean is None else round(mean)


def data_up_to() -> datetime | None:
    """The instant of the newest record that any source has brought."""
    newest: datetime | None = Source.objects.aggregate(newest=Max("last_record_at"))["newest"]
    return newest


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits at each door; all zero when the pipeline has caught up."""

    files_to_mine: int
    files_parked: int
    quarantine_open: int
    usage_changes: int
    lock_wishes: int
    notices: int
    mails: int
    deliveries_unfinished: int


def backlog() -> Backlog:
    """What waits to be done, counted now."""
    return Backlog(
        files_to_mine=_files("ready"),
        files_parked=_files("parked"),
        quarantine_open=open_count(),
        usage_changes=UsageChange.objects.count(),
        lock_wishes=LockWish.objects.filter(swept_at__isnull=True).count(),
        notices=BudgetNotice.objects.filter(swept_at__isnull=True).count(),
        mails=OutboxMessage.objects.filter(state__in=UNSETTLED).count(),
        deliveries_unfinished=Delivery.objects.filter(state=DeliveryState.MINING).count(),
    )


def _files(folder: str) -> int:
    """Files in a spool folder; a folder that is not there yet holds none."""
    path = Path(settings.DATA_DIR, "spool", folder)
    if not path.is_dir():
        return 0
    names = (name for name in path.iterdir() if not name.name.startswith((".", "_")))
    return sum(1 for _, name in zip(range(FILES_COUNTED), names, strict=False))


@dataclass(frozen=True, slots=True)
class SourceState:
    """What became of a source's records."""

    name: str
    driver: str
    is_active: bool
    last_record_at: datetime | None
    outcomes_named: Sequence[tuple[str, int]]


def source_states() -> list[SourceState]:
    """Each source with its records by outcome, under the words of `OutcomeKind` in its order."""
    counted = Outcome.objects.values("delivery__source", "kind").annotate(records=Count("id"))
    by_key = {(row["delivery__source"], row["kind"]): row["records"] for row in counted.order_by()}
    return [
        SourceState(
            name=source.name,
            driver=source.driver,
            is_active=source.is_active,
            last_record_at=source.last_record_at,
            outcomes_named=[
                (str(kind.label), by_key.get((source.pk, kind.value), 0)) for kind in OutcomeKind
            ],
        )
        for source in Source.objects.order_by("name")
    ]


def heartbeats() -> list[Heartbeat]:
    """The last sign of life of every part."""
    return list(Heartbeat.objects.order_by("name")[:100])
