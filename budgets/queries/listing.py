"""The list of budgets: narrowed, sorted, page by page, in few questions.

Sorting by what is spent and filtering by state need every budget's sum, so the
database adds up the people's where their rows lie; the few units' are handed to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Exists,
    ExpressionWrapper,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models import Sum as SumOf
from django.db.models.functions import Coalesce, Concat, StrIndex

from budgets.models import Budget, BudgetPeriod, Measure, PeriodState, Threshold
from budgets.queries.days import sums_by_days
from budgets.queries.shown import ShownBudget, budget_for, budgets_in, shown
from budgets.queries.sums import watched_of
from cdr.engine.classes import EMERGENCY
from cdr.models import UsageTotal
from directory.scoping import Scope

Kind = Literal["personal", "member", "cumulative", "each"]

KINDS: Final[dict[str, Q]] = {
    "personal": Q(user__isnull=False, template__isnull=True),
    "member": Q(user__isnull=False, template__isnull=False),
    "cumulative": Q(unit__isnull=False, for_each_member=False),
    "each": Q(unit__isnull=False, for_each_member=True),
}
SORTS: Final[dict[str, tuple[str, ...]]] = {
    "for": ("user__last_name", "user__username", "unit__path"),
    "period": ("period", "running__starts_on"),
    "assigned": ("measure", "currency", "amount"),
    "spent": ("measure", "currency", "spent_now"),
    "left": ("left_now",),
}
_NEEDS_SUMS: Final = ("spent", "left")
MOST_WORDS: Final = 5


@dataclass(frozen=True, slots=True)
class BudgetFilter:
    """What a reader narrows the list down to; `sort` begins with - where it descends."""

    text: str = ""
    kind: str = ""
    period: str = ""
    state: str = ""
    sort: str = "for"


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One line of the list. Without a running period (one for each member) `shown` is None."""

    id: int
    budget_for: str
    kind: Kind
    of_unit: str
    period: str
    measure: str
    currency: str
    amount: int
    members: int
    shown: ShownBudget | None


def kind_of(budget: Budget) -> Kind:
    """Which of the four kinds of assignment (domain 8.1) the budget is."""
    if budget.user_id is not None:
        return "personal" if budget.template_id is None else "member"
    return "each" if budget.for_each_member else "cumulative"


def listed_budgets(scope: Scope, wanted: BudgetFilter) -> QuerySet[Any, Any]:
    """The budgets in `scope` that match, in the order asked for."""
    running = FilteredRelation("periods", condition=Q(periods__state=PeriodState.OPEN))
    budgets: QuerySet[Any, Any] = budgets_in(scope, with_templates=True).annotate(running=running)
    if wanted.kind in KINDS:
        budgets = budgets.filter(KINDS[wanted.kind])
    if wanted.period:
        budgets = budgets.filter(period=wanted.period)
    for word in wanted.text.split()[:MOST_WORDS]:
        budgets = budgets.filter(
            Q(unit__path__icontains=word)
            | Q(user__username__icontains=word)
            | Q(user__first_name__icontains=word)
            | Q(user__last_name__icontains=word)
        )
    name = wanted.sort.removeprefix("-")
    if name in _NEEDS_SUMS or wanted.state in ("ok", "warning", "over"):
        budgets = _with_sums(budgets)
    if wanted.state:
        budgets = _in_state(budgets, wanted.state)
    falls = wanted.sort.startswith("-")
    keys = SORTS.get(name, SORTS["for"])
    order = [F(key).desc(nulls_last=True) if falls else F(key).asc(nulls_last=True) for key in keys]
    return budgets.order_by(*order, "pk")


def _in_state(budgets: QuerySet[Any, Any], state: str) -> QuerySet[Any, Any]:
    """The rule of `engine.thresholds.mood` in the database's words."""
    if state == "locked":
        return budgets.filter(running__is_locking=True)
    if state == "kept_open":
        return budgets.filter(running__is_overridden=True)
    over = (
        Q(effective_now__gt=0, spent_now__gte=F("effective_now"))
        | Q(effective_now=0, spent_now__gt=0)
        | Q(effective_now__lt=0, spent_now__gte=0)
    )
    running = budgets.filter(running__pk__isnull=False)
    if state == "over":
        return running.filter(over)
    steps = Threshold.objects.filter(budget=Coalesce(OuterRef("template_id"), OuterRef("pk")))
    running = running.annotate(
        first_step=Subquery(steps.order_by("percent").values("percent")[:1]),
        spent_hundredfold=F("spent_now") * 100,
        reached_from=F("first_step") * F("effective_now"),
    )
    warned = Q(effective_now__gt=0, spent_hundredfold__gte=F("reached_from")) | (
        Q(effective_now=0) & Exists(steps.filter(lock=True))
    )
    standing: QuerySet[Any, Any] = running.filter(~over)
    if state == "warning":
        return standing.filter(warned)
    return standing.filter(Q(first_step__isnull=True) | ~warned)


