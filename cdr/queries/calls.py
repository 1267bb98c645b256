"""Lists of calls for people: within their scope, numbers masked, page by page.

The only way from the call table to a page, an interface or an export for a
reader. Rows come out with their numbers already masked, so that no face can
forget to; a link to "all calls with this number" names a call of the reader's
own scope, never the number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from cdr.models import Call, CallStatus, CallType
from directory.scoping import Scope, ScopedQuerySet
from kernel.periods import local_midnight

ONE_DAY = timedelta(days=1)
SEGMENTS_SHOWN = 50

KINDS = {
    CallType.INCOMING_ANSWERED: "incoming",
    CallType.INCOMING_UNANSWERED: "missed",
    CallType.OUTGOING_ANSWERED: "outgoing",
    CallType.OUTGOING_UNANSWERED: "outgoing",
    CallType.INTERNAL_ANSWERED: "internal",
    CallType.INTERNAL_UNANSWERED: "internal",
    CallType.TANDEM: "forwarded",
    CallType.TRANSFER_RECEIVED: "incoming",
    CallType.TRANSFER_HANDED_OVER: "outgoing",
    CallType.FORWARDED: "forwarded",
}
INTERNAL_TYPES = frozenset({CallType.INTERNAL_ANSWERED, CallType.INTERNAL_UNANSWERED})


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One segment as a reader may see it. `number` is masked, and empty where withheld.

    Durations are milliseconds, amounts micro-units of `currency` (None: not rated).
    """

    id: int
    call_type: CallType
    kind: str
    is_voicemail: bool
    site: str
    partition: str
    extension: str
    name: str
    number: str
    number_class: str
    area: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    ring_ms: int
    talk_ms: int
    billed_ms: int
    status: CallStatus
    unrated_reason: str
    cost_micros: int | None
    charge_micros: int | None
    currency: str
    gateway: str
    carrier: str
    department: str
    cost_centre: str

    @property
    def is_internal(self) -> bool:
        return self.call_type in INTERNAL_TYPES

    @property
    def is_answered(self) -> bool:
        return self.answered_at is not None

    @property
    def is_withheld(self) -> bool:
        """Whether somebody called who did not show his number."""
        return not self.number and self.kind in ("incoming", "missed")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """What a reader narrows the list down to. Days are of `zone`, both included.

    `number` is a number typed in full; `same_number_as` the id of a call whose
    other party is meant.
    """

    zone: ZoneInfo
    from_day: date | None = None
    to_day: date | None = None
    call_type: str = ""
    extension: str = ""
    number: str = ""
    same_number_as: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the list, newest first: just behind (or before) this call."""

    started_at: datetime
    call_id: int

    def __str__(self) -> str:
        return f"{self.started_at.isoformat()}~{self.call_id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """The place that `text` names; none if it names no place."""
        instant, _, number = text.partition("~")
        try:
            started_at = datetime.fromisoformat(instant)
        except ValueError:
            return None
        if started_at.tzinfo is None or not re.fullmatch(r"\d{1,18}", number, re.ASCII):
            return None
        return cls(started_at, int(number))


@dataclass(frozen=True, slots=True)
class CallPage:
    """Some calls, newest first, and the places to go on from."""

    calls: Sequence[ListedCall]
    older: Cursor | None
    newer: Cursor | None


class ScopedCalls(ScopedQuerySet[Call]):
    """Calls belong to the person and the units written on them on their day (domain 14)."""

    person_path = "user"
    department_path = "department"
    cost_centre_path = "cost_centre"
    office_path = "office"


def calls_in(scope: Scope) -> QuerySet[Call]:
    """The calls that `scope` reaches."""
    return ScopedCalls(Call).visible_to(scope)


def listed(call: Call, scope: Scope) -> ListedCall:
    """One stored call as a reader with `scope` may see it."""
    call_type = CallType(call.call_type)
    return ListedCall(
        id=call.pk,
        call_type=call_type,
        kind=KINDS[call_type],
        is_voicemail=call.is_voicemail,
        site=call.site.name,
        partition=call.partition,
        extension=call.extension,
        name=str(call.user) if call.user else "",
        number=masked_number(call, scope),
        number_class=call.number_class,
        area=call.area,
        started_at=call.started_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        ring_ms=call.ring_ms,
        talk_ms=call.talk_ms,
        billed_ms=call.billed_ms,
        status=CallStatus(call.status),
        unrated_reason=call.unrated_reason,
        cost_micros=call.cost_micros,
        charge_micros=call.charge_micros,
        currency=call.currency,
        gateway=call.gateway_name,
        carrier=call.carrier.name if call.carrier else "",
        department=call.department.path if call.department else "",
        cost_centre=call.cost_centre.path if call.cost_centre else "",
    )


def masked_number(call: Call, scope: Scope) -> str:
    """The other party's number with its last digits hidden, as the strictest rule says."""
    return scope.masked(
        call.number, number_class=call.number_class, is_internal=call.number_is_internal
    )


