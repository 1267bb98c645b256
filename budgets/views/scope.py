"""The budgets in scope: the list, the list as a file, and many changed at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from budgets.forms.acts import BulkForm, ListForm
from budgets.models import Budget
from budgets.operations.many import (
    MOST_AT_ONCE,
    Raised,
    amounts_of,
    delete_many,
    override_many,
    raise_many,
)
from budgets.queries.listing import SORTS, BudgetRow, budget_rows, listed_budgets
from budgets.queries.requests import may_assign
from budgets.queries.shown import budgets_in
from budgets.templatetags.budget_words import in_unit, kind_words, period_name, row_state
from budgets.views.base import MOST_EXPORTED, table_answer
from directory.models import Role
from directory.preferences import remembered_size
from directory.roles import role_of
from directory.scoping import Scope, request_scope
from directory.views.base import PAGE_SIZES, AdministratorsOnly, OverseersOnly, ScopedPage, page_of
from kernel.clock import now
from kernel.errors import DomainError

KEY_DIGITS = 19
"""A row's number has fewer digits."""
FILTER_KEYS = ("text", "kind", "period", "state", "sort")


def matching(scope: Scope, asked: QueryDict) -> QuerySet[Any, Any] | None:
    """The budgets that the address asks for; None if it asks for nonsense."""
    form = ListForm(asked)
    if not form.is_valid():
        return None
    return listed_budgets(scope, form.wanted(sort=sort_of(asked)))


def sort_of(asked: QueryDict) -> str:
    """The order asked for; by name if it is none of ours."""
    sort = asked.get("sort", "")
    return sort if sort.removeprefix("-") in SORTS else "for"


class BudgetsInScope(OverseersOnly, ScopedPage):
    """The budgets of the people and units that the reader looks after."""

    template_name = "budgets/in_scope.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope, asked = request_scope(self.request), self.request.GET
        size = remembered_size(self.request, "budgets", among=PAGE_SIZES, default=20)
        rows = matching(scope, asked)
        page = None
        found: Sequence[BudgetRow] = ()
        if rows is not None:
            listed = rows.select_related("user", "unit", "template__unit")
            page = page_of(self.request, listed, size=size)
            found = budget_rows(page.object_list)
        return super().get_context_data(
            form=ListForm(asked),
            page=page,
            rows=found,
            sizes=PAGE_SIZES,
            size=size,
            sort=sort_of(asked),
            kept=[("sort", asked["sort"])] if asked.get("sort") else [],
            matching=urlencode({key: asked[key] for key in FILTER_KEYS if asked.get(key)}),
            is_narrowed=any(asked.get(key) for key in FILTER_KEYS if key != "sort"),
            may_assign=may_assign(scope),
            may_change_many=role_of(self.reader) is Role.ADMIN,
            **kwargs,
        )


class BudgetsFile(OverseersOnly):
    """The list as the address has it, as CSV or XLSX."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = matching(request_scope(request), request.GET)
        if rows is None:
            return HttpResponse(status=400)
        listed = rows.select_related("user", "unit", "template__unit")[:MOST_EXPORTED]
        heads = [
            _("For"),
            _("Type"),
            _("Period"),
            _("Until date"),
            _("Unit"),
            _("Assigned"),
            _("Budget"),
            _("Spent"),
            _("Remaining"),
            _("Spent in percent"),
            _("State"),
        ]
        rows_of_file = (line_of(row) for row in budget_rows(listed))
        return table_answer(request, heads, rows_of_file, name="budgets", title=_("Budgets"))


def line_of(row: BudgetRow) -> tuple[Any, ...]:
    """One line of the file; figures as plain numbers in the unit named beside them."""
    shown = row.shown
    unit = row.currency if row.measure == "MONEY" else _("minutes")
    return (
        row.budget_for,
        kind_words(row),
        period_name(row.period),
        shown.until if shown else "",
        unit,
        in_unit(row.amount, row.measure),
        in_unit(shown.effective, row.measure) if shown else None,
        in_unit(shown.spent, row.measure) if shown else None,
        in_unit(shown.remaining, row.measure) if shown else None,
        in_unit(shown.percent_hundredths * 10_000, "MONEY") if shown else None,
        row_state(row) if shown else "",
    )


class Bulk(AdministratorsOnly):
    """Many budgets at once: first a page that names how many and what becomes of them."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        scope = request_scope(request)
        if not scope.may_change:
            raise PermissionDenied
        budgets = self._chosen(scope, request.POST)
        action = request.POST.get("action", "")
        back = f"{reverse('budgets:in_scope')}?{request.POST.get('matching', '')}"
        if not budgets or action not in ("raise", "override", "delete"):
            messages.error(request, _("Tick the budgets and say what to do with them."))
            return redirect(back)
        if len(budgets) > MOST_AT_ONCE:
            messages.error(
                request,
                _("These are too many at once: at most %(most)d. Narrow the list first.")
                % {"most": MOST_AT_ONCE},
            )
            return redirect(back)
        is_confirmed = request.POST.get("confirmed") == "yes"
        form = BulkForm(
            request.POST if is_confirmed else None,
            initial={"action": action, "seen": amounts_of(budgets)},
        )
        keep_fields(form, action)
        if is_confirmed and form.is_valid():
            self._do(request, budgets, form.cleaned_data)
            return redirect(back)
        return render(
            request,
            "budgets/bulk.html",
            {
                "action": action,
                "budgets": budgets[:20],
                "more": max(0, len(budgets) - 20),
                "count": len(budgets),
                "form": form,
                "back": back,
                "kept": [
                    ("confirmed", "yes"),
                    ("matching", request.POST.get("matching", "")),
                    *(("chosen", budget.pk) for budget in budgets),
                ],
            },
        )

    def _chosen(self, scope: Scope, asked: QueryDict) -> list[Budget]:
        """The budgets that were ticked, or all that match the list's filter."""
        rows: QuerySet[Any, Any]
        if asked.get("all") == "yes":
            found = matching(scope, QueryDict(asked.get("matching", "")))
            if found is None:
                return []
            rows = found
        else:
            ticked = asked.getlist("chosen")
            ids = [int(each) for each in ticked if each.isdecimal() and len(each) < KEY_DIGITS]
            rows = budgets_in(scope, with_templates=True).filter(pk__in=ids[: MOST_AT_ONCE + 1])
        return list(rows.select_related("user", "unit")[: MOST_AT_ONCE + 1])

    def _do(self, request: HttpRequest, budgets: list[Budget], words: dict[str, Any]) -> None:
        at, by = now(), self.reader.username
        try:
            if words["action"] == "raise":
                done = raise_many(
                    budgets=budgets, percent=words["percent"], at=at, by=by, seen=words["seen"]
                )
            elif words["action"] == "override":
                done = override_many(budgets=budgets, reason=words["reason"], at=at, by=by)
            else:
                done = delete_many(budgets=budgets, at=at, by=by)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return
        messages.success(request, told(done))


def told(done: Raised) -> str:
    """What many changes came to, in words."""
    said = ngettext(
        "%(count)d budget was changed.", "%(count)d budgets were changed.", done.changed
    ) % {"count": done.changed}
    if done.left_alone:
        said += " " + ngettext(
            "%(count)d was left as it is.", "%(count)d were left as they are.", done.left_alone
        ) % {"count": done.left_alone}
    return said


def keep_fields(form: BulkForm, action: str) -> None:
    """Ask only for what this action needs."""
    if action != "raise":
        del form.fields["percent"]
    if action != "override":
        del form.fields["reason"]
