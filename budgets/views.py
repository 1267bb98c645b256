"""Pages of budgets: one's own with their history, and those in scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import FormView

from budgets.forms import (
    AssignForm,
    ChangeAmountForm,
    DeleteForm,
    HistoryForm,
    OverrideForm,
    in_measure,
)
from budgets.models import Budget
from budgets.operations.assignments import BadBudget, assign, change_amount, delete, override
from budgets.queries.shown import budgets_counting, budgets_in, history, shown
from directory.models import Role, User
from directory.roles import OVERSEERS, role_of
from directory.scoping import request_scope
from directory.views import (
    PAGE_SIZES,
    AdministratorsOnly,
    OverseersOnly,
    ScopedAction,
    ScopedPage,
    page_of,
)
from kernel.clock import now
from kernel.errors import DomainError


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
            page=page,
            cards=shown(page.object_list),
            may_assign=role_of(self.reader) is Role.ADMIN,
            **kwargs,
        )


class BudgetDetail(ScopedPage):
    """One budget with its history."""

    template_name = "budgets/budget.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        budget, reader = self._budget(kwargs["pk"])
        cards = shown([budget], reader=self.reader, with_share=reader is not None)
        may_change = reader is None and request_scope(self.request).may_change
        may_set = may_change and role_of(self.reader) is Role.ADMIN
        return super().get_context_data(
            budget=cards[0] if cards else None,
            override_form=OverrideForm() if may_change and cards else None,
            amount_form=ChangeAmountForm() if may_set and cards else None,
            delete_form=DeleteForm() if may_set else None,
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


class BudgetAction(ScopedAction):
    """Something done to one budget in scope, by a form; the answer is on its page."""

    form_class: ClassVar[type[Form]]

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        scope = request_scope(request)
        budget = get_object_or_404(budgets_in(scope), pk=kwargs["pk"])
        if not scope.may_change:
            raise PermissionDenied
        form = self.form_class(request.POST)
        if not form.is_valid():
            raise BadBudget(
                " ".join(str(each) for errors in form.errors.values() for each in errors)
            )
        return self.change(budget, form.cleaned_data)

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        """Do it and say what was done."""
        raise NotImplementedError

    def way_back(self, request: HttpRequest) -> str:
        return reverse("budgets:budget", args=[self.kwargs["pk"]])


class Override(OverseersOnly, BudgetAction):
    """Keep the phones open until the period ends, with a reason."""

    form_class = OverrideForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        override(budget=budget, reason=words["reason"], by=self.reader.username, at=now())
        return _("The phones stay open until the period ends.")


class ChangeAmount(AdministratorsOnly, BudgetAction):
    """Raise or cut what may be spent; thresholds and locks follow at once."""

    form_class = ChangeAmountForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        amount = in_measure(words["amount"], budget.measure)
        said = change_amount(budget=budget, amount=amount, by=self.reader.username, at=now())
        return _("The budget was changed.") if said else _("The budget was that already.")


class Delete(AdministratorsOnly, BudgetAction):
    """Give a budget up: its locks are lifted, its history stays."""

    form_class = DeleteForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        delete(budget=budget, by=self.reader.username, at=now())
        return _("The budget was given up; its history stays.")

    def way_back(self, request: HttpRequest) -> str:
        return reverse("budgets:in_scope")


class Assign(AdministratorsOnly, FormView):
    """Assign a budget to a person, a unit, or each member of a unit."""

    template_name = "budgets/assign.html"
    form_class = AssignForm
    http_method_names = ["get", "head", "post", "options"]

    def form_valid(self, form: AssignForm) -> HttpResponse:
        try:
            assign(
                holder=form.holder,
                terms=form.terms(),
                for_each_member=form.cleaned_data["for_each_member"],
                by=self.reader.username,
                at=now(),
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            return self.form_invalid(form)
        messages.success(self.request, _("The budget was assigned."))
        return redirect("budgets:in_scope")
