"""What was spent: sums over usage totals, for one period or for thousands at once.

A period counts the rows of its local days and its subject, in its own currency;
minutes count in every currency, emergency calls never. Periods with the same days
and rules share one grouped query, so the number of queries does not grow with the
number of budgets. The same sums can be taken from the calls themselves, which is
the proof that the totals are right.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Aggregate, Count, Q, QuerySet
from django.db.models import Sum as SumOf

from budgets.models import BudgetException, BudgetPeriod, Measure
from budgets.queries.members import UnitTree
from cdr.engine.classes import EMERGENCY
from cdr.models import Call, CallStatus, UsageTotal
from directory.queries.units import UNIT_FIELDS

IDS_A_QUERY: Final = 1000
WIDEST_OFFSET: Final = timedelta(days=2)
"""A local day lies within this of the same day in UTC, everywhere."""


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount (micro-units or milliseconds) and the number of paid calls behind it."""

    amount: int = 0
    calls: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.amount + other.amount, self.calls + other.calls)

    def __sub__(self, other: Sum) -> Sum:
        return Sum(self.amount - other.amount, self.calls - other.calls)


NOTHING: Final = Sum()


@dataclass(frozen=True, slots=True)
class Span:
    """What a period counts, apart from whose calls. `currency` empty = every one."""

    starts_on: date
    ends_before: date
    counts_talk: bool
    currency: str
    classes_key: str

    @property
    def condition(self) -> Q:
        counted = Q(local_date__gte=self.starts_on, local_date__lt=self.ends_before)
        if self.currency:
            counted &= Q(currency=self.currency)
        if self.classes_key:
            counted &= Q(number_class__in=self.classes_key.split(","))
        return counted & ~Q(number_class=EMERGENCY)


@dataclass(frozen=True, slots=True)
class Watched:
    """One period's claim on calls: of a user, or of units without some people."""

    period_id: int
    span: Span
    user_id: int | None = None
    unit_field: str = ""
    unit_ids: frozenset[int] = frozenset()
    excepted: frozenset[int] = frozenset()


class Ledger(ABC):
    """Rows that can be summed by user and by unit."""

    suffix: str

    @abstractmethod
    def rows(self, span: Span) -> QuerySet[Any, Any]:
        """The rows of the span, of everybody."""

    @abstractmethod
    def measures(self, span: Span) -> dict[str, Aggregate]:
        """The aggregates `amount` and `calls`."""

    def by(self, span: Span, *fields: str, keys: Collection[int]) -> Iterator[tuple[Any, ...]]:
        """Group by `fields`, the first limited to `keys`: the field values, amount, calls."""
        names = [field + self.suffix for field in fields]
        ordered = sorted(keys)
        for start in range(0, len(ordered), IDS_A_QUERY):
            chosen = Q(**{f"{names[0]}__in": ordered[start : start + IDS_A_QUERY]})
            grouped = self.rows(span).filter(chosen).order_by().values(*names)
            measured = grouped.annotate(**self.measures(span))
            yield from measured.values_list(*names, "amount", "calls_counted")


class Totals(Ledger):
    """The usage totals, kept in the transaction of the calls: right at every commit."""

    suffix = "_key"

    def rows(self, span: Span) -> QuerySet[Any, Any]:
        return UsageTotal.objects.filter(span.condition)

    def measures(self, span: Span) -> dict[str, Aggregate]:
        amount = "paid_talk_ms" if span.counts_talk else "charge_micros"
        return {"amount": SumOf(amount), "calls_counted": SumOf("paid_calls")}


class Calls(Ledger):
    """The calls themselves, the slow way round. Indexed by their start only."""

    suffix = "_id"

    def rows(self, span: Span) -> QuerySet[Any, Any]:
        first = datetime.combine(span.starts_on, time.min, UTC) - WIDEST_OFFSET
        last = datetime.combine(span.ends_before, time.min, UTC) + WIDEST_OFFSET
        return Call.objects.filter(span.condition, started_at__gte=first, started_at__lt=last)

    def measures(self, span: Span) -> dict[str, Aggregate]:
        if span.counts_talk:
            amount = SumOf("talk_ms", filter=Q(is_paid=True))
        else:
            amount = SumOf("charge_micros", filter=Q(status=CallStatus.RATED))
        return {"amount": amount, "calls_counted": Count("pk", filter=Q(is_paid=True))}


TOTALS: Final = Totals()
CALLS: Final = Calls()


