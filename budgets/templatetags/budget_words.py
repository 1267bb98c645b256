"""Budgets in words: their amounts, their periods, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from budgets.engine.terms import MS_PER_MINUTE
from budgets.forms.acts import KIND_WORDS
from budgets.models import Budget, BudgetEvent, EventKind, Measure
from budgets.queries.listing import BudgetRow
from budgets.queries.shown import ShownBudget
from directory.models import User
from directory.roles import is_administrator
from directory.templatetags.figures import duration, listed, money, money_short, percent, whole
from kernel.money import to_decimal

register = template.Library()

PERIODS = {"day": _("Daily"), "week": _("Weekly"), "month": _("Monthly")}
MOODS = {"ok": _("within the budget"), "warning": _("nearly used up"), "over": _("used up")}
MOOD_SIGNS = {"ok": "good", "warning": "warn", "over": "bad"}

AMOUNTS = frozenset(
    {"amount", "base", "carried", "effective", "spent", "remaining", "from", "to"}
    | {"old_amount", "new_amount", "adjusted", "added", "asked", "granted"}
)
WORDS: dict[str, Promise] = {
    "notice": _("notice"),
    "extension": _("extension"),
    "recipient": _("to"),
    "messages": _("messages"),
    "old_amount": _("before"),
    "new_amount": _("now"),
    "from": _("from"),
    "to": _("to"),
    "amount": _("amount"),
    "asked": _("asked for"),
    "granted": _("granted"),
    "added": _("added"),
    "base": _("assigned"),
    "carried": _("carried over"),
    "effective": _("to spend"),
    "spent": _("spent"),
    "remaining": _("left"),
    "calls": _("calls"),
    "changes": _("changed:"),
    "already_locked_by": _("locked before by"),
    "reason": _("reason:"),
    "because": _("because"),
    "result": _("result"),
    "user": _("member"),
    "by": _("by"),
}
"""What is told of an event, in this order; the database keeps the keys in none."""
CODES = frozenset({"notice", "reason", "because", "already_locked_by"})
"""Values that are words of ours, written with underscores; a reason may be a person's as well."""
OURS: dict[str, Promise] = {"budget": _("the budget"), "apply": _("set-up file")}
"""What acts in nobody's name, and is given as a reason too."""
FIGURES_OF_A_STEP = ("spent", "effective")
FIGURES_OF_AN_END = ("base", "carried", "spent", "remaining")


@register.filter
def in_measure(amount: int | None, budget: ShownBudget | Budget | BudgetRow) -> str:
    """An amount of a budget: money of its currency, or talk time."""
    return _measured(amount, measure=budget.measure, currency=budget.currency)


@register.filter
def at_a_glance(amount: int, budget: ShownBudget) -> SafeString | str:
    """An amount of a budget in a glance: money in the currency's own places, the exact one behind."""
    if budget.measure == Measure.MINUTES:
        return duration(amount)
    return money_short(amount, budget.currency)


@register.filter
def overspent(budget: ShownBudget) -> int:
    """What was spent beyond the budget; 0 while something is left."""
    return max(0, -budget.remaining)


def _measured(amount: int | None, *, measure: str, currency: str) -> str:
    if amount is None:
        return "—"
    return duration(amount) if measure == Measure.MINUTES else money(amount, currency)


@register.filter
def period_words(budget: ShownBudget) -> str:
    """The rhythm of a budget: Monthly."""
    return str(PERIODS.get(budget.period, budget.period))


@register.filter
def period_name(period: str) -> str:
    """The rhythm that `day`, `week` or `month` stands for."""
    return str(PERIODS.get(period, period))


@register.filter
def kind_words(row: BudgetRow) -> str:
    """Which of the four kinds of assignment a budget is."""
    return str(KIND_WORDS[row.kind])


@register.filter
def row_state(row: BudgetRow) -> str:
    """How a line of the list stands."""
    return mood_words(row.shown) if row.shown else ""


def in_unit(amount: int, measure: str) -> Decimal:
    """An amount as a plain number: units of the currency, or minutes to the hundredth."""
    if measure == Measure.MINUTES:
        return (Decimal(amount) / MS_PER_MINUTE).quantize(Decimal("0.01"))
    return to_decimal(amount).normalize() if amount else Decimal(0)


@register.filter
def plain_amount(amount: int, measure: str) -> str:
    """An amount as it is typed into a form."""
    return f"{in_unit(amount, measure):f}"


@register.filter
def mood_words(budget: ShownBudget) -> str:
    """How the budget stands."""
    return str(MOODS[budget.mood])


@register.filter
def mood_sign(budget: ShownBudget) -> str:
    """The class of the colour that goes with the words."""
    return MOOD_SIGNS[budget.mood]


@register.filter
def hundredths(value: int) -> Decimal:
    """Hundredths of a percent as percent."""
    return Decimal(value).scaleb(-2)


@register.filter
def percent_left(budget: ShownBudget) -> Decimal:
    """What is left in percent; negative where more was spent."""
    return hundredths(10_000 - budget.percent_hundredths)


