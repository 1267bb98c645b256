"""The price of one call: prefix, band, steps, increments, fee, one rounding.

A tariff is compiled once into whole numbers. A run of equal increments is one
multiplication, so that the work depends on the bands and steps that a call
crosses and never on its length. Money inside is counted in parts of the tariff's
smallest amount: `amount / share` of a rounding step, exact.

Rules: docs/tariffs.md. The receipt of the same figures is `cdr.engine.receipts`,
the inverse (what an amount buys) `cdr.engine.limits`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final, NamedTuple

from cdr.engine.bands import NO_BAND, Schedule, Timing, ZoneClock
from cdr.engine.tariffs import Band, Destination, Step, TariffDocument, epoch_ms
from kernel.money import STORED_DECIMALS, Micros, ceil_div

SINCE_EVER: Final = -(1 << 62)
FOR_EVER: Final = 1 << 62
UNBOUND: Final = 1 << 200
HALF_EVEN: Final = -1

NO_PREFIX: Final = "no_prefix"
NOT_VALID: Final = "not_valid"
NO_PRICE: Final = "no_price"
NO_BAND_REASON: Final = "no_band"
BARRED: Final = "barred"

REASONS: Final[dict[str, str]] = {
    NO_PREFIX: "no prefix of the tariff fits the number",
    NOT_VALID: "the prefix has no price at the time of the answer",
    NO_PRICE: "the tariff names the area and has no price for it",
    NO_BAND_REASON: "no time band holds",
    BARRED: "the tariff bars the destination",
}


class Priced(NamedTuple):
    """A rated call: what is stored of it.

    `billed_ms` counts whole increments, free seconds apart. `over_maximum`: the
    call ran past a maximum at which it should have been cut; it is rated in full.
    """

    cost: Micros
    billed_ms: int
    prefix: str
    area: str
    number_class: str
    over_maximum: bool = False


class Unpriced(NamedTuple):
    """A call that cannot be rated, and why (a key of REASONS). Never an amount of 0."""

    reason: str
    prefix: str = ""
    area: str = ""
    number_class: str = ""


class Run(NamedTuple):
    """Equal increments in a row: so many of `increment_ms`, the first at `start_ms`.

    `band` -1 is a gap between bands; nothing can begin there.
    """

    band: int
    step: int
    start_ms: int
    increment_ms: int
    increments: int
    unit: int


@dataclass(frozen=True, slots=True)
class CompiledBand:
    """One band in whole numbers; `steps` are (from, increment, amount of an increment).

    `runs` is the course of a call that stays in this band, the last run first:
    (start, increment, amount of an increment, amount before the run, step).
    """

    index: int
    free_ms: int
    grace_ms: int
    fee: int
    minimum: int
    maximum: int
    is_capped: bool
    steps: tuple[tuple[int, int, int], ...]
    starts: tuple[int, ...]
    runs: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The bands of a destination, over one common `share`; equal ones are shared by rows."""

    schedule: Schedule
    bands: tuple[CompiledBand, ...]
    only: CompiledBand | None
    share: int
    bias: int


@dataclass(slots=True)
class Row:
    """A destination that takes part in the prefix search; `older` has the same prefix."""

    prefix: str
    area: str
    number_class: str
    from_ms: int
    to_ms: int
    sheet: Sheet | None
    source: Destination
    older: Row | None = None


