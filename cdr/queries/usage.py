"""Sums over stored calls by user, unit and source, for the digest and for figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Sum, Value, When

from cdr.models import Source, UnitTotal, UsageTotal
from cdr.models.totals import EVERYBODY
from directory.models import OrgUnit, User
from directory.scoping import Scope, ScopedQuerySet
from kernel.money import plain

UNIT_KEYS = ("department_key", "cost_centre_key", "office_key")


def talk_seconds(milliseconds: int) -> int | float:
    """Seconds for JSON: whole where they are whole."""
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def _sums(key: str) -> dict[int, dict[str, object]]:
    """Calls, talk and charge by `key`; charges of several currencies stay apart."""
    rows = (
        UsageTotal.objects.exclude(**{key: 0})
        .values_list(key, "currency")
        .annotate(n=Sum("calls"), talk=Sum("talk_ms"), charge=Sum("charge_micros"))
        .order_by(key, "currency")
    )
    gathered: dict[int, list[tuple[str, int, int, int]]] = {}
    for pk, currency, calls, talk, charge in rows:
        if calls or talk or charge:
            gathered.setdefault(pk, []).append((currency, calls, talk, charge))
    return {pk: _entry(parts) for pk, parts in gathered.items()}


def _entry(parts: Iterable[tuple[str, int, int, int]]) -> dict[str, object]:
    parts = list(parts)
    charges = {currency: plain(charge) for currency, _, _, charge in parts}
    return {
        "calls": sum(calls for _, calls, _, _ in parts),
        "talk_seconds": talk_seconds(sum(talk for _, _, talk, _ in parts)),
        "charge": next(iter(charges.values())) if len(charges) == 1 else charges,
    }


def by_user() -> dict[str, dict[str, object]]:
    """Usage of every user with calls, by user name."""
    names = dict(User.objects.values_list("pk", "username"))
    return {names[pk]: entry for pk, entry in sorted(_sums("user_key").items()) if pk in names}


def by_unit() -> dict[str, dict[str, object]]:
    """Usage of every unit with calls of its own, as ``department:Sales/North``."""
    named = {unit.pk: f"{unit.kind.lower()}:{unit.path}" for unit in OrgUnit.objects.all()}
    found: dict[str, dict[str, object]] = {}
    for key in UNIT_KEYS:
        found |= {named[pk]: entry for pk, entry in _sums(key).items() if pk in named}
    return found


def by_source() -> dict[str, dict[str, object]]:
    """Usage of every source, by its name; a source without calls is there with zeros."""
    sums = _sums("source_key")
    nothing: dict[str, object] = {"calls": 0, "talk_seconds": 0, "charge": plain(0)}
    return {source.name: sums.get(source.pk, nothing) for source in Source.objects.order_by("name")}


@dataclass(frozen=True, slots=True)
class Days:
    """Local days of the calls' offices, both ends included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Usage:
    """What the calls of one kind and currency come to, in one stretch of days."""

    call_type: str
    currency: str
    calls: int
    answered_calls: int
    unrated_calls: int
    talk_ms: int
    ring_ms: int
    charge_micros: int


USAGE_MEASURES = (
    "calls",
    "answered_calls",
    "unrated_calls",
    "talk_ms",
    "ring_ms",
    "charge_micros",
)
"""The sums of `Usage`, in its order."""


class ScopedTotals(ScopedQuerySet[UsageTotal]):
    """Totals belong to whoever their calls belong to: the keys are those of the calls' day."""

    person_path = "user_key"
    department_path = "department_key"
    cost_centre_path = "cost_centre_key"
    office_path = "office_key"


def totals_in(scope: Scope) -> QuerySet[UsageTotal]:
    """The usage totals that `scope` reaches."""
    return ScopedTotals(UsageTotal).visible_to(scope)


def usage_of(scope: Scope, stretches: Sequence[Days]) -> list[list[Usage]]:
    """The sums of each of `stretches` by kind and currency, one entry for each pair.

    Whoever sees everything, or units of one kind, is answered from the totals by unit:
    some rows a day, whatever the size of the company. The stretches may not overlap.
    """
    found: list[dict[tuple[str, str], list[int]]] = [{} for _ in stretches]
    first, *others = [_sums_of(rows, stretches) for rows in _ledgers(scope)]
    rows = first.union(*others, all=True) if others else first
    for stretch, call_type, currency, *sums in rows:
        known = found[stretch].get((call_type, currency), [0] * len(sums))
        added = [one + more for one, more in zip(known, sums, strict=True)]
        found[stretch][call_type, currency] = added
    return [[Usage(*key, *sums) for key, sums in each.items()] for each in found]


def _ledgers(scope: Scope) -> list[QuerySet[Any]]:
    """Rows of totals that together hold each call in scope exactly once."""
    if scope.sees_everything:
        return [UnitTotal.objects.filter(unit_key=EVERYBODY)]
    kinds = {
        "department_key": scope.department_ids,
        "cost_centre_key": scope.cost_centre_ids,
        "office_key": scope.office_ids,
    }
    led = {name: ids for name, ids in kinds.items() if ids}
    if len(led) != 1:  # a call may lie in units of two kinds: only single rows can tell
        return [totals_in(scope)]
    ((name, ids),) = led.items()
    own_elsewhere = totals_in(scope.own()).exclude(**{f"{name}__in": ids})
    return [UnitTotal.objects.filter(unit_key__in=ids), own_elsewhere]


def _sums_of(rows: QuerySet[Any], stretches: Sequence[Days]) -> QuerySet[Any, tuple[Any, ...]]:
    """Stretch, kind, currency and the sums of `Usage`."""
    held = [Q(local_date__gte=each.first, local_date__lte=each.last) for each in stretches]
    number = Case(
        *(When(each, then=Value(place)) for place, each in enumerate(held)),
        output_field=IntegerField(),
    )
    names = {name: Sum(name) for name in USAGE_MEASURES}
    grouped: QuerySet[Any, tuple[Any, ...]] = (
        rows.filter(reduce(or_, held))
        .order_by()
        .annotate(stretch=number)
        .values("stretch", "call_type", "currency")
        .annotate(**{f"sum_{name}": each for name, each in names.items()})
        .values_list("stretch", "call_type", "currency", *(f"sum_{name}" for name in names))
    )
    return grouped
