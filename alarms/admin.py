"""The outbox and the mail server's state, to look at only; an address may be let go again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from alarms.models import MailCircuit, MailEvent, OutboxMessage, SuppressedAddress
from directory.admin import ReadOnlyAdmin, ReadOnlyInline
from directory.roles import is_administrator


class EventInline(ReadOnlyInline):
    model = MailEvent
    ordering = ("-made_at", "-id")


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "recipient", "kind", "subject", "state", "attempts")
    list_filter = ("state", "kind")
    search_fields = ("recipient", "subject")
    ordering = ("-created_at", "-id")
    date_hierarchy = "created_at"
    inlines: ClassVar = [EventInline]


@admin.register(MailCircuit)
class MailCircuitAdmin(ReadOnlyAdmin):
    list_display = ("name", "opened_at", "probe_due_at", "last_error")


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(ReadOnlyAdmin):
    """Deleting a row lets mail go to the address again; each is one decision, never in bulk."""

    list_display = ("address", "hard_bounces", "last_error", "suppressed_at")
    search_fields = ("address",)
    ordering = ("address",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request.user)
