"""A budget with those of its members: locked, read and written together.

Lock order: `Budget` rows by id, then everything that hangs on them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Final, cast

from django.utils.translation import gettext as _

from budgets.engine.terms import BadTerms, MeasureName, Terms, check
from budgets.engine.thresholds import Step
from budgets.models import (
    Budget,
    BudgetException,
    BudgetPeriod,
    EventKind,
    PeriodState,
    Threshold,
)
from budgets.operations.findings import Findings
from budgets.operations.looking import lock_budgets, look
from budgets.queries.rules import carry_rule, thresholds_of
from cdr.engine.classes import CLASSES, EMERGENCY
from directory.models import User
from kernel.errors import DomainError
from kernel.periods import PeriodKind

COUNTABLE_CLASSES: Final = frozenset(CLASSES) - {EMERGENCY}
BUDGETS_A_LOOK: Final = 1000


class BadBudget(DomainError):
    """What was asked for cannot be a budget; the text says why."""

    code = "bad_budget"


class BudgetGone(DomainError):
    """The budget was deleted."""

    code = "budget_gone"


class NotAsSeen(DomainError):
    """What was to be changed is not any more what the page showed when it was asked for."""

    code = "not_as_seen"

    def __init__(self) -> None:
        super().__init__(
            _("This has changed since the page was loaded, or was sent twice. Look at it again.")
        )


def terms_of(budget: Budget) -> Terms:
    """The terms of a stored budget."""
    return Terms(
        amount=budget.amount,
        steps=thresholds_of(budget),
        measure=cast(MeasureName, budget.measure),
        period=cast(PeriodKind, budget.period),
        starts_on=budget.starts_on,
        number_classes=tuple(budget.number_classes),
        carry=carry_rule(budget),
        extra_recipient=budget.extra_recipient,
    )


def put_terms(terms: Terms, budget: Budget) -> None:
    """Copy terms to the row's fields; thresholds are rows of their own."""
    budget.measure = terms.measure
    budget.amount = terms.amount
    budget.period = terms.period
    budget.starts_on = terms.starts_on
    budget.number_classes = sorted(terms.number_classes)
    budget.classes_key = classes_key_of(terms.number_classes)
    budget.carry_over = terms.carry is not None
    budget.carry_cap = terms.carry.cap if terms.carry else None
    budget.carry_debt = terms.carry.debt if terms.carry else False
    budget.extra_recipient = terms.extra_recipient


def classes_key_of(names: Iterable[str]) -> str:
    """The classes a budget counts in one word: equal for equal sets."""
    return ",".join(sorted(names))


def refuse_bad(
    terms: Terms,
    *,
    holder_is_user: bool,
    for_each_member: bool,
    exceptions: Collection[User] = (),
) -> None:
    """Refuse terms that cannot be kept.

    Raises:
        BadBudget: if they contradict themselves or their holder.
    """
    try:
        check(terms, classes=COUNTABLE_CLASSES)
    except BadTerms as error:
        raise BadBudget(str(error)) from error
    if holder_is_user and (for_each_member or exceptions):
        raise BadBudget("only a unit's budget has members and exceptions")


def write_steps(budget: Budget, steps: Iterable[Step]) -> None:
    """Replace the budget's thresholds."""
    budget.thresholds.all().delete()
    Threshold.objects.bulk_create(
        Threshold(budget=budget, percent=each.percent, notify=list(each.notify), lock=each.locks)
        for each in steps
    )


def lock_family(budget: Budget) -> list[Budget]:
    """Lock a live budget and, of one for each member, those of the members; it comes first.

    Members' budgets are made under the lock of their template and after it, so none
    can be missed and the order of ids is kept.

    Raises:
        BudgetGone: if the budget was deleted.
    """
    first = lock_budgets([budget.pk])[budget.pk]
    if first.deleted_at is not None:
        raise BudgetGone(_("this budget has ended: %(budget)s") % {"budget": budget})
    members = Budget.objects.filter(template=budget, deleted_at__isnull=True)
    rest = lock_budgets(list(members.values_list("pk", flat=True))) if first.for_each_member else {}
    return [first, *(each for each in rest.values() if each.deleted_at is None)]


def others_of(family: Sequence[Budget], but: User | None) -> list[Budget]:
    """The budgets of a family without the one of `but`: nobody decides about his own."""
    return [each for each in family if but is None or each.user_id != but.pk]


def running(budgets: Iterable[Budget]) -> list[BudgetPeriod]:
    """The open periods of locked budgets."""
    by_id = {each.pk: each for each in budgets}
    rows = BudgetPeriod.objects.filter(budget_id__in=by_id, state=PeriodState.OPEN)
    periods = list(rows.order_by("budget_id"))
    for period in periods:
        period.budget = by_id[period.budget_id]
    return periods


def look_again(budgets: Iterable[Budget], *, at: datetime, by: str, because: str) -> None:
    """Look at the running periods, and let the next evaluation look once more."""
    periods = running(budgets)
    for start in range(0, len(periods), BUDGETS_A_LOOK):
        chunk = periods[start : start + BUDGETS_A_LOOK]
        look(
            {each.budget_id: [each.pk] for each in chunk},
            now=at,
            by=by,
            because=because,
            leaves_unseen=True,
        )


def leave_out(budget: Budget, users: Collection[User], *, since: date, reason: str = "") -> None:
    """Write exceptions that hold from the period that starts on `since`."""
    BudgetException.objects.bulk_create(
        BudgetException(budget=budget, user=user, since=since, reason=reason[:500])
        for user in users
    )


def tell_exceptions(
    budget: Budget, what: str, users: Iterable[User], *, at: datetime, by: str, reason: str = ""
) -> None:
    """A line of history for each user that was left out or counted again."""
    findings = Findings(at=at, by=by)
    for user in users:
        said: dict[str, object] = {"changes": [f"{user.username} {what}"]}
        if reason:
            said["reason"] = reason[:500]
        findings.event(EventKind.CHANGED, budget, details=said, user_id=user.pk)
    findings.write()
