"""Tariff documents for tests, and a slow, plain second opinion on every price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from cdr.engine.rating import CompiledTariff, Priced, Unpriced, compile_tariff
from cdr.engine.tariffs import epoch_ms, parse_tariff
from kernel.money import exact_text, round_amount, to_decimal

Document = dict[str, Any]
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def step(price: str, increment: Any = 60, *, per: Any = 60, start: Any = 0) -> Document:
    return {
        "from_second": start, "price": price, "per_seconds": per, "increment_seconds": increment,
    }  # fmt: skip


def band(*steps: Document, **values: Any) -> Document:
    """A band that holds always; `start` and `end` are its `from` and `to`."""
    names = {"start": "from", "end": "to"}
    return {**{names.get(key, key): value for key, value in values.items()}, "steps": list(steps)}


def destination(prefix: str, *bands: Document, **values: Any) -> Document:
    number_class = values.pop("number_class", None)
    return {
        "prefix": prefix, "area": "", "class": number_class,
        "valid_from": None, "valid_to": None, **values, "bands": list(bands),
    }  # fmt: skip


def tariff(*destinations: Document, **values: Any) -> Document:
    return {
        "name": "Test", "currency": "EUR", "timezone": "UTC", "holidays": None,
        "rounding": {"mode": "half_up", "decimals": 4}, "band_rule": "answer",
        **values, "destinations": list(destinations),
    }  # fmt: skip


def flat(*steps: Document, **values: Any) -> CompiledTariff:
    """A tariff of one destination, 39, with one band."""
    return compiled(tariff(destination("39", band(*steps, **values))))


def compiled(document: Document) -> CompiledTariff:
    return compile_tariff(parse_tariff(document))


def rate(
    made: CompiledTariff, seconds: Any, *, digits: str = "390212345", at: datetime = NOON
) -> Priced | Unpriced:
    return made.price(
        digits=digits, answered_ms=epoch_ms(at), talk_ms=int(Fraction(str(seconds)) * 1000)
    )


def cost(
    made: CompiledTariff, seconds: Any, *, digits: str = "390212345", at: datetime = NOON
) -> str:
    """The price in units of the currency, the short way; `unrated: why` where there is none."""
    found = rate(made, seconds, digits=digits, at=at)
    if isinstance(found, Unpriced):
        return f"unrated: {found.reason}"
    return exact_text(Fraction(to_decimal(found.cost)))


def billed(made: CompiledTariff, seconds: Any, **options: Any) -> Fraction:
    found = rate(made, seconds, **options)
    assert isinstance(found, Priced)
    return Fraction(found.billed_ms, 1000)


# --- The second opinion: one increment at a time, local time asked anew for each -----------------


def _of_day(text: str) -> timedelta:
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=rest[0] if rest else 0)


def _holds(rule: Document, local: datetime, *, calendar: str | None) -> bool:
    off = calendar is not None and local.date() in holidays.country_holidays(calendar)
    on_the_date = (
        local.isoweekday() in (rule.get("days") or range(1, 8))
        and local.month in (rule.get("months") or range(1, 13))
        and local.day in (rule.get("month_days") or range(1, 32))
        and rule.get("holiday") in (None, off)
    )
    time = timedelta(
        hours=local.hour,
        minutes=local.minute,
        seconds=local.second,
        microseconds=local.microsecond,
    )
    start, end = _of_day(rule.get("from") or "00:00"), _of_day(rule.get("to") or "24:00")
    if start < end:
        return on_the_date and start <= time < end
    return on_the_date and (start == end or time >= start or time < end)


def _band_for(document: Document, row: Document, instant: datetime) -> Document | None:
    local = instant.astimezone(ZoneInfo(document["timezone"]))
    holding = [b for b in row["bands"] if _holds(b, local, calendar=document["holidays"])]
    return max(holding, key=lambda b: b.get("weight", 10)) if holding else None


def _row_for(document: Document, digits: str, at: datetime) -> Document | None:
    rows: list[Document] = document["destinations"]

    def valid(row: Document) -> bool:
        start, end = row["valid_from"], row["valid_to"]
        return (start is None or datetime.fromisoformat(start) <= at) and (
            end is None or at < datetime.fromisoformat(end)
        )

    fitting = [row for row in rows if digits.startswith(row["prefix"]) and valid(row)]
    if not fitting:
        return None
    longest = max(len(row["prefix"]) for row in fitting)
    long = [row for row in fitting if len(row["prefix"]) == longest]
    epoch = datetime(1, 1, 2, tzinfo=UTC)
    return max(
        long, key=lambda r: datetime.fromisoformat(r["valid_from"]) if r["valid_from"] else epoch
    )


def second_opinion(
    document: Document, *, digits: str, at: datetime, talk_ms: int
) -> tuple[Fraction, Fraction] | str:
    """(amount rounded, billed seconds) of a call, or the reason why it has none."""
    if talk_ms == 0:
        return Fraction(0), Fraction(0)
    row = _row_for(document, digits, at)
    if row is None:
        return "no_prefix"
    first = _band_for(document, row, at)
    if first is None:
        return "no_band"
    talk = Fraction(talk_ms, 1000)
    if talk <= Fraction(str(first.get("grace_seconds", 0))):
        return Fraction(0), Fraction(0)
    amount = Fraction(first.get("connect_fee") or "0")
    free = position = Fraction(str(first.get("free_seconds", 0)))
    while position < talk:
        here = first
        if document["band_rule"] == "split":
            instant = at + timedelta(milliseconds=int(position * 1000))
            found = _band_for(document, row, instant)
            if found is None:
                return "no_band"
            here = found
        rung = [s for s in here["steps"] if Fraction(str(s["from_second"])) <= position][-1]
        increment = Fraction(str(rung["increment_seconds"]))
        amount += Fraction(rung["price"]) * increment / Fraction(str(rung["per_seconds"]))
        position += increment
    if first.get("minimum_charge") is not None:
        amount = max(amount, Fraction(first["minimum_charge"]))
    if first.get("maximum_charge") is not None and first.get("at_maximum", "free") == "free":
        amount = min(amount, Fraction(first["maximum_charge"]))
    rule = document["rounding"]
    paid = position - free if position > free else Fraction(0)
    return round_amount(amount, mode=rule["mode"], decimals=rule["decimals"]), paid
