"""Requests for more, as those see them who may answer; and who may decide about budgets at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from budgets.models import Budget, BudgetRequest, RequestState
from budgets.queries.shown import ShownBudget, budgets_in, shown
from directory.models import Role
from directory.scoping import Scope

DEFAULT_PART = 4
"""Who asks for "more" is offered a quarter of the budget; the amount can be changed."""


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """One request with how its budget stands. `offered` is what one click would grant."""

    request: BudgetRequest
    budget: ShownBudget | None
    offered: int
    may_answer: bool


def requests_in(scope: Scope) -> QuerySet[BudgetRequest]:
    """The requests for budgets in `scope`; the open ones first, oldest first."""
    requests = BudgetRequest.objects.select_related("budget__user", "budget__unit", "user")
    if not scope.sees_everything:
        requests = requests.filter(budget__in=budgets_in(scope).order_by().values("pk"))
    return requests


def may_decide(scope: Scope, budget: Budget) -> bool:
    """Whether the reader may adjust this budget: auditors never, supervisors not their own."""
    if not scope.may_change:
        return False
    return scope.role is Role.ADMIN or (
        scope.role is Role.SUPERVISOR and budget.user_id != scope.user_id
    )


def may_assign(scope: Scope) -> bool:
    """Whether the reader may assign new budgets (domain 14: supervisors by an option)."""
    if scope.role is Role.SUPERVISOR:
        return bool(settings.BUDGETS_BY_SUPERVISORS)
    return scope.role is Role.ADMIN


def may_answer(scope: Scope, request: BudgetRequest) -> bool:
    """Whether the reader may answer: not as an auditor, and a supervisor not his own."""
    if not scope.may_change:
        return False
    return scope.role is Role.ADMIN or request.user_id != scope.user_id


def open_requests(scope: Scope) -> QuerySet[BudgetRequest]:
    """The requests that wait for the reader."""
    waiting = requests_in(scope).filter(state=RequestState.ASKED)
    if scope.role is not Role.ADMIN and scope.user_id is not None:
        waiting = waiting.exclude(user=scope.user_id)
    return waiting


def shown_requests(requests: Sequence[BudgetRequest], scope: Scope) -> list[ShownRequest]:
    """These requests with their budgets' figures, in their order."""
    budgets = {each.id: each for each in shown(row.budget for row in requests)}
    return [
        ShownRequest(
            request=row,
            budget=budgets.get(row.budget_id),
            offered=offered(row),
            may_answer=row.state == RequestState.ASKED and may_answer(scope, row),
        )
        for row in requests
    ]


def offered(request: BudgetRequest) -> int:
    """What was asked for, else a part of the budget's amount."""
    if request.asked is not None:
        return request.asked
    return max(1, request.budget.amount // DEFAULT_PART)
