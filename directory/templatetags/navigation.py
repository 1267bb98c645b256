"""The way round the pages: what each role finds in the bar. What is not listed is not shown.

Hiding is courtesy only; every page checks for itself (`directory.views`). An entry
whose address does not exist (a module switched off) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.models import Role, User
from directory.modules import is_route_open
from directory.preferences import preferences_of
from directory.queries.jobs import jobs_bell
from directory.roles import OVERSEERS, role_of

register = template.Library()

EVERYBODY = frozenset(Role)
ADMINISTRATORS = frozenset({Role.ADMIN})
AUDITING = frozenset({Role.ADMIN, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Entry:
    """One link: where, its words, and whose it is."""

    route: str
    words: Promise
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Group:
    """Links that stand together; a group of one is a link of its own."""

    words: Promise
    icon: str
    entries: tuple[Entry, ...]


GROUPS = (
    Group(_("Home"), "home", (Entry("reports:home", _("Home"), EVERYBODY),)),
    Group(_("Calls"), "phone", (Entry("cdr:calls", _("Calls"), EVERYBODY),)),
    Group(
        _("Budgets"),
        "wallet",
        (
            Entry("budgets:mine", _("My budgets"), EVERYBODY),
            Entry("budgets:in_scope", _("All budgets"), OVERSEERS),
            Entry("budgets:requests", _("Requests"), OVERSEERS),
        ),
    ),
    Group(
        _("Phone"),
        "lock",
        (
            Entry("phonelock:phone", _("My phone"), EVERYBODY),
            Entry("phonelock:users", _("Users"), OVERSEERS),
        ),
    ),
    Group(
        _("Administration"),
        "settings",
        (
            Entry("setup:checklist", _("Set-up"), ADMINISTRATORS),
            Entry("directory:import_people", _("Import people"), ADMINISTRATORS),
            Entry("cdr:import_rates", _("Import rates"), ADMINISTRATORS),
            Entry("reports:system", _("System"), ADMINISTRATORS),
            Entry("cdr:quarantine", _("Quarantine"), ADMINISTRATORS),
            Entry("alarms:outbox", _("Outbox"), ADMINISTRATORS),
            Entry("audit", _("Audit log"), AUDITING),
            Entry("admin:index", _("All set-up data"), ADMINISTRATORS),
        ),
    ),
)


def address(route: str) -> str:
    """The address of `route`; empty where there is none."""
    if not is_route_open(route):
        return ""
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""


def _shown(
    group: Group, role: Role | None, here: tuple[str, str], badges: Mapping[str, object]
) -> list[dict]:
    """The group's entries for `role`; `here` is the route of the page, and its path."""
    route, path = here
    shown = []
    for entry in group.entries:
        href = address(entry.route) if role in entry.roles else ""
        if href:
            is_here = entry.route == route
            shown.append(
                {
                    "href": href,
                    "words": entry.words,
                    "is_here": is_here,
                    "is_above": not is_here and href != "/" and path.startswith(href),
                    "badge": badges.get(entry.route),
                }
            )
    return shown


@register.inclusion_tag("components/navigation.html", takes_context=True)
def navigation(context: template.Context) -> dict[str, object]:
    """The links of the reader's role, the present one marked; his own things at the end."""
    request = context.get("request")
    reader = getattr(request, "user", None)
    role = role_of(reader)
    if request is None or role is None or not isinstance(reader, User):
        return {"request": request, "reader": None, "csrf_token": context.get("csrf_token")}
    here = getattr(getattr(request, "resolver_match", None), "view_name", ""), request.path
    badges = context.get("menu_badges") or {}
    groups = []
    for group in GROUPS:
        entries = _shown(group, role, here, badges)
        if entries:
            shown = [entry["badge"] for entry in entries if entry["badge"]]
            loud = [badge for badge in shown if not getattr(badge, "is_quiet", False)]
            badge = next(iter([*loud, *shown]), None)
            is_here = any(entry["is_here"] or entry["is_above"] for entry in entries)
            groups.append(
                {
                    "words": group.words,
                    "icon": group.icon,
                    "entries": entries,
                    "badge": badge,
                    "sign": f"tg-sign-{shown[0].sign}" if shown else "",
                    "is_here": is_here,
                }
            )
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "groups": groups,
        "reader": reader,
        "initials": _initials(reader),
        "role": Role(role).label,
        "bell": jobs_bell(reader),
        "theme_now": preferences_of(request).theme,
        "search_url": address("reports:search"),
        "account_url": address("directory:account"),
        "contacts_url": address("cdr:contacts"),
    }


def _initials(reader: User) -> str:
    letters = reader.first_name[:1] + reader.last_name[:1]
    return (letters or reader.username[:2]).upper()


@register.inclusion_tag("components/setup_banner.html", takes_context=True)
def setup_banner(context: template.Context) -> dict[str, object]:
    """What is still open of the set-up, for administrators (`open_points` by the set-up)."""
    request = context.get("request")
    is_admin = role_of(getattr(request, "user", None)) is Role.ADMIN
    return {"open_points": context.get("open_points") if is_admin else None, "request": request}


@register.simple_tag
def page_zone() -> str:
    """The time zone that every time on the page is written in."""
    return gettext("Times are in %(zone)s.") % {"zone": timezone.get_current_timezone_name()}


@register.simple_tag
def page_links() -> SafeString:
    """The links that stand in the same place on every page."""
    links = [(address("directory:help"), gettext("Help"))]
    return format_html_join(
        " · ",
        '<a href="{}" data-help>{}</a>',
        ((href, words) for href, words in links if href),
    ) or format_html("")
