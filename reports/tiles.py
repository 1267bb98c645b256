"""The figures of the home page as tiles: value, change in words, and the calls behind it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from babel.dates import format_interval
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext

from cdr.queries.usage import Days
from directory.templatetags.figures import (
    NOTHING,
    active_calendar,
    duration,
    money_short,
    percent,
    whole,
)
from reports.queries.month import MonthFigures

WORTH_A_FIGURE = 1000
"""A change of more than so many percent says nothing as a figure."""
Tile = dict[str, Any]


def home_tiles(figures: MonthFigures, *, whose: str) -> list[Tile]:
    """The five figures (domain 13), in their order."""
    return [
        _cost(figures, whose),
        _answered(figures, whose),
        _talk(figures, whose),
        _time_to_answer(figures, whose),
        _missed(figures, whose),
    ]


def calls_behind(whose: str, **wanted: str) -> str:
    """The address of the calls behind a figure."""
    asked = wanted | ({"whose": whose} if whose else {})
    return f"{reverse('cdr:calls')}?{urlencode(asked)}"


def _cost(figures: MonthFigures, whose: str) -> Tile:
    sums = figures.now
    amounts = [(money_short(micros, currency),) for currency, micros in sums.costs.items()]
    note = ""
    if sums.unrated:
        note = ngettext(
            "and %(count)s call not rated", "and %(count)s calls not rated", sums.unrated
        ) % {"count": whole(sums.unrated)}
    tile = {
        "label": gettext("Cost"),
        "value": format_html_join("\n", "{}", amounts) or NOTHING,
        "is_long": len(amounts) > 1,
        "note": note,
        "definition": "month_cost",
        "href": calls_behind(whose, period="this_month"),
        "icon": "coin",
    }
    currencies = set(sums.costs) | set(figures.before.costs)
    if len(currencies) == 1:
        (currency,) = currencies
        now, before = sums.costs.get(currency, 0), figures.before.costs.get(currency, 0)
        tile |= _compared(now, before, more="bad")
    return tile


def _answered(figures: MonthFigures, whose: str) -> Tile:
    sums = figures.now
    split = {name: whole(count) for name, count in sums.answered_by_direction.items()}
    note = gettext(
        "%(incoming)s in, %(outgoing)s out, %(internal)s internal; %(calls)s with unanswered calls"
    ) % (split | {"calls": whole(sums.calls)})
    return {
        "label": gettext("Answered calls"),
        "value": whole(sums.answered),
        "note": note if sums.calls else "",
        "definition": "month_answered",
        "href": calls_behind(whose, period="this_month", answered="yes"),
        "icon": "phone",
    } | _compared(sums.answered, figures.before.answered)


def _talk(figures: MonthFigures, whose: str) -> Tile:
    note = ""
    if figures.median_talk_ms is not None:
        note = gettext("half of them shorter than %(median)s") % {
            "median": duration(figures.median_talk_ms)
        }
    return {
        "label": gettext("Average call"),
        "value": _lasting(figures.now.talk_ms),
        "note": note,
        "definition": "month_talk",
        "href": calls_behind(whose, period="this_month", answered="yes"),
        "icon": "clock",
    } | _compared(figures.now.talk_ms, figures.before.talk_ms)


def _time_to_answer(figures: MonthFigures, whose: str) -> Tile:
    return {
        "label": gettext("Time to answer"),
        "value": _lasting(figures.now.answer_ms),
        "definition": "month_answer",
        "href": calls_behind(whose, period="this_month", kind="incoming"),
        "icon": "bell",
    } | _compared(figures.now.answer_ms, figures.before.answer_ms, more="bad")


def _missed(figures: MonthFigures, whose: str) -> Tile:
    if not figures.missed:
        note = gettext("no missed calls today")
    elif not figures.missed_open:
        note = gettext("every caller was spoken with since")
    else:
        note = ngettext(
            "%(count)s still to call back", "%(count)s still to call back", figures.missed_open
        ) % {"count": whole(figures.missed_open)}
    asked = f"?{urlencode({'whose': whose})}" if whose else ""
    return {
        "label": gettext("Missed today"),
        "value": whole(figures.missed),
        "note": note,
        "definition": "missed_today",
        "href": reverse("reports:missed") + asked,
        "icon": "phone-x",
    } | _against_yesterday(figures.missed - figures.missed_before)


def _lasting(milliseconds: int | None) -> str:
    return NOTHING if milliseconds is None else duration(milliseconds)


def _compared(now: int | None, before: int | None, *, more: str = "quiet") -> Tile:
    """The change against the same days of the month before: sign, figure and word.

    `more` is the mood in which a growth is told; a growth that is bad is good the other way.
    """
    if before is None or now is None or (not before and not now):
        return {}
    if not before:
        return {"change": gettext("none before"), "mood": "quiet"}
    change = round(100 * (now - before) / before)
    if not change:
        return {"change": gettext("unchanged"), "mood": "quiet"}
    if change >= WORTH_A_FIGURE:
        return {"change": gettext("▲ far more"), "mood": more}
    words = gettext("▲ %(change)s more")
    if change < 0:
        words = gettext("▼ %(change)s less")
    less = {"bad": "good"}.get(more, "quiet")
    return {
        "change": words % {"change": percent(abs(change))},
        "mood": more if change > 0 else less,
    }


def _against_yesterday(difference: int) -> Tile:
    if not difference:
        return {"change": gettext("as many as yesterday by this hour"), "mood": "quiet"}
    words = gettext("▲ %(change)s more than yesterday by this hour")
    if difference < 0:
        words = gettext("▼ %(change)s less than yesterday by this hour")
    return {
        "change": words % {"change": whole(abs(difference))},
        "mood": "bad" if difference > 0 else "good",
    }


def compared_days(figures: MonthFigures) -> dict[str, str]:
    """The days that are summed and those they are compared with, in the reader's language."""
    return {"days": _interval(figures.days), "before": _interval(figures.days_before)}


def _interval(days: Days) -> str:
    words = format_interval(days.first, days.last, "MMMd", locale=active_calendar())
    return f"\N{FIRST STRONG ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}"
