"""How a budget stands: what is left, in percent, and what is not counted in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from budgets.engine.thresholds import percent_hundredths
from budgets.models import BudgetPeriod, Measure
from budgets.queries.shown import ShownBudget, budgets_counting, shown
from budgets.queries.sums import TOTALS, span_of, spent, watched_of
from directory.models import User


def remaining(period: BudgetPeriod) -> int:
    """What is left of the period: micro-units or milliseconds, negative when overspent."""
    return period.effective - spent(period)


def percent(period: BudgetPeriod) -> int:
    """What is spent of the period, in hundredths of a percent, half up."""
    return percent_hundredths(spent=spent(period), effective=period.effective)


def budgets_of(user: User, *, at: datetime) -> list[ShownBudget]:
    """The budgets that count `user`'s calls at `at`, with his own share of shared ones."""
    return shown(budgets_counting(user, at=at), reader=user, with_share=True)


class Uncounted(NamedTuple):
    """Paid calls of the period's subject in a currency that is not the budget's."""

    period_id: int
    currency: str
    calls: int
    charge_micros: int


def other_currencies(periods: Iterable[BudgetPeriod]) -> list[Uncounted]:
    """What money budgets leave out because it was charged in another currency.

    Amounts of different currencies are never added. Minutes count whatever the
    currency, so minutes budgets leave nothing out.
    """
    found: list[Uncounted] = []
    money = [each for each in periods if each.budget.measure == Measure.MONEY]
    for period, watched in zip(money, watched_of(money), strict=True):
        own = span_of(period)
        everywhere = replace(own, currency="")
        if watched.user_id is not None:
            whose = Q(user_key=watched.user_id)
        else:
            whose = Q(**{f"{watched.unit_field}_key__in": watched.unit_ids})
            whose &= ~Q(user_key__in=watched.excepted)
        foreign = TOTALS.rows(everywhere).filter(whose).exclude(currency=own.currency)
        measured = foreign.order_by().values("currency").annotate(**TOTALS.measures(everywhere))
        rows = measured.values_list("currency", "amount", "calls_counted").order_by("currency")
        found.extend(
            Uncounted(period.pk, currency, calls or 0, amount or 0)
            for currency, amount, calls in rows
            if calls
        )
    return found