def sums(watched: Iterable[Watched], *, ledger: Ledger = TOTALS) -> dict[int, Sum]:
    """The sum of each watched period, by period id; every one has an entry."""
    users: dict[Span, list[Watched]] = defaultdict(list)
    units: dict[tuple[Span, str], list[Watched]] = defaultdict(list)
    for each in watched:
        if each.user_id is not None:
            users[each.span].append(each)
        else:
            units[each.span, each.unit_field].append(each)
    found: dict[int, Sum] = {}
    for span, together in users.items():
        keys = {each.user_id for each in together if each.user_id is not None}
        by_user = sums_by_user(span, keys, ledger=ledger)
        for each in together:
            found[each.period_id] = by_user.get(each.user_id or 0, NOTHING)
    for (span, field), together in units.items():
        found.update(_unit_sums(span, field, together, ledger))
    return found


def sums_by_user(span: Span, users: Collection[int], *, ledger: Ledger = TOTALS) -> dict[int, Sum]:
    """The sum of `span` for each of `users` who has any calls in it."""
    return {
        key: Sum(amount or 0, calls or 0)
        for key, amount, calls in ledger.by(span, "user", keys=users)
    }


def _unit_sums(
    span: Span, field: str, together: Sequence[Watched], ledger: Ledger
) -> dict[int, Sum]:
    keys = frozenset[int]().union(*(each.unit_ids for each in together))
    by_unit = {
        key: Sum(amount or 0, calls or 0)
        for key, amount, calls in ledger.by(span, field, keys=keys)
    }
    found = {
        each.period_id: sum((by_unit.get(key, NOTHING) for key in each.unit_ids), NOTHING)
        for each in together
    }
    excepted = frozenset[int]().union(*(each.excepted for each in together))
    if excepted:
        for user, unit, amount, calls in ledger.by(span, "user", field, keys=excepted):
            left_out = Sum(amount or 0, calls or 0)
            for each in together:
                if user in each.excepted and unit in each.unit_ids:
                    found[each.period_id] -= left_out
    return found


def watched_of(
    periods: Iterable[BudgetPeriod],
    tree: UnitTree | None = None,
    exceptions: Mapping[int, Sequence[BudgetException]] | None = None,
) -> list[Watched]:
    """What each of `periods` counts. Give them with `budget` and its `unit` at hand.

    An ended period keeps the units it was settled with, whatever became of them.
    """
    periods = list(periods)
    if exceptions is None:
        exceptions = exceptions_by_budget(periods)
    if tree is None and any(
        each.budget.unit_id is not None and each.counted_units is None for each in periods
    ):
        tree = UnitTree()
    found: list[Watched] = []
    for period in periods:
        budget = period.budget
        if budget.unit is None:
            found.append(Watched(period.pk, span_of(period), user_id=budget.user_id))
            continue
        if period.counted_units is not None:
            unit_ids = frozenset[int](period.counted_units)
        else:
            unit_ids = tree.below(budget.unit.pk) if tree else frozenset()
        found.append(
            Watched(
                period.pk,
                span_of(period),
                unit_field=UNIT_FIELDS[budget.unit.kind],
                unit_ids=unit_ids,
                excepted=excepted_in(exceptions.get(budget.pk, ()), period.starts_on),
            )
        )
    return found


def span_of(period: BudgetPeriod) -> Span:
    """What `period` counts, by its budget's rules."""
    budget = period.budget
    counts_talk = budget.measure == Measure.MINUTES
    return Span(
        period.starts_on,
        period.ends_before,
        counts_talk,
        "" if counts_talk else budget.currency,
        budget.classes_key,
    )


def exceptions_by_budget(periods: Iterable[BudgetPeriod]) -> dict[int, list[BudgetException]]:
    """All exceptions there ever were from the units' budgets of `periods`, with their users."""
    found: dict[int, list[BudgetException]] = defaultdict(list)
    budget_ids = {each.budget_id for each in periods if each.budget.unit_id is not None}
    if budget_ids:
        rows = BudgetException.objects.filter(budget_id__in=budget_ids).select_related("user")
        for each in rows.order_by("pk"):
            found[each.budget_id].append(each)
    return dict(found)


def excepted_in(exceptions: Iterable[BudgetException], starts_on: date) -> frozenset[int]:
    """The users left out of a period that starts on `starts_on`."""
    return frozenset(
        each.user_id
        for each in exceptions
        if each.since <= starts_on and (each.until is None or each.until > starts_on)
    )


def spent_many(periods: Iterable[BudgetPeriod]) -> dict[int, int]:
    """Spent of each period by its id: micro-units of its currency, or milliseconds."""
    return {key: each.amount for key, each in sums(watched_of(periods)).items()}


def spent(period: BudgetPeriod) -> int:
    """Spent of one period: micro-units of its currency, or milliseconds of talk."""
    return spent_many([period])[period.pk]
