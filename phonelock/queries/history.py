"""What happened to the phones of one person: while he held them, and to his PIN."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q

from directory.models import LineHolding, User
from phonelock.models import LockEvent, PinEvent

PIN = "PIN_"
"""Before the kinds of a PIN's events, which else are named as those of a lock."""


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """One line of a history. `by_name` is the full name where `by` is somebody we know."""

    moment: datetime
    kind: str
    flag: str = ""
    by: str = ""
    by_name: str = ""
    reason: str = ""
    before: str = ""
    after: str = ""
    result: str = ""
    until: datetime | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class PhoneHistory:
    """Some events, newest first; `older` is where to go on, None at the end."""

    events: list[PhoneEvent]
    older: str | None


def history_of(
    user: User, *, most: int = 20, before: datetime | None = None, are_named: bool = True
) -> PhoneHistory:
    """The newest `most` events of a person before an instant; what happened in the same
    instant is not torn apart. Another holder's events of the same line are not his.
    """
    found = _lock_events(user, most=most, before=before)
    found += _pin_events(user, most=most, before=before)
    found.sort(key=lambda event: event.moment, reverse=True)
    older = None
    if len(found) > most:
        whole = [event for event in found[:most] if event.moment > found[most].moment]
        found = whole or found[:most]
        older = found[-1].moment.isoformat()
    if are_named:
        found = with_names(found, full_names({event.by for event in found}))
    return PhoneHistory(found, older)


def _lock_events(user: User, *, most: int, before: datetime | None) -> list[PhoneEvent]:
    held = Q()
    for holding in LineHolding.objects.filter(user=user):
        span = Q(line_id=holding.line_id)
        if holding.valid_from is not None:
            span &= Q(made_at__gte=holding.valid_from)
        if holding.valid_to is not None:
            span &= Q(made_at__lt=holding.valid_to)
        held |= span
    if not held:
        return []
    events = LockEvent.objects.filter(held).select_related("line")
    if before is not None:
        events = events.filter(made_at__lt=before)
    return [
        PhoneEvent(
            moment=event.made_at,
            kind=event.kind,
            flag=event.flag,
            by=event.made_by,
            reason=event.reason,
            before=event.state_before,
            after=event.state_after,
            result=event.result,
            until=event.until,
            line=event.line.extension,
        )
        for event in events.order_by("-made_at", "-pk")[: most + 1]
    ]


def _pin_events(user: User, *, most: int, before: datetime | None) -> list[PhoneEvent]:
    events = PinEvent.objects.filter(user=user)
    if before is not None:
        events = events.filter(made_at__lt=before)
    return [
        PhoneEvent(moment=event.made_at, kind=PIN + event.kind, by=event.made_by)
        for event in events.order_by("-made_at", "-pk")[: most + 1]
    ]


def with_names(events: list[PhoneEvent], names: Mapping[str, str]) -> list[PhoneEvent]:
    """The same events with the full names of who made them."""
    return [replace(event, by_name=names.get(event.by, "")) for event in events]


def full_names(usernames: Collection[str]) -> dict[str, str]:
    """The full names of these people, by username; one query. Who is gone is missing."""
    wanted = {name for name in usernames if name}
    if not wanted:
        return {}
    return {user.username: str(user) for user in User.objects.filter(username__in=wanted)}
