"""Budgets are given up; what happened stays."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from budgets.models import Budget, BudgetRequest, EventKind, PeriodState, RequestState
from budgets.operations.families import lock_family, running
from budgets.operations.findings import Findings
from budgets.operations.wishes import lift_all
from budgets.queries.sums import spent_many

DELETED: Final = "deleted"
DROPPING: Final = ("state", "closed_at", "closed_spent", "is_locking", "is_unseen")


@transaction.atomic
def delete(*, budget: Budget, at: datetime, by: str, because: str = DELETED) -> None:
    """Give a budget up: its locks are lifted, its running period ends nowhere, history stays.

    Of a budget for each member all go. Ended periods still count late calls.

    Raises:
        BudgetGone: if the budget was deleted before.
    """
    family = lock_family(budget)
    findings = Findings(at=at, by=by)
    periods = running(family)
    spent = spent_many(periods)
    for period in periods:
        period.state = PeriodState.DROPPED
        period.closed_at, period.closed_spent = at, spent[period.pk]
        period.is_locking = period.is_unseen = False
        findings.moved(period, DROPPING)
    for each in family:
        each.deleted_at = at
        findings.event(EventKind.DELETED, each, details={"because": because})
    lift_all([each.pk for each in periods], findings, because=because)
    findings.write()
    BudgetRequest.objects.filter(budget__in=family, state=RequestState.ASKED).update(
        state=RequestState.WITHDRAWN, answered_at=at, answered_by=by, answer=because
    )
    Budget.objects.filter(pk__in=[each.pk for each in family]).update(deleted_at=at)
