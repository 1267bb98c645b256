"""A person's latest calls, judged by what a budget counts, and what his minutes cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from budgets.engine.counting import CallFacts, Counted, WhyNot, why_not
from budgets.engine.terms import MS_PER_MINUTE
from budgets.queries.days import DayRow
from budgets.queries.sums import Watched
from cdr.engine.classes import EMERGENCY, INTERNAL
from cdr.models import Call, CallStatus, CallType
from cdr.queries.calls import KINDS, calls_in, seen_number
from directory.queries.contacts import ContactNames, contact_names
from directory.scoping import Scope

CALLS_LOOKED_AT: Final = 40
LEAST_TALK: Final = MS_PER_MINUTE
"""Less talk than this says nothing about the price of a minute."""
MOST_CLASSES: Final = 3
RECEIVED: Final = frozenset({"incoming", "missed"})


@dataclass(frozen=True, slots=True)
class BudgetCall:
    """One call of the person: why it does not count, or None. `number` is masked.

    `contact` is the name of the number where the reader may see one.
    """

    id: int
    started_at: datetime
    kind: str
    number: str
    number_class: str
    talk_ms: int
    charge_micros: int | None
    currency: str
    why_not: WhyNot | None
    contact: str = ""


@dataclass(frozen=True, slots=True)
class OwnCalls:
    """The latest calls of one person within the reader's scope, newest first."""

    scope: Scope
    calls: Sequence[Call]
    names: ContactNames

    def judged(self, counted: Counted, watched: Watched) -> list[BudgetCall]:
        """Each of the calls with the reason why a period does not count it."""
        return [self._judge(call, counted, watched) for call in self.calls]

    def _judge(self, call: Call, counted: Counted, watched: Watched) -> BudgetCall:
        kind = KINDS[CallType(call.call_type)]
        facts = CallFacts(
            local_date=call.local_date,
            number_class=call.number_class,
            currency=call.currency,
            is_received=kind in RECEIVED,
            is_internal=kind == "internal" or call.number_is_internal,
            is_answered=call.answered_at is not None,
            is_paid=call.is_paid,
            is_rated=call.status == CallStatus.RATED,
            in_unit=not watched.unit_field
            or getattr(call, f"{watched.unit_field}_id") in watched.unit_ids,
        )
        seen = seen_number(call, self.scope)
        return BudgetCall(
            id=call.pk,
            started_at=call.started_at,
            kind=kind,
            number=seen.shown,
            number_class=call.number_class,
            talk_ms=call.talk_ms,
            charge_micros=call.charge_micros,
            currency=call.currency,
            why_not=why_not(facts, counted),
            contact=self.names.of(seen).name,
        )


def latest_calls(scope: Scope, *, user_id: int | None) -> OwnCalls:
    """The latest calls of a person and the latest that cost something, with the names of
    their numbers: two questions. Of nobody there are none.
    """
    if user_id is None:
        return OwnCalls(scope, (), ContactNames(scope))
    rows = calls_in(scope).filter(user=user_id).order_by("-started_at", "-id").values("pk")
    latest, paid = rows[:CALLS_LOOKED_AT], rows.filter(is_paid=True)[:CALLS_LOOKED_AT]
    calls = Call.objects.defer("facts")
    # Not one condition with "or": PostgreSQL would read the whole table for it.
    both = calls.filter(pk__in=latest).union(calls.filter(pk__in=paid), all=True)
    found = {call.pk: call for call in both}.values()
    ordered = sorted(found, key=lambda call: (call.started_at, call.pk), reverse=True)
    names = contact_names(scope, (seen_number(call, scope) for call in ordered))
    return OwnCalls(scope, ordered, names)


@dataclass(frozen=True, slots=True)
class Price:
    """What a person paid for talk to one class lately: the whole of both."""

    number_class: str
    currency: str
    charge_micros: int
    talk_ms: int


@dataclass(frozen=True, slots=True)
class MinutesLeft:
    """For about so many minutes to one class a rest would do, at the person's own prices."""

    number_class: str
    minutes: int


def prices_of(rows: Iterable[DayRow], *, user_id: int) -> list[Price]:
    """A person's own average prices by class, the most used class first."""
    charge: dict[tuple[str, str], int] = defaultdict(int)
    talk: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row.user_id == user_id and row.number_class not in (EMERGENCY, INTERNAL):
            charge[row.number_class, row.currency] += row.charge
            talk[row.number_class, row.currency] += row.talk_ms
    known = [key for key in talk if talk[key] >= LEAST_TALK and charge[key] > 0]
    known.sort(key=lambda key: (-talk[key], key))
    return [Price(*key, charge[key], talk[key]) for key in known]


def minutes_left(
    prices: Iterable[Price], *, rest: int, currency: str, classes: Collection[str]
) -> list[MinutesLeft]:
    """How far a rest of money would go; nothing where nothing is left."""
    if rest <= 0:
        return []
    own = [
        each
        for each in prices
        if each.currency == currency and (not classes or each.number_class in classes)
    ]
    return [
        MinutesLeft(each.number_class, rest * each.talk_ms // each.charge_micros // MS_PER_MINUTE)
        for each in own[:MOST_CLASSES]
    ]
