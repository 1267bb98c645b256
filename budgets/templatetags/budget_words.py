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
    {"amount", "base", "carried", "effective", "spent", "remaining", "from", "to"}
    | {"old_amount", "new_amount"}
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
    "base": _("assigned"),
    "carried": _("carried over"),
    "effective": _("to spend"),
    "spent": _("spent"),
    "remaining": _("left"),
    "calls": _("calls"),
    "changes": _("changed:"),
    "already_locked_by": _("locked before by"),
    "reason": _("reason"),
    "because": _("because"),
    "result": _("result"),
    "user": _("member"),
    "by": _("by"),
}
"""What is told of an event, in this order; the database keeps the keys in none."""
CODES = frozenset({"notice", "reason", "because", "already_locked_by"})
"""Values that are words of ours, written with underscores; a reason may be a person's as well."""
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
    return [key for key in WORDS if key in details]


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
    if isinstance(value, list):
        return "; ".join(str(each) for each in value)
    return str(value).replace("_", " ") if key in CODES else str(value)


def _recipient(said: str, event: BudgetEvent, reader: User | None) -> str:
    """The addressee; `user` is the person the budget is for."""
    if said == "user":
        return gettext("the user")
    if reader is not None and event.budget.unit_id and said != reader.username:
        return gettext("another person")
    return said
