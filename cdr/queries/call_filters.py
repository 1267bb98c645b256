"""What a reader narrows a list of calls down to, and how the table is asked for it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from cdr.engine.numbers import normalise
from cdr.models import Call, CallStatus, CallType
from cdr.queries.sites import plan_of
from directory.models import Site
from directory.number_keys import number_of_key
from directory.queries.units import with_sub_units
from kernel.periods import ONE_DAY, local_midnight

KINDS: Final = {
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
INTERNAL_TYPES: Final = frozenset({CallType.INTERNAL_ANSWERED, CallType.INTERNAL_UNANSWERED})
TRAFFIC: Final = ("external", "internal")
UNIT_FIELDS: Final = ("department", "cost_centre", "office")
CHEAP_FIELDS: Final = frozenset({"zone", "whose", "from_day", "to_day", "number", "same"})
"""What an index answers; everything else is looked for among the calls of the period."""
TOTALLED_FIELDS: Final = CHEAP_FIELDS - {"number", "same"} | {
    "traffic",
    "kind",
    "call_type",
    "number_class",
    *UNIT_FIELDS,
    "person_ids",
}
"""What the usage totals are kept by."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """What a reader narrows the list down to. Days are of `zone`, both included.

    `whose` is `mine`, `team` or empty for all in scope. `number` is a number typed in full,
    `same` the opaque key of one. Units count with everything below them. Times are
    milliseconds of talk, money is micro-units of what is charged; a call that is not rated
    has no amount and lies in no range of amounts.
    """

    zone: ZoneInfo
    from_day: date | None = None
    to_day: date | None = None
    whose: str = ""
    traffic: str = ""
    kind: str = ""
    call_type: str = ""
    is_answered: bool | None = None
    number_class: str = ""
    extension: str = ""
    person_ids: tuple[int, ...] | None = None
    department: int | None = None
    cost_centre: int | None = None
    office: int | None = None
    gateway: str = ""
    carrier: int | None = None
    area: str = ""
    min_talk_ms: int | None = None
    max_talk_ms: int | None = None
    min_charge_micros: int | None = None
    max_charge_micros: int | None = None
    is_unrated: bool = False
    number: str = ""
    same: str = ""

    def narrows(self) -> frozenset[str]:
        """The names of the fields that leave something out."""
        return frozenset(
            field.name
            for field in fields(self)
            if field.name != "zone" and getattr(self, field.name) not in ("", None, False)
        ) | ({"is_answered"} if self.is_answered is False else frozenset())

    def is_cheap(self) -> bool:
        """Whether an index leads to these calls, so that no rows are read in vain."""
        return self.narrows() <= CHEAP_FIELDS

    def types(self) -> frozenset[CallType] | None:
        """The call types that are left by traffic, kind and type; None for all."""
        wanted = set(CallType)
        if self.traffic:
            inside = self.traffic == "internal"
            wanted = {kind for kind in wanted if (kind in INTERNAL_TYPES) is inside}
        if self.kind:
            wanted = {kind for kind in wanted if KINDS[kind] == self.kind}
        if self.call_type:
            wanted = {kind for kind in wanted if kind.value == self.call_type}
        return None if len(wanted) == len(CallType) else frozenset(wanted)

    def as_words(self) -> dict[str, Any]:
        """The filter for a job's parameters: plain JSON, to be read by `filter_of`."""
        words = {name: value for name, value in asdict(self).items() if value not in ("", None)}
        words["zone"] = self.zone.key
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in words.items()
        }


def filter_of(words: dict[str, Any]) -> CallFilter:
    """The filter that `CallFilter.as_words` wrote down."""
    values = dict(words, zone=ZoneInfo(words["zone"]))
    for name in ("from_day", "to_day"):
        if name in values:
            values[name] = date.fromisoformat(values[name])
    if values.get("person_ids") is not None:
        values["person_ids"] = tuple(values["person_ids"])
    return CallFilter(**values)


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


def stored_forms(typed: str) -> list[str]:
    """`spellings`, and the number as the dial plans of the sites understand it.

    So that somebody in Milan finds `02 6677 1234` and `0 02 6677 1234` as well.
    """
    forms = spellings(typed)
    if len(forms) > 1:
        for site in Site.objects.order_by("pk"):
            plan = plan_of(site)
            forms += [
                normalise(typed, plan=plan, dialled=True).text,
                normalise(typed, plan=plan, exit_digits="", dialled=True).text,
            ]
    return [form for form in dict.fromkeys(forms) if form]


def period_bounds(wanted: CallFilter) -> tuple[datetime | None, datetime | None]:
    """The half-open instants of the days asked for."""
    first = local_midnight(wanted.from_day, wanted.zone) if wanted.from_day else None
    after = local_midnight(wanted.to_day + ONE_DAY, wanted.zone) if wanted.to_day else None
    return first, after


def in_period(calls: QuerySet[Call], wanted: CallFilter) -> QuerySet[Call]:
    """The calls that start on the days asked for."""
    first, after = period_bounds(wanted)
    if first:
        calls = calls.filter(started_at__gte=first)
    if after:
        calls = calls.filter(started_at__lt=after)
    return calls


def matching(calls: QuerySet[Call], wanted: CallFilter) -> QuerySet[Call]:
    """Those of `calls` that `wanted` leaves, but for period, scope and `whose`."""
    where = _by_kind(wanted) & _by_payer(wanted) & _by_way(wanted) & _by_size(wanted)
    if wanted.number:
        where &= Q(number__in=stored_forms(wanted.number))
    if wanted.same:
        number = number_of_key(wanted.same)
        where &= Q(number=number) if number else Q(pk__in=())
    return calls.filter(where) if where else calls


def _by_kind(wanted: CallFilter) -> Q:
    where = Q()
    types = wanted.types()
    if types is not None:
        where &= Q(call_type__in=sorted(types))
    if wanted.is_answered is not None:
        where &= Q(answered_at__isnull=not wanted.is_answered)
    if wanted.number_class:
        where &= Q(number_class=wanted.number_class)
    return where


def unit_ids(wanted: CallFilter) -> dict[str, frozenset[int]]:
    """The units asked for by kind, each with everything below it."""
    asked = {name: getattr(wanted, name) for name in UNIT_FIELDS}
    return {name: with_sub_units([pk]) for name, pk in asked.items() if pk is not None}


def _by_payer(wanted: CallFilter) -> Q:
    where = Q(extension=wanted.extension) if wanted.extension else Q()
    if wanted.person_ids is not None:
        where &= Q(user__in=wanted.person_ids)
    for name, units in unit_ids(wanted).items():
        where &= Q(**{f"{name}__in": sorted(units)})
    return where


def _by_way(wanted: CallFilter) -> Q:
    where = Q()
    if wanted.gateway:
        where &= Q(gateway_name__iexact=wanted.gateway)
    if wanted.carrier is not None:
        where &= Q(carrier=wanted.carrier)
    if wanted.area:
        where &= Q(area__icontains=wanted.area)
    return where


def _by_size(wanted: CallFilter) -> Q:
    bounds = {
        "talk_ms__gte": wanted.min_talk_ms,
        "talk_ms__lte": wanted.max_talk_ms,
        "charge_micros__gte": wanted.min_charge_micros,
        "charge_micros__lte": wanted.max_charge_micros,
    }
    where = Q(**{name: bound for name, bound in bounds.items() if bound is not None})
    return where & Q(status=CallStatus.UNRATED) if wanted.is_unrated else where
