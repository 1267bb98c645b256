"""Home: the last calls, five figures, budgets and phones. Missed today: whom to call back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from budgets.queries.shown import shown_counting
from cdr.models import CallType
from cdr.queries.calls import CallFilter, list_calls
from cdr.queries.missed import missed_between
from directory.preferences import preferences_of, remembered_size
from directory.reader import page_zone
from directory.roles import is_administrator
from directory.views.base import ScopedPage
from kernel.clock import now
from kernel.periods import local_date, local_midnight
from phonelock.queries import phone_state
from reports.queries.month import data_up_to, month_figures
from reports.tiles import calls_behind, compared_days, home_tiles
from reports.whose import whose

TOP = (10, 20, 50, 100, 200)
BUDGETS_SHOWN = 4
MISSED_SHOWN = 100


class LivePage(ScopedPage):
    """A page that asks for its own live part again and again; only that part is made then."""

    live_template_name: ClassVar[str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = super().dispatch(request, *args, **kwargs)
        patch_vary_headers(answer, ["HX-Request"])
        return answer

    def get_template_names(self) -> list[str]:
        is_part = bool(getattr(self.request, "htmx", False))
        return [self.live_template_name if is_part else str(self.template_name)]


class Home(LivePage):
    """The last calls, newest first, and this month in five figures.

    Budgets and phones are a part of their own (`Glance`), which comes a moment later
    and less often: most of the time they stand still.
    """

    template_name = "reports/home.html"
    live_template_name = "reports/home_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at, zone, chosen = now(), page_zone(), whose(self.request)
        top = remembered_size(self.request, "home", among=TOP, default=20, key="top")
        page = list_calls(scope=chosen.scope, wanted=CallFilter(zone=zone), size=top)
        figures = month_figures(scope=chosen.scope, now=at, zone=zone)
        return super().get_context_data(
            whose=chosen,
            tiles=home_tiles(figures, whose=chosen.chosen),
            compared=compared_days(figures),
            calls=page.calls,
            all_calls=calls_behind(chosen.chosen) if page.older else "",
            top=top,
            tops=TOP,
            data_up_to=data_up_to(),
            updated_at=at,
            is_live=preferences_of(self.request).is_live,
            is_administrator=is_administrator(self.reader),
            **kwargs,
        )


class Glance(LivePage):
    """The reader's budgets and phones at a glance, with the ways to their pages."""

    template_name = "reports/glance.html"
    live_template_name = "reports/glance_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at = now()
        budgets = shown_counting(self.reader, at=at)
        return super().get_context_data(
            budgets=budgets[:BUDGETS_SHOWN],
            more_budgets=len(budgets) > BUDGETS_SHOWN,
            phones=phone_state(self.reader, at=at),
            **kwargs,
        )


class MissedToday(ScopedPage):
    """Today's missed calls: those still to be returned first, then those that were."""

    template_name = "reports/missed.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at, zone, chosen = now(), page_zone(), whose(self.request)
        today = local_date(at, zone)
        wanted = CallFilter(
            zone=zone, from_day=today, to_day=today, call_type=CallType.INCOMING_UNANSWERED
        )
        page = list_calls(scope=chosen.scope, wanted=wanted, size=MISSED_SHOWN)
        states = {
            each.call_id: each
            for each in missed_between(chosen.scope, local_midnight(today, zone), at)
        }
        pairs = [(call, states[call.id]) for call in page.calls if call.id in states]
        return super().get_context_data(
            whose=chosen,
            waiting=[pair for pair in pairs if pair[1].is_open],
            returned=[pair for pair in pairs if not pair[1].is_open],
            all_missed=calls_behind(chosen.chosen, period="today", kind="missed"),
            has_more=page.older is not None,
            today=today,
            **kwargs,
        )
