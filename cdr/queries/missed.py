"""Missed calls and whether somebody has spoken with the caller since.

A switch does not say that a call was returned; it follows from the calls (domain 2):
after the missed one there was an answered one with the same number, in either
direction. Only calls within the reader's scope are looked at, and only the stretch
asked for, which is a day or two.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from cdr.models import Call, CallType
from cdr.queries.calls import calls_in
from directory.scoping import Scope


@dataclass(frozen=True, slots=True)
class Missed:
    """A missed call. `returned_by` is the call with the same number that came after, if any."""

    call_id: int
    started_at: datetime
    returned_by: int | None
    returned_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether nobody in scope has spoken with the caller since."""
        return self.returned_at is None


def missed_between(scope: Scope, starts_at: datetime, ends_at: datetime) -> list[Missed]:
    """The missed calls that started in ``[starts_at, ends_at)``, newest first.

    A caller who withheld his number cannot be called back: such a call stays open.
    """
    around = calls_in(scope).filter(started_at__gte=starts_at, started_at__lt=ends_at)
    missed = around.filter(call_type=CallType.INCOMING_UNANSWERED)
    rows = list(missed.order_by("-started_at", "-pk").values_list("pk", "number", "started_at"))
    spoken = _spoken(around, missed) if any(number for _, number, _ in rows) else {}
    return [_missed(pk, started_at, spoken.get(number, ())) for pk, number, started_at in rows]


def _missed(pk: int, started_at: datetime, spoken: Iterable[tuple[datetime, int]]) -> Missed:
    later = list(spoken)
    place = bisect_right(later, started_at, key=lambda each: each[0])
    if place == len(later):
        return Missed(pk, started_at, None, None)
    returned_at, returned_by = later[place]
    return Missed(pk, started_at, returned_by, returned_at)


def _spoken(
    around: QuerySet[Call], missed: QuerySet[Call]
) -> dict[str, list[tuple[datetime, int]]]:
    """Start and id of the answered calls with each number that was missed, oldest first."""
    answered = (
        around.filter(answered_at__isnull=False, number__in=missed.values("number"))
        .exclude(call_type=CallType.INCOMING_UNANSWERED)
        .exclude(number="")
        .order_by("started_at", "pk")
        .values_list("number", "started_at", "pk")
    )
    found: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for number, started_at, pk in answered:
        found[number].append((started_at, pk))
    return found
