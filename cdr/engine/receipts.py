"""The receipt of one call: every figure that made its price, in order, exact.

Anybody can add it up with a pocket calculator. Its total is worked out a second
time, from the amounts as the tariff writes them, and must equal what rating says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from cdr.engine.bands import NO_BAND, Timing
from cdr.engine.rating import (
    CompiledBand,
    CompiledTariff,
    Priced,
    Row,
    Run,
    Sheet,
    Unpriced,
    band_at,
    runs_of,
    unit_price,
)
from cdr.engine.tariffs import EPOCH, Band, Step
from kernel.money import STORED_DECIMALS, Micros, exact_text, round_amount

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MODES: Final = {
    "half_up": "half up",
    "half_even": "half even",
    "up": "up",
    "down": "down",
    "none": "not at all",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One line of a receipt. `text` is English; the figures are the same in parts.

    `amount` is what the line adds to the sum, exact, in units of the currency. A
    step line has the place in the call, the increments and the price they cost.
    `values` are what else the text speaks of, by name, for faces that write it in the
    reader's language: the words belong to them, the figures to the engine.
    """

    kind: str
    text: str
    amount: Fraction | None = None
    start_ms: int | None = None
    increments: int | None = None
    increment_ms: int | None = None
    billed_ms: int | None = None
    price: Decimal | None = None
    per_ms: int | None = None
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A rated call with the way to its price.

    `exact` is the amount before rounding, `cost` after the tariff's own rounding,
    `stored` what a call keeps: the same, with at most six decimals.
    """

    prefix: str
    area: str
    number_class: str
    billed_ms: int
    exact: Fraction
    cost: Fraction
    stored: Micros
    over_maximum: bool
    lines: tuple[ReceiptLine, ...]


def seconds_text(milliseconds: int) -> str:
    """Seconds without needless zeros: `60`, `0.4`."""
    text = f"{Decimal(milliseconds).scaleb(-3):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def long_text(amount: Fraction) -> str:
    """An exact amount; where it has no end, to 28 significant digits with an ellipsis."""
    text = exact_text(amount)
    if "/" not in text:
        return text
    return f"{Decimal(amount.numerator) / Decimal(amount.denominator)}…"


def _numbers(numbers: frozenset[int], names: tuple[str, ...] | None = None) -> str:
    """1,2,3,5 as `1-3, 5`, or by name."""
    parts: list[str] = []
    ordered = sorted(numbers)
    start = previous = ordered[0]
    for number in [*ordered[1:], -1]:
        if number != previous + 1:
            ends = [start] if start == previous else [start, previous]
            parts.append("-".join(names[end - 1] if names else str(end) for end in ends))
            start = number
        previous = number
    return ", ".join(parts)


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def timing_text(when: Timing) -> str:
    """When a band holds, in words: `Mon-Fri 08:00-18:30, not on holidays`."""
    days = "every day" if len(when.days) == 7 else _numbers(when.days, WEEKDAYS)
    hours = (
        "all day" if when.from_ms == when.to_ms else f"{_clock(when.from_ms)}-{_clock(when.to_ms)}"
    )
    if (when.from_ms, when.to_ms) == (0, 86_400_000):
        hours = "all day"
    parts = [f"{days} {hours}"]
    if when.months is not None:
        parts.append(f"months {_numbers(when.months)}")
    if when.month_days is not None:
        parts.append(f"days of the month {_numbers(when.month_days)}")
    if when.holiday is not None:
        parts.append("on holidays" if when.holiday else "not on holidays")
    return ", ".join(parts)


def _prefix_line(tariff: CompiledTariff, row: Row | None, area: str) -> ReceiptLine:
    if row is None:
        return ReceiptLine(
            kind="prefix",
            text=f"tariff {tariff.name}: no prefix fits",
            values={"tariff": tariff.name},
        )
    source = row.source
    since = f", valid from {source.valid_from.isoformat()}" if source.valid_from else ""
    until = f" to {source.valid_to.isoformat()}" if source.valid_to else ""
    prefix = source.prefix or "(empty: any number)"
    named = f" ({area})" if area else ""
    return ReceiptLine(
        kind="prefix",
        text=f"tariff {tariff.name}: longest prefix {prefix}{named}{since}{until}",
        values={
            "tariff": tariff.name,
            "prefix": source.prefix,
            "area": area,
            "valid_from": source.valid_from,
            "valid_to": source.valid_to,
        },
    )


def _band_line(tariff: CompiledTariff, when: Timing, index: int, at_ms: int) -> ReceiptLine:
    local = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(tariff.tariff.zone)
    rule = "increments by the band they begin in" if tariff.splits else "for the whole call"
    return ReceiptLine(
        kind="band",
        text=(
            f"answered {local.strftime('%a %Y-%m-%d %H:%M:%S')} in {tariff.tariff.timezone}:"
            f" band {index + 1}, {timing_text(when)}; {rule}"
        ),
        values={
            "answered": local,
            "time_zone": tariff.tariff.timezone,
            "band": index + 1,
            "timing": when,
            "splits": tariff.splits,
        },
    )


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs of the same band and step that follow each other, as one."""
    held: Run | None = None
    for run in runs:
        if held is not None and (held.band, held.step) == (run.band, run.step):
            held = held._replace(increments=held.increments + run.increments)
            continue
        if held is not None:
            yield held
        held = run
    if held is not None:
        yield held


