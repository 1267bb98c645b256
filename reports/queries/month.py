"""The home page's figures: sums over usage totals, and the calls of two days at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from django.db.models import Max

from cdr.models import CallType, Source
from cdr.queries.calls import calls_in
from cdr.queries.missed import missed_between
from cdr.queries.usage import Days, Usage, usage_of
from directory.scoping import Scope
from kernel.periods import ONE_DAY, local_date, local_midnight, period_of_date

MEDIAN_OF_AT_MOST = 2000
TAKEN = frozenset({CallType.INCOMING_ANSWERED, CallType.TRANSFER_RECEIVED})
"""Calls from outside that somebody took: their ringing is the time to answer."""
DIRECTIONS = {
    CallType.INCOMING_ANSWERED: "incoming",
    CallType.INCOMING_UNANSWERED: "incoming",
    CallType.TRANSFER_RECEIVED: "incoming",
    CallType.OUTGOING_ANSWERED: "outgoing",
    CallType.OUTGOING_UNANSWERED: "outgoing",
    CallType.TRANSFER_HANDED_OVER: "outgoing",
    CallType.FORWARDED: "outgoing",
    CallType.TANDEM: "outgoing",
    CallType.INTERNAL_ANSWERED: "internal",
    CallType.INTERNAL_UNANSWERED: "internal",
}


@dataclass(frozen=True, slots=True)
class Sums:
    """What the calls of some days come to.

    `costs` are micro-units by currency. `answered_by_direction` counts answered calls
    as incoming, outgoing and internal. Means are None where there was no such call.
    """

    costs: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    answered: int = 0
    unrated: int = 0
    answered_by_direction: dict[str, int] = field(default_factory=dict)
    talk_ms: int | None = None
    answer_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The five figures of the home page; `directory.definitions` says what each counts.

    `before` holds the same days of the month before. `median_talk_ms` is there for a
    reader's own calls only. `missed_before` were missed yesterday until this hour.
    """

    days: Days
    days_before: Days
    now: Sums
    before: Sums
    median_talk_ms: int | None
    missed: int
    missed_open: int
    missed_before: int


def month_figures(*, scope: Scope, now: datetime, zone: ZoneInfo) -> MonthFigures:
    """The figures of the month and the day that `now` falls in, in the reader's zone.

    The month is summed from usage totals, whose days are those of the calls' offices,
    so it costs the same whatever lies behind it. Today's missed calls are looked at
    one by one, because a returned one is no longer open.
    """
    today = local_date(now, zone)
    month = period_of_date(today, kind="month", zone=zone)
    days = Days(month.starts_on, today)
    days_before = same_days_before(days)
    sums, before = usage_of(scope, [days, days_before])
    midnight = local_midnight(today, zone)
    missed = missed_between(scope, local_midnight(today - ONE_DAY, zone), now + ONE_DAY)
    until = (now.astimezone(zone) - ONE_DAY).astimezone(now.tzinfo)
    missed_today = [each for each in missed if each.started_at >= midnight]
    return MonthFigures(
        days=days,
        days_before=days_before,
        now=summed(sums),
        before=summed(before),
        median_talk_ms=_median_talk(scope, since=month.starts_at),
        missed=len(missed_today),
        missed_open=sum(each.is_open for each in missed_today),
        missed_before=sum(each.started_at < until for each in missed),
    )


def same_days_before(days: Days) -> Days:
    """The same days of the month before; a shorter month ends where it ends."""
    last_of_month = days.first - ONE_DAY
    first = last_of_month.replace(day=1)
    return Days(first, min(first + timedelta(days=days.last.day - 1), last_of_month))


def summed(usage: Iterable[Usage]) -> Sums:
    """The figures of some stretch of days."""
    rows: Sequence[Usage] = list(usage)
    costs: dict[str, int] = {}
    directions = dict.fromkeys(("incoming", "outgoing", "internal"), 0)
    for row in rows:
        directions[DIRECTIONS[CallType(row.call_type)]] += row.answered_calls
        if row.charge_micros:
            costs[row.currency] = costs.get(row.currency, 0) + row.charge_micros
    if not costs and rows:
        costs[_usual_currency(rows)] = 0
    # Voicemail has talk of its own: only the kinds that somebody answered count.
    spoken = [row for row in rows if row.call_type != CallType.INCOMING_UNANSWERED]
    taken = [row for row in rows if row.call_type in TAKEN]
    answered = sum(row.answered_calls for row in rows)
    return Sums(
        costs=dict(sorted(costs.items())),
        calls=sum(row.calls for row in rows),
        answered=answered,
        unrated=sum(row.unrated_calls for row in rows),
        answered_by_direction=directions,
        talk_ms=_mean(sum(row.talk_ms for row in spoken), answered),
        answer_ms=_mean(
            sum(row.ring_ms for row in taken), sum(row.answered_calls for row in taken)
        ),
    )


def _usual_currency(rows: Sequence[Usage]) -> str:
    """The currency in which most calls cost nothing."""
    return max(rows, key=lambda row: (row.calls, row.currency)).currency


def _mean(total: int, count: int) -> int | None:
    return round(total / count) if count else None


def _median_talk(scope: Scope, *, since: datetime) -> int | None:
    """The middle conversation of a reader's own month, of the newest 2,000 at most.

    Totals cannot tell a median, and to find that of a whole company all its calls
    would have to be read; one person's calls have an index.
    """
    if scope != scope.own() or scope.user_id is None:
        return None
    answered = calls_in(scope).filter(started_at__gte=since, answered_at__isnull=False)
    spoken = answered.exclude(call_type=CallType.INCOMING_UNANSWERED)
    talks = spoken.order_by("-started_at").values_list("talk_ms", flat=True)[:MEDIAN_OF_AT_MOST]
    found = list(talks)
    return round(median(found)) if found else None


def data_up_to() -> datetime | None:
    """The instant of the newest record that any source has brought."""
    newest: datetime | None = Source.objects.aggregate(newest=Max("last_record_at"))["newest"]
    return newest
