"""Locks, their history and the decisions given to switches, to look at only.

Flags are set and cleared on the pages (`/phone/users/`), where a reason is asked.
"""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from directory.admin import ReadOnlyAdmin, WithinDays
from phonelock.models import Decision, LineLock, LockEvent, PinEvent, SwitchCircuit
from phonelock.operations.probing import ask_switches, known_switches


@admin.register(LineLock)
class LineLockAdmin(ReadOnlyAdmin):
    list_display = ("line", "wanted", "wanted_flag", "confirmed", "confirmed_at", "last_error")
    list_filter = ("wanted", "confirmed", "wanted_flag")
    list_select_related = ("line__site",)
    search_fields = ("line__extension",)
    ordering = ("line__site__name", "line__extension", "id")


@admin.register(LockEvent)
class LockEventAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "line", "kind", "flag", "state_before", "state_after", "made_by")
    list_filter = ("kind", "flag")
    list_select_related = ("line__site",)
    search_fields = ("line__extension",)
    ordering = ("-made_at", "-id")


@admin.register(SwitchCircuit)
class SwitchCircuitAdmin(ReadOnlyAdmin):
    list_display = ("site", "driver", "state", "since", "last_error")
    list_select_related = ("site",)
    ordering = ("site__name", "driver")
    change_list_template = "admin/phonelock/switchcircuit/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        ask = self.admin_site.admin_view(self.ask)
        return [path("ask/", ask, name="phonelock_switchcircuit_ask"), *super().get_urls()]

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Whether every telephone system that can lock phones answers; asked by POST only."""
        was_asked = request.method == "POST"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Ask every telephone system"),
            "switches": ask_switches() if was_asked else known_switches(),
            "was_asked": was_asked,
        }
        return TemplateResponse(request, "admin/phonelock/switchcircuit/ask.html", context)


@admin.register(PinEvent)
class PinEventAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "user", "kind", "made_by")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    ordering = ("-made_at", "-id")


class DecidedWithin(WithinDays):
    """Decisions by their moment, a week unless asked for more."""

    field = "decided_at"
    usual = "7"


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "site", "calling", "called", "effect", "reason", "micros")
    list_filter = (DecidedWithin, "effect", "reason")
    search_fields = ("=calling",)
    ordering = ("-decided_at", "-id")
