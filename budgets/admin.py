"""Budgets and their facts, to look at only.

Amounts, thresholds and members change by operations (a set-up file, the pages),
which lock the budget, look at it again and write its history; an edit of the row
would do none of that.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetException,
    BudgetNotice,
    BudgetPeriod,
    BudgetRequest,
    Crossing,
    LockWish,
    Measure,
    PeriodOverride,
    Threshold,
)
from directory.admin import ReadOnlyAdmin, ReadOnlyInline
from directory.templatetags.figures import duration, money


def measured(amount: int | None, budget: Budget) -> str:
    """An amount in the budget's own measure."""
    if amount is None:
        return "—"
    return duration(amount) if budget.measure == Measure.MINUTES else money(amount, budget.currency)


class ThresholdInline(ReadOnlyInline):
    model = Threshold
    ordering = ("percent",)


class ExceptionInline(ReadOnlyInline):
    model = BudgetException


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "amount_shown", "period", "carry_over", "assigned_at", "deleted_at")
    list_filter = ("measure", "period", "for_each_member")
    list_select_related = ("user", "unit")
    search_fields = ("user__username", "user__last_name", "unit__path")
    ordering = ("-id",)
    inlines: ClassVar = [ThresholdInline, ExceptionInline]

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Budget) -> str:
        return measured(row.amount, row)


PERIOD_AND_SUBJECT = ("period__budget__user", "period__budget__unit")


@admin.register(BudgetPeriod)
class PeriodAdmin(ReadOnlyAdmin):
    list_display = (
        "budget",
        "starts_on",
        "ends_before",
        "base_shown",
        "carried_shown",
        "state",
        "spent_shown",
    )
    list_filter = ("state",)
    list_select_related = ("budget__user", "budget__unit")
    ordering = ("-starts_on", "-id")

    @admin.display(description=_("assigned"))
    def base_shown(self, row: BudgetPeriod) -> str:
        return measured(row.base, row.budget)

    @admin.display(description=_("carried over"))
    def carried_shown(self, row: BudgetPeriod) -> str:
        return measured(row.carried, row.budget)

    @admin.display(description=_("spent when it ended"))
    def spent_shown(self, row: BudgetPeriod) -> str:
        return measured(row.closed_spent, row.budget)


@admin.register(Crossing)
class CrossingAdmin(ReadOnlyAdmin):
    list_display = ("period", "percent", "generation", "crossed_at", "reset_at")
    list_select_related = PERIOD_AND_SUBJECT
    ordering = ("-crossed_at", "-id")


@admin.register(BudgetEvent)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "budget", "kind", "user", "made_by")
    list_filter = ("kind",)
    list_select_related = ("budget__user", "budget__unit", "user")
    ordering = ("-made_at", "-id")


@admin.register(BudgetNotice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "period", "kind", "user", "swept_at")
    list_filter = ("kind",)
    list_select_related = (*PERIOD_AND_SUBJECT, "user")
    ordering = ("-made_at", "-id")


@admin.register(LockWish)
class LockWishAdmin(ReadOnlyAdmin):
    list_display = ("user", "period", "wished_at", "lifted_at", "lifted_because", "swept_at")
    list_select_related = (*PERIOD_AND_SUBJECT, "user")
    ordering = ("-wished_at", "-id")


@admin.register(PeriodOverride)
class OverrideAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "period", "user", "reason", "made_by")
    list_select_related = (*PERIOD_AND_SUBJECT, "user")
    ordering = ("-made_at", "-id")


@admin.register(BudgetRequest)
class BudgetRequestAdmin(ReadOnlyAdmin):
    list_display = ("asked_at", "user", "budget", "state", "answered_by", "answered_at")
    list_filter = ("state",)
    list_select_related = ("user", "budget__user", "budget__unit")
    search_fields = ("user__username", "user__last_name", "reason")
    ordering = ("-asked_at", "-id")
