"""The running period alone gets more, or less: somebody says how much and why.

The budget's own amount stays: a limit that quietly grows is no limit. What was added
is used up last and ends with its period (`BudgetPeriod.lasting`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from budgets.engine.terms import MOST_AMOUNT
from budgets.models import Budget, BudgetPeriod, EventKind
from budgets.operations.families import (
    BadBudget,
    NotAsSeen,
    lock_family,
    look_again,
    others_of,
    running,
)
from budgets.operations.findings import Findings
from directory.models import User
from kernel.errors import DomainError

ADJUSTED: Final = "adjusted"
LONGEST_REASON: Final = 500


class NothingRuns(DomainError):
    """The budget has no running period that could be adjusted."""

    code = "nothing_runs"


@transaction.atomic
def adjust(
    *,
    budget: Budget,
    by_amount: int,
    reason: str,
    at: datetime,
    by: str,
    but: User | None = None,
    seen: str = "",
) -> None:
    """Add `by_amount` (negative: take away) to the running period alone.

    Micro-units, or milliseconds of talk. Thresholds and locks follow at once. Of a
    budget for each member everybody's running period is adjusted `but` one's. With `seen`,
    what `adjusted_so_far` said when it was asked for, the same is not done twice.

    Raises:
        BadBudget: without author, reason or amount, or if less than nothing were left.
        BudgetGone: if the budget was deleted.
        NotAsSeen: if somebody adjusted it since, or this was sent twice.
        NothingRuns: if there is no running period.
    """
    if not by.strip() or not reason.strip():
        raise BadBudget(_("An adjustment needs a reason."))
    if not by_amount:
        raise BadBudget(_("An adjustment of nothing changes nothing."))
    periods = running(others_of(lock_family(budget), but))
    if not periods:
        raise NothingRuns(_("This budget has no running period."))
    if seen and seen != adjusted_so_far(periods[0]):
        raise NotAsSeen
    findings = Findings(at=at, by=by)
    for period in periods:
        add_to(period, by_amount, findings)
        findings.event(
            EventKind.ADJUSTED,
            period.budget,
            period=period,
            details={
                "added": by_amount,
                "effective": period.effective,
                "reason": reason[:LONGEST_REASON],
            },
        )
    findings.write()
    look_again([each.budget for each in periods], at=at, by=by, because=ADJUSTED)


def adjusted_so_far(period: BudgetPeriod) -> str:
    """Which period this is, and by how much it has been adjusted."""
    return f"{period.pk}:{period.adjusted}"


def add_to(period: BudgetPeriod, amount: int, findings: Findings) -> None:
    """Move what may be spent in a locked period.

    Raises:
        BadBudget: if less than nothing, or too much, would be left to spend.
    """
    before = period.effective
    period.adjusted += amount
    if amount < 0 and period.effective < 0 <= before:
        raise BadBudget(_("You cannot take away more than may be spent in this period."))
    if period.effective > MOST_AMOUNT:
        raise BadBudget(_("That is more than a budget can hold."))
    findings.moved(period, ["adjusted"])
