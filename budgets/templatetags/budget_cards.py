"""Cards in words and points: the forecast, the phones, the calls, the picture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from babel.dates import format_skeleton
from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from budgets.engine.counting import WhyNot
from budgets.engine.forecast import FEWEST_DAYS, Forecast, Foreseen, Outlook
from budgets.engine.picture import Picture, Point
from budgets.engine.terms import ROUNDED_TO
from budgets.models import BudgetRequest, PeriodKind, RequestState
from budgets.queries.cards import BudgetCard
from budgets.queries.own_calls import BudgetCall, MinutesLeft
from budgets.queries.phones import PhoneMood, PhoneState
from budgets.templatetags.budget_words import in_measure
from cdr.templatetags.call_words import class_words
from directory.modules import PHONE_LOCK, is_on
from directory.templatetags.figures import active_calendar, day, percent, whole

register = template.Library()

LABEL_GAP = 10

WHY_NOT: dict[WhyNot, Promise] = {
    WhyNot.RECEIVED: _("received: the caller pays"),
    WhyNot.INTERNAL: _("inside the company: costs nothing"),
    WhyNot.UNANSWERED: _("not answered: costs nothing"),
    WhyNot.EMERGENCY: _("emergency: never counts"),
    WhyNot.BEFORE: _("before this period began"),
    WhyNot.AFTER: _("after this period"),
    WhyNot.NOT_PAID: _("no outside connection to pay for"),
    WhyNot.OTHER_UNIT: _("made for another unit"),
    WhyNot.CLASS: _("a kind of call that this budget does not count"),
    WhyNot.UNRATED: _("has no price yet"),
    WhyNot.CURRENCY: _("in another currency than this budget"),
}
NO_LOCK: dict[str, Promise] = {
    "no_line": _("there is no phone of yours to lock"),
    "no_switch": _("your phone system cannot be locked from here"),
}
REQUEST_SIGNS = {
    RequestState.ASKED: "info",
    RequestState.GRANTED: "good",
    RequestState.REFUSED: "bad",
    RequestState.WITHDRAWN: "quiet",
}
FORECAST_SIGNS = {
    Outlook.UNKNOWN: "quiet",
    Outlook.USED_UP: "bad",
    Outlook.UNSURE: "quiet",
    Outlook.ENDS: "warn",
    Outlook.LASTS: "good",
}
PHONE_SIGNS = {
    PhoneMood.NEVER: "quiet",
    PhoneMood.OPEN: "good",
    PhoneMood.KEPT_OPEN: "good",
    PhoneMood.LOCKING: "warn",
    PhoneMood.LOCKED: "bad",
    PhoneMood.SKIPPED: "warn",
    PhoneMood.FAILED: "warn",
}


@register.filter
def points(places: Iterable[Point]) -> str:
    """Places of a drawing as SVG writes them."""
    return " ".join(str(each) for each in places)


@register.filter
def why_not_words(call: BudgetCall) -> str:
    """Why a call does not count."""
    return str(WHY_NOT[call.why_not]) if call.why_not else ""


@register.filter
def request_sign(request: BudgetRequest) -> str:
    """The class of the colour that goes with a request's state."""
    return REQUEST_SIGNS[RequestState(request.state)]


@register.filter
def forecast_sign(forecast: Forecast) -> str:
    """The class of the colour that goes with the forecast."""
    return FORECAST_SIGNS[forecast.outlook]


@register.filter
def forecast_words(card: BudgetCard) -> str:
    """The forecast in one sentence."""
    told, budget = card.forecast, card.budget
    if told.outlook is Outlook.USED_UP:
        return gettext("The budget is used up; it begins anew after %(day)s.") % {
            "day": day(budget.until)
        }
    if budget.period == PeriodKind.DAY and told.outlook is not Outlook.UNKNOWN:
        return (
            gettext("On a day like today it is usually used up before midnight.")
            if told.outlook is Outlook.ENDS
            else gettext("On a day like today it usually lasts until midnight.")
        )
    if told.outlook is Outlook.UNSURE:
        return gettext("The days were too different to foresee when the budget ends.")
    if told.outlook is Outlook.ENDS:
        return gettext("At this pace the budget ends about %(day)s.") % {"day": day(told.ends_on)}
    if told.outlook is Outlook.LASTS:
        return gettext("At this pace the budget lasts until the period ends.")
    return _too_few(told)


def _too_few(told: Forecast) -> str:
    wanting = max(1, FEWEST_DAYS - told.days_known)
    return ngettext(
        "Too early for a forecast: one more day with figures is needed.",
        "Too early for a forecast: %(count)s more days with figures are needed.",
        wanting,
    ) % {"count": whole(wanting)}


@register.filter
def forecast_range(card: BudgetCard) -> str:
    """How sure the forecast is, in one sentence; empty where there is nothing to say."""
    told = card.forecast
    if told.at_end is None or card.budget.period == PeriodKind.DAY:
        return ""
    if told.outlook is Outlook.UNSURE:
        return gettext("It may end any day, or last until the period ends.")
    return _range_of_end(told) if told.outlook is Outlook.ENDS else _range_of_sum(card, told.at_end)