def _in_view(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Only what a list shows, in one query."""
    return calls.select_related("site", "user", "carrier", "department", "cost_centre").defer(
        "facts"
    )


def spellings(typed: str) -> list[str]:
    """The forms under which a number typed in full may be stored.

    >>> spellings("00 39 02-6677")
    ['0039026677', '+0039026677', '+39026677', '39026677']
    """
    text = re.sub(r"[\s().\-/]", "", typed)
    if not re.fullmatch(r"\+?[0-9*#]{2,32}", text):
        return [text]
    bare = text.lstrip("+")
    forms = [text, f"+{bare}", bare]
    if bare.startswith("00"):
        forms[2:] = [f"+{bare[2:]}", bare[2:]]
    return list(dict.fromkeys(forms))


def _narrowed(calls: QuerySet[Call], scope: Scope, wanted: CallFilter) -> QuerySet[Call]:
    if wanted.from_day:
        calls = calls.filter(started_at__gte=local_midnight(wanted.from_day, wanted.zone))
    if wanted.to_day:
        after = local_midnight(wanted.to_day + ONE_DAY, wanted.zone)
        calls = calls.filter(started_at__lt=after)
    if wanted.call_type:
        calls = calls.filter(call_type=wanted.call_type)
    if wanted.extension:
        calls = calls.filter(extension=wanted.extension)
    if wanted.number:
        forms = spellings(wanted.number)
        calls = calls.filter(Q(number__in=forms) | Q(number_raw__in=forms))
    if wanted.same_number_as is not None:
        model = calls_in(scope).filter(pk=wanted.same_number_as).exclude(number="").first()
        calls = calls.filter(number=model.number) if model else calls.none()
    return calls


def list_calls(
    *,
    scope: Scope,
    wanted: CallFilter,
    size: int,
    older_than: Cursor | None = None,
    newer_than: Cursor | None = None,
) -> CallPage:
    """Up to `size` calls within `scope`, newest first, from a place in the list.

    Keyset paging: page 2,000 costs what page 1 costs, and a call that arrives
    meanwhile neither repeats nor hides another.
    """
    calls = _narrowed(calls_in(scope), scope, wanted)
    if newer_than:
        place = Q(started_at=newer_than.started_at, id__lte=newer_than.call_id)
        calls = calls.filter(Q(started_at__gte=newer_than.started_at) & ~place)
        rows = list(_in_view(calls.order_by("started_at", "id"))[: size + 1])
        has_newer, has_older = len(rows) > size, True
        rows = rows[:size][::-1]
    else:
        if older_than:
            place = Q(started_at=older_than.started_at, id__gte=older_than.call_id)
            calls = calls.filter(Q(started_at__lte=older_than.started_at) & ~place)
        rows = list(_in_view(calls.order_by("-started_at", "-id"))[: size + 1])
        has_newer, has_older = older_than is not None, len(rows) > size
        rows = rows[:size]
    return CallPage(
        calls=[listed(row, scope) for row in rows],
        older=_place(rows[-1]) if rows and has_older else None,
        newer=_place(rows[0]) if rows and has_newer else None,
    )


def _place(call: Call) -> Cursor:
    return Cursor(call.started_at, call.pk)


def find_call(*, scope: Scope, call_id: int) -> Call | None:
    """The call of that id, if `scope` reaches it; whoever may not see it learns nothing."""
    return _in_view(calls_in(scope).filter(pk=call_id)).first()


def segments_of(*, scope: Scope, call: Call) -> list[ListedCall]:
    """The parts of the same conversation that `scope` reaches, in their order.

    Parts share the switch's call id or an outside leg. A part that belongs to
    somebody out of scope is left out (domain 14).
    """
    family = Q(call_id=call.call_id)
    legs = [leg for leg in (call.from_trunk_leg, call.to_trunk_leg) if leg]
    if legs:
        family |= Q(from_trunk_leg__in=legs) | Q(to_trunk_leg__in=legs)
    around = Q(
        source=call.source_id,
        started_at__range=(call.started_at - ONE_DAY, call.started_at + ONE_DAY),
    )
    rows = _in_view(calls_in(scope).filter(family & around)).order_by("started_at", "id")
    return [listed(row, scope) for row in rows[:SEGMENTS_SHOWN]]
