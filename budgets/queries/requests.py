"""Requests for more, as those see them who may answer; and who may decide about budgets at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from budgets.models import Budget, BudgetException, BudgetRequest, RequestState
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
    is_for_another: bool
    """It waits, but for an administrator: the budget counts the reader's own calls as well."""


def requests_in(scope: Scope) -> QuerySet[BudgetRequest]:
    """The requests for budgets in `scope`; the open ones first, oldest first."""
    requests = BudgetRequest.objects.select_related("budget__user", "budget__unit", "user")
    if not scope.sees_everything:
        requests = requests.filter(budget__in=budgets_in(scope).order_by().values("pk"))
    return requests


def may_decide(scope: Scope, budget: Budget) -> bool:
    """Whether the reader may decide at all: auditors never, supervisors not about their own.

    About a shared budget that counts his own calls a supervisor decides nothing that moves
    what may be spent; `sharing_with` names those.
    """
    if not scope.may_change:
        return False
    return scope.role is Role.ADMIN or (
        scope.role is Role.SUPERVISOR and budget.user_id != scope.user_id
    )


def sharing_with(scope: Scope) -> QuerySet[Budget]:
    """The shared budgets that count the calls of a supervisor himself: more there is more for him.

    None where he is left out, and none of an administrator: somebody must be able to decide.
    """
    if scope.role is not Role.SUPERVISOR:
        return Budget.objects.none()
    left_out = BudgetException.objects.filter(
        user=scope.user_id, until__isnull=True, budget=OuterRef("pk")
    )
    shared = Budget.objects.filter(unit__in=scope.own_unit_ids, for_each_member=False)
    return shared.exclude(Exists(left_out))


def is_shared_with(scope: Scope, budget: Budget) -> bool:
    """Whether this is one of `sharing_with`; no question where it cannot be."""
    if budget.unit_id not in scope.own_unit_ids or budget.for_each_member:
        return False
    return sharing_with(scope).filter(pk=budget.pk).exists()


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
    if scope.own_unit_ids:
        waiting = waiting.exclude(budget__in=sharing_with(scope).values("pk"))
    return waiting


def shown_requests(requests: Sequence[BudgetRequest], scope: Scope) -> list[ShownRequest]:
    """These requests with their budgets' figures, in their order."""
    budgets = {each.id: each for each in shown(row.budget for row in requests)}
    shared = _shared_among(requests, scope)
    found = []
    for row in requests:
        waits = row.state == RequestState.ASKED and may_answer(scope, row)
        found.append(
            ShownRequest(
                request=row,
                budget=budgets.get(row.budget_id),
                offered=offered(row),
                may_answer=waits and row.budget_id not in shared,
                is_for_another=waits and row.budget_id in shared,
            )
        )
    return found


def _shared_among(requests: Sequence[BudgetRequest], scope: Scope) -> frozenset[int]:
    """The budgets of these requests that count the reader's own calls; one question at most."""
    asked = {row.budget_id for row in requests if row.budget.unit_id in scope.own_unit_ids}
    if not asked:
        return frozenset()
    return frozenset(sharing_with(scope).filter(pk__in=asked).values_list("pk", flat=True))


def offered(request: BudgetRequest) -> int:
    """What was asked for, else a part of the budget's amount."""
    if request.asked is not None:
        return request.asked
    return max(1, request.budget.amount // DEFAULT_PART)
