"""Locks, their history and the decisions given to switches, to look at only.

Flags are set and cleared on the pages (`/phone/users/`), where a reason is asked.
"""

from __future__ import annotations

from django.contrib import admin

from directory.admin import ReadOnlyAdmin
from phonelock.models import Decision, LineLock, LockEvent, SwitchCircuit


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


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "site", "calling", "called", "effect", "reason", "micros")
    list_filter = ("effect", "reason", "site")
    ordering = ("-decided_at", "-id")
