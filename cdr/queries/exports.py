"""Priced calls as rows for other systems: the calls file of design 5 and 10."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from cdr.engine.receipts import seconds_text
from cdr.models import Call
from directory.spreadsheets import harmless
from kernel.money import plain

COLUMNS = (
    "source",
    "call_id",
    "leg",
    "started_at",
    "answered_at",
    "ended_at",
    "type",
    "site",
    "partition",
    "extension",
    "user",
    "department",
    "cost_centre",
    "number",
    "class",
    "area",
    "gateway",
    "carrier",
    "talk_seconds",
    "billed_seconds",
    "status",
    "cost",
    "charge",
    "currency",
)


def _instant(value: datetime | None, zone: ZoneInfo) -> str:
    return value.astimezone(zone).isoformat() if value else ""


def _amount(micros: int | None) -> str:
    return "" if micros is None else plain(micros, decimals=6)


def calls_between(first: date | datetime | None, last: date | datetime | None) -> Q:
    """Calls that start in ``[first, last)``; a plain date means its whole local day."""
    found = Q()
    if isinstance(first, datetime):
        found &= Q(started_at__gte=first)
    elif first is not None:
        found &= Q(local_date__gte=first)
    if isinstance(last, datetime):
        found &= Q(started_at__lt=last)
    elif last is not None:
        found &= Q(local_date__lte=last)
    return found


def call_rows(where: Q) -> Iterator[tuple[str, ...]]:
    """The calls matching `where` as text, in a stable order, streamed."""
    calls = (
        Call.objects.filter(where)
        .select_related("source", "site", "user", "department", "cost_centre", "carrier")
        .order_by("started_at", "source__name", "call_id", "leg", "pk")
    )
    for call in calls.iterator(chunk_size=2000):
        zone = call.site.zone
        yield (
            harmless(call.source.name),
            harmless(call.call_id),
            harmless(call.leg),
            _instant(call.started_at, zone),
            _instant(call.answered_at, zone),
            _instant(call.ended_at, zone),
            call.call_type,
            harmless(call.site.name),
            harmless(call.partition),
            harmless(call.extension),
            harmless(call.user.username) if call.user else "",
            harmless(call.department.path) if call.department else "",
            harmless(call.cost_centre.path) if call.cost_centre else "",
            harmless(call.number),
            call.number_class,
            harmless(call.area),
            harmless(call.gateway_name),
            harmless(call.carrier.name) if call.carrier else "",
            seconds_text(call.talk_ms),
            seconds_text(call.billed_ms),
            call.status.lower(),
            _amount(call.cost_micros),
            _amount(call.charge_micros),
            call.currency,
        )
