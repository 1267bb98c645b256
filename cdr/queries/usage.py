"""Sums over stored calls by user, unit and source, for the digest and for figures."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Sum

from cdr.models import Source, UsageTotal
from directory.models import OrgUnit, User
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
