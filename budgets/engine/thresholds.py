"""When a budget speaks up: percent, thresholds reached, latches, whole numbers only.

Amounts are micro-units of a currency or milliseconds of talk; the rules are the
same. A threshold of `percent` is reached once ``spent * 100 >= percent *
effective``. It fires once and stays latched until spent falls below it again
(domain reference 8.3, 8.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kernel.money import ceil_div

OVER_PERCENT: Final = 100
"""Where a budget is spent: known to the history whether somebody set it or not."""

Mood = Literal["ok", "warning", "over"]


@dataclass(frozen=True, slots=True)
class Step:
    """At `percent` of the budget: whom to tell, and whether to lock."""

    percent: int
    notify: tuple[str, ...] = ()
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Latch:
    """The newest time a percent was reached in the period; `is_set` until it falls."""

    percent: int
    generation: int
    is_set: bool


@dataclass(frozen=True, slots=True)
class Fired:
    """A threshold that is reached now and was not before."""

    percent: int
    generation: int
    locks: bool
    is_programmed: bool
    """Somebody set this threshold; else it is the 100 percent everybody has."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at one period came to.

    `fired` is ascending. Only one message goes out, that of the last; `told` are the
    recipients of all that fired. `fires_from` and `resets_below` bound the sums
    between which nothing will be due; None = never.
    """

    fired: tuple[Fired, ...]
    reset: tuple[int, ...]
    told: tuple[str, ...]
    is_locking: bool
    fires_from: int | None
    resets_below: int | None


def default_steps(*, with_lock: bool) -> tuple[Step, ...]:
    """The thresholds of a budget that names none (domain reference 8.4)."""
    return (
        Step(50, ("user",)),
        Step(80, ("user", "manager")),
        Step(OVER_PERCENT, ("user", "manager", "administrator"), locks=with_lock),
    )


def percent_hundredths(*, spent: int, effective: int) -> int:
    """`spent` of `effective` in hundredths of a percent, rounded half up.

    Where nothing may be spent the percent is 100 at the first cent; where debt was
    carried over even that, it is 100 from the start.

    >>> percent_hundredths(spent=1_234_000, effective=10_000_000)
    1234
    """
    if effective > 0:
        return (20_000 * spent + effective) // (2 * effective)
    return 100 * OVER_PERCENT if spent > 0 or effective < 0 else 0


def reach(*, percent: int, locks: bool, effective: int) -> int | None:
    """The smallest spent that reaches `percent`; None where no sum ever does.

    With nothing to spend a threshold that locks is reached from the start, the
    others at the first cent, and those above 100 never.
    """
    if effective > 0:
        return ceil_div(percent * effective, 100)
    if locks:
        return 0
    if percent > OVER_PERCENT:
        return None
    return 0 if effective < 0 else 1


def least_below(*, percent: int, spent: int) -> int:
    """The smallest amount of a budget of which `spent` does not reach `percent`.

    >>> least_below(percent=100, spent=10_500_000)
    10500001
    >>> reach(percent=80, locks=True, effective=least_below(percent=80, spent=7))
    8
    """
    return max(1, 100 * spent // percent + 1)


def judge(
    *, spent: int, effective: int, steps: Sequence[Step], latches: Sequence[Latch]
) -> Verdict:
    """Say which thresholds fire now, which latches fall, and whether the budget locks.

    Latches of percents that are no longer thresholds are left alone and lock
    nothing. A threshold that is set where spent already stands fires at once.
    """
    newest = {latch.percent: latch for latch in sorted(latches, key=lambda each: each.generation)}
    fired: list[Fired] = []
    reset: list[int] = []
    told: dict[str, None] = {}
    ahead: list[int] = []
    behind: list[int] = []
    is_locking = False
    for step, is_programmed in _with_over(steps):
        threshold = reach(percent=step.percent, locks=step.locks, effective=effective)
        latch = newest.get(step.percent)
        was_reached = latch is not None and latch.is_set
        if threshold is None or spent < threshold:
            if was_reached:
                reset.append(step.percent)
            if threshold is not None:
                ahead.append(threshold)
            continue
        behind.append(threshold)
        is_locking = is_locking or step.locks
        if not was_reached:
            generation = latch.generation + 1 if latch else 1
            fired.append(Fired(step.percent, generation, step.locks, is_programmed))
            told.update(dict.fromkeys(step.notify))
    return Verdict(
        fired=tuple(fired),
        reset=tuple(reset),
        told=tuple(told),
        is_locking=is_locking,
        fires_from=min(ahead, default=None),
        resets_below=max(behind, default=None),
    )


def _with_over(steps: Sequence[Step]) -> list[tuple[Step, bool]]:
    """The thresholds ascending, with a silent one at 100 percent where none is set."""
    known = {step.percent: (step, True) for step in steps}
    known.setdefault(OVER_PERCENT, (Step(OVER_PERCENT), False))
    return [known[percent] for percent in sorted(known)]


def mood(*, spent: int, effective: int, steps: Sequence[Step]) -> Mood:
    """In one word: ``ok``, ``warning`` above the first threshold, ``over`` from 100 percent."""
    over = reach(percent=OVER_PERCENT, locks=False, effective=effective)
    if over is not None and spent >= over:
        return "over"
    reached = (reach(percent=step.percent, locks=step.locks, effective=effective) for step in steps)
    return "warning" if any(least is not None and spent >= least for least in reached) else "ok"
