"""What happened to a budget, and who is to be told: rows, written with their cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from budgets.models import Budget, BudgetEvent, BudgetNotice, BudgetPeriod, EventKind
from directory.models import User


def record_event(
    *,
    budget: Budget,
    kind: EventKind,
    at: datetime,
    period: BudgetPeriod | None = None,
    details: Mapping[str, object] | None = None,
    by: str = "",
    user: User | None = None,
) -> BudgetEvent:
    """Append to the budget's history. Call it inside the transaction of the cause."""
    return BudgetEvent.objects.create(
        budget=budget,
        period=period,
        kind=kind,
        details=dict(details or {}),
        made_at=at,
        made_by=by,
        user=user,
    )


def add_notice(
    *,
    key: str,
    kind: EventKind,
    period: BudgetPeriod,
    recipients: Sequence[str],
    at: datetime,
    values: Mapping[str, object] | None = None,
    user: User | None = None,
) -> bool:
    """Ask for somebody to be told; the same `key` again is ignored.

    Returns whether the notice is new. Call it inside the transaction of the cause.
    """
    _, is_new = BudgetNotice.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "budget_id": period.budget_id,
            "period": period,
            "user": user,
            "recipients": list(recipients),
            "values": dict(values or {}),
            "made_at": at,
        },
    )
    return is_new


def write_many(*, events: Sequence[BudgetEvent], notices: Sequence[BudgetNotice]) -> None:
    """Append many rows at once; a notice whose key is known is ignored.

    Call it inside the transaction of their cause.
    """
    BudgetEvent.objects.bulk_create(events, batch_size=500)
    BudgetNotice.objects.bulk_create(notices, batch_size=500, ignore_conflicts=True)
