"""Whether a call counts in a budget, and if not, why: the sums' rule told for one call.

`queries/sums.py` has the same rule for whole days in the database's words; the tests
hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum

from cdr.engine.classes import EMERGENCY


class WhyNot(Enum):
    """Why a call does not count. The first that holds is told."""

    RECEIVED = "received"
    INTERNAL = "internal"
    UNANSWERED = "unanswered"
    EMERGENCY = "emergency"
    BEFORE = "before"
    AFTER = "after"
    NOT_PAID = "not_paid"
    OTHER_UNIT = "other_unit"
    CLASS = "class"
    UNRATED = "unrated"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Counted:
    """What a period counts, of the calls of people it is for. No classes = all of them."""

    starts_on: date
    ends_before: date
    counts_talk: bool
    currency: str
    classes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a call tells about itself. `in_unit` = made for a unit that the budget counts."""

    local_date: date
    number_class: str
    currency: str
    is_received: bool
    is_internal: bool
    is_answered: bool
    is_paid: bool
    is_rated: bool
    in_unit: bool = True


def why_not(call: CallFacts, counted: Counted) -> WhyNot | None:
    """The reason why `call` does not count; None where it does."""
    tests = (
        (WhyNot.INTERNAL, call.is_internal and not call.is_paid),
        (WhyNot.RECEIVED, call.is_received and not call.is_paid),
        (WhyNot.UNANSWERED, not call.is_answered and not call.is_paid),
        (WhyNot.EMERGENCY, call.number_class == EMERGENCY),
        (WhyNot.BEFORE, call.local_date < counted.starts_on),
        (WhyNot.AFTER, call.local_date >= counted.ends_before),
        (WhyNot.NOT_PAID, not call.is_paid),
        (WhyNot.OTHER_UNIT, not call.in_unit),
        (WhyNot.CLASS, bool(counted.classes) and call.number_class not in counted.classes),
        (WhyNot.UNRATED, not counted.counts_talk and not call.is_rated),
        (WhyNot.CURRENCY, not counted.counts_talk and call.currency != counted.currency),
    )
    return next((reason for reason, holds in tests if holds), None)
