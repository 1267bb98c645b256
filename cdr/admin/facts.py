"""Call records and what became of them, to look at only.

Calls are facts: nobody edits them, and their numbers stand here masked as
everywhere else.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cdr.models import Adjustment, Call, Delivery, Heartbeat, Outcome, QuarantinedRecord, UsageTotal
from directory.admin import ReadOnlyAdmin, ReadOnlyInline, WithinDays
from directory.engine.masking import mask
from directory.scoping import CLEAR_CLASSES, request_scope
from directory.templatetags.figures import duration, ltr, money


class CallFacts(ReadOnlyAdmin):
    """Amounts with their currency, durations as hours, minutes and seconds."""

    @admin.display(description=_("charge"))
    def charge(self, row: Any) -> str:
        return money(row.charge_micros, row.currency)

    @admin.display(description=_("cost"))
    def cost(self, row: Any) -> str:
        return money(row.cost_micros, row.currency)

    @admin.display(description=_("talk time"))
    def talk(self, row: Any) -> str:
        return duration(row.talk_ms)


class AdjustmentInline(ReadOnlyInline):
    model = Adjustment
    fields = ("made_at", "made_by", "reason", "old_charge_micros", "new_charge_micros", "note")
    ordering = ("made_at", "id")


class StartedWithin(WithinDays):
    """Calls by their start, a week unless asked for more."""

    field = "started_at"
    usual = "7"


@admin.register(Call)
class CallAdmin(CallFacts):
    """Calls without their clear numbers. The rows on a page know their reader's mask."""

    list_display = (
        "started_at",
        "call_type",
        "extension",
        "user",
        "number_shown",
        "talk",
        "charge",
    )
    list_filter = (StartedWithin, "call_type", "status", "source")
    list_select_related = ("user",)
    ordering = ("-started_at", "-id")
    exclude = ("number", "number_raw", "facts", "cost_micros", "charge_micros")
    readonly_fields = ("number_shown", "cost", "charge")
    inlines: ClassVar = [AdjustmentInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        digits = request_scope(request).mask_digits
        rows: QuerySet[Call] = super().get_queryset(request)
        return rows.annotate(mask_digits=Value(digits)).defer("facts")

    @admin.display(description=_("number"))
    def number_shown(self, row: Any) -> str:
        shown = mask(
            row.number,
            hidden_digits=row.mask_digits,
            is_clear=row.number_is_internal or row.number_class in CLEAR_CLASSES,
        )
        return ltr(shown) if shown else ""


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin):
    list_display = ("call", "made_at", "made_by", "reason", "old_charge", "new_charge")
    list_filter = ("reason",)
    list_select_related = ("call",)
    ordering = ("-made_at", "-id")

    @admin.display(description=_("charge before"))
    def old_charge(self, row: Adjustment) -> str:
        return money(row.old_charge_micros, row.call.currency)

    @admin.display(description=_("charge after"))
    def new_charge(self, row: Adjustment) -> str:
        return money(row.new_charge_micros, row.call.currency)


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    list_display = ("delivery", "position", "kind", "reason")
    list_filter = ("kind",)
    list_select_related = ("delivery__source",)
    ordering = ("-id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("name", "source", "state", "records_read", "received_at", "finished_at")
    list_filter = ("source", "state")
    list_select_related = ("source",)
    search_fields = ("name", "claim")
    ordering = ("-received_at", "-id")


@admin.register(QuarantinedRecord)
class QuarantinedRecordAdmin(ReadOnlyAdmin):
    """What was set aside, without its text: mending is done on the quarantine page."""

    list_display = ("delivery", "position", "reason", "state", "set_aside_at")
    list_filter = ("state", "reason")
    list_select_related = ("delivery__source",)
    ordering = ("-set_aside_at", "-id")
    exclude = ("raw", "record")


@admin.register(UsageTotal)
class UsageTotalAdmin(CallFacts):
    list_display = (
        "local_date",
        "user_key",
        "call_type",
        "number_class",
        "calls",
        "talk",
        "cost",
        "charge",
    )
    list_filter = ("call_type", "number_class")
    ordering = ("-local_date", "id")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "beaten_at", "note")
    ordering = ("name",)
