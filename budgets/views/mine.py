"""One's own budgets: cards, history, and asking for more."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _
from django.views.generic import FormView

from budgets.forms.acts import AskForm, in_measure, with_unit
from budgets.models import Budget, BudgetRequest, RequestState
from budgets.operations.requests import ask, withdraw
from budgets.queries.cards import cards_of
from budgets.queries.shown import budgets_counting, shown
from budgets.views.base import history_context, history_file
from directory.scoping import request_scope
from directory.views.base import ScopedAction, ScopedPage, SignedIn
from kernel.clock import now
from kernel.errors import DomainError


class MyBudgets(ScopedPage):
    """The budgets that the reader's calls count in, each as a card."""

    template_name = "budgets/mine.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request).own()
        cards = cards_of(scope, self.reader, at=now(), is_mirrored=get_language_bidi())
        return super().get_context_data(cards=cards, is_mine=True, **kwargs)


class MyHistory(ScopedPage):
    """All that happened to the budgets that count the reader's calls."""

    template_name = "budgets/history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ids = list(budgets_counting(self.reader, at=now()).values_list("pk", flat=True))
        context = history_context(self.request, budget_ids=ids, reader=self.reader)
        return super().get_context_data(**context, **kwargs)


class MyHistoryFile(SignedIn):
    """The same as a file."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        ids = list(budgets_counting(self.reader, at=now()).values_list("pk", flat=True))
        return history_file(request, budget_ids=ids, reader=self.reader)


class Ask(SignedIn, FormView):
    """Ask for more of one budget that counts the reader's calls."""

    template_name = "budgets/ask.html"
    form_class = AskForm
    http_method_names = ["get", "head", "post", "options"]

    @property
    def _budget(self) -> Budget:
        mine = budgets_counting(self.reader, at=now()).select_related("user", "unit")
        budget = mine.filter(pk=self.kwargs["pk"]).first()
        if budget is None:
            raise Http404
        return budget

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        budget = self._budget
        figures = shown([budget], reader=self.reader)
        waiting = BudgetRequest.objects.filter(
            budget=budget, user=self.reader, state=RequestState.ASKED
        ).first()
        earlier = BudgetRequest.objects.filter(budget=budget, user=self.reader).exclude(
            state=RequestState.ASKED
        )
        return super().get_context_data(
            budget=figures[0] if figures else None,
            waiting=waiting,
            earlier=list(earlier.order_by("-asked_at")[:5]),
            **kwargs,
        )

    def get_form(self, form_class: Any = None) -> Any:
        budget = self._budget
        form = super().get_form(form_class)
        return with_unit(form, measure=budget.measure, currency=budget.currency)

    def form_valid(self, form: AskForm) -> HttpResponse:
        budget = self._budget
        typed = form.cleaned_data["amount"]
        try:
            ask(
                budget=budget,
                user=self.reader,
                asked=in_measure(typed, budget.measure) if typed else None,
                reason=form.cleaned_data["reason"],
                at=now(),
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            return self.form_invalid(form)
        messages.success(
            self.request, _("Your request is on its way. You will be told what was decided.")
        )
        return redirect("budgets:mine")


class Withdraw(ScopedAction):
    """Take one's own request back."""

    back_to = reverse_lazy("budgets:mine")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        mine = BudgetRequest.objects.filter(user=self.reader)
        row = get_object_or_404(mine, pk=kwargs["pk"])
        withdraw(request=row, at=now(), by=self.reader.username)
        return _("Your request was withdrawn.")