class _Sheets:
    """Compiles bands, once for all destinations that share them."""

    def __init__(self, tariff: TariffDocument) -> None:
        self._clock = ZoneClock(tariff.zone)
        self._calendar = tariff.holidays
        self._mode = tariff.rounding_mode
        self.decimals = min(tariff.decimals, STORED_DECIMALS)
        if self._mode == "none":
            self.decimals = STORED_DECIMALS
        self._schedules: dict[tuple[Timing, ...], Schedule] = {}
        self._sheets: dict[int, Sheet] = {}

    def sheet(self, bands: tuple[Band, ...]) -> Sheet:
        known = self._sheets.get(id(bands))
        if known is None:
            known = self._sheets[id(bands)] = self._compile(bands)
        return known

    def _compile(self, bands: tuple[Band, ...]) -> Sheet:
        timings = tuple(band.when for band in bands)
        schedule = self._schedules.get(timings)
        if schedule is None:
            schedule = Schedule(timings, clock=self._clock, calendar=self._calendar)
            self._schedules[timings] = schedule
        scale = 10**self.decimals
        share = 2 * lcm(*(part.denominator for band in bands for part in _parts(band, scale)))
        compiled = tuple(_band(index, band, scale * share) for index, band in enumerate(bands))
        only = compiled[schedule.always] if schedule.always != NO_BAND else None
        biases = {"up": share - 1, "down": 0, "half_even": HALF_EVEN}
        return Sheet(schedule, compiled, only, share, biases.get(self._mode, share // 2))


def unit_price(step: Step) -> Fraction:
    """What one increment of `step` costs, exactly, in units of the currency."""
    return Fraction(step.price) * step.increment_ms / step.per_ms


def _parts(band: Band, scale: int) -> Iterator[Fraction]:
    yield Fraction(band.connect_fee) * scale
    yield Fraction(band.minimum_charge or 0) * scale
    yield Fraction(band.maximum_charge or 0) * scale
    for step in band.steps:
        yield unit_price(step) * scale


def _whole(amount: Fraction) -> int:
    assert amount.denominator == 1
    return amount.numerator


def _band(index: int, band: Band, factor: int) -> CompiledBand:
    steps = tuple(
        (step.from_ms, step.increment_ms, _whole(unit_price(step) * factor)) for step in band.steps
    )
    starts = tuple(step[0] for step in steps)
    fee = _whole(Fraction(band.connect_fee) * factor)
    maximum = band.maximum_charge
    return CompiledBand(
        index=index,
        free_ms=band.free_ms,
        grace_ms=band.grace_ms,
        fee=fee,
        minimum=_whole(Fraction(band.minimum_charge or 0) * factor),
        maximum=UNBOUND if maximum is None else _whole(Fraction(maximum) * factor),
        is_capped=maximum is not None and band.at_maximum == "free",
        steps=steps,
        starts=starts,
        runs=_course(steps, starts, free_ms=band.free_ms, fee=fee),
    )


def _course(
    steps: tuple[tuple[int, int, int], ...], starts: tuple[int, ...], *, free_ms: int, fee: int
) -> tuple[tuple[int, int, int, int, int], ...]:
    """The runs of a call that stays in one band; increments begin at the first paid second."""
    runs: list[tuple[int, int, int, int, int]] = []
    position, amount = free_ms, fee
    while True:
        index = bisect_right(starts, position) - 1
        _, increment, unit = steps[index]
        runs.append((position, increment, unit, amount, index))
        if index + 1 == len(steps):
            return tuple(reversed(runs))
        count = ceil_div(starts[index + 1] - position, increment)
        position += count * increment
        amount += count * unit


class CompiledTariff:
    """A tariff ready for rating. Made by `compile_tariff`; safe to share between threads."""

    def __init__(self, tariff: TariffDocument) -> None:
        self.tariff = tariff
        self.name = tariff.name
        self.currency = tariff.currency
        self.splits = tariff.band_rule == "split"
        sheets = _Sheets(tariff)
        self._to_micros = 10 ** (STORED_DECIMALS - sheets.decimals)
        self.scale = 10**sheets.decimals
        self._rows: dict[str, Row] = {}
        self._names: dict[str, Row] = {}
        for source in tariff.destinations:
            sheet = None if source.bands is None else sheets.sheet(source.bands)
            _enter(self._names if sheet is None else self._rows, source, sheet)
        self._lengths = _lengths(self._rows)
        self._name_lengths = _lengths(self._names)

    def price(self, *, digits: str, answered_ms: int, talk_ms: int) -> Priced | Unpriced:
        """Rate a call to `digits` (E.164 without +), answered at `answered_ms` (epoch).

        A call of no talk time costs 0 whatever the number (rating reference 3.1).

        Raises:
            ValueError: if `talk_ms` is negative.
        """
        rows = self._rows
        for length in self._lengths:
            row = rows.get(digits[:length])
            while row is not None and not row.from_ms <= answered_ms < row.to_ms:
                row = row.older
            if row is not None:
                break
        else:
            return self._unmatched(digits, answered_ms, talk_ms)
        if talk_ms <= 0 or self._names:
            return self._unusual(row, digits, answered_ms, talk_ms)
        return self._rate(row, row.area, row.number_class, answered_ms, talk_ms)

    def _rate(
        self, row: Row, area: str, number_class: str, answered_ms: int, talk_ms: int
    ) -> Priced | Unpriced:
        sheet = row.sheet
        assert sheet is not None
        band = sheet.only
        if band is None:
            index, until = sheet.schedule.at(answered_ms)
            if index < 0:
                reason = NO_BAND_REASON if sheet.bands else BARRED
                return Unpriced(reason, row.prefix, area, number_class)
            band = sheet.bands[index]
            splits = self.splits and answered_ms + talk_ms > until
        else:
            splits = False
        if talk_ms <= band.grace_ms:
            return Priced(Micros(0), 0, row.prefix, area, number_class)
        if splits:
            walked = _walk(sheet, band, answered_ms, talk_ms)
            if walked is None:
                return Unpriced(NO_BAND_REASON, row.prefix, area, number_class)
            amount, billed = walked
        else:
            amount, billed = _stay(band, talk_ms)
        amount = max(amount, band.minimum)
        over_maximum = False
        if amount > band.maximum:
            if band.is_capped:
                amount = band.maximum
            else:
                over_maximum = True
        bias = sheet.bias
        whole = (amount + bias) // sheet.share if bias >= 0 else rounded(amount, sheet)
        cost = Micros(whole * self._to_micros)
        return Priced(cost, billed, row.prefix, area, number_class, over_maximum)

    def _unusual(self, row: Row, digits: str, answered_ms: int, talk_ms: int) -> Priced | Unpriced:
        """A matched call without talk, or of a tariff that also names areas."""
        area, number_class = self.area_of(digits, answered_ms, row=row)
        if talk_ms > 0:
            return self._rate(row, area, number_class, answered_ms, talk_ms)
        _check(talk_ms)
        return Priced(Micros(0), 0, row.prefix, area, number_class)

    def _unmatched(self, digits: str, answered_ms: int, talk_ms: int) -> Priced | Unpriced:
        _check(talk_ms)
        area, number_class = self.area_of(digits, answered_ms, row=None)
        if talk_ms == 0:
            return Priced(Micros(0), 0, "", area, number_class)
        if area or number_class:
            return Unpriced(NO_PRICE, "", area, number_class)
        known = any(digits[:length] in self._rows for length in self._lengths)
        return Unpriced(NOT_VALID if known else NO_PREFIX)

    def match(self, digits: str, at_ms: int) -> Row | None:
        """The priced row for `digits` among those valid at `at_ms`: the longest prefix."""
        return _search(self._rows, self._lengths, digits, at_ms)

    def area_of(self, digits: str, at_ms: int, *, row: Row | None) -> tuple[str, str]:
        """Area and class: of the longest name, where that says more than the priced `row`."""
        area = row.area if row else ""
        number_class = row.number_class if row else ""
        name = _search(self._names, self._name_lengths, digits, at_ms)
        if name is None:
            return area, number_class
        if row is None or len(name.prefix) > len(row.prefix):
            return name.area or area, number_class or name.number_class
        return area or name.area, number_class or name.number_class


def _check(talk_ms: int) -> None:
    if talk_ms < 0:
        raise ValueError(f"talk_ms must not be negative, got {talk_ms}")


def _enter(rows: dict[str, Row], source: Destination, sheet: Sheet | None) -> None:
    """Put a row among those of its prefix, the latest start first."""
    row = Row(
        source.prefix,
        source.area,
        source.number_class,
        SINCE_EVER if source.valid_from is None else epoch_ms(source.valid_from),
        FOR_EVER if source.valid_to is None else epoch_ms(source.valid_to),
        sheet,
        source,
    )
    first = rows.get(row.prefix)
    if first is None or first.from_ms < row.from_ms:
        row.older = first
        rows[row.prefix] = row
        return
    while first.older is not None and first.older.from_ms >= row.from_ms:
        first = first.older
    row.older = first.older
    first.older = row


def _lengths(rows: dict[str, Row]) -> tuple[int, ...]:
    return tuple(sorted({len(prefix) for prefix in rows}, reverse=True))


def _search(rows: dict[str, Row], lengths: tuple[int, ...], digits: str, at_ms: int) -> Row | None:
    for length in lengths:
        row = rows.get(digits[:length])
        while row is not None and not row.from_ms <= at_ms < row.to_ms:
            row = row.older
        if row is not None:
            return row
    return None


def rounded(amount: int, sheet: Sheet) -> int:
    """`amount` in whole rounding steps, by the tariff's mode (exact ones: half up)."""
    if sheet.bias != HALF_EVEN:
        return (amount + sheet.bias) // sheet.share
    whole, rest = divmod(amount, sheet.share)
    double = 2 * rest
    return whole + (double > sheet.share or (double == sheet.share and whole & 1))


def _stay(band: CompiledBand, talk_ms: int) -> tuple[int, int]:
    """Amount and billed time of a call that one band prices whole."""
    for start, increment, unit, before, _ in band.runs:
        if talk_ms > start:
            count = -((start - talk_ms) // increment)
            return before + count * unit, start + count * increment - band.free_ms
    return band.fee, 0


def _walk(
    sheet: Sheet, band: CompiledBand, answered_ms: int, talk_ms: int
) -> tuple[int, int] | None:
    """Amount and billed time of a call that may cross bands; None if it meets a gap."""
    amount, billed = band.fee, 0
    for run in crossing_runs(sheet, band, answered_ms=answered_ms, until_ms=talk_ms):
        if run.band == NO_BAND:
            return None
        amount += run.increments * run.unit
        billed += run.increments * run.increment_ms
    return amount, billed


def crossing_runs(
    sheet: Sheet, first: CompiledBand, *, answered_ms: int, until_ms: int
) -> Iterator[Run]:
    """The increments that begin before `until_ms` of the call, by the band they begin in.

    Free seconds are those of the band at the answer; steps count from the answer,
    across bands. Ends at a gap, with a run of band -1.
    """
    position = first.free_ms
    while position < until_ms:
        index, holds_until = sheet.schedule.at(answered_ms + position)
        if index == NO_BAND:
            yield Run(NO_BAND, 0, position, 0, 0, 0)
            return
        band = sheet.bands[index]
        step = bisect_right(band.starts, position) - 1
        _, increment, unit = band.steps[step]
        end = min(until_ms, holds_until - answered_ms)
        if step + 1 < len(band.starts):
            end = min(end, band.starts[step + 1])
        count = ceil_div(end - position, increment)
        yield Run(index, step, position, increment, count, unit)
        position += count * increment


def staying_runs(band: CompiledBand, until_ms: int) -> Iterator[Run]:
    """The increments that begin before `until_ms` of a call that one band prices whole."""
    for place in range(len(band.runs) - 1, -1, -1):
        start, increment, unit, _, step = band.runs[place]
        if start >= until_ms:
            return
        end = min(until_ms, band.runs[place - 1][0]) if place else until_ms
        yield Run(band.index, step, start, increment, ceil_div(end - start, increment), unit)


def runs_of(
    tariff: CompiledTariff, sheet: Sheet, band: CompiledBand, *, answered_ms: int, until_ms: int
) -> Iterator[Run]:
    """The increments of a call by the tariff's band rule."""
    if tariff.splits and sheet.only is None:
        return crossing_runs(sheet, band, answered_ms=answered_ms, until_ms=until_ms)
    return staying_runs(band, until_ms)


def band_at(sheet: Sheet, at_ms: int) -> CompiledBand | None:
    """The band that holds at an instant; None in a gap."""
    if sheet.only is not None:
        return sheet.only
    index, _ = sheet.schedule.at(at_ms)
    return None if index == NO_BAND else sheet.bands[index]


def compile_tariff(tariff: TariffDocument) -> CompiledTariff:
    """Make `tariff` ready for rating: work that is done once, not for each call."""
    return CompiledTariff(tariff)
