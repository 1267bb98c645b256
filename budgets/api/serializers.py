"""Budgets on the wire, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from budgets.engine.terms import MS_PER_MINUTE
from budgets.models import Measure
from budgets.queries.shown import ShownBudget
from directory.api.base import Amount

UNITS = ("base", "carried", "effective", "spent", "remaining", "share")


class BudgetSerializer(serializers.Serializer):
    """A budget with its running period. Amounts are in `unit`: a currency, or minutes."""

    id = serializers.IntegerField()
    budget_for = serializers.CharField()
    is_shared = serializers.BooleanField()
    unit = serializers.CharField(help_text="EUR, … or minutes")
    period = serializers.CharField(help_text="day, week or month")
    time_zone = serializers.CharField()
    starts_on = serializers.DateField()
    until = serializers.DateField(help_text="the last day that belongs to the period")
    base = serializers.CharField()
    carried = serializers.CharField()
    effective = serializers.CharField()
    spent = serializers.CharField()
    remaining = serializers.CharField()
    share = serializers.CharField(allow_null=True, help_text="one's own part of a shared budget")
    percent = serializers.CharField()
    state = serializers.CharField(source="mood", help_text="ok, warning or over")
    thresholds = serializers.ListField(child=serializers.IntegerField())

    def to_representation(self, instance: ShownBudget) -> dict[str, Any]:
        is_minutes = instance.measure == Measure.MINUTES
        shown: dict[str, Any] = {
            name: getattr(instance, name)
            for name in ("id", "budget_for", "is_shared", "period", "time_zone", "starts_on")
        }
        shown |= {
            "until": instance.until,
            "unit": "minutes" if is_minutes else instance.currency,
            "percent": hundredths(instance.percent_hundredths),
            "state": instance.mood,
            "thresholds": list(instance.thresholds),
        }
        for name in UNITS:
            amount = getattr(instance, name)
            shown[name] = None if amount is None else in_unit(amount, is_minutes=is_minutes)
        return {name: shown[name] for name in self.get_fields()}


def in_unit(amount: int, *, is_minutes: bool) -> str:
    """Micro-units as a decimal; milliseconds as minutes to the hundredth, rounded down."""
    if not is_minutes:
        return Amount().to_representation(amount)
    return hundredths(amount * 100 // MS_PER_MINUTE)


def hundredths(value: int) -> str:
    """A whole number of hundredths as a decimal with two places."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 100)
    return f"{sign}{whole}.{rest:02}"


class BudgetPageSerializer(serializers.Serializer):
    """Some budgets."""

    next = serializers.URLField(allow_null=True)
    results = BudgetSerializer(many=True)
