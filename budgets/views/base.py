"""What the pages of budgets share: which budget, who may decide, the history part."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Window
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from budgets.forms.acts import HistoryForm
from budgets.models import Budget
from budgets.operations.assignments import BadBudget
from budgets.queries.phones import still_locked
from budgets.queries.requests import is_shared_with, may_decide
from budgets.queries.shown import budgets_in, history
from budgets.templatetags.budget_words import event_details, in_measure
from directory.models import User
from directory.preferences import remembered_size
from directory.reader import page_zone
from directory.scoping import Scope, request_scope
from directory.spreadsheets import CONTENT_TYPES, Cell, csv_file, xlsx_file
from directory.views.base import PAGE_SIZES, ScopedAction
from kernel.errors import DomainError

MOST_EXPORTED = 20_000


class SharedByDecider(DomainError):
    """Whoever decides would have more to spend himself."""

    code = "shared_by_decider"


def refuse_own_share(scope: Scope, budget: Budget) -> None:
    """Nobody who shares a budget decides how much there is of it.

    Raises:
        SharedByDecider: if it counts the calls of a reader who supervises.
    """
    if is_shared_with(scope, budget):
        raise SharedByDecider(
            _("This budget counts your own calls as well, so an administrator decides about it.")
        )


def with_locks(words: str, budget: Budget, *, user: User | None) -> str:
    """What was done, and what is still missing where it does not open the phones."""
    still = still_locked(budget, user=user)
    if still is None:
        return words
    if still.missing is None:
        rest = _("The phone stays locked all the same, by another budget.")
    else:
        missing = in_measure(still.missing, budget)
        rest = (
            _("That is not enough: the phone stays locked until %(amount)s more is added.")
            if user is not None
            else _("That is not enough: phones stay locked until %(amount)s more is added.")
        ) % {"amount": missing}
    return f"{words} {rest}"


def words_of(form: Form) -> dict[str, Any]:
    """The checked words of a form.

    Raises:
        BadBudget: with all that is wrong.
    """
    if form.is_valid():
        return form.cleaned_data
    raise BadBudget(" ".join(str(each) for errors in form.errors.values() for each in errors))


class BudgetAction(ScopedAction):
    """Something done to one budget in scope, by a form; the answer is on its page."""

    form_class: ClassVar[type[Form]]
    with_templates: ClassVar[bool] = True

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        scope = request_scope(request)
        rows = budgets_in(scope, with_templates=self.with_templates)
        budget = get_object_or_404(rows, pk=kwargs["pk"])
        if not may_decide(scope, budget):
            raise PermissionDenied
        return self.change(budget, words_of(self.form_class(request.POST)))

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        """Do it and say what was done."""
        raise NotImplementedError

    def way_back(self, request: HttpRequest) -> str:
        return reverse("budgets:budget", args=[self.kwargs["pk"]])


def counted_page(rows: QuerySet[Any, Any], *, number: str, size: int) -> Page[Any]:
    """A numbered page whose rows bring the count with them: one question instead of two."""
    paginator = Paginator(rows, size)
    wanted = int(number) if number.isdecimal() and len(number) < 8 and int(number) else 1
    counted = rows.annotate(all_rows=Window(Count("pk")))
    found = list(counted[(wanted - 1) * size : wanted * size])
    if not found:
        return paginator.get_page(number)
    paginator.__dict__["count"] = found[0].all_rows
    return Page(found, wanted, paginator)


def history_context(
    request: HttpRequest, *, budget_ids: Collection[int], reader: User | None
) -> dict[str, Any]:
    """What the history part of a page needs: its filter and one page of events."""
    form = HistoryForm(request.GET)
    oldest_first = request.GET.get("order") == "oldest"
    size = remembered_size(request, "budget_history", among=PAGE_SIZES, default=10)
    page = None
    if form.is_valid():
        wanted = form.wanted(zone=page_zone(), oldest_first=oldest_first)
        rows = history(budget_ids=budget_ids, reader=reader, wanted=wanted)
        page = counted_page(rows, number=request.GET.get("page", "1"), size=size)
    return {
        "form": form,
        "page": page,
        "sizes": PAGE_SIZES,
        "size": size,
        "oldest_first": oldest_first,
        "event_reader": reader,
    }


def history_file(
    request: HttpRequest, *, budget_ids: Collection[int], reader: User | None
) -> HttpResponse:
    """The history as the filter in the address has it, as a file."""
    form = HistoryForm(request.GET)
    if not form.is_valid():
        return HttpResponse(status=400)
    wanted = form.wanted(zone=page_zone(), oldest_first=request.GET.get("order") == "oldest")
    events = history(budget_ids=budget_ids, reader=reader, wanted=wanted)[:MOST_EXPORTED]
    rows = (
        (
            timezone.localtime(event.made_at),
            str(event.budget.user or event.budget.unit),
            event.get_kind_display(),
            event_details(event, reader),
        )
        for event in events
    )
    heads = [
        translation.gettext("Date time"),
        translation.gettext("Budget for"),
        translation.gettext("Action"),
        translation.gettext("Details"),
    ]
    return table_answer(
        request, heads, rows, name="budget-history", title=translation.gettext("History")
    )


def table_answer(
    request: HttpRequest, heads: list[str], rows: Any, *, name: str, title: str
) -> HttpResponse:
    """A list as a file to keep: CSV, or XLSX (its sheet called `title`) where that is asked for."""
    cells: list[tuple[Cell, ...]] = [tuple(row) for row in rows]
    if request.GET.get("format") == "xlsx":
        body = xlsx_file(heads, cells, name=title, is_mirrored=translation.get_language_bidi())
        ending = "xlsx"
    else:
        body = csv_file(heads, cells)
        ending = "csv"
    answer = HttpResponse(body, content_type=CONTENT_TYPES[ending])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return answer
