"""Lists of calls in another order than that of time: the dearest first, the longest first.

No index leads to the dearest calls: all calls that the list is of are looked at for each
page. So that is done where they are few enough, and refused where they are not
(docs/decisions/0011). Equal calls stand newest first, whichever way the list runs, and a
call without an amount stands behind all that have one, whichever way the list runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from django.db.models import F, Q, QuerySet

from cdr.models import Call
from cdr.queries.call_filters import CallFilter, in_period, matching
from cdr.queries.call_places import Cursor, Place
from cdr.queries.calls import (
    FEW_PEOPLE,
    WALKED_AT_ONCE,
    CallPage,
    ListedCall,
    calls_in,
    in_view,
    listed_all,
    walk_calls,
    wanted_calls,
)
from directory.scoping import Scope, narrowed

SORTED_AT_ONCE: Final = 20_000
"""So many calls at most are put in order for one page."""
BY_TIME: Final = "time"
EQUALS: Final = ("-started_at", "-id")
"""How calls of the same value stand."""
COLUMNS: Final = {
    BY_TIME: "started_at",
    "duration": "talk_ms",
    "cost": "charge_micros",
    "ring": "ring_ms",
}
"""What a list may be in order of, and the column that holds it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What comes first: as the address says it, `cost` for the cheapest, `-cost` for the dearest."""

    by: str
    falls: bool

    def __str__(self) -> str:
        return f"-{self.by}" if self.falls else self.by

    @classmethod
    def named(cls, text: str) -> Self | None:
        """The order that `text` names; none if it names none."""
        by = text.removeprefix("-")
        return cls(by, falls=text != by) if by in COLUMNS else None

    @property
    def is_by_time(self) -> bool:
        return self.by == BY_TIME

    @property
    def column(self) -> str:
        return COLUMNS[self.by]


NEWEST_FIRST: Final = Order(BY_TIME, falls=True)
OLDEST_FIRST: Final = Order(BY_TIME, falls=False)


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order in which a list is shown.

    `one_too_many` is set where another was asked for and there are too many calls for it:
    the start of the newest call that would have to be left out.
    """

    order: Order
    one_too_many: datetime | None = None


def sorting_of(scope: Scope, wanted: CallFilter, asked: Order) -> Sorting:
    """The order asked for; newest first where there are too many calls to put in it."""
    if asked.is_by_time:
        return Sorting(asked)
    starts = _looked_at(scope, wanted).order_by("-started_at").values_list("started_at", flat=True)
    beyond = next(iter(starts[SORTED_AT_ONCE : SORTED_AT_ONCE + 1]), None)
    return Sorting(asked if beyond is None else NEWEST_FIRST, beyond)


def _looked_at(scope: Scope, wanted: CallFilter) -> QuerySet[Call]:
    """The calls that are looked at to find those of `wanted`: what an index leads to."""
    scope = narrowed(scope, wanted.whose)
    people = wanted.person_ids
    calls: QuerySet[Call] = Call.objects.all()
    if not scope.sees_everything and not scope.unit_ids:
        calls = calls_in(scope)
    elif wanted.number or wanted.same:
        number = CallFilter(zone=wanted.zone, number=wanted.number, same=wanted.same)
        calls = matching(calls, number)
    elif people is not None and len(people) <= FEW_PEOPLE:
        calls = calls.filter(user__in=people)
    return in_period(calls, wanted)


def sorted_calls(
    *,
    scope: Scope,
    wanted: CallFilter,
    size: int,
    order: Order,
    after: Place | None = None,
    before: Place | None = None,
) -> CallPage:
    """Up to `size` calls within `scope` in an order that is not of time, from a place in the list.

    Keyset paging as by time: equal and absent values neither repeat a call nor lose one.
    """
    backwards = after is None and before is not None
    place = before if backwards else after
    calls = wanted_calls(scope, wanted)
    if place is not None:
        calls = calls.filter(_beyond(order, place, backwards=backwards))
    value = F(order.column)
    first = value.desc(nulls_last=True) if order.falls else value.asc(nulls_last=True)
    # Only ids are carried through the sorting: that takes two thirds of the time.
    ids = _turned(calls.order_by(first, *EQUALS), backwards=backwards).values("pk")[: size + 1]
    chosen = Call.objects.filter(pk__in=ids).order_by(first, *EQUALS)
    found = in_view(_turned(chosen, backwards=backwards))
    rows = found[:size]
    if backwards and not rows:  # all that stood before has gone: from the beginning, none is lost
        return sorted_calls(scope=scope, wanted=wanted, size=size, order=order)
    ahead = _place(rows[-1], order) if len(found) > size else None
    back = (_place(rows[0], order) if rows else place) if place is not None else None
    shown = listed_all(rows, scope)
    return CallPage(
        calls=shown[::-1] if backwards else shown,
        older=None,
        newer=None,
        is_whole=True,
        after=back if backwards else ahead,
        before=ahead if backwards else back,
    )


def _turned(calls: QuerySet[Call], *, backwards: bool) -> QuerySet[Call]:
    return calls.reverse() if backwards else calls


def _place(call: Call, order: Order) -> Place:
    return Place(getattr(call, order.column), Cursor(call.started_at, call.pk))


def _beyond(order: Order, place: Place, *, backwards: bool) -> Q:
    """The calls that stand behind `place` (or before it): its equals are told apart by time."""
    started_at, call_id = place.call.started_at, place.call.call_id
    newer = Q(started_at__gt=started_at) | Q(started_at=started_at, id__gt=call_id)
    older = Q(started_at__lt=started_at) | Q(started_at=started_at, id__lt=call_id)
    beside = newer if backwards else older
    column = order.column
    without = Q(**{f"{column}__isnull": True})
    if place.value is None:
        return (without & beside) | ~without if backwards else without & beside
    further = "lt" if order.falls is not backwards else "gt"
    where = Q(**{f"{column}__{further}": place.value}) | (Q(**{column: place.value}) & beside)
    return where if backwards else where | without


def walk_in_order(
    *, scope: Scope, wanted: CallFilter, order: Order
) -> Iterator[Sequence[ListedCall]]:
    """All calls that `wanted` leaves, in order, in handfuls; a handful may be empty."""
    if order.is_by_time:
        yield from walk_calls(scope=scope, wanted=wanted, oldest_first=not order.falls)
        return
    place: Place | None = None
    while True:
        page = sorted_calls(
            scope=scope, wanted=wanted, size=WALKED_AT_ONCE, order=order, after=place
        )
        yield page.calls
        place = page.after
        if place is None:
            return
