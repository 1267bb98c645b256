"""The way round the pages: what each role finds in the bar. What is not listed is not shown.

Hiding is courtesy only; every page checks for itself (`directory.views`).
"""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.models import Role
from directory.roles import OVERSEERS, role_of

register = template.Library()

EVERYBODY = frozenset(Role)
ADMINISTRATORS = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the bar: where, its words, and whose it is."""

    route: str
    words: Promise
    roles: frozenset[Role]


ENTRIES = (
    Entry("reports:home", _("Home"), EVERYBODY),
    Entry("cdr:calls", _("Calls"), EVERYBODY),
    Entry("budgets:mine", _("My budgets"), EVERYBODY),
    Entry("budgets:in_scope", _("Budgets"), OVERSEERS),
    Entry("phonelock:phone", _("My phone"), EVERYBODY),
    Entry("phonelock:users", _("Users"), OVERSEERS),
    Entry("alarms:outbox", _("Outbox"), ADMINISTRATORS),
    Entry("cdr:quarantine", _("Quarantine"), ADMINISTRATORS),
    Entry("reports:system", _("System"), ADMINISTRATORS),
    Entry("admin:index", _("Set-up"), ADMINISTRATORS),
)


@register.inclusion_tag("components/navigation.html", takes_context=True)
def navigation(context: template.Context) -> dict[str, object]:
    """The links of the reader's role, the present one marked; the way out at the end."""
    request = context.get("request")
    reader = getattr(request, "user", None)
    role = role_of(reader)
    here = getattr(getattr(request, "resolver_match", None), "view_name", "")
    badges = context.get("menu_badges") or {}
    entries = [
        {
            "href": reverse(entry.route),
            "words": entry.words,
            "is_here": entry.route == here,
            "badge": badges.get(entry.route),
        }
        for entry in ENTRIES
        if role in entry.roles
    ]
    return {"request": request, "entries": entries, "reader": reader if role else None}


@register.simple_tag
def page_zone() -> str:
    """The time zone that every time on the page is written in."""
    return gettext("Times are in %(zone)s.") % {"zone": timezone.get_current_timezone_name()}
