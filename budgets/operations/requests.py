"""Ask for more: a member asks, somebody who looks after the budget answers.

One open request a budget and person, and only so many a day. Whoever answers first
has answered; what is granted is added to the running period alone, because a request
answers a need of now: the amount of every month to come is another decision.

Lock order: `Budget` rows by id, then the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from budgets.engine.terms import MOST_AMOUNT
from budgets.models import Budget, BudgetPeriod, BudgetRequest, EventKind, RequestState
from budgets.operations.adjusting import ADJUSTED, NothingRuns, add_to
from budgets.operations.families import BadBudget, lock_family, look_again, running
from budgets.operations.findings import Findings, figures_of
from budgets.queries.sums import spent_many
from directory.models import User
from kernel.errors import DomainError

MOST_A_DAY: Final = 3
A_DAY: Final = timedelta(hours=24)
OVERSEERS: Final = ("manager", "administrator")


class AlreadyAsked(DomainError):
    """There is an open request of this person for this budget."""

    code = "already_asked"


class AskedTooOften(DomainError):
    """So many requests of one person are enough for a day."""

    code = "asked_too_often"


class AlreadyAnswered(DomainError):
    """The request is not open any more."""

    code = "already_answered"


@transaction.atomic
def ask(
    *, budget: Budget, user: User, asked: int | None, reason: str, at: datetime
) -> BudgetRequest:
    """Ask whoever looks after `budget` for `asked` more, or for "more" (None); they are told.

    `asked` is micro-units, or milliseconds of talk.

    Raises:
        AlreadyAsked: if an earlier request of `user` still waits.
        AskedTooOften: after `MOST_A_DAY` requests for this budget within 24 hours.
        BadBudget: without a reason, for an amount that is not above zero, or for more than a
            budget can hold.
        BudgetGone: if the budget was deleted.
        NothingRuns: if the budget has no running period.
    """
    if not reason.strip():
        raise BadBudget(_("Say in a few words what you need it for."))
    if asked is not None and asked > MOST_AMOUNT:
        raise BadBudget(_("That is more than a budget can hold."))
    if asked is not None and asked <= 0:
        raise BadBudget(_("Ask for an amount above zero, or leave it empty."))
    family = lock_family(budget)
    mine = BudgetRequest.objects.filter(budget=budget, user=user)
    if mine.filter(state=RequestState.ASKED).exists():
        raise AlreadyAsked(_("You have asked already; your request waits for an answer."))
    if mine.filter(asked_at__gt=at - A_DAY).count() >= MOST_A_DAY:
        raise AskedTooOften(
            _("You have asked several times today. Speak to your manager, or ask tomorrow.")
        )
    period = _running_of(family[0])
    request = BudgetRequest.objects.create(
        budget=budget, user=user, asked=asked, reason=reason.strip()[:500], asked_at=at
    )
    _tell(
        request,
        period,
        EventKind.ASKED,
        at=at,
        by=user.username,
        recipients=OVERSEERS,
        values={"asked": asked, "reason": request.reason, "by": str(user)},
    )
    return request


@transaction.atomic
def grant(*, request: BudgetRequest, amount: int, answer: str, at: datetime, by: str) -> None:
    """Add `amount` to the running period of the request's budget, and tell who asked.

    `amount` is micro-units, or milliseconds of talk.

    Raises:
        AlreadyAnswered: if somebody was faster.
        BadBudget: if the amount is not above zero, or without author.
        BudgetGone: if the budget was deleted.
        NothingRuns: if the budget has no running period.
    """
    if amount <= 0:
        raise BadBudget(_("Grant an amount above zero, or refuse the request."))
    period, locked = _locked(request)
    findings = Findings(at=at, by=by)
    add_to(period, amount, findings)
    if period.budget.user_id is None:
        # The other members read why there is more, but not who asked.
        said = {"added": amount, "effective": period.effective}
        findings.event(EventKind.ADJUSTED, period.budget, period=period, details=said)
    findings.write()
    _answer(locked, RequestState.GRANTED, granted=amount, answer=answer, at=at, by=by)
    _tell(
        locked,
        period,
        EventKind.GRANTED,
        at=at,
        by=by,
        recipients=("user",),
        values={"asked": locked.asked, "granted": amount, "reason": locked.answer, "by": by},
    )
    look_again([period.budget], at=at, by=by, because=ADJUSTED)


@transaction.atomic
def refuse(*, request: BudgetRequest, answer: str, at: datetime, by: str) -> None:
    """Say no, with a reason, and tell who asked.

    Raises:
        AlreadyAnswered: if somebody was faster.
        BadBudget: without a reason.
        BudgetGone: if the budget was deleted.
        NothingRuns: if the budget has no running period.
    """
    if not answer.strip():
        raise BadBudget(_("Say why: the answer is all that the person reads."))
    period, locked = _locked(request)
    _answer(locked, RequestState.REFUSED, granted=None, answer=answer, at=at, by=by)
    _tell(
        locked,
        period,
        EventKind.REFUSED,
        at=at,
        by=by,
        recipients=("user",),
        values={"asked": locked.asked, "reason": locked.answer, "by": by},
    )


@transaction.atomic
def withdraw(*, request: BudgetRequest, at: datetime, by: str) -> None:
    """Take one's own request back.

    Raises:
        AlreadyAnswered: if it was answered meanwhile.
        BudgetGone: if the budget was deleted.
        NothingRuns: if the budget has no running period.
    """
    period, locked = _locked(request)
    _answer(locked, RequestState.WITHDRAWN, granted=None, answer="", at=at, by=by)
    _tell(locked, period, EventKind.WITHDRAWN, at=at, by=by, recipients=(), values={})


def _running_of(budget: Budget) -> BudgetPeriod:
    periods = running([budget])
    if not periods:
        raise NothingRuns(_("This budget has no running period."))
    return periods[0]


def _locked(request: BudgetRequest) -> tuple[BudgetPeriod, BudgetRequest]:
    family = lock_family(request.budget)
    locked = BudgetRequest.objects.select_for_update(of=("self",)).select_related("user")
    row = locked.get(pk=request.pk)
    if row.state != RequestState.ASKED:
        raise AlreadyAnswered(_("This request has been answered already."))
    row.budget = family[0]
    return _running_of(family[0]), row


def _answer(
    request: BudgetRequest,
    state: RequestState,
    *,
    granted: int | None,
    answer: str,
    at: datetime,
    by: str,
) -> None:
    if not by.strip():
        raise BadBudget("an answer needs an author")
    request.state, request.granted = state, granted
    request.answered_at, request.answered_by = at, by
    request.answer = answer.strip()[:500]
    request.save(update_fields=["state", "granted", "answered_at", "answered_by", "answer"])


def _tell(
    request: BudgetRequest,
    period: BudgetPeriod,
    kind: EventKind,
    *,
    at: datetime,
    by: str,
    recipients: tuple[str, ...],
    values: Mapping[str, object],
) -> None:
    """A line of history, and a notice where somebody is to be told."""
    budget = period.budget
    said = {key: value for key, value in values.items() if value is not None and key != "by"}
    findings = Findings(at=at, by=by)
    findings.event(
        kind,
        budget,
        period=period,
        details=said,
        user_id=request.user_id if budget.user_id is None else None,
    )
    if recipients:
        spent = spent_many([period])[period.pk]
        findings.notice(
            kind,
            period,
            key=f"{kind}:{request.pk}",
            recipients=recipients,
            values={**figures_of(period, spent=spent), **said, "by": by, **values},
            user_id=request.user_id,
        )
    findings.write()