def _range_of_end(told: Forecast) -> str:
    early, late = day(told.earliest), day(told.latest)
    if told.latest is None:
        return gettext("Hardly before %(early)s, and perhaps not in this period.") % {
            "early": early
        }
    if told.earliest == told.latest:
        return gettext("Quite sure: the days before were much alike.")
    return gettext("Four times in five between %(early)s and %(late)s.") % {
        "early": early,
        "late": late,
    }


def _range_of_sum(card: BudgetCard, at_end: Foreseen) -> str:
    if card.forecast.earliest is not None:
        return gettext(
            "About %(sum)s by then; with costlier days than usual it may end from %(early)s on."
        ) % {"sum": about(at_end.expected, card), "early": day(card.forecast.earliest)}
    return gettext("About %(sum)s by then, four times in five between %(low)s and %(high)s.") % {
        "sum": about(at_end.expected, card),
        "low": about(at_end.low, card),
        "high": about(at_end.high, card),
    }


def _round(amount: int, measure: str) -> int:
    """An estimate to the whole cent or minute: more places would pretend to know more."""
    step = ROUNDED_TO[measure]
    return amount // step * step


@register.filter
def about(amount: int, card: BudgetCard) -> str:
    """An estimated amount: to the cent, or to the minute."""
    return in_measure(_round(amount, card.budget.measure), card.budget)


@register.filter
def picture_summary(card: BudgetCard) -> str:
    """The picture in one sentence, for those who do not see it."""
    budget, picture = card.budget, card.picture
    if picture is None:
        return ""
    return gettext(
        "%(spent)s of %(budget)s spent by %(today)s; an even pace would stand at %(even)s."
        " %(forecast)s"
    ) % {
        "spent": in_measure(budget.spent, budget),
        "budget": in_measure(budget.effective, budget),
        "today": day(card.today),
        "even": about(picture.even_today, card),
        "forecast": forecast_words(card),
    }


@register.filter
def minutes_words(left: MinutesLeft) -> str:
    """About so many minutes of one class."""
    return ngettext(
        "about %(count)s minute (%(kind)s)",
        "about %(count)s minutes (%(kind)s)",
        left.minutes,
    ) % {"count": whole(left.minutes), "kind": class_words(left.number_class)}


@register.filter
def phone_sign(phone: PhoneState) -> str:
    """The class of the colour that goes with the words."""
    return "bad" if phone.is_elsewhere and not phone.is_locked else PHONE_SIGNS[phone.mood]


@register.filter
def phone_icon(phone: PhoneState) -> str:
    """The padlock that goes with the words."""
    if phone.is_locked or phone.is_elsewhere:
        return "lock"
    return "lock-open"


@register.filter
def phone_words(phone: PhoneState) -> str:
    """How the reader's phones stand with a budget, in few words."""
    if phone.is_elsewhere and not phone.is_locked:
        return gettext("locked by another budget")
    words: dict[PhoneMood, Promise] = {
        PhoneMood.NEVER: _("this budget never locks"),
        PhoneMood.OPEN: _("not locked by this budget"),
        PhoneMood.KEPT_OPEN: _("kept open until the period ends"),
        PhoneMood.LOCKING: _("being locked by this budget"),
        PhoneMood.LOCKED: _("locked by this budget"),
        PhoneMood.SKIPPED: _("should be locked"),
        PhoneMood.FAILED: _("lock not confirmed"),
    }
    return str(words[phone.mood])


@register.filter
def phone_reason(card: BudgetCard) -> str:
    """Why the phones stand so, and what to do."""
    phone, budget = card.phone, card.budget
    if phone.mood is PhoneMood.SKIPPED:
        why = NO_LOCK.get(phone.reason)
        return (
            str(why)
            if why
            else gettext("The lock could not be put on: %(why)s.")
            % {"why": phone.reason.replace("_", " ")}
        )
    if phone.is_locked:
        return gettext(
            "The budget is used up. Calls outside are stopped until %(day)s; calls inside the"
            " company and emergency calls work."
        ) % {"day": day(budget.until)}
    if phone.is_elsewhere:
        return gettext("Look at the budget that is used up, or ask for more there.")
    if phone.mood is PhoneMood.OPEN and budget.lock_percent is not None:
        return gettext("It would lock at %(percent)s of the budget.") % {
            "percent": percent(budget.lock_percent)
        }
    if phone.mood is PhoneMood.KEPT_OPEN:
        return gettext("Somebody answered for it: see the history.")
    return ""


@register.filter
def short_day(value: date) -> str:
    """A day without its year, for the ends of an axis; its own direction in a drawing."""
    words = format_skeleton("MMMd", value, locale=active_calendar())
    return f"\N{FIRST STRONG ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}"


@register.filter
def label_place(picture: Picture) -> int:
    """Where the labels of the marks stand: behind the last day."""
    return picture.plot_end + (-LABEL_GAP if picture.is_mirrored else LABEL_GAP)


@register.filter
def start_anchor(picture: Picture) -> str:
    """How a label hangs at the first day, in a drawing that runs left to right or back."""
    return "end" if picture.is_mirrored else "start"


@register.filter
def end_anchor(picture: Picture) -> str:
    """How a label hangs at the last day."""
    return "start" if picture.is_mirrored else "end"


@register.simple_tag
def locks_exist() -> bool:
    """Whether phones can be locked in this installation at all."""
    return is_on(PHONE_LOCK)
