"""Home: the last calls and five figures. System: whether everything runs."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from cdr.models import OutcomeKind
from cdr.queries.calls import KINDS, CallFilter, list_calls
from directory.roles import OVERSEERS, role_of
from directory.scoping import request_scope
from directory.views import AdministratorsOnly, ScopedPage, chosen
from kernel.clock import now
from reports.queries import backlog, data_up_to, heartbeats, month_figures, source_states

TOP = (10, 20, 50, 100, 200)
LEGEND = [{"call_type": call_type, "kind": kind} for call_type, kind in KINDS.items()]


class Home(ScopedPage):
    """The last calls, newest first, and this month in five figures.

    People who look after others choose between their own calls and all in scope.
    """

    template_name = "reports/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        zone = ZoneInfo(timezone.get_current_timezone_name())
        oversees = role_of(self.reader) in OVERSEERS
        only_mine = not oversees or self.request.GET.get("whose") == "mine"
        scope = request_scope(self.request)
        if only_mine:
            scope = scope.own()
        top = chosen(self.request.GET.get("top"), among=TOP, default=20)
        page = list_calls(scope=scope, wanted=CallFilter(zone=zone), size=top)
        return super().get_context_data(
            calls=page.calls,
            has_more=page.older is not None,
            figures=month_figures(scope=scope, now=now(), zone=zone),
            data_up_to=data_up_to(),
            top=top,
            tops=TOP,
            oversees=oversees,
            only_mine=only_mine,
            legend=LEGEND,
            **kwargs,
        )


class System(AdministratorsOnly, ScopedPage):
    """Signs of life, what waits, and what became of every source's records."""

    template_name = "reports/system.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            heartbeats=heartbeats(),
            backlog=backlog(),
            sources=source_states(),
            kinds=[kind.label for kind in OutcomeKind],
            **kwargs,
        )
