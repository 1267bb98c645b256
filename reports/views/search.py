"""The search box's page."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from directory.roles import role_of
from directory.scoping import request_scope
from directory.templatetags.navigation import GROUPS, address
from directory.views.base import ScopedPage
from kernel.errors import DomainError
from reports.search import MOST_SIGNS, Found, Page, search

ALSO: dict[str, Promise] = {
    "reports:home": _("start, dashboard, overview"),
    "cdr:calls": _("call log, history, export, csv, excel"),
    "budgets:mine": _("money, allowance, limit, spent"),
    "budgets:in_scope": _("money, allowances, limits, assign"),
    "phonelock:phone": _("lock, unlock, pin, handset"),
    "phonelock:users": _("lock, unlock, people, phones, pin"),
    "alarms:outbox": _("mail, mails, e-mail, notifications, sent"),
    "cdr:quarantine": _("faulty records, errors, replay"),
    "reports:system": _("health, status, backlog, sources, disk"),
    "admin:index": _("settings, sites, gateways, tariffs, users"),
    "setup:checklist": _("wizard, installation, settings"),
    "directory:import_people": _("users, csv, upload"),
    "cdr:import_rates": _("tariffs, prices, rate deck, upload"),
    "audit": _("audit log, who changed what"),
}
ABOUT: dict[str, Promise] = {
    "reports:home": _("Your calls, budgets and phone at a glance."),
    "cdr:calls": _("All the calls you may see, to filter, sort and download."),
    "budgets:mine": _("What you may spend on calls, what is left, and when it would run out."),
    "budgets:in_scope": _(
        "The budgets of the people and units you look after, with what is left of their running"
        " periods."
    ),
    "budgets:requests": _("People who need more than their budget."),
    "phonelock:phone": _("Lock it when you leave your desk: nobody can call out at your cost."),
    "phonelock:users": _("Who is locked, and why."),
    "alarms:outbox": _("Every mail that Tollgate wrote, with what became of it."),
    "cdr:quarantine": _(
        "Call records that could not be used, kept whole until somebody mends or closes them."
    ),
    "reports:system": _("Whether everything runs, what waits, and what became of the records."),
    "admin:index": _("Every table of the set-up, row by row."),
    "setup:checklist": _("The steps of the set-up, and which are still open."),
    "directory:import_people": _("People and their extensions from a table."),
    "cdr:import_rates": _("A carrier's price list from a file."),
    "audit": _("Who changed what, and who looked at numbers in clear."),
    "directory:account": _("Your language, time zone, look and tokens."),
    "mfa_index": _(
        "With a second factor, somebody who has learnt your password still cannot sign in as you."
    ),
    "directory:sessions": _("The browsers that are signed in as you."),
    "cdr:contacts": _("Names for numbers: your own, and the company's."),
    "directory:jobs": _("What takes longer, with its files of the last seven days."),
    "directory:help": _("How to get about, what the figures and signs mean, and whom to ask."),
    "api-docs": _("What a program may read, and how."),
}
OWN: tuple[tuple[str, Promise, Promise], ...] = (
    (
        "directory:account",
        _("My account"),
        _("profile, settings, language, time zone, theme, dark, tokens, mask"),
    ),
    ("account_change_password", _("Change my password"), _("account, sign in")),
    ("mfa_index", _("Second factor"), _("2fa, authenticator, security key, recovery codes")),
    ("directory:sessions", _("Where you are signed in"), _("sessions, sign out, log out")),
    ("cdr:contacts", _("Phone book"), _("contacts, names, address book")),
    ("directory:jobs", _("Jobs"), _("downloads, exports, files, progress")),
    ("directory:help", _("Help"), _("keyboard, shortcuts, figures, definitions, version")),
    ("api-docs", _("The programming interface"), _("api, rest, developers")),
)


class Search(ScopedPage):
    """What was found, by sort; each row is a link, so that Tab and Enter do."""

    template_name = "reports/search.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        text = self.request.GET.get("q", "").replace("\0", "").strip()[:MOST_SIGNS]
        found: list[Found] = []
        refusal = ""
        try:
            found = search(text, scope=request_scope(self.request), pages=self._pages())
        except DomainError as limited:
            refusal = limited.message
        return super().get_context_data(
            text=text,
            found=found,
            hits=sum(len(each.hits) for each in found),
            refusal=refusal,
            **kwargs,
        )

    def _pages(self) -> list[Page]:
        """The pages that stand in the reader's menus, and his own."""
        role = role_of(self.reader)
        entries = [
            (entry.route, entry.words, ALSO.get(entry.route, ""))
            for group in GROUPS
            for entry in group.entries
            if role in entry.roles
        ]
        return [
            Page(
                words=str(words),
                href=address(route),
                about=str(ABOUT.get(route, "")),
                also=f"{also} {_in_english(words, also)}",
            )
            for route, words, also in (*entries, *OWN)
            if address(route)
        ]


def _in_english(*words: Promise | str) -> str:
    """The words as they stand in the manual: whoever knows a page by them finds it."""
    with override("en"):
        return " ".join(str(each) for each in words)