def _with_sums(budgets: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Each budget's `spent_now`, `effective_now` and `left_now` (hundredths of a percent)."""
    units = BudgetPeriod.objects.filter(
        state=PeriodState.OPEN,
        budget__in=budgets.filter(unit__isnull=False).order_by().values("pk"),
    ).select_related("budget__unit")
    periods = {each.pk: each.budget_id for each in units}
    spent = sums_by_days(watched_of(units)) if periods else {}
    of_units = [
        When(pk=periods[period_id], then=Value(found.amount, BigIntegerField()))
        for period_id, found in spent.items()
    ]
    of_people = Case(
        When(measure=Measure.MINUTES, then=_spent_of_user("paid_talk_ms", of_currency=False)),
        default=_spent_of_user("charge_micros", of_currency=True),
        output_field=BigIntegerField(),
    )
    spent_now: Any = of_people
    if of_units:
        spent_now = Case(*of_units, default=of_people, output_field=BigIntegerField())
    effective = F("running__base") + F("running__carried") + F("running__adjusted")
    summed: QuerySet[Any, Any] = (
        budgets.annotate(effective_now=effective)
        .annotate(
            spent_now=Case(
                When(
                    running__pk__isnull=False,
                    then=Coalesce(spent_now, Value(0), output_field=BigIntegerField()),
                ),
                output_field=BigIntegerField(),
            )
        )
        .annotate(
            left_now=Case(
                When(
                    effective_now__gt=0,
                    then=Value(10_000) - F("spent_now") * 10_000 / F("effective_now"),
                ),
                When(effective_now__isnull=False, then=Value(0)),
                output_field=BigIntegerField(),
            )
        )
    )
    return summed


def _spent_of_user(field: str, *, of_currency: bool) -> Subquery:
    rows = UsageTotal.objects.filter(
        user_key=OuterRef("user_id"),
        local_date__gte=OuterRef("running__starts_on"),
        local_date__lt=OuterRef("running__ends_before"),
    ).exclude(number_class=EMERGENCY)
    if of_currency:
        rows = rows.filter(currency=OuterRef("currency"))
    key = ExpressionWrapper(OuterRef("classes_key"), output_field=CharField())
    rows = rows.annotate(
        chosen=Concat(Value(","), key, Value(","), output_field=CharField()),
        own=Concat(Value(","), F("number_class"), Value(","), output_field=CharField()),
    ).annotate(place=StrIndex("chosen", "own"))
    rows = rows.filter(Q(chosen=",,") | Q(place__gt=0))
    summed = rows.order_by().values("user_key").annotate(total=SumOf(field)).values("total")
    return Subquery(summed, output_field=BigIntegerField())


def budget_rows(budgets: Iterable[Budget]) -> list[BudgetRow]:
    """These budgets as lines of the list, in their order. Give them with user and unit."""
    budgets = list(budgets)
    running = [each for each in budgets if not each.for_each_member]
    summed = {each.pk: getattr(each, "spent_now", None) for each in running}
    known = {key: spent for key, spent in summed.items() if spent is not None}
    found = {
        each.id: each
        for each in shown(running, known=known if len(known) == len(running) else None)
    }
    templates = [each.pk for each in budgets if each.for_each_member]
    members: dict[int | None, int] = {}
    if templates:
        live = Budget.objects.filter(template__in=templates, deleted_at__isnull=True)
        for template_id in live.values_list("template_id", flat=True):
            members[template_id] = members.get(template_id, 0) + 1
    return [
        BudgetRow(
            id=budget.pk,
            budget_for=budget_for(budget),
            kind=kind_of(budget),
            of_unit=budget.template.unit.path
            if budget.template is not None and budget.template.unit is not None
            else "",
            period=budget.period,
            measure=budget.measure,
            currency=budget.currency,
            amount=budget.amount,
            members=members.get(budget.pk, 0),
            shown=found.get(budget.pk),
        )
        for budget in budgets
    ]
