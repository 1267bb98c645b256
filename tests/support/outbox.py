"""Builders for notices and mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from alarms.models import MailState, OutboxMessage
from alarms.operations.outbox import new_message_id
from budgets.models import Budget, BudgetNotice, BudgetPeriod, EventKind, Measure, Threshold
from directory.models import OrgUnit, Role, User
from kernel.periods import period_of_date

NOON = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def person(
    username: str = "mario.rossi",
    *,
    email: str | None = None,
    first_name: str = "Mario",
    last_name: str = "Rossi",
    language: str = "en",
    role: str = Role.USER,
    manager: User | None = None,
    is_active: bool = True,
) -> User:
    return User.objects.create(
        username=username,
        email=f"{username}@example.com" if email is None else email,
        first_name=first_name,
        last_name=last_name,
        language=language,
        role=role,
        manager=manager,
        is_active=is_active,
    )


def budget_of(
    subject: User | OrgUnit,
    *,
    amount: int = 100_000_000,
    measure: str = Measure.MONEY,
    lock_at: int | None = 100,
    extra_recipient: str = "",
) -> BudgetPeriod:
    """A monthly budget in Rome with its period of March 2026."""
    budget = Budget.objects.create(
        user=subject if isinstance(subject, User) else None,
        unit=subject if isinstance(subject, OrgUnit) else None,
        measure=measure,
        amount=amount,
        currency="EUR",
        time_zone="Europe/Rome",
        assigned_at=NOON,
        extra_recipient=extra_recipient,
    )
    if lock_at is not None:
        Threshold.objects.create(budget=budget, percent=lock_at, notify=["user"], lock=True)
    march = period_of_date(date(2026, 3, 1), kind="month", zone=budget.zone)
    return BudgetPeriod.objects.create(
        budget=budget,
        starts_on=march.starts_on,
        ends_before=march.ends_before,
        starts_at=march.starts_at,
        ends_at=march.ends_at,
        base=amount,
    )


def notice_of(
    period: BudgetPeriod,
    *,
    kind: str = EventKind.THRESHOLD,
    recipients: Sequence[str] = ("user",),
    key: str = "threshold:80:1",
    user: User | None = None,
    made_at: datetime = NOON,
    **values: object,
) -> BudgetNotice:
    usual: dict[str, object] = {"spent": 82_500_000, "effective": period.effective}
    if kind == EventKind.THRESHOLD:
        usual["threshold"] = 80
    return BudgetNotice.objects.create(
        key=f"{period.budget_id}:{period.starts_on}:{key}",
        kind=kind,
        budget=period.budget,
        period=period,
        user=user,
        recipients=list(recipients),
        values={**usual, **values},
        made_at=made_at,
    )


def mail_to(
    address: str,
    *,
    key: str = "",
    kind: str = "threshold",
    created_at: datetime = NOON,
    expires_at: datetime | None = None,
    state: str = MailState.PENDING,
    subject: str = "Your telephone budget",
    notice: BudgetNotice | None = None,
    sent_at: datetime | None = None,
) -> OutboxMessage:
    return OutboxMessage.objects.create(
        dedupe_key=key or f"{kind}|mail|{address}|{OutboxMessage.objects.count()}",
        kind=kind,
        recipient=address,
        language="en",
        subject=subject,
        text_body="You have spent 80 %.\n",
        html_body="<p>You have spent 80 %.</p>",
        state=state,
        next_attempt_at=created_at,
        message_id=new_message_id(),
        created_at=created_at,
        expires_at=expires_at or created_at + timedelta(hours=24),
        sent_at=sent_at,
        settled_at=sent_at,
        notice=notice,
        budget=notice.budget if notice else None,
    )
