"""Budgets in words: their amounts, their periods, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from budgets.models import BudgetEvent, EventKind, Measure
from budgets.queries.shown import ShownBudget
from directory.models import User
from directory.templatetags.figures import duration, money, whole

register = template.Library()

PERIODS = {"day": _("Daily"), "week": _("Weekly"), "month": _("Monthly")}
MOODS = {"ok": _("within the budget"), "warning": _("nearly used up"), "over": _("used up")}
MOOD_SIGNS = {"ok": "good", "warning": "warn", "over": "bad"}

AMOUNTS = frozenset(
    {"amount", "base", "carried", "effective", "spent", "remaining", "from", "to", "residual"}
    | {"old_amount", "new_amount", "assigned"}
)
WORDS: dict[str, Promise] = {
    "amount": _("amount"),
    "assigned": _("assigned"),
    "base": _("assigned"),
    "by": _("by"),
    "calls": _("calls"),
    "carried": _("carried over"),
    "effective": _("to spend"),
    "extension": _("extension"),
    "flag": _("because of"),
    "from": _("from"),
    "line": _("line"),
    "messages": _("messages"),
    "new_amount": _("now"),
    "notice": _("notice"),
    "old_amount": _("before"),
    "reason": _("reason"),
    "recipient": _("to"),
    "remaining": _("left"),
    "residual": _("left"),
    "result": _("result"),
    "source": _("because of"),
    "spent": _("spent"),
    "to": _("to"),
    "user": _("member"),
}
SILENT = frozenset({"measure", "currency", "generation", "period", "starts_on", "until"})
FIGURES_OF_A_STEP = ("spent", "effective")
FIGURES_OF_AN_END = ("base", "carried", "spent", "remaining")


@register.filter
def in_measure(amount: int | None, budget: ShownBudget) -> str:
    """An amount of a budget: money of its currency, or talk time."""
    return _measured(amount, measure=budget.measure, currency=budget.currency)


def _measured(amount: int | None, *, measure: str, currency: str) -> str:
    if amount is None:
        return "—"
    return duration(amount) if measure == Measure.MINUTES else money(amount, currency)


@register.filter
def period_words(budget: ShownBudget) -> str:
    """The rhythm of a budget: Monthly."""
    return str(PERIODS.get(budget.period, budget.period))


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
def meter_value(budget: ShownBudget) -> int:
    """Spent as a whole percent between 0 and 100, for the bar."""
    return max(0, min(100, budget.percent_hundredths // 100))


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
    if event.made_by:
        parts.append(f"{_word('by')} {event.made_by}")
    return ", ".join(parts)


def _telling_keys(kind: str, details: Mapping[str, Any]) -> list[str]:
    if kind in (EventKind.THRESHOLD, EventKind.OVER_BUDGET):
        return [key for key in FIGURES_OF_A_STEP if key in details]
    if kind == EventKind.END_PERIOD:
        return [key for key in FIGURES_OF_AN_END if key in details]
    return [key for key in details if key in WORDS and key not in SILENT]


def _word(key: str) -> str:
    return str(WORDS.get(key, key))


def _percent_of(details: Mapping[str, Any]) -> str:
    return gettext("%(percent)s %%") % {"percent": details["percent"]}


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
    return str(value)


def _recipient(said: str, event: BudgetEvent, reader: User | None) -> str:
    """The addressee; `user` is the person the budget is for."""
    if said == "user":
        return gettext("the user")
    if reader is not None and event.budget.unit_id and said != reader.username:
        return gettext("another person")
    return said
