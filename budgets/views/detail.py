"""One budget: how it stands, who is in it, what happened, and what may be done."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from budgets.forms.acts import (
    AdjustForm,
    ChangeAmountForm,
    DeleteForm,
    ExceptionForm,
    OverrideForm,
    in_measure,
    with_unit,
)
from budgets.models import Budget, BudgetException, BudgetPeriod, PeriodState
from budgets.operations.adjusting import adjusted_so_far
from budgets.operations.assignments import (
    BadBudget,
    add_exceptions,
    adjust,
    change_amount,
    delete,
    override,
    remove_exceptions,
)
from budgets.queries.cards import Basis, basis_of, cards, cards_of
from budgets.queries.listing import BudgetRow, budget_rows
from budgets.queries.people import exceptions_of, member_rows, unit_members
from budgets.queries.requests import is_shared_with, may_decide
from budgets.queries.shown import Reach, budget_for, budgets_counting, budgets_in, reach_of
from budgets.views.base import (
    BudgetAction,
    history_context,
    history_file,
    refuse_own_share,
    with_locks,
)
from directory.models import Role, User
from directory.preferences import remembered_size
from directory.roles import OVERSEERS, role_of
from directory.scoping import people_visible_to, request_scope
from directory.views.base import (
    PAGE_SIZES,
    AdministratorsOnly,
    OverseersOnly,
    ScopedPage,
    SignedIn,
)
from kernel.clock import now

MOST_EXCEPTIONS = 100


class Found(NamedTuple):
    """A budget as a reader may see it.

    `trimmed_for` is the member whose eyes its history is trimmed for; None for those
    who look after the budget. `period` is the running one, if there is one.
    """

    budget: Budget
    period: BudgetPeriod | None
    trimmed_for: User | None
    reach: Reach | None = None


def budget_for_reader(request: HttpRequest, reader: User, pk: int) -> Found:
    """The budget with its running period: of those overseen, else of those that count him."""
    scope = request_scope(request)
    if role_of(reader) in OVERSEERS:
        found = _with_period(budgets_in(scope, with_templates=True).filter(pk=pk))
        if found is not None:
            return found
    reach = reach_of(reader, at=scope.at)
    found = _with_period(budgets_counting(reader, at=scope.at, reach=reach).filter(pk=pk))
    if found is None:
        raise Http404
    return found._replace(trimmed_for=reader, reach=reach)


def _with_period(budgets: QuerySet[Budget]) -> Found | None:
    running = BudgetPeriod.objects.filter(
        budget__in=budgets.order_by().values("pk"), state=PeriodState.OPEN
    )
    period = running.select_related("budget__user", "budget__unit").first()
    if period is not None:
        return Found(period.budget, period, None)
    budget = budgets.select_related("user", "unit").first()
    return Found(budget, None, None) if budget else None


class BudgetDetail(ScopedPage):
    """One budget with its people and its history."""

    template_name = "budgets/budget.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        looked_up = budget_for_reader(self.request, self.reader, kwargs["pk"])
        budget, period, trimmed_for = looked_up[:3]
        scope = request_scope(self.request)
        basis = basis_of([period]) if period and trimmed_for is None else None
        looks_after = trimmed_for is None and may_decide(scope, budget)
        shares = looks_after and is_shared_with(scope, budget)
        decides = looks_after and not shares
        is_admin = decides and scope.role is Role.ADMIN
        unit = {"measure": budget.measure, "currency": budget.currency}
        context = history_context(self.request, budget_ids=[budget.pk], reader=trimmed_for)
        return super().get_context_data(
            row=budget,
            budget_name=budget_for(budget),
            card=self._card(looked_up, basis),
            is_mine=trimmed_for is not None or budget.user_id == self.reader.pk,
            assigned=self._row(budget) if period is None else None,
            adjust_form=with_unit(AdjustForm(initial={"seen": adjusted_so_far(period)}), **unit)
            if decides and period
            else None,
            override_form=OverrideForm() if decides and period else None,
            amount_form=with_unit(ChangeAmountForm(initial={"seen": budget.amount}), **unit)
            if is_admin
            else None,
            delete_form=DeleteForm() if is_admin else None,
            exception_form=ExceptionForm() if decides and budget.unit_id else None,
            decides=decides,
            shares=shares,
            may_open=looks_after,
            not_about=self.reader.pk if scope.role is Role.SUPERVISOR else None,
            people=self._people(budget, basis) if trimmed_for is None else None,
            **context,
            **kwargs,
        )

    def _card(self, looked_up: Found, basis: Basis | None) -> object:
        """The card: as its person sees it; of a unit without anybody's own part."""
        scope, mirrored = request_scope(self.request), get_language_bidi()
        budget, trimmed_for = looked_up.budget, looked_up.trimmed_for
        if trimmed_for is not None:
            found = cards_of(
                scope.own(),
                trimmed_for,
                at=scope.at,
                only=budget.pk,
                is_mirrored=mirrored,
                reach=looked_up.reach,
            )
            return found[0] if found else None
        if basis is None:
            return None
        return cards(scope, basis, person=budget.user, at=now(), is_mirrored=mirrored)[0]

    def _row(self, budget: Budget) -> BudgetRow:
        return budget_rows([budget])[0]

    def _people(self, budget: Budget, basis: Basis | None) -> dict[str, Any] | None:
        """Who is under a unit's budget: members with their parts, and who is left out."""
        if budget.unit_id is None:
            return None
        size = remembered_size(
            self.request, "budget_members", among=PAGE_SIZES, default=20, key="rows"
        )
        period = basis.periods[0] if basis else None
        rows: Any
        if budget.for_each_member:
            rows = (
                Budget.objects.filter(template=budget, deleted_at__isnull=True)
                .select_related("user", "unit", "template__unit")
                .order_by("user__last_name", "user__username", "pk")
            )
        else:
            tree = basis.tree if basis else None
            rows = list(unit_members(budget, period, tree=tree, at=now()))
        page = Paginator(rows, size).get_page(self.request.GET.get("members"))
        found = list(page.object_list)
        return {
            "page": page,
            "budgets": budget_rows(found) if budget.for_each_member else None,
            "members": member_rows(period, basis.watched[period.pk], found)
            if basis is not None and period is not None
            else None,
            "exceptions": self._exceptions(budget, basis),
        }

    def _exceptions(self, budget: Budget, basis: Basis | None) -> list[BudgetException]:
        """Who is left out now, by name."""
        if basis is None:
            return list(exceptions_of(budget)[:MOST_EXCEPTIONS])
        rows = [each for each in basis.exceptions.get(budget.pk, ()) if each.until is None]
        rows.sort(key=lambda each: (each.user.last_name, each.user.username))
        return rows[:MOST_EXCEPTIONS]


