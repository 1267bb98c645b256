"""What became of a mail, told to the history of the budget that caused it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Max

from alarms.models import MailState, OutboxMessage
from budgets.models import Budget, BudgetPeriod, EventKind
from budgets.operations.history import record_event


def record_result(row: OutboxMessage, *, at: datetime) -> None:
    """Append `notify_sent` or `notify_failed` for a settled row that has a budget.

    Call it in the transaction that settles the row. `details`: notice (its kind),
    recipient (`user` for the person the budget is about, else the person or the
    address as `[MAIL:…]`), result, and the reason of a failure.
    """
    if row.budget is None:
        return
    is_sent = row.state == MailState.SENT
    details: dict[str, object] = {
        "notice": row.kind,
        "recipient": recipient_said(row),
        "result": row.get_state_display(),
    }
    if row.last_error and not is_sent:
        details["reason"] = row.last_error
    if row.maybe_duplicate:
        details["maybe_duplicate"] = True
    record_event(
        budget=row.budget,
        period=row.notice.period if row.notice else None,
        kind=EventKind.NOTIFY_SENT if is_sent else EventKind.NOTIFY_FAILED,
        details=details,
        user=row.notice.user if row.notice else None,
        at=at,
    )


def record_digest_result(row: OutboxMessage, *, at: datetime) -> None:
    """The same for a mail that gathered others: one event for each budget they spoke of.

    `details.messages` is how many of them were that budget's.
    """
    if row.budget is not None:
        return
    gathered = (
        OutboxMessage.objects.filter(digest=row, budget__isnull=False)
        .values("budget")
        .annotate(messages=Count("pk"), period=Max("notice__period"))
        .order_by("budget")
    )
    for told in gathered:
        record_event(
            budget=Budget(pk=told["budget"]),
            period=BudgetPeriod(pk=told["period"]) if told["period"] else None,
            kind=EventKind.NOTIFY_SENT if row.state == MailState.SENT else EventKind.NOTIFY_FAILED,
            details={
                "notice": row.kind,
                "recipient": recipient_said(row),
                "messages": told["messages"],
                "result": row.get_state_display(),
            },
            at=at,
        )


def recipient_said(row: OutboxMessage) -> str:
    """The addressee as the history names him (domain 8.9)."""
    concerned = row.notice.user_id if row.notice and row.notice.user_id else None
    if concerned is None and row.budget is not None:
        concerned = row.budget.user_id
    if row.user is not None and row.user.pk == concerned:
        return "user"
    if row.user is not None:
        return row.user.username
    return f"[MAIL:{row.recipient}]" if row.recipient else "nobody"
