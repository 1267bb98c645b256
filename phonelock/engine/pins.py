"""Which PINs are good enough, as pure rules (domain 9.4).

A PIN guards what is done at the phone itself; pages and gadgets ask for the login.
Nothing here keeps, compares or prints one.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from itertools import pairwise
from typing import Final

SHORTEST: Final = 4
LONGEST: Final = 12
MOST_TRIES: Final = 5
PAUSE_MINUTES: Final = 15


class PinFlaw(StrEnum):
    """Why a PIN is refused; the first that applies is told."""

    NOT_DIGITS = "not_digits"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    REPEATED = "repeated"
    RUN = "run"
    EXTENSION = "extension"


def plain_digits(text: str) -> str:
    """`text` without blanks around it, its digits of whatever script as a keypad sends them."""
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text.strip())


def flaw_of(pin: str, *, extensions: Collection[str]) -> PinFlaw | None:
    """What is wrong with `pin` for somebody who holds `extensions`; None: nothing."""
    if not pin.isascii() or not pin.isdecimal():
        return PinFlaw.NOT_DIGITS
    own = {plain_digits(extension) for extension in extensions}
    flaws = {
        PinFlaw.TOO_SHORT: len(pin) < SHORTEST,
        PinFlaw.TOO_LONG: len(pin) > LONGEST,
        PinFlaw.REPEATED: _is_repeated(pin),
        PinFlaw.RUN: _is_run(pin),
        PinFlaw.EXTENSION: pin in own,
    }
    return next((flaw for flaw, applies in flaws.items() if applies), None)


def _is_repeated(pin: str) -> bool:
    """One shorter group of digits over and over: 0000, 1212, 123123."""
    return pin in (pin + pin)[1:-1]


def _is_run(pin: str) -> bool:
    """Counting up or down, over the ten as well: 1234, 4321, 7890, 2109."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return steps in ({1}, {9})