def _step_line(run: Run, step: Step, *, currency: str, band_name: str) -> ReceiptLine:
    amount = run.increments * unit_price(step)
    billed = run.increments * run.increment_ms
    return ReceiptLine(
        kind="step",
        text=(
            f"from second {seconds_text(run.start_ms)}{band_name}: {run.increments} x"
            f" {seconds_text(run.increment_ms)} s = {seconds_text(billed)} s at"
            f" {step.price:f} {currency} per {seconds_text(step.per_ms)} s"
            f" = {long_text(amount)}"
        ),
        amount=amount,
        start_ms=run.start_ms,
        increments=run.increments,
        increment_ms=run.increment_ms,
        billed_ms=billed,
        price=step.price,
        per_ms=step.per_ms,
        values={"band": run.band + 1 if band_name else None},
    )


def _fee_line(band: Band, currency: str) -> ReceiptLine:
    fee = Fraction(band.connect_fee)
    return ReceiptLine(
        kind="fee",
        text=f"connect fee {exact_text(fee)} {currency}, once",
        amount=fee,
    )


def _bounds(band: Band, total: Fraction) -> Iterator[ReceiptLine]:
    """What minimum and maximum change, minimum first (rating reference 3.9)."""
    minimum, maximum = band.minimum_charge, band.maximum_charge
    if minimum is not None and total < minimum:
        lift = Fraction(minimum) - total
        yield ReceiptLine(
            kind="minimum",
            text=f"minimum charge {minimum:f}",
            amount=lift,
            values={"minimum": minimum},
        )
        total += lift
    if maximum is None or total <= maximum:
        return
    if band.at_maximum == "free":
        cut = Fraction(maximum) - total
        yield ReceiptLine(
            kind="maximum",
            text=f"maximum charge {maximum:f}: the rest is free",
            amount=cut,
            values={"maximum": maximum},
        )
    else:
        yield ReceiptLine(
            kind="maximum",
            text=f"ran past the maximum of {maximum:f} at which it should be cut: rated in full",
            values={"maximum": maximum},
        )


def _rounding_lines(
    tariff: CompiledTariff, exact: Fraction, cost: Fraction
) -> Iterator[ReceiptLine]:
    document = tariff.tariff
    yield ReceiptLine(
        kind="sum",
        text=f"exact amount {long_text(exact)} {tariff.currency}",
        values={"exact": exact},
    )
    mode = MODES[document.rounding_mode]
    places = "" if document.rounding_mode == "none" else f" to {document.decimals} decimals"
    yield ReceiptLine(
        kind="rounding",
        text=f"rounded {mode}{places}, once: {long_text(cost)} {tariff.currency}",
        values={
            "mode": document.rounding_mode,
            "decimals": document.decimals,
            "exact": exact,
            "cost": cost,
        },
    )


