"""Do the usage totals agree with the calls, to the micro-unit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from cdr.models import Call, CallStatus, UnitTotal, UsageTotal
from cdr.models.totals import MISSED, TOTAL_KEYS, TOTAL_MEASURES, UNIT_KEYS, by_unit

MOST_SHOWN = 50
ANSWERED = Q(answered_at__isnull=False) & ~Q(call_type=MISSED)
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
            n_answered=Count("pk", filter=ANSWERED),
            n_ring=Sum(
                Case(
                    When(ANSWERED, then=F("ring_ms")),
                    default=Value(0),
                    output_field=BigIntegerField(),
                )
            ),
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
            "n_answered",
            "n_ring",
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
    return _stored(UsageTotal.objects.values_list(*TOTAL_KEYS, *TOTAL_MEASURES), len(TOTAL_KEYS))


def stored_by_unit() -> dict[Key, tuple[int, ...]]:
    """The totals by unit as they are stored, without rows that are all zero."""
    return _stored(UnitTotal.objects.values_list(*UNIT_KEYS, *TOTAL_MEASURES), len(UNIT_KEYS))


def _stored(rows: QuerySet[Any, tuple[Any, ...]], width: int) -> dict[Key, tuple[int, ...]]:
    return {tuple(row[:width]): tuple(row[width:]) for row in rows.iterator() if any(row[width:])}


def differences() -> list[str]:
    """Sentences that say where totals and calls differ; empty if all is well."""
    should = sums_over_calls()
    found = _between("usage total", TOTAL_KEYS, should, stored_totals())
    by_units = {key: tuple(sums) for key, sums in by_unit(should).items()}
    return (found + _between("unit total", UNIT_KEYS, by_units, stored_by_unit()))[:MOST_SHOWN]


def _between(
    what: str,
    names: Sequence[str],
    should: Mapping[Key, tuple[int, ...]],
    are: Mapping[Key, tuple[int, ...]],
) -> list[str]:
    nothing = (0,) * len(TOTAL_MEASURES)
    found = []
    for key in sorted(set(should) | set(are), key=repr):
        expected, stored = should.get(key, nothing), are.get(key, nothing)
        if expected != stored:
            named = ", ".join(f"{n} {v}" for n, v in zip(names, key, strict=True))
            off = ", ".join(
                f"{name} is {there}, calls say {right}"
                for name, there, right in zip(TOTAL_MEASURES, stored, expected, strict=True)
                if there != right
            )
            found.append(f"{what} ({named}): {off}")
            if len(found) == MOST_SHOWN:
                break
    return found
