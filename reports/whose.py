"""Whose calls a page is about: the reader's own, his team's, or everybody's he may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from directory.roles import OVERSEERS
from directory.scoping import Scope, leads_units, narrowed, request_scope

MINE = "mine"
TEAM = "team"
ALL = ""
WORDS = {
    MINE: pgettext_lazy("whose calls", "Me"),
    TEAM: pgettext_lazy("whose calls", "My team"),
    ALL: pgettext_lazy("whose calls", "All"),
}
HEADINGS = {MINE: _("My calls"), TEAM: _("Calls of my team"), ALL: _("All calls")}


@dataclass(frozen=True, slots=True)
class Whose:
    """What was chosen, the scope that follows, and what may be chosen (nothing: no switch)."""

    chosen: str
    scope: Scope
    choices: Sequence[tuple[str, Promise]]

    @property
    def heading(self) -> Promise:
        return HEADINGS[TEAM if self.is_team else self.chosen]

    @property
    def is_team(self) -> bool:
        """Whether it is about a team: all that a supervisor may see is his team."""
        return self.chosen == TEAM or (self.chosen == ALL and not self.scope.sees_everything)

    @property
    def is_mine(self) -> bool:
        return self.chosen == MINE


def whose(request: HttpRequest) -> Whose:
    """As the address says (`?whose=mine`, `team` or nothing); the widest is the usual one."""
    widest = request_scope(request)
    if widest.role not in OVERSEERS:
        return Whose(MINE, widest.own(), [])
    if widest.sees_everything:
        offered = [MINE, TEAM, ALL] if leads_units(widest) else [MINE, ALL]
        choices = [(name, WORDS[name]) for name in offered]
    else:
        choices = [(MINE, WORDS[MINE]), (ALL, WORDS[TEAM])]
    asked = request.GET.get("whose", "")
    chosen = asked if asked in dict(choices) else ALL
    return Whose(chosen, narrowed(widest, chosen), choices)