@register.filter
def meter_value(budget: ShownBudget) -> int:
    """Spent as a whole percent between 0 and 100, for the bar."""
    return max(0, min(100, budget.percent_hundredths // 100))


EVENT_MOODS = {
    EventKind.OVER_BUDGET: "bad",
    EventKind.PHONE_LOCKED: "bad",
    EventKind.LOCK_FAILED: "bad",
    EventKind.REFUSED: "bad",
    EventKind.NOTIFY_FAILED: "bad",
    EventKind.THRESHOLD: "warn",
    EventKind.LOCK_SKIPPED: "warn",
    EventKind.LATE_CALLS: "warn",
    EventKind.PHONE_UNLOCKED: "good",
    EventKind.GRANTED: "good",
    EventKind.OVERRIDE: "good",
    EventKind.ADJUSTED: "info",
    EventKind.ASSIGNED: "info",
    EventKind.CHANGED: "info",
    EventKind.ASKED: "info",
}
OF_CALLS = frozenset(
    {EventKind.THRESHOLD, EventKind.OVER_BUDGET, EventKind.LATE_CALLS, EventKind.RERATED}
)


@register.filter
def event_mood(event: BudgetEvent) -> str:
    """The colour that goes with what happened; the words are beside it."""
    return EVENT_MOODS.get(EventKind(event.kind), "quiet")


@register.simple_tag(takes_context=True)
def event_link(context: template.Context, event: BudgetEvent) -> str:
    """Where more is told of an event: the period's calls until then, or the mail; or nowhere.

    The list of calls shows every reader his own scope, the outbox is the administrators'.
    """
    if event.kind in OF_CALLS:
        last = event.made_at.astimezone(event.budget.zone).date().isoformat()
        span = {
            "start": str(event.details.get("starts_on", last)),
            "end": min(last, str(event.details.get("until", last))),
            "traffic": "external",
        }
        return f"{reverse('cdr:calls')}?{urlencode(span)}"
    mail = event.details.get("mail")
    if isinstance(mail, int) and is_administrator(getattr(context.get("request"), "user", None)):
        return reverse("alarms:mail", args=[mail])
    return ""


BAR_LENGTH = 200
"""The bar of the component is drawn so long."""


@register.filter
def bar_width(budget: ShownBudget) -> int:
    """How much of the bar is filled."""
    return meter_value(budget) * BAR_LENGTH // 100


@register.filter
def bar_marks(budget: ShownBudget) -> list[int]:
    """Where the thresholds below 100 percent stand on the bar."""
    return [each * BAR_LENGTH // 100 for each in budget.thresholds if each < 100]


@register.simple_tag
def event_details(event: BudgetEvent, reader: User | None = None) -> str:
    """What an event says besides its kind, in words.

    With a `reader`, other people who were told about a shared budget stay unnamed.
    """
    details: Mapping[str, Any] = event.details
    parts = [_percent_of(details)] if "percent" in details else []
    keys = _telling_keys(event.kind, details)
    for key in keys:
        value = details[key]
        if key == "recipient":
            value = _recipient(str(value), event, reader)
        parts.append(f"{_word(key)} {_value(key, value, details)}")
    if event.user is not None and (reader is None or event.user == reader):
        parts.append(f"{_word('user')} {event.user}")
    if event.made_by and event.made_by != details.get("reason"):
        parts.append(f"{_word('by')} {OURS.get(event.made_by, event.made_by)}")
    return listed(parts)


def _telling_keys(kind: str, details: Mapping[str, Any]) -> list[str]:
    if kind in (EventKind.THRESHOLD, EventKind.OVER_BUDGET):
        return [key for key in FIGURES_OF_A_STEP if key in details]
    if kind == EventKind.END_PERIOD:
        return [key for key in FIGURES_OF_AN_END if key in details]
    return [key for key in WORDS if key in details]


def _word(key: str) -> str:
    return str(WORDS.get(key, key))


def _percent_of(details: Mapping[str, Any]) -> str:
    return percent(details["percent"])


def _value(key: str, value: Any, details: Mapping[str, Any]) -> str:
    if key in AMOUNTS and isinstance(value, int):
        return _measured(
            value,
            measure=str(details.get("measure", "")),
            currency=str(details.get("currency", "")),
        )
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return whole(value)
    if isinstance(value, list):
        return "; ".join(str(each) for each in value)
    if key in CODES:
        return str(OURS.get(value, str(value).replace("_", " ")))
    return str(value)


def _recipient(said: str, event: BudgetEvent, reader: User | None) -> str:
    """The addressee; `user` is the person the budget is for."""
    if said == "user":
        return gettext("the user")
    if reader is not None and event.budget.unit_id and said != reader.username:
        return gettext("another person")
    return said


RECIPIENTS: dict[str, Promise] = {
    "user": _("user"),
    "manager": _("manager"),
    "administrator": _("administrators"),
}


@register.filter
def recipient_words(name: str) -> str:
    """Who is told: a word of ours, or a mail address."""
    return str(RECIPIENTS.get(name, name))
