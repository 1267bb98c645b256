"""The assignment wizard: four steps whose state is the address, one POST at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from budgets.engine.terms import Terms
from budgets.forms.assign import EventsForm, TermsForm, WhoForm
from budgets.models import Budget
from budgets.operations.assignments import assign
from budgets.queries.preview import preview
from budgets.queries.requests import may_assign
from directory.models import OrgUnit, Role, User
from directory.scoping import people_visible_to, request_scope, units_visible_to
from directory.views.base import OverseersOnly
from kernel.clock import now
from kernel.errors import DomainError

LAST = 4
WORDS = {
    1: gettext_lazy("For whom"),
    2: gettext_lazy("How much"),
    3: gettext_lazy("What happens when"),
    4: gettext_lazy("Check"),
}


@dataclass(slots=True)
class State:
    """The three forms as far as they were filled in. `ready` = the first one not yet right."""

    who: WhoForm
    terms: TermsForm
    events: EventsForm
    ready: int

    def form(self, step: int) -> Form:
        return (self.who, self.terms, self.events)[step - 1]

    @property
    def holder(self) -> User | OrgUnit:
        """Whom the budget is for; ask once step 1 is right."""
        found: User | OrgUnit = self.who.cleaned_data["holder"]
        return found

    @property
    def whole_terms(self) -> Terms:
        """The terms with their thresholds; ask once all is right."""
        return self.terms.terms(self.events.steps())


class Assign(OverseersOnly):
    """Assign a budget to a person, a unit, or each member of a unit."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if getattr(request, "directory_scope", None) is not None:
            scope = request_scope(request)
            if scope.role is not None and not may_assign(scope):
                raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = request.GET
        state = self._state(asked)
        wanted = int(asked["step"]) if asked.get("step", "") in {"1", "2", "3", "4"} else 1
        step = min(wanted, state.ready)
        return self._page(asked, state, step)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = request.POST
        state = self._state(asked)
        if state.ready < LAST:
            return self._page(asked, state, state.ready)
        try:
            budget = assign(
                holder=state.holder,
                terms=state.whole_terms,
                for_each_member=state.who.for_each_member,
                by=self.reader.username,
                at=now(),
            )
        except DomainError as refusal:
            return self._page(asked, state, LAST, refusal=refusal.message)
        messages.success(request, _("The budget was assigned and counts from now on."))
        return redirect("budgets:budget", budget.pk)

    def _state(self, asked: QueryDict) -> State:
        """The forms, filled in as far as the address goes."""
        scope = request_scope(self.request)
        people = people_visible_to(scope).filter(is_active=True)
        if scope.role is not Role.ADMIN:
            people = people.exclude(pk=self.reader.pk)
        reached = {n: asked.get(f"done{n}") == "1" for n in (1, 2, 3)}
        with_lock = bool(settings.LOCK_DRIVERS)
        who = WhoForm(
            asked if reached[1] else None,
            people=people,
            units=units_visible_to(scope),
            at=now(),
        )
        terms = TermsForm(asked if reached[2] else None)
        events = EventsForm(asked if reached[3] else None, with_lock=with_lock)
        ready = LAST
        for n, form in reversed(list(enumerate((who, terms, events), 1))):
            if not form.is_valid():
                ready = n
        return State(who, terms, events, ready)

    def _page(
        self,
        asked: QueryDict,
        state: State,
        step: int,
        *,
        refusal: str = "",
    ) -> HttpResponse:
        form = state.form(step) if step < LAST else None
        own = {*(form.fields if form else ()), "step", "csrfmiddlewaretoken", f"done{step}"}
        kept = [
            (name, value)
            for name, values in asked.lists()
            for value in values[-1 if name not in ("classes",) else 0 :]
            if name not in own
        ]
        context = {
            "step": step,
            "steps": self._steps(asked, state, step),
            "form": form,
            "kept": kept,
            "next_step": step + 1,
            "refusal": refusal,
            "back": self._address(asked, step - 1) if step > 1 else reverse("budgets:in_scope"),
            "holder": state.holder if state.ready > 1 else None,
            "for_each_member": state.ready > 1 and state.who.for_each_member,
            "candidates": state.who.candidates if step == 1 else (),
        }
        if step == LAST:
            context |= {
                "preview": preview(
                    holder=state.holder,
                    terms=state.whole_terms,
                    for_each_member=state.who.for_each_member,
                    at=now(),
                ),
                "terms": state.whole_terms,
                "draft": Budget(measure=state.whole_terms.measure, period=state.whole_terms.period),
            }
        is_wrong = self.request.method == "POST"
        return render(self.request, "budgets/assign.html", context, status=422 if is_wrong else 200)

    def _steps(self, asked: QueryDict, state: State, step: int) -> list[dict[str, Any]]:
        """The steps as a list above the form; those that are right are links."""
        return [
            {
                "number": number,
                "words": words,
                "is_here": number == step,
                "is_done": number < state.ready,
                "href": self._address(asked, number)
                if number <= state.ready and number != step
                else "",
            }
            for number, words in WORDS.items()
        ]

    def _address(self, asked: QueryDict, step: int) -> str:
        """This wizard at another step, with everything filled in so far."""
        parameters = asked.copy()
        parameters.pop("csrfmiddlewaretoken", None)
        parameters["step"] = str(step)
        return f"{reverse('budgets:assign')}?{parameters.urlencode()}"
