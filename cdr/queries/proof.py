"""Do the usage totals agree with the calls, to the micro-unit?"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from cdr.models import Call, CallStatus, UsageTotal
from cdr.models.totals import TOTAL_KEYS, TOTAL_MEASURES

MOST_SHOWN = 50
Key = tuple[Any, ...]


def _or_none_is_zero(name: str) -> Coalesce:
    return Coalesce(F(name), Value(0), output_field=BigIntegerField())


def sums_over_calls(calls: QuerySet[Call] | None = None) -> dict[Key, tuple[int, ...]]:
    """The usage totals as they should be, computed from the calls themselves."""
    rows = (
        (Call.objects.all() if calls is None else calls)
        .order_by()
        .annotate(
            user_key=_or_none_is_zero("user_id"),
            department_key=_or_none_is_zero("department_id"),
            cost_centre_key=_or_none_is_zero("cost_centre_id"),
            office_key=_or_none_is_zero("office_id"),
            source_key=F("source_id"),
        )
        .values(*TOTAL_KEYS)
        .annotate(
            n_calls=Count("pk"),
            n_talk=Sum("talk_ms"),
            n_paid=Count("pk", filter=Q(is_paid=True)),
            n_paid_talk=Sum(
                Case(
                    When(is_paid=True, then=F("talk_ms")),
                    default=Value(0),
                    output_field=BigIntegerField(),
                )
            ),
            n_unrated=Count("pk", filter=Q(status=CallStatus.UNRATED)),
            n_cost=Coalesce(Sum("cost_micros"), Value(0), output_field=BigIntegerField()),
            n_charge=Coalesce(Sum("charge_micros"), Value(0), output_field=BigIntegerField()),
        )
        .values_list(
            *TOTAL_KEYS,
            "n_calls",
            "n_talk",
            "n_paid",
            "n_paid_talk",
            "n_unrated",
            "n_cost",
            "n_charge",
        )
    )
    width = len(TOTAL_KEYS)
    return {tuple(row[:width]): tuple(row[width:]) for row in rows.iterator()}


def stored_totals() -> dict[Key, tuple[int, ...]]:
    """The usage totals as they are stored, without rows that are all zero."""
    width = len(TOTAL_KEYS)
    rows = UsageTotal.objects.values_list(*TOTAL_KEYS, *TOTAL_MEASURES)
    return {tuple(row[:width]): tuple(row[width:]) for row in rows.iterator() if any(row[width:])}


def differences() -> list[str]:
    """Sentences that say where totals and calls differ; empty if all is well."""
    should, are = sums_over_calls(), stored_totals()
    found = []
    for key in sorted(set(should) | set(are), key=repr):
        expected = should.get(key, (0,) * len(TOTAL_MEASURES))
        stored = are.get(key, (0,) * len(TOTAL_MEASURES))
        if expected != stored:
            named = ", ".join(f"{n} {v}" for n, v in zip(TOTAL_KEYS, key, strict=True))
            off = ", ".join(
                f"{name} is {there}, calls say {right}"
                for name, there, right in zip(TOTAL_MEASURES, stored, expected, strict=True)
                if there != right
            )
            found.append(f"usage total ({named}): {off}")
            if len(found) == MOST_SHOWN:
                break
    return found
