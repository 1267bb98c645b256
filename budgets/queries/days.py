"""What was spent day by day: two questions for any number of periods.

The same rows and the same rule as `queries/sums.py`, not yet added up: pictures and
forecasts need the days, and a page with budgets of many rhythms gets all its sums
from these two questions, however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Value, When
from django.db.models import Sum as SumOf

from budgets.queries.sums import NOTHING, Span, Sum, Watched
from cdr.engine.classes import EMERGENCY
from cdr.models import UsageTotal
from directory.queries.units import UNIT_FIELDS

Days = dict[date, Sum]


class DayRow(NamedTuple):
    """What a payer's calls of one day, class and currency came to, in one set of units."""

    user_id: int
    units: Mapping[str, int]
    day: date
    number_class: str
    currency: str
    charge: int
    talk_ms: int
    calls: int

    def counted(self, span: Span) -> Sum | None:
        """What `span` counts of it; None if nothing. The rule of `Span.condition`."""
        if not span.starts_on <= self.day < span.ends_before or self.number_class == EMERGENCY:
            return None
        if span.currency and self.currency != span.currency:
            return None
        if span.classes_key and self.number_class not in span.classes_key.split(","):
            return None
        return Sum(self.talk_ms if span.counts_talk else self.charge, self.calls)


@dataclass(frozen=True, slots=True)
class PersonDays:
    """All that some people's calls came to, day by day."""

    rows: Sequence[DayRow]

    def of(self, watched: Watched, *, since: date | None = None) -> Days:
        """The days of a user's period; with `since` those before it too."""
        span = widened(watched.span, since)
        return _by_day(
            (row.day, row.counted(span)) for row in self.rows if row.user_id == watched.user_id
        )

    def share(self, watched: Watched, user_id: int) -> Sum:
        """One person's part of a unit's period."""
        mine = (
            row.counted(watched.span)
            for row in self.rows
            if row.user_id == user_id and row.units[watched.unit_field] in watched.unit_ids
        )
        return sum((each for each in mine if each), NOTHING)


def widened(span: Span, since: date | None) -> Span:
    """The same rule from an earlier day on."""
    if since is None or since >= span.starts_on:
        return span
    return Span(since, span.ends_before, span.counts_talk, span.currency, span.classes_key)


def _by_day(found: Iterable[tuple[date, Sum | None]]) -> Days:
    days: Days = defaultdict(lambda: NOTHING)
    for day, counted in found:
        if counted:
            days[day] += counted
    return dict(days)


def _measured(rows: QuerySet[Any, Any], *names: str) -> QuerySet[Any, Any]:
    grouped = rows.order_by().values("local_date", "number_class", "currency", *names)
    found: QuerySet[Any, Any] = grouped.annotate(
        charge=SumOf("charge_micros"), talk=SumOf("paid_talk_ms"), counted=SumOf("paid_calls")
    )
    return found


def person_days(user_ids: Collection[int], *, first: date, last: date) -> PersonDays:
    """The days `first` to `last` of these people's calls. One query."""
    keys = [f"{field}_key" for field in UNIT_FIELDS.values()]
    rows = UsageTotal.objects.filter(
        user_key__in=user_ids, local_date__gte=first, local_date__lte=last
    )
    return PersonDays(
        [
            DayRow(
                row["user_key"],
                {field: row[f"{field}_key"] for field in UNIT_FIELDS.values()},
                row["local_date"],
                row["number_class"],
                row["currency"],
                row["charge"] or 0,
                row["talk"] or 0,
                row["counted"] or 0,
            )
            for row in _measured(rows, "user_key", *keys)
        ]
    )


def unit_days(
    watched: Iterable[Watched], *, first: date, last: date, since: date | None = None
) -> dict[int, Days]:
    """The days of units' periods by period id; with `since` those before them too. One query."""
    watched = [each for each in watched if each.unit_field]
    if not watched:
        return {}
    ids: dict[str, set[int]] = defaultdict(set)
    excepted: set[int] = set()
    for each in watched:
        ids[each.unit_field] |= each.unit_ids
        excepted |= each.excepted
    whose = Q()
    for field, unit_ids in ids.items():
        whose |= Q(**{f"{field}_key__in": unit_ids})
    rows = UsageTotal.objects.filter(whose, local_date__gte=first, local_date__lte=last)
    someone = Case(
        When(user_key__in=excepted, then=F("user_key")),
        default=Value(0),
        output_field=BigIntegerField(),
    )
    grouped = _measured(
        rows.annotate(excepted_user=someone), "excepted_user", *(f"{field}_key" for field in ids)
    )
    found = [
        DayRow(
            row["excepted_user"],
            {field: row[f"{field}_key"] for field in ids},
            row["local_date"],
            row["number_class"],
            row["currency"],
            row["charge"] or 0,
            row["talk"] or 0,
            row["counted"] or 0,
        )
        for row in grouped
    ]
    return {each.period_id: _days_of_unit(each, found, since) for each in watched}


def _days_of_unit(watched: Watched, rows: Iterable[DayRow], since: date | None) -> Days:
    span = widened(watched.span, since)
    return _by_day(
        (row.day, row.counted(span))
        for row in rows
        if row.units[watched.unit_field] in watched.unit_ids and row.user_id not in watched.excepted
    )


def sums_by_days(watched: Iterable[Watched]) -> dict[int, Sum]:
    """The sum of each period by its id in two questions, however different their rules are.

    For a page; thousands of periods of one rhythm are quicker by `sums`.
    """
    watched = list(watched)
    if not watched:
        return {}
    first = min(each.span.starts_on for each in watched)
    last = max(each.span.ends_before for each in watched)
    users = {each.user_id for each in watched if each.user_id is not None}
    people: dict[int, list[DayRow]] = defaultdict(list)
    if users:
        for row in person_days(users, first=first, last=last).rows:
            people[row.user_id].append(row)
    units = unit_days(watched, first=first, last=last)
    found = {}
    for each in watched:
        if each.user_id is None:
            found[each.period_id] = sum(units[each.period_id].values(), NOTHING)
        else:
            counted = (row.counted(each.span) for row in people[each.user_id])
            found[each.period_id] = sum((one for one in counted if one), NOTHING)
    return found
