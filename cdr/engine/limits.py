"""The longest call that an amount buys: the exact inverse of rating.

Walks the same runs of equal increments as rating does, one division a run. The
rounded charge of the call never exceeds the amount, and one increment more would.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cdr.engine.rating import (
    BARRED,
    NO_BAND_REASON,
    NO_PREFIX,
    CompiledBand,
    CompiledTariff,
    Sheet,
    Unpriced,
    band_at,
    runs_of,
)
from kernel.money import RoundingMode, round_amount

INSUFFICIENT: Final = "insufficient_credit"
OVER_MAXIMUM: Final = "maximum_charge"
CREDIT: Final = "credit"
MAXIMUM: Final = "maximum_charge"
GAP: Final = "gap"
HORIZON: Final = "horizon"
UNLIMITED: Final = 1 << 190
"""More than any call costs; less than the maximum of a band that has none."""

REFUSALS: Final[dict[str, str]] = {
    INSUFFICIENT: "the amount does not pay for the start of the call",
    OVER_MAXIMUM: "the first increment already costs more than the call's maximum",
}

DEFAULT_HORIZON_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How long a call may last.

    `max_ms` None means no limit: nothing more will have to be paid. `cost` is what
    a call of just that length costs, rounded as the tariff says, in units. `ends`
    says what ends it: credit, maximum_charge, gap, horizon, or nothing.
    """

    is_allowed: bool
    reason: str = ""
    max_ms: int | None = 0
    cost: Fraction = Fraction(0)
    prefix: str = ""
    area: str = ""
    number_class: str = ""
    ends: str = ""


def _affordable(credit: Fraction, *, factor: int, mode: RoundingMode, decimals: int) -> int:
    """The largest exact amount, in `factor` parts of a unit, that rounds to `credit` or less."""
    if mode == "none":
        return credit.numerator * factor // credit.denominator
    step: int = 10**decimals
    whole = credit.numerator * step // credit.denominator
    if mode == "up":
        return whole * factor // step
    if mode == "down":
        return -(-(whole + 1) * factor // step) - 1
    middle = (2 * whole + 1) * factor
    if mode == "half_even" and whole % 2 == 0:
        return middle // (2 * step)
    return -(-middle // (2 * step)) - 1


@dataclass(slots=True)
class _Walk:
    """Where the money is: `reached` of talk time, `amount` spent on it, what stopped it."""

    reached: int
    amount: int
    stopped: str = ""


def _spend(
    tariff: CompiledTariff,
    sheet: Sheet,
    band: CompiledBand,
    answered_ms: int,
    horizon: int,
    budget: int,
) -> _Walk:
    """Buy increments until `budget` or `horizon` is used up or a gap comes."""
    walk = _Walk(min(band.free_ms, horizon), band.fee)
    for run in runs_of(tariff, sheet, band, answered_ms=answered_ms, until_ms=horizon):
        if run.band < 0:
            walk.stopped = GAP
            return walk
        count = run.increments
        if run.unit:
            count = min(count, (budget - walk.amount) // run.unit)
        walk.amount += count * run.unit
        if count:
            walk.reached = min(horizon, run.start_ms + count * run.increment_ms)
        if count < run.increments:
            walk.stopped = CREDIT
            return walk
    return walk


def _costs_no_more(tariff: CompiledTariff, sheet: Sheet, band: CompiledBand, horizon: int) -> bool:
    """Whether a call that has lasted `horizon` has nothing more to pay, ever."""
    if tariff.splits and sheet.only is None:
        return all(unit == 0 for each in sheet.bands for _, _, unit in each.steps)
    last_start, _, last_unit, *_ = band.runs[0]
    return last_unit == 0 and last_start <= horizon


def _refused(priced: Unpriced) -> Limit:
    return Limit(
        is_allowed=False,
        reason=priced.reason,
        prefix=priced.prefix,
        area=priced.area,
        number_class=priced.number_class,
    )


def longest_call(
    tariff: CompiledTariff,
    *,
    digits: str,
    answered_ms: int,
    credit: Fraction,
    max_seconds: int = DEFAULT_HORIZON_MS // 1000,
) -> Limit:
    """How long `credit` (units of the currency) lets a call to `digits` last.

    Looks ahead `max_seconds`, and no further. The rounded charge stays within the
    credit; a gap between bands ends the time; grace seconds buy nothing (design
    10). A call that costs nothing is allowed whatever the credit.

    Raises:
        ValueError: if `max_seconds` is not positive.
    """
    if max_seconds <= 0:
        raise ValueError(f"max_seconds must be positive, got {max_seconds}")
    row = tariff.match(digits, answered_ms)
    if row is None or row.sheet is None:
        missing = tariff.price(digits=digits, answered_ms=answered_ms, talk_ms=1)
        return _refused(missing if isinstance(missing, Unpriced) else Unpriced(NO_PREFIX))
    sheet = row.sheet
    area, number_class = tariff.area_of(digits, answered_ms, row=row)
    band = band_at(sheet, answered_ms)
    if band is None:
        reason = NO_BAND_REASON if sheet.bands else BARRED
        return _refused(Unpriced(reason, row.prefix, area, number_class))
    document = tariff.tariff
    factor = tariff.scale * sheet.share
    budget = _affordable(
        max(credit, Fraction(0)),
        factor=factor,
        mode=document.rounding_mode,
        decimals=document.decimals,
    )
    horizon = max_seconds * 1000
    max_ms, amount, ends = _decide(tariff, sheet, band, answered_ms, horizon, budget)
    if max_ms == 0:
        return _refused(Unpriced(ends, row.prefix, area, number_class))
    exact = Fraction(_bounded(band, amount), factor)
    if max_ms is not None and max_ms <= band.grace_ms:
        exact = Fraction(0)
    return Limit(
        is_allowed=True,
        max_ms=max_ms,
        cost=round_amount(exact, mode=document.rounding_mode, decimals=document.decimals),
        prefix=row.prefix,
        area=area,
        number_class=number_class,
        ends=ends,
    )


def _bounded(band: CompiledBand, amount: int) -> int:
    amount = max(amount, band.minimum)
    return min(amount, band.maximum) if band.is_capped else amount


def _decide(
    tariff: CompiledTariff,
    sheet: Sheet,
    band: CompiledBand,
    answered_ms: int,
    horizon: int,
    budget: int,
) -> tuple[int | None, int, str]:
    """(longest talk or None, amount before minimum and maximum, what ends or forbids it)."""
    cap_fits = band.is_capped and band.maximum <= budget
    limit, refusal, ends = (UNLIMITED if cap_fits else budget), INSUFFICIENT, CREDIT
    if not band.is_capped and band.maximum < limit:
        limit, refusal, ends = band.maximum, OVER_MAXIMUM, MAXIMUM
    if max(band.fee, band.minimum) > limit:
        return 0, 0, refusal
    walk = _spend(tariff, sheet, band, answered_ms, horizon, limit)
    if walk.reached == 0:
        return 0, 0, refusal
    if walk.stopped:
        return walk.reached, walk.amount, GAP if walk.stopped == GAP else ends
    costs_no_more = _costs_no_more(tariff, sheet, band, horizon)
    if costs_no_more or cap_fits:
        return None, walk.amount if costs_no_more else band.maximum, ""
    return walk.reached, walk.amount, HORIZON
