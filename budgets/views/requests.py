"""Requests for more, answered by those who look after the budgets."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from budgets.forms.acts import GrantForm, RefuseForm, in_measure
from budgets.models import BudgetRequest, RequestState
from budgets.operations.requests import grant, refuse
from budgets.queries.requests import may_answer, requests_in, shown_requests
from budgets.views.base import refuse_own_share, with_locks, words_of
from directory.preferences import remembered_size
from directory.scoping import request_scope
from directory.views.base import PAGE_SIZES, OverseersOnly, ScopedAction, ScopedPage, page_of
from kernel.clock import now


class Requests(OverseersOnly, ScopedPage):
    """What waits for an answer first, then what was answered."""

    template_name = "budgets/requests.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request)
        size = remembered_size(self.request, "budget_requests", among=PAGE_SIZES, default=20)
        waits_first = Case(
            When(state=RequestState.ASKED, then=Value(0)),
            default=Value(1),
            output_field=IntegerField(),
        )
        rows = requests_in(scope).order_by(waits_first, "-asked_at", "-pk")
        page = page_of(self.request, rows, size=size)
        found = shown_requests(list(page.object_list), scope)
        return super().get_context_data(
            page=page,
            waiting=[each for each in found if each.request.state == RequestState.ASKED],
            answered=[each for each in found if each.request.state != RequestState.ASKED],
            sizes=PAGE_SIZES,
            size=size,
            **kwargs,
        )


class RequestAction(OverseersOnly, ScopedAction):
    """An answer to one request in scope."""

    back_to = "/budgets/requests/"

    def request_in_scope(self, request: HttpRequest, pk: int) -> BudgetRequest:
        """The request, if it may be answered by the reader.

        Raises:
            SharedByDecider: if the budget counts his own calls as well.
        """
        scope = request_scope(request)
        row = get_object_or_404(requests_in(scope), pk=pk)
        if not may_answer(scope, row):
            raise PermissionDenied
        refuse_own_share(scope, row.budget)
        return row


class Grant(RequestAction):
    """Yes: the amount is added to the running period."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = self.request_in_scope(request, kwargs["pk"])
        words = words_of(GrantForm(request.POST))
        grant(
            request=row,
            amount=in_measure(words["amount"], row.budget.measure),
            answer=words["answer"],
            at=now(),
            by=self.reader.username,
        )
        done = _("Granted for the running period. %(name)s will be told.") % {"name": row.user}
        return with_locks(done, row.budget, user=row.user)


class Refuse(RequestAction):
    """No, and why."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = self.request_in_scope(request, kwargs["pk"])
        words = words_of(RefuseForm(request.POST))
        refuse(request=row, answer=words["answer"], at=now(), by=self.reader.username)
        return _("Refused. %(name)s will be told why.") % {"name": row.user}
