"""Pages of budgets: one's own with their history, and those in scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest
from django.utils import timezone

from budgets.forms import HistoryForm
from budgets.models import Budget
from budgets.queries.shown import budgets_counting, budgets_in, history, shown
from directory.models import User
from directory.roles import OVERSEERS, role_of
from directory.scoping import request_scope
from directory.views import PAGE_SIZES, OverseersOnly, ScopedPage, page_of
from kernel.clock import now


def history_context(
    request: HttpRequest, *, budget_ids: Sequence[int], reader: User | None
) -> dict[str, Any]:
    """What the history part of a page needs: its filter and one page of events."""
    form = HistoryForm(request.GET)
    oldest_first = request.GET.get("order") == "oldest"
    page = None
    if form.is_valid():
        zone = ZoneInfo(timezone.get_current_timezone_name())
        wanted = form.wanted(zone=zone, oldest_first=oldest_first)
        page = page_of(request, history(budget_ids=budget_ids, reader=reader, wanted=wanted))
    return {
        "form": form,
        "page": page,
        "sizes": PAGE_SIZES,
        "oldest_first": oldest_first,
        "event_reader": reader,
    }


class MyBudgets(ScopedPage):
    """The budgets that the reader's calls count in, and all that happened to them."""

    template_name = "budgets/mine.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        budgets = list(budgets_counting(self.reader, at=now()))
        cards = shown(budgets, reader=self.reader, with_share=True)
        ids = [budget.pk for budget in budgets]
        return super().get_context_data(
            cards=cards,
            **history_context(self.request, budget_ids=ids, reader=self.reader),
            **kwargs,
        )


class BudgetsInScope(OverseersOnly, ScopedPage):
    """The budgets of the people and units that the reader looks after."""

    template_name = "budgets/in_scope.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = page_of(self.request, budgets_in(request_scope(self.request)), size=50)
        return super().get_context_data(
            page=page, cards=shown(page.object_list), sizes=PAGE_SIZES, **kwargs
        )


class BudgetDetail(ScopedPage):
    """One budget with its history."""

    template_name = "budgets/budget.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        budget, reader = self._budget(kwargs["pk"])
        cards = shown([budget], reader=self.reader, with_share=reader is not None)
        return super().get_context_data(
            budget=cards[0] if cards else None,
            **history_context(self.request, budget_ids=[budget.pk], reader=reader),
            **kwargs,
        )

    def _budget(self, pk: int) -> tuple[Budget, User | None]:
        """The budget, and for whom its history is trimmed: a member who does not oversee it."""
        scope = request_scope(self.request)
        if role_of(self.reader) in OVERSEERS:
            budget = budgets_in(scope).filter(pk=pk).first()
            if budget is not None:
                return budget, None
        budget = budgets_counting(self.reader, at=scope.at).filter(pk=pk).first()
        if budget is None:
            raise Http404
        return budget, self.reader
