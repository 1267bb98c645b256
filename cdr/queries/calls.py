"""Lists of calls for people: within their scope, numbers masked, page by page.

The only way from the call table to a page, an interface or an export for a
reader. Rows come out with their numbers already masked, so that no face can
forget to; a link to "all calls with this number" carries the number's opaque key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet, Subquery

from cdr.models import Call, CallStatus, CallType, Carrier, TariffVersion
from cdr.queries.call_filters import (
    INTERNAL_TYPES,
    KINDS,
    CallFilter,
    in_period,
    matching,
    spellings,
)
from cdr.queries.call_places import Cursor, Place
from directory.models import OrgUnit, Site, User
from directory.number_keys import number_key
from directory.queries.contacts import ContactNames, Named, Seen, contact_names
from directory.scoping import Scope, ScopedQuerySet, narrowed
from kernel.periods import ONE_DAY

__all__ = [
    "INTERNAL_TYPES",
    "KINDS",
    "CallFilter",
    "CallPage",
    "Cursor",
    "ListedCall",
    "calls_in",
    "find_call",
    "list_calls",
    "listed",
    "listed_all",
    "seen_number",
    "spellings",
    "walk_calls",
]

SEGMENTS_SHOWN: Final = 50
LOOKED_THROUGH: Final = 20_000
"""So many calls a page looks through for a filter that no index answers, then it says so."""
WALKED_AT_ONCE: Final = 2_000
FEW_PEOPLE: Final = 3
_LAST_ID: Final = 10**18 - 1


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One segment as a reader may see it. `number` is masked, and empty where withheld.

    `number_key` stands for the number in links and groups. Durations are milliseconds,
    amounts micro-units of `currency` (None: not rated). `contact` is the name of the number
    where the reader may see one.
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
    number_key: str
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
    tariff: str
    matched_prefix: str
    department: str
    department_id: int | None
    cost_centre: str
    cost_centre_id: int | None
    office: str
    office_id: int | None
    contact: str = ""
    is_own_contact: bool = False

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

    @property
    def comes_in(self) -> bool:
        """Whether the other party called; else the extension did."""
        return self.kind in ("incoming", "missed")


@dataclass(frozen=True, slots=True)
class CallPage:
    """Some calls in the order asked for, and the places to go on from.

    `looked_until` is set when the page stopped looking before it was full: calls beyond
    that instant have not been looked at yet; the place to go on from leads there. `is_whole`
    says that all calls of the period were within reach of this page (None: not known). A list
    in another order than that of time goes on `after` and `before`.
    """

    calls: Sequence[ListedCall]
    older: Cursor | None
    newer: Cursor | None
    looked_until: datetime | None = None
    is_whole: bool | None = None
    after: Place | None = None
    before: Place | None = None


class ScopedCalls(ScopedQuerySet[Call]):
    """Calls belong to the person and the units written on them on their day (domain 14)."""

    person_path = "user"
    department_path = "department"
    cost_centre_path = "cost_centre"
    office_path = "office"


def calls_in(scope: Scope) -> QuerySet[Call]:
    """The calls that `scope` reaches."""
    return ScopedCalls(Call).visible_to(scope)


def seen_number(call: Call, scope: Scope) -> Seen:
    """The number of a call as the reader sees it, for its name."""
    return Seen(call.number, call.user_id, masked_number(call, scope))


def listed_all(calls: Sequence[Call], scope: Scope) -> list[ListedCall]:
    """The stored calls of a page, with the names of their numbers (one question)."""
    names = contact_names(scope, (seen_number(call, scope) for call in calls))
    return [listed(call, scope, names=names) for call in calls]


def listed(call: Call, scope: Scope, *, names: ContactNames | None = None) -> ListedCall:
    """One stored call as a reader with `scope` may see it."""
    call_type = CallType(call.call_type)
    version = call.tariff_version
    seen = seen_number(call, scope)
    contact = names.of(seen) if names else Named()
    return ListedCall(
        id=call.pk,
        call_type=call_type,
        kind=KINDS[call_type],
        is_voicemail=call.is_voicemail,
        site=call.site.name,
        partition=call.partition,
        extension=call.extension,
        name=str(call.user) if call.user else "",
        number=seen.shown,
        number_key=number_key(call.number),
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
        tariff=version.tariff.name if version else "",
        matched_prefix=call.matched_prefix,
        department=call.department.path if call.department else "",
        department_id=call.department_id,
        cost_centre=call.cost_centre.path if call.cost_centre else "",
        cost_centre_id=call.cost_centre_id,
        office=call.office.path if call.office else "",
        office_id=call.office_id,
        contact=contact.name,
        is_own_contact=contact.is_own,
    )


def masked_number(call: Call, scope: Scope) -> str:
    """The other party's number with its last digits hidden, as the strictest rule says."""
    return scope.masked(
        call.number, number_class=call.number_class, is_internal=call.number_is_internal
    )


