"""The terms of a budget, and what is wrong with them or has changed in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final, Literal

from budgets.engine.carry import CarryRule
from budgets.engine.thresholds import Step
from kernel.money import plain
from kernel.periods import PeriodKind, check_starts_on

MeasureName = Literal["MONEY", "MINUTES"]

MS_PER_MINUTE: Final = 60_000
ROUNDED_TO: Final[Mapping[str, int]] = {"MONEY": 10_000, "MINUTES": MS_PER_MINUTE}
"""A whole cent, a whole minute: what is worked out or estimated knows no finer amounts."""
MOST_AMOUNT: Final = 10**15
MOST_PERCENT: Final = 1000
RECIPIENTS: Final = ("user", "manager", "administrator")
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")


class BadTerms(ValueError):
    """The terms contradict themselves; the text says where."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a budget allows and does. `amount` is micro-units, or milliseconds for minutes.

    `starts_on` is 1..31 for months, 1 (Monday)..7 for weeks, 1 for days. No classes
    = all of them. `carry` None = the rest is not handed on.
    """

    amount: int
    steps: tuple[Step, ...]
    measure: MeasureName = "MONEY"
    period: PeriodKind = "month"
    starts_on: int = 1
    number_classes: tuple[str, ...] = ()
    carry: CarryRule | None = None
    extra_recipient: str = ""


def check(terms: Terms, *, classes: Collection[str]) -> None:
    """Refuse terms that cannot be kept. `classes` are those a budget may be limited to.

    Raises:
        BadTerms: naming the field, the value and what would be right.
    """
    if not 0 <= terms.amount <= MOST_AMOUNT:
        raise BadTerms(f"the amount must lie between 0 and {_text(MOST_AMOUNT, terms)}")
    if terms.period == "day" and terms.starts_on != 1:
        raise BadTerms(f"a day has no start day, starts_on {terms.starts_on} must be left out")
    try:
        check_starts_on(terms.period, terms.starts_on)
    except ValueError as error:
        raise BadTerms(f"starts_on: {error}") from None
    for name in terms.number_classes:
        if name not in classes:
            raise BadTerms(f"unknown class {name!r}; known are {', '.join(sorted(classes))}")
    if terms.carry is not None and terms.carry.cap is not None and terms.carry.cap < 0:
        raise BadTerms("carry_cap must not be negative")
    if terms.extra_recipient and not _ADDRESS.fullmatch(terms.extra_recipient):
        raise BadTerms(f"not a mail address: {terms.extra_recipient!r}")
    _check_steps(terms.steps)


def _check_steps(steps: tuple[Step, ...]) -> None:
    seen: set[int] = set()
    for step in steps:
        if not 1 <= step.percent <= MOST_PERCENT:
            raise BadTerms(f"a threshold's percent must be 1..{MOST_PERCENT}, got {step.percent}")
        if step.percent in seen:
            raise BadTerms(f"the threshold of {step.percent} percent is there twice")
        seen.add(step.percent)
        for name in step.notify:
            if name not in RECIPIENTS and not _ADDRESS.fullmatch(name):
                raise BadTerms(
                    f"threshold {step.percent}: notify {name!r} is neither "
                    f"{', '.join(RECIPIENTS)} nor a mail address"
                )


def changes(old: Terms, new: Terms) -> tuple[str, ...]:
    """What is different, a phrase each: ``amount 20.00, was 10.00``."""
    return tuple(_phrases(old, new))


def _phrases(old: Terms, new: Terms) -> Iterator[str]:
    for each in fields(Terms):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if before != after:
            name = _NAMES.get(each.name, each.name)
            yield f"{name} {_say(after, new, name=name)}, was {_say(before, old, name=name)}"


_NAMES: Final = {"steps": "thresholds", "number_classes": "classes", "carry": "carry-over"}


def _say(value: object, terms: Terms, *, name: str) -> str:
    if not value and name != "amount":
        return "none"
    if isinstance(value, CarryRule):
        cap = "the amount" if value.cap is None else _text(value.cap, terms)
        return f"up to {cap}{' and debt' if value.debt else ''}"
    if isinstance(value, tuple):
        return " ".join(_step(each) if isinstance(each, Step) else str(each) for each in value)
    return _text(terms.amount, terms) if name == "amount" else str(value)


def _step(step: Step) -> str:
    actions = [*step.notify, *(["lock"] if step.locks else [])]
    return f"{step.percent}%({'+'.join(actions) or 'silent'})"


def _text(amount: int, terms: Terms) -> str:
    return measured(amount, measure=terms.measure)


def measured(amount: int, *, measure: str, decimals: int = 2) -> str:
    """Write an amount in units of the currency, or in minutes, with at least `decimals`.

    Minutes are rounded half up to four places, money is exact.

    >>> measured(12_340_000, measure="MONEY"), measured(90_000, measure="MINUTES")
    ('12.34', '1.50')
    """
    if measure == "MONEY":
        return plain(amount, decimals=decimals)
    ten_thousandths = (20_000 * amount + MS_PER_MINUTE) // (2 * MS_PER_MINUTE)
    return plain(ten_thousandths * 100, decimals=decimals)
