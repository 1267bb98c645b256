"""What became of a mail, told to the history of the budget that caused it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Max
from django.utils import translation

from alarms.models import MailEvent, MailState, OutboxMessage
from budgets.models import Budget, BudgetPeriod, EventKind
from budgets.operations.history import record_event


def note_event(
    row: OutboxMessage, *, became: str, at: datetime, said: str = "", by: str = ""
) -> None:
    """Append what happened to the mail; call it in the transaction that changes the row."""
    MailEvent.objects.create(mail=row, made_at=at, became=became, said=said[:500], by=by[:150])


def record_result(row: OutboxMessage, *, at: datetime) -> None:
    """Append `notify_sent` or `notify_failed` for a settled row that has a budget.

    Call it in the transaction that settles the row. `details`: notice (its kind),
    recipient (`user` for the person the budget is about, else the person or the
    address as `[MAIL:…]`), result, the mail's id, and the reason of a failure.
    """
    if row.budget is None:
        return
    is_sent = row.state == MailState.SENT
    details: dict[str, object] = {
        "notice": row.kind,
        "recipient": recipient_said(row),
        "result": _result_of(row),
        "mail": row.pk,
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
                "result": _result_of(row),
                "mail": row.pk,
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


def _result_of(row: OutboxMessage) -> str:
    """The state in the words that are kept: the same whoever's language is active."""
    with translation.override("en"):
        return str(row.get_state_display())