def in_view(calls: QuerySet[Call], *, beside: Sequence[Call] = ()) -> list[Call]:
    """The calls with what a list shows of them: the rows, then the names of each sort at once.

    Joined to everything that has a name, a page of calls is planned for longer than it runs.
    Calls `beside` that have their names already lend them.
    """
    rows = list(calls.defer("facts"))
    for named, fields in _names():
        keys = {getattr(call, f"{field}_id") for call in rows for field in fields} - {None}
        known = {getattr(c, f"{field}_id"): getattr(c, field) for c in beside for field in fields}
        if keys - known.keys():
            known |= named.in_bulk(keys - known.keys())
        for call in rows:
            for field in fields:
                setattr(call, field, known.get(getattr(call, f"{field}_id")))
    return rows


def _names() -> tuple[tuple[QuerySet[Any], tuple[str, ...]], ...]:
    """What has a name on a call, and the call's fields that lead to it."""
    return (
        (Site.objects.only("name"), ("site",)),
        (User.objects.only("username", "first_name", "last_name"), ("user",)),
        (OrgUnit.objects.only("path"), ("department", "cost_centre", "office")),
        (Carrier.objects.only("name"), ("carrier",)),
        (
            TariffVersion.objects.select_related("tariff").only("tariff__name"),
            ("tariff_version",),
        ),
    )


def is_bounded(scope: Scope, wanted: CallFilter) -> bool:
    """Whether only so many calls are looked through for one page.

    Own calls, all calls, the calls of a number and those of few people stand in an index
    in their order. The rest is looked for among all calls of the time: that must end
    somewhere, whatever is asked for.
    """
    scope = narrowed(scope, wanted.whose)
    is_own = not scope.sees_everything and not scope.unit_ids
    few_people = wanted.person_ids is not None and len(wanted.person_ids) <= FEW_PEOPLE
    has_number = bool(wanted.number or wanted.same)
    return not (is_own or has_number or few_people or (scope.sees_everything and wanted.is_cheap()))


def wanted_calls(scope: Scope, wanted: CallFilter) -> QuerySet[Call]:
    """The calls of `scope` that `wanted` leaves."""
    return matching(in_period(calls_in(narrowed(scope, wanted.whose)), wanted), wanted)


def _behind(calls: QuerySet[Call], place: Cursor | None, *, towards_old: bool) -> QuerySet[Call]:
    if place is None:
        return calls
    if towards_old:
        here = Q(started_at=place.started_at, id__gte=place.call_id)
        return calls.filter(Q(started_at__lte=place.started_at) & ~here)
    here = Q(started_at=place.started_at, id__lte=place.call_id)
    return calls.filter(Q(started_at__gte=place.started_at) & ~here)


def last_looked_at(
    wanted: CallFilter,
    *,
    place: Cursor | None = None,
    towards_old: bool = True,
    limit: int | None = None,
) -> datetime | None:
    """The instant of the last call to look through from `place`; none if they all may be."""
    limit = LOOKED_THROUGH if limit is None else limit
    return next(iter(_after_so_many(wanted, place, towards_old=towards_old, many=limit)), None)


def _after_so_many(
    wanted: CallFilter, place: Cursor | None, *, towards_old: bool, many: int
) -> QuerySet[Call, datetime]:
    calls = _behind(in_period(Call.objects.all(), wanted), place, towards_old=towards_old)
    order = "-started_at" if towards_old else "started_at"
    return calls.order_by(order).values_list("started_at", flat=True)[many : many + 1]


