"""Phones and what happened to them, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django import template
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.models import User
from directory.templatetags.figures import ltr, moment
from phonelock.engine.flags import LockFlag
from phonelock.models import LockEventKind, PinEventKind
from phonelock.operations.endings import END_DATE, RECONCILER
from phonelock.operations.many import Outcome
from phonelock.operations.wishes import CHANGED_HANDS, SWEEPER
from phonelock.queries.history import PIN, PhoneEvent
from phonelock.queries.lines import PhoneState
from phonelock.queries.pins import pin_of

register = template.Library()

MACHINES: Final = frozenset({SWEEPER, RECONCILER, ""})
"""Names that stand in events and belong to nobody."""

BUDGET_OF: Final = "budget of "
"""How the reason of a budget's lock begins, as the sweep of wishes writes it."""

SET_WORDS: Final[dict[str, Promise]] = {
    LockFlag.ADMIN: _("Administrator's lock set"),
    LockFlag.BUDGET: _("Budget's lock set"),
    LockFlag.USER: _("Own lock set"),
    LockFlag.SESSION: _("Computer's lock set"),
}
LIFTED_WORDS: Final[dict[str, Promise]] = {
    LockFlag.ADMIN: _("Administrator's lock lifted"),
    LockFlag.BUDGET: _("Budget's lock lifted"),
    LockFlag.USER: _("Own lock lifted"),
    LockFlag.SESSION: _("Computer's lock lifted"),
}
SWITCH_WORDS: Final[dict[tuple[str, str], Promise]] = {
    (LockEventKind.CONFIRMED, "LOCKED"): _("The phone system confirmed: locked"),
    (LockEventKind.CONFIRMED, "UNLOCKED"): _("The phone system confirmed: unlocked"),
    (LockEventKind.DRIFT, "LOCKED"): _("Found locked at the phone system"),
    (LockEventKind.DRIFT, "UNLOCKED"): _("Found unlocked at the phone system"),
}
KIND_WORDS: Final[dict[str, Promise]] = {
    LockEventKind.CHANGED: _("Administrator's lock changed"),
    LockEventKind.FAILED: _("Not confirmed by the phone system"),
    LockEventKind.DRIFT: _("Changed at the phone system"),
    LockEventKind.CONFIRMED: _("Confirmed by the phone system"),
    PIN + PinEventKind.SET: _("PIN set"),
    PIN + PinEventKind.CHANGED: _("PIN changed"),
    PIN + PinEventKind.ONE_TIME: _("One-time PIN set"),
    PIN + PinEventKind.PAUSED: _("Too many wrong PINs: PIN refused for 15 minutes"),
}
MOODS: Final[dict[str, str]] = {
    LockEventKind.SET: "bad",
    LockEventKind.CHANGED: "info",
    LockEventKind.CLEARED: "good",
    LockEventKind.CONFIRMED: "quiet",
    LockEventKind.FAILED: "warn",
    LockEventKind.DRIFT: "warn",
    PIN + PinEventKind.PAUSED: "warn",
    PIN + PinEventKind.SET: "info",
    PIN + PinEventKind.CHANGED: "info",
    PIN + PinEventKind.ONE_TIME: "info",
}
REASONS: Final[dict[str, Promise]] = {
    END_DATE: _("its end had come"),
    CHANGED_HANDS: _("the line changed hands"),
    "period_end": _("the period ended"),
    "end_period": _("the period ended"),
    "override": _("the budget was overridden"),
    "adjusted": _("the budget was adjusted"),
    "changed": _("the budget was changed"),
    "corrected": _("a call was corrected"),
    "deleted": _("the budget was ended"),
    "left": _("no longer a member of the unit"),
    "excepted": _("excepted from the budget"),
    "own_budget": _("has a budget of his own"),
}
"""Codes that operations write where people write sentences."""
OUTCOMES: Final[dict[str, tuple[str, Promise]]] = {
    Outcome.ASKED: ("info", _("the phone system is asked")),
    Outcome.ALREADY: ("quiet", _("it was so before; nothing changed")),
    Outcome.STAYS_SO: (
        "quiet",
        _("locked before for another reason; now by the administrator too"),
    ),
    Outcome.STAYS_LOCKED: ("warn", _("lifted; another lock keeps it closed")),
    Outcome.NO_SWITCH: ("bad", _("refused: the phone system of this site has no lock set up")),
}


@register.simple_tag
def phone_timeline(events: Iterable[PhoneEvent], sees_works: object) -> list[dict[str, object]]:
    """Events as `components/timeline.html` takes them; what a switch said is not for everybody."""
    return [_entry(event, sees_works=bool(sees_works)) for event in events]


def _entry(event: PhoneEvent, *, sees_works: bool) -> dict[str, object]:
    return {
        "moment": event.moment,
        "words": _words(event),
        "by": "" if event.by in MACHINES else event.by_name or event.by,
        "detail": _detail(event, sees_works=sees_works),
        "mood": MOODS.get(event.kind, "quiet"),
    }


def _words(event: PhoneEvent) -> str:
    if event.kind == LockEventKind.SET:
        return str(SET_WORDS[event.flag])
    if event.kind == LockEventKind.CLEARED:
        return str(LIFTED_WORDS[event.flag])
    words = SWITCH_WORDS.get((event.kind, event.after)) or KIND_WORDS[event.kind]
    return str(words)


def _detail(event: PhoneEvent, *, sees_works: bool) -> SafeString | str:
    parts = []
    if event.line:
        parts.append(format_html(gettext("Extension {extension}"), extension=ltr(event.line)))
    if event.reason:
        parts.append(format_html("{}", why_words(event.reason)))
    if event.until is not None:
        parts.append(format_html(gettext("until {moment}"), moment=moment(event.until)))
    if sees_works and event.kind == LockEventKind.FAILED and event.result:
        parts.append(format_html("{}", event.result))
    if event.kind == LockEventKind.CLEARED and event.after == "LOCKED":
        parts.append(format_html("{}", gettext("stays locked for another reason")))
    if not parts:
        return ""
    return format_html(" · ".join(["{}"] * len(parts)), *parts)


@register.filter
def why_words(reason: str) -> str:
    """The reason of a lock: what somebody wrote, or what words of ours mean."""
    if reason.startswith(BUDGET_OF):
        return gettext("budget of %(name)s") % {"name": reason.removeprefix(BUDGET_OF)}
    return str(REASONS.get(reason, reason))


@register.filter
def outcome_words(outcome: str) -> str:
    """What became of one line of many."""
    return str(OUTCOMES[outcome][1])


@register.filter
def outcome_mood(outcome: str) -> str:
    """Whether that is good."""
    return OUTCOMES[outcome][0]


@register.simple_tag
def phone_padlock(phone: PhoneState) -> SafeString:
    """The component, with nothing else of the page in it: quick in a long list."""
    return render_to_string("components/padlock.html", {"phone": phone})


@register.simple_tag
def pin_words(user: User, at: datetime) -> str:
    """What the list may say of a PIN: that there is none, that it is to be changed, that it rests."""
    pin = pin_of(user, at=at)
    if pin.paused_until is not None:
        return gettext("paused")
    if pin.is_one_time:
        return gettext("one-time")
    return "" if pin.exists else gettext("none")