def _free(tariff: CompiledTariff, priced: Priced, lines: list[ReceiptLine]) -> Receipt:
    zero = Fraction(0)
    lines.extend(_rounding_lines(tariff, zero, zero))
    return _receipt(priced, exact=zero, cost=zero, lines=lines)


def _receipt(
    priced: Priced, *, exact: Fraction, cost: Fraction, lines: list[ReceiptLine]
) -> Receipt:
    return Receipt(
        prefix=priced.prefix,
        area=priced.area,
        number_class=priced.number_class,
        billed_ms=priced.billed_ms,
        exact=exact,
        cost=cost,
        stored=priced.cost,
        over_maximum=priced.over_maximum,
        lines=tuple(lines),
    )


def _usage_lines(
    tariff: CompiledTariff,
    row: Row,
    sheet: Sheet,
    band: CompiledBand,
    answered_ms: int,
    talk_ms: int,
) -> Iterator[ReceiptLine]:
    """Connect fee, free seconds and each run of increments."""
    bands = row.source.bands
    assert bands is not None
    source = bands[band.index]
    if source.connect_fee:
        yield _fee_line(source, tariff.currency)
    if source.free_ms:
        free = min(source.free_ms, talk_ms)
        yield ReceiptLine(
            kind="free",
            text=f"the first {seconds_text(free)} s are free",
            start_ms=0,
            values={"free_ms": free},
        )
    for run in _joined(runs_of(tariff, sheet, band, answered_ms=answered_ms, until_ms=talk_ms)):
        assert run.band != NO_BAND
        name = f" in band {run.band + 1}" if len(bands) > 1 and tariff.splits else ""
        yield _step_line(
            run, bands[run.band].steps[run.step], currency=tariff.currency, band_name=name
        )


def explain(
    tariff: CompiledTariff, *, digits: str, answered_ms: int, talk_ms: int
) -> Receipt | Unpriced:
    """The receipt of a call, or why it cannot be rated.

    Raises:
        ValueError: if `talk_ms` is negative.
    """
    priced = tariff.price(digits=digits, answered_ms=answered_ms, talk_ms=talk_ms)
    if isinstance(priced, Unpriced):
        return priced
    row = tariff.match(digits, answered_ms)
    lines = [_prefix_line(tariff, row, priced.area)]
    if talk_ms == 0 or row is None:
        lines.append(ReceiptLine(kind="unanswered", text="no talk time: costs nothing"))
        return _free(tariff, priced, lines)
    assert row.sheet is not None
    assert row.source.bands is not None
    band = band_at(row.sheet, answered_ms)
    assert band is not None
    source = row.source.bands[band.index]
    lines.append(_band_line(tariff, source.when, band.index, answered_ms))
    if talk_ms <= source.grace_ms:
        grace = seconds_text(source.grace_ms)
        lines.append(
            ReceiptLine(
                kind="grace",
                text=f"calls up to {grace} s cost nothing",
                values={"grace_ms": source.grace_ms},
            )
        )
        return _free(tariff, priced, lines)
    lines.extend(_usage_lines(tariff, row, row.sheet, band, answered_ms, talk_ms))
    total = sum((line.amount for line in lines if line.amount is not None), Fraction(0))
    for line in _bounds(source, total):
        lines.append(line)
        total += line.amount or 0
    document = tariff.tariff
    cost = round_amount(total, mode=document.rounding_mode, decimals=document.decimals)
    if document.rounding_mode != "none" and document.decimals <= STORED_DECIMALS:
        assert cost * 10**STORED_DECIMALS == priced.cost
    lines.extend(_rounding_lines(tariff, total, cost))
    return _receipt(priced, exact=total, cost=cost, lines=lines)