class BudgetHistoryFile(SignedIn):
    """The history of one budget as a file."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        found = budget_for_reader(request, self.reader, kwargs["pk"])
        return history_file(request, budget_ids=[found.budget.pk], reader=found.trimmed_for)


class Decision(OverseersOnly, BudgetAction):
    """Something decided about others: supervisors look after them, and never after themselves."""

    @property
    def himself(self) -> User | None:
        """The reader, if his own budget is not for him to decide about."""
        return self.reader if request_scope(self.request).role is Role.SUPERVISOR else None

    def other(self, user: User) -> User:
        """`user`, if the reader may decide about him.

        Raises:
            BadBudget: else; about somebody out of sight in the words for nobody at all.
        """
        scope = request_scope(self.request)
        if not people_visible_to(scope).filter(pk=user.pk).exists():
            raise BadBudget(_("There is no user of that name."))
        if user == self.himself:
            raise BadBudget(_("You cannot decide about yourself."))
        return user


class Override(Decision):
    """Keep the phones open until the period ends, with a reason; all, or one member's."""

    form_class = OverrideForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        member = self.other(words["member"]) if words["member"] else None
        if member is None:
            refuse_own_share(request_scope(self.request), budget)
        if member is not None and budget.unit_id is None:
            raise BadBudget(_("Only a unit's budget has members."))
        override(
            budget=budget,
            reason=words["reason"],
            by=self.reader.username,
            at=now(),
            user=member,
            but=self.himself,
        )
        if member is not None:
            return _("The phones of %(name)s stay open until the period ends.") % {"name": member}
        return _("The phones stay open until the period ends.")


class Adjust(Decision):
    """More or less for the running period alone, with a reason."""

    form_class = AdjustForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        refuse_own_share(request_scope(self.request), budget)
        adjust(
            budget=budget,
            by_amount=in_measure(words["amount"], budget.measure),
            reason=words["reason"],
            by=self.reader.username,
            at=now(),
            but=self.himself,
            seen=words["seen"],
        )
        done = _("The running period was adjusted; the periods to come stay as they are.")
        return with_locks(done, budget, user=budget.user)


class ChangeAmount(AdministratorsOnly, BudgetAction):
    """Raise or cut what may be spent; thresholds and locks follow at once."""

    form_class = ChangeAmountForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        amount = in_measure(words["amount"], budget.measure)
        said = change_amount(
            budget=budget,
            amount=amount,
            by=self.reader.username,
            at=now(),
            seen=words["seen"],
        )
        done = _("The budget was changed.") if said else _("The budget was that already.")
        return with_locks(done, budget, user=budget.user)


class AddException(Decision):
    """Leave a member out of a unit's budget."""

    form_class = ExceptionForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        user = self.other(words["username"])
        refuse_own_share(request_scope(self.request), budget)
        new = add_exceptions(
            budget=budget,
            users=[user],
            reason=words["reason"],
            by=self.reader.username,
            at=now(),
        )
        if not new:
            return _("%(name)s was left out already.") % {"name": user}
        return _("%(name)s is left out of this budget from its running period on.") % {"name": user}


class RemoveException(AddException):
    """Count a member in again."""

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        user = self.other(words["username"])
        refuse_own_share(request_scope(self.request), budget)
        again = remove_exceptions(
            budget=budget,
            users=[user],
            reason=words["reason"],
            by=self.reader.username,
            at=now(),
        )
        if not again:
            return _("%(name)s was not left out.") % {"name": user}
        return _("%(name)s counts in this budget again.") % {"name": user}


class Delete(AdministratorsOnly, BudgetAction):
    """Give a budget up: its locks are lifted, its history stays."""

    form_class = DeleteForm

    def change(self, budget: Budget, words: dict[str, Any]) -> str:
        delete(budget=budget, by=self.reader.username, at=now())
        return _("The budget has ended; its history stays.")

    def way_back(self, request: HttpRequest) -> str:
        return reverse("budgets:in_scope")
