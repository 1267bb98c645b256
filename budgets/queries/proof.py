"""Does what budgets say agree with the calls, to the micro-unit? And what must be equal.

The proof takes every sum twice, from the totals and from the calls, and an ended
period's a third time, from the figures it was settled with. What still waits to be
looked at is not a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from budgets.engine.terms import measured
from budgets.engine.thresholds import percent_hundredths
from budgets.models import Budget, BudgetPeriod, Crossing, Measure, PeriodState, Threshold
from budgets.queries.sums import CALLS, Watched, spent_many, sums, watched_of
from cdr.models import UsageChange
from directory.queries.units import UNIT_FIELDS

PERIODS_A_QUERY: Final = 1000
MOST_SHOWN: Final = 50


def differences() -> list[str]:
    """Sentences that say where a budget's spent differs; empty if all is well.

    Looks at one state of the database, also while calls arrive; at most 50 sentences.
    """
    is_outermost = not connection.in_atomic_block
    found: list[str] = []
    with transaction.atomic():
        if is_outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for periods in _chunks(_counted_periods()):
            found.extend(_differences_of(periods))
            if len(found) >= MOST_SHOWN:
                break
    return found[:MOST_SHOWN]


def digest_rows() -> list[dict[str, object]]:
    """Per budget and period: spent, percent and thresholds standing reached.

    ``{"budget": "user:mario.rossi", "period_start": ISO with the offset of the
    budget's zone, "unit": "EUR" or "minutes", "spent": "12.3400", "percent":
    "12.34", "events": n}``. All of it follows from the calls and the terms, so two
    installations that were given the same have the same rows, whenever their
    clocks ticked. Periods given up with their budget are left out.
    """
    rows: list[tuple[tuple[str, ...], dict[str, object]]] = []
    for periods in _chunks(_counted_periods()):
        spent = spent_many(periods)
        events = _standing(periods)
        for period in periods:
            budget = period.budget
            amount = spent[period.pk]
            hundredths = percent_hundredths(spent=amount, effective=period.effective)
            row: dict[str, object] = {
                "budget": subject_of(budget),
                "period_start": period.starts_at.astimezone(budget.zone).isoformat(),
                "unit": budget.currency if budget.measure == Measure.MONEY else "minutes",
                "spent": measured(amount, measure=budget.measure, decimals=4),
                "percent": f"{hundredths // 100}.{hundredths % 100:02}",
                "events": events.get(period.pk, 0),
            }
            rows.append(((*map(str, row.values()), budget.classes_key), row))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def subject_of(budget: Budget) -> str:
    """Whom a budget is for, as the set-up file writes it: ``department:Sales/North``."""
    if budget.unit is not None:
        return f"{UNIT_FIELDS[budget.unit.kind]}:{budget.unit.path}"
    return f"user:{budget.user.username}" if budget.user is not None else ""


def _counted_periods() -> QuerySet[BudgetPeriod, BudgetPeriod]:
    return (
        BudgetPeriod.objects.exclude(state=PeriodState.DROPPED)
        .select_related("budget__user", "budget__unit")
        .order_by("pk")
    )


def _chunks(periods: QuerySet[BudgetPeriod, BudgetPeriod]) -> Iterator[list[BudgetPeriod]]:
    after = 0
    while chunk := list(periods.filter(pk__gt=after)[:PERIODS_A_QUERY]):
        yield chunk
        after = chunk[-1].pk


def _standing(periods: Sequence[BudgetPeriod]) -> dict[int, int]:
    """How many of its thresholds stand reached, by period."""
    ids = [each.pk for each in periods]
    set_up = Threshold.objects.filter(
        Q(budget=OuterRef("period__budget")) | Q(budget=OuterRef("period__budget__template")),
        percent=OuterRef("percent"),
    )
    reached = Crossing.objects.filter(Exists(set_up), period__in=ids, reset_at__isnull=True)
    counted = reached.order_by().values("period").annotate(number=Count("pk"))
    return dict(counted.values_list("period", "number"))


def _differences_of(periods: Sequence[BudgetPeriod]) -> Iterator[str]:
    watched = {each.period_id: each for each in watched_of(periods)}
    by_totals = sums(watched.values())
    by_calls = sums(watched.values(), ledger=CALLS)
    for period in periods:
        totals, calls = by_totals[period.pk].amount, by_calls[period.pk].amount
        if totals != calls:
            yield _sentence(period, "the totals say", totals, calls)
        is_settled = period.closed_spent is not None
        if (
            is_settled
            and period.settled_spent != calls
            and not _is_waiting(watched[period.pk], period)
        ):
            yield _sentence(period, "it was settled with", period.settled_spent, calls)


def _sentence(period: BudgetPeriod, what: str, found: int, expected: int) -> str:
    measure = period.budget.measure
    unit = period.budget.currency if measure == Measure.MONEY else "minutes"
    return (
        f"budget {subject_of(period.budget)} from {period.starts_on}: {what} "
        f"{measured(found, measure=measure, decimals=6)} {unit}, "
        f"its calls {measured(expected, measure=measure, decimals=6)}"
    )


def _is_waiting(watched: Watched, period: BudgetPeriod) -> bool:
    """Whether changes of this subject and these days wait to be looked at."""
    if watched.user_id is not None:
        whose = Q(user_key=watched.user_id)
    else:
        whose = Q(**{f"{watched.unit_field}_key__in": watched.unit_ids})
    days = Q(local_date__gte=period.starts_on, local_date__lt=period.ends_before)
    return UsageChange.objects.filter(whose, days).exists()
