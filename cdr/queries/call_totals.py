"""The sums below a list of calls: exact, or said to be of a part; never a guess.

Three ways, the first that is cheap enough: adding up the calls themselves where few lie in
the period; adding up the usage totals where the filter is one they are kept by; and, asked
for only, adding up as many calls as can be looked through in a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Case, Count, Exists, Q, QuerySet, Sum, When

from cdr.models import Call, CallStatus, UnitTotal, UsageTotal
from cdr.models.totals import EVERYBODY
from cdr.queries.call_filters import (
    TOTALLED_FIELDS,
    CallFilter,
    matching,
    period_bounds,
    unit_ids,
)
from cdr.queries.calls import (
    calls_in,
    is_bounded,
    last_looked_at,
    wanted_calls,
    without,
)
from cdr.queries.usage import totals_in
from directory.models import Site
from directory.scoping import Scope, narrowed

ADDED_AT_ONCE: Final = 20_000
ADDED_WHEN_ASKED: Final = 200_000
TOTAL_ROWS_AT_ONCE: Final = 40_000
ZONES_APART: Final = timedelta(hours=27)
"""No two places on earth have calendars further apart: 26 hours, and one for a change of clocks."""
KEY_OF: Final = {
    "department": "department_key",
    "cost_centre": "cost_centre_key",
    "office": "office_key",
}


@dataclass(frozen=True, slots=True)
class Money:
    """Micro-units of one currency."""

    micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class CallTotals:
    """Sums over calls: number, milliseconds of talk, charges by currency, how many not rated.

    `since` is set when only the calls from that instant on were added up.
    """

    calls: int
    talk_ms: int
    charges: tuple[Money, ...]
    unrated: int
    since: datetime | None = None


def call_totals(
    *,
    scope: Scope,
    wanted: CallFilter,
    all_you_can: bool = False,
    is_whole: bool | None = None,
) -> CallTotals | None:
    """The sums of all calls that `list_calls` would show for `wanted`, page after page.

    None: that would take too long unasked. `all_you_can` adds up what a moment allows and
    says since when. `is_whole` is what the list knows already: whether all calls of the
    period are few enough to look at.
    """
    scope = narrowed(scope, wanted.whose)
    if not is_bounded(scope, wanted) and not scope.sees_everything:
        return _added_up(scope, wanted)  # a person's own calls, by their index
    if wanted.number or wanted.same:
        return _added_up(scope, wanted)
    if is_whole is None:
        is_whole = last_looked_at(wanted, limit=ADDED_AT_ONCE) is None
    if is_whole:
        return _added_up(scope, wanted)
    if wanted.narrows() <= TOTALLED_FIELDS and (
        all_you_can or _is_of_units(scope, wanted) or _few_totals(wanted)
    ):
        return _from_totals(scope, wanted)
    if all_you_can:
        return _added_up(scope, wanted, since=last_looked_at(wanted, limit=ADDED_WHEN_ASKED))
    return None


def _added_up(scope: Scope, wanted: CallFilter, *, since: datetime | None = None) -> CallTotals:
    calls = wanted_calls(scope, wanted)
    if since is not None:
        calls = calls.filter(started_at__gte=since)
    return _gathered(_sums(calls), since=since)


def _sums(calls: QuerySet[Call]) -> list[Mapping[str, Any]]:
    return list(
        calls.order_by()
        .values("currency")
        .annotate(
            n=Count("id"),
            talk=Sum("talk_ms"),
            charge=Sum("charge_micros"),
            unrated=Count("id", filter=Q(status=CallStatus.UNRATED)),
        )
    )


def _few_totals(wanted: CallFilter) -> bool:
    """Whether the days asked for have few enough rows of totals to add up unasked."""
    rows = _totals_of_days(UsageTotal.objects.all(), wanted).order_by("local_date")
    beyond = rows.values_list("local_date", flat=True)[TOTAL_ROWS_AT_ONCE : TOTAL_ROWS_AT_ONCE + 1]
    return not list(beyond)


def _totals_of_days(rows: QuerySet[Any], wanted: CallFilter) -> QuerySet[Any]:
    if wanted.from_day:
        rows = rows.filter(local_date__gte=wanted.from_day)
    if wanted.to_day:
        rows = rows.filter(local_date__lte=wanted.to_day)
    return rows


def _from_totals(scope: Scope, wanted: CallFilter) -> CallTotals:
    """From the usage totals, put right at both ends.

    Totals are kept by the day of the payer's office, the list goes by the reader's day.
    The calls that belong to another day for the one than for the other lie within a day
    of the ends: they are added or taken away one by one.
    """
    rows: QuerySet[Any]
    if _is_of_units(scope, wanted):
        units = next(iter(unit_ids(wanted).values()), {EVERYBODY})
        rows = UnitTotal.objects.filter(unit_key__in=sorted(units))
    else:
        rows = totals_in(scope)
        rows = rows.filter(_of_class_and_payer(wanted))
    rows = _totals_of_days(rows, wanted)
    types = wanted.types()
    if types is not None:
        rows = rows.filter(call_type__in=sorted(types))
    sums = (
        rows.order_by()
        .values("currency")
        .annotate(
            n=Sum("calls"),
            talk=Sum("talk_ms"),
            charge=Sum("charge_micros"),
            unrated=Sum("unrated_calls"),
        )
    )
    return _gathered([*sums, *_strays(scope, wanted)])


def _is_of_units(scope: Scope, wanted: CallFilter) -> bool:
    """Whether the totals by unit answer it: some rows a day, however large the company."""
    is_whole = scope.sees_everything and wanted.person_ids is None and not wanted.number_class
    return is_whole and len(unit_ids(wanted)) <= 1


def _of_class_and_payer(wanted: CallFilter) -> Q:
    where = Q()
    if wanted.number_class:
        where &= Q(number_class=wanted.number_class)
    if wanted.person_ids is not None:
        where &= Q(user_key__in=wanted.person_ids)
    for name, units in unit_ids(wanted).items():
        where &= Q(**{f"{KEY_OF[name]}__in": sorted(units)})
    return where


def _strays(scope: Scope, wanted: CallFilter) -> Iterable[Mapping[str, Any]]:
    """Calls whose day in the totals is another than in the list: to add, or to take away."""
    first, after = period_bounds(wanted)
    inside, counted, near = Q(), Q(), Q()
    if first is not None:
        inside &= Q(started_at__gte=first)
        counted &= Q(local_date__gte=wanted.from_day)
        near |= Q(started_at__gte=first - ZONES_APART, started_at__lt=first + ZONES_APART)
    if after is not None:
        inside &= Q(started_at__lt=after)
        counted &= Q(local_date__lte=wanted.to_day)
        near |= Q(started_at__gte=after - ZONES_APART, started_at__lt=after + ZONES_APART)
    if not near:
        return []
    stray = near & ((inside & ~counted) | (~inside & counted))
    rows = (
        matching(calls_in(scope), wanted)
        .filter(stray)
        .order_by()
        .annotate(sign=Case(When(inside, then=1), default=-1))
        .values("currency", "sign")
        .annotate(
            n=Count("id"),
            talk=Sum("talk_ms"),
            charge=Sum("charge_micros"),
            unrated=Count("id", filter=Q(status=CallStatus.UNRATED)),
        )
    )
    return [
        {"currency": row["currency"]}
        | {name: row["sign"] * (row[name] or 0) for name in ("n", "talk", "charge", "unrated")}
        for row in rows
    ]


def _gathered(rows: Iterable[Mapping[str, Any]], *, since: datetime | None = None) -> CallTotals:
    rows = list(rows)
    charges: dict[str, int] = {}
    counts: dict[str, int] = {}
    for row in rows:
        charges[row["currency"]] = charges.get(row["currency"], 0) + (row["charge"] or 0)
        counts[row["currency"]] = counts.get(row["currency"], 0) + (row["n"] or 0)
    return CallTotals(
        calls=sum(counts.values()),
        talk_ms=sum(row["talk"] or 0 for row in rows),
        charges=tuple(
            Money(micros, currency)
            for currency, micros in sorted(charges.items())
            if counts[currency]
        ),
        unrated=sum(row["unrated"] or 0 for row in rows),
        since=since,
    )


def calls_of(scope: Scope, wanted: CallFilter) -> int | None:
    """How many calls a file of `wanted` would have; None if counting takes too long."""
    totals = call_totals(scope=scope, wanted=wanted)
    return None if totals is None else totals.calls


def stands_in_the_way(scope: Scope, wanted: CallFilter, names: Sequence[str]) -> list[str]:
    """Of the fields `names`, those without which there would be calls in the list."""
    if not names:
        return []
    border = last_looked_at(wanted)
    found = [wanted_calls(scope, without(wanted, name)).order_by() for name in names]
    if border is not None:
        found = [calls.filter(started_at__gte=border) for calls in found]
    # One question for all of them; where there is no site there are no calls either.
    answers = Site.objects.values_list(*(Exists(calls) for calls in found))[:1]
    return [
        name for name, is_there in zip(names, next(iter(answers), ()), strict=False) if is_there
    ]
