"""T4, T5, T6: one rating, the length of the call, and the inverse, in one process.

The floor is a dict look-up of the longest prefix and one multiplication. Every
figure is taken on the same calls, and checked against the slow second opinion.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, show
from cdr.engine.limits import Limit, longest_call
from cdr.engine.rating import CompiledTariff, Priced, compile_tariff
from cdr.engine.tariffs import epoch_ms, parse_tariff

PREFIXES = 30_000
CALLS = 60_000
ROUNDS = 3
YEAR = epoch_ms(datetime(2026, 1, 1, tzinfo=UTC))
CREDIT = Fraction(5)
MONDAY = epoch_ms(datetime(2026, 3, 2, 9, tzinfo=UTC))
Calls = list[tuple[str, int, int]]
Work = Callable[[Calls], object]


def _prefixes(chance: random.Random) -> list[str]:
    made: set[str] = set()
    while len(made) < PREFIXES:
        made.add(str(chance.randrange(10 ** chance.randint(1, 6), 10**7))[: chance.randint(2, 7)])
    return sorted(made)


def _bands(chance: random.Random, *, kind: str) -> list[dict[str, Any]]:
    increments = (1, 1) if kind == "seconds" else (60, 6)
    band: dict[str, Any] = {
        "connect_fee": "0.05",
        "minimum_charge": "0.08",
        "steps": [
            {"from_second": 0, "price": f"0.{chance.randint(100, 999)}", "increment_seconds": increments[0]},
            {"from_second": 60, "price": f"0.{chance.randint(100, 999)}", "increment_seconds": increments[1]},
        ],
    }  # fmt: skip
    if kind in {"plain", "seconds"}:
        return [band]
    peak = band | {
        "days": [1, 2, 3, 4, 5],
        "from": "08:00",
        "to": "18:30",
        "weight": 20,
        "holiday": False,
    }
    return [peak, band | {"minimum_charge": "0.06", "connect_fee": "0.03"}]


def make_tariff(*, kind: str, rule: str = "answer") -> CompiledTariff:
    """30,000 prefixes; `plain`, `seconds` (1/1), or `bands` with peak and holidays."""
    chance = random.Random(4)  # noqa: S311 - the same deck every time
    rows = [
        {"prefix": prefix, "area": f"Area {prefix}", "bands": _bands(chance, kind=kind)}
        for prefix in _prefixes(chance)
    ]
    return compile_tariff(
        parse_tariff(
            {
                "name": "Bench",
                "currency": "EUR",
                "timezone": "Europe/Rome",
                "holidays": "IT",
                "band_rule": rule,
                "destinations": rows,
            }
        )
    )


def make_calls(tariff: CompiledTariff) -> Calls:
    """Calls over a year, of the lengths that offices have."""
    chance = random.Random(5)  # noqa: S311 - the same calls every time
    prefixes = [row.prefix for row in tariff.tariff.destinations]
    return [
        (
            chance.choice(prefixes) + str(chance.randint(10**5, 10**6)),
            YEAR + chance.randint(0, 365 * 86_400_000),
            int(chance.expovariate(1 / 150_000)) + 1,
        )
        for _ in range(CALLS)
    ]


def floor(prices: dict[str, int], lengths: list[int], calls: Calls) -> int:
    """The longest prefix in a dict, one multiplication, one sum."""
    total = 0
    for digits, _, talk_ms in calls:
        for length in lengths:
            price = prices.get(digits[:length])
            if price is not None:
                total += price * talk_ms
                break
    return total


def rate_all(tariff: CompiledTariff, calls: Calls) -> int:
    total = 0
    for digits, answered_ms, talk_ms in calls:
        found = tariff.price(digits=digits, answered_ms=answered_ms, talk_ms=talk_ms)
        if isinstance(found, Priced):
            total += found.cost
    return total


def rounds(first: Work, second: Work, calls: Calls, others: Calls | None = None) -> list[float]:
    """CPU seconds of two works over the calls, in turns of a thousand so that noise meets both."""
    spent = [0.0, 0.0]
    for _ in range(ROUNDS):
        for start in range(0, len(calls), 1000):
            for place, (work, given) in enumerate(((first, calls), (second, others or calls))):
                part = given[start : start + 1000]
                began = time.process_time()
                work(part)
                spent[place] += time.process_time() - began
    return [each / ROUNDS for each in spent]


def check(tariff: CompiledTariff, calls: Calls) -> None:
    """Some of the calls again, one increment at a time."""
    from cdr.engine.tariff_writing import tariff_document
    from cdr.engine.tariffs import EPOCH, ONE_MS
    from tests.support.tariffs import second_opinion

    document = tariff_document(tariff.tariff)
    by_prefix = {row["prefix"]: row for row in document["destinations"]}  # type: ignore[attr-defined]
    for digits, answered_ms, talk_ms in calls[:200]:
        found = tariff.price(digits=digits, answered_ms=answered_ms, talk_ms=talk_ms)
        row = by_prefix[found.prefix]
        expected = second_opinion(
            document | {"destinations": [row]},
            digits=digits,
            at=EPOCH + answered_ms * ONE_MS,
            talk_ms=talk_ms,
        )
        if not isinstance(found, Priced) or expected != (
            Fraction(found.cost, 10**6),
            Fraction(found.billed_ms, 1000),
        ):
            raise SystemExit(f"wrong price: {digits} {found} instead of {expected}")


def t4(*, kind: str, rule: str, ident: str) -> Figure:
    tariff = make_tariff(kind=kind, rule=rule)
    calls = make_calls(tariff)
    check(tariff, calls)
    prices = {row.prefix: place for place, row in enumerate(tariff.tariff.destinations)}
    lengths = sorted({len(prefix) for prefix in prices}, reverse=True)
    base, spent = rounds(partial(floor, prices, lengths), partial(rate_all, tariff), calls)
    return Figure(
        ident,
        f"rating, 30,000 prefixes, {kind}, rule {rule}",
        f"{CALLS / spent:,.0f}/s",
        f"{CALLS / base:,.0f}/s look-up and multiplication",
        f"{base / spent:.0%}",
        "≥ 15 %",
        base / spent >= 0.15,
    )


def t5(*, kind: str, rule: str, ident: str) -> Figure:
    tariff = make_tariff(kind=kind, rule=rule)
    digits = [row.prefix + "12345" for row in tariff.tariff.destinations]
    short = [(each, MONDAY, 60_000) for each in digits]
    long = [(each, MONDAY, 3 * 3_600_000) for each in digits]
    rate = partial(rate_all, tariff)
    minute, hours = rounds(rate, rate, short, long)
    return Figure(
        ident,
        f"a call of three hours, {kind}, rule {rule}",
        f"{hours / len(digits) * 1e6:.2f} µs",
        f"{minute / len(digits) * 1e6:.2f} µs for one minute",
        f"{hours / minute:.2f}x",
        "≤ 1.2x",
        hours / minute <= 1.2,
    )


def limit_all(tariff: CompiledTariff, calls: Calls) -> list[Limit]:
    return [
        longest_call(tariff, digits=digits, answered_ms=at, credit=CREDIT)
        for digits, at, _ in calls
    ]


def check_limits(tariff: CompiledTariff, calls: Calls, limits: list[Limit]) -> None:
    """The call of just that length fits, one millisecond more does not."""
    for (digits, at, talk_ms), limit in zip(calls, limits, strict=True):
        fits = tariff.price(digits=digits, answered_ms=at, talk_ms=talk_ms)
        beyond = tariff.price(digits=digits, answered_ms=at, talk_ms=talk_ms + 1)
        if (
            not isinstance(fits, Priced)
            or not isinstance(beyond, Priced)
            or fits.cost > CREDIT * 10**6
            or (limit.ends == "credit" and beyond.cost <= CREDIT * 10**6)
        ):
            raise SystemExit(f"wrong limit: {digits} {limit}")


def t6(*, kind: str, rule: str, ident: str) -> Figure:
    tariff = make_tariff(kind=kind, rule=rule)
    calls = make_calls(tariff)[:20_000]
    limits = limit_all(tariff, calls)
    bought = [
        (digits, at, limit.max_ms or 1)
        for (digits, at, _), limit in zip(calls, limits, strict=True)
    ]
    check_limits(tariff, bought, limits)
    base, spent = rounds(partial(rate_all, tariff), partial(limit_all, tariff), bought)
    return Figure(
        ident,
        f"longest call for {CREDIT}.00, steps and {kind}, rule {rule}",
        f"{spent / len(calls) * 1e6:.1f} µs",
        f"{base / len(calls) * 1e6:.1f} µs one rating of that call",
        f"{spent / base:.1f}x",
        "≤ 10x",
        spent / base <= 10,
    )


if __name__ == "__main__":
    show(
        [
            t4(kind="bands", rule="answer", ident="T4"),
            t4(kind="plain", rule="answer", ident="T4 plain"),
            t4(kind="bands", rule="split", ident="T4 split"),
            t5(kind="seconds", rule="answer", ident="T5"),
            t5(kind="bands", rule="answer", ident="T5 bands"),
            t5(kind="bands", rule="split", ident="T5 split"),
            t6(kind="bands", rule="answer", ident="T6"),
            t6(kind="bands", rule="split", ident="T6 split"),
        ]
    )