def list_calls(
    *,
    scope: Scope,
    wanted: CallFilter,
    size: int,
    older_than: Cursor | None = None,
    newer_than: Cursor | None = None,
    oldest_first: bool = False,
) -> CallPage:
    """Up to `size` calls within `scope`, newest first, from a place in the list.

    Keyset paging: page 2,000 costs what page 1 costs, and a call that arrives
    meanwhile neither repeats nor hides another. `oldest_first` turns the list round.
    """
    towards_old = newer_than is None and (older_than is not None or not oldest_first)
    place = older_than if towards_old else newer_than
    calls = _behind(wanted_calls(scope, wanted), place, towards_old=towards_old)
    border, is_whole = None, None
    if is_bounded(scope, wanted):
        border = last_looked_at(wanted, place=place, towards_old=towards_old)
        if border is not None:
            side = {"started_at__gte": border} if towards_old else {"started_at__lte": border}
            calls = calls.filter(**side)
        is_whole = border is None if place is None else None
    order = ("-started_at", "-id") if towards_old else ("started_at", "id")
    found = in_view(calls.order_by(*order)[: size + 1])
    rows = found[:size]
    ahead = _place(rows[-1]) if len(found) > size else None
    looked_until = None
    if ahead is None and border is not None:
        looked_until = border
        ahead = Cursor(border, 0 if towards_old else _LAST_ID)
    back = (_place(rows[0]) if rows else place) if place is not None else None
    shown = listed_all(rows, scope)
    return CallPage(
        calls=shown[::-1] if towards_old is oldest_first else shown,
        older=ahead if towards_old else back,
        newer=back if towards_old else ahead,
        looked_until=looked_until,
        is_whole=is_whole,
    )


def _place(call: Call) -> Cursor:
    return Cursor(call.started_at, call.pk)


def walk_calls(
    *, scope: Scope, wanted: CallFilter, oldest_first: bool = False
) -> Iterator[Sequence[ListedCall]]:
    """All calls that `wanted` leaves, in order, in handfuls; a handful may be empty."""
    place: Cursor | None = None
    scope = narrowed(scope, wanted.whose)
    while True:
        page = list_calls(
            scope=scope,
            wanted=wanted,
            size=WALKED_AT_ONCE,
            older_than=None if oldest_first else place,
            newer_than=place if oldest_first else None,
            oldest_first=oldest_first,
        )
        yield page.calls
        place = page.newer if oldest_first else page.older
        if place is None:
            return


def find_call(*, scope: Scope, call_id: int) -> Call | None:
    """The call of that id, if `scope` reaches it; whoever may not see it learns nothing."""
    named = [field for _, fields in _names() for field in fields]
    rows = calls_in(scope).filter(pk=call_id).defer("tariff_version__packed")
    return rows.select_related("source", *named, "tariff_version__tariff").first()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The calls before and after one in a list; None where the list ends."""

    older_id: int | None
    newer_id: int | None


def neighbours_of(*, scope: Scope, wanted: CallFilter, call: Call) -> Neighbours:
    """The next call on either side of `call` in the list that `wanted` describes.

    Both sides are asked for at once, after one question where to stop looking.
    """
    scope, place = narrowed(scope, wanted.whose), _place(call)
    calls = wanted_calls(scope, wanted)
    older = _behind(calls, place, towards_old=True)
    newer = _behind(calls, place, towards_old=False)
    if is_bounded(scope, wanted):
        oldest, newest = _answers(
            *(
                _after_so_many(wanted, place, towards_old=towards_old, many=LOOKED_THROUGH)
                for towards_old in (True, False)
            )
        )
        older = older.filter(started_at__gte=oldest) if oldest else older
        newer = newer.filter(started_at__lte=newest) if newest else newer
    older_id, newer_id = _answers(
        older.order_by("-started_at", "-id").values("pk")[:1],
        newer.order_by("started_at", "id").values("pk")[:1],
    )
    return Neighbours(older_id=older_id, newer_id=newer_id)


def _answers(*questions: QuerySet[Any, Any]) -> Sequence[Any]:
    """The one value of each question, asked as one; where there is no site there are no calls."""
    rows = Site.objects.order_by().values_list(*(Subquery(each) for each in questions))[:1]
    return next(iter(rows), (None,) * len(questions))


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
    rows = calls_in(scope).filter(family & around).order_by("started_at", "id")
    return listed_all(in_view(rows[:SEGMENTS_SHOWN], beside=[call]), scope)


def without(wanted: CallFilter, name: str) -> CallFilter:
    """`wanted` as it would be with the field `name` left open."""
    nothing: Any = None if name in _OPEN_AS_NONE else False if name == "is_unrated" else ""
    return replace(wanted, **{name: nothing})


_OPEN_AS_NONE: Final = frozenset(
    {
        "from_day",
        "to_day",
        "is_answered",
        "person_ids",
        "department",
        "cost_centre",
        "office",
        "carrier",
        "min_talk_ms",
        "max_talk_ms",
        "min_charge_micros",
        "max_charge_micros",
    }
)
