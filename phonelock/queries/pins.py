"""What pages may know of a PIN: that there is one, and whether it must be changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from directory.models import User


@dataclass(frozen=True, slots=True)
class PinState:
    """The state of somebody's PIN, without anything of it."""

    exists: bool = False
    is_one_time: bool = False
    set_at: datetime | None = None
    paused_until: datetime | None = None


NO_PIN = PinState()


def pin_state(user: User, *, at: datetime) -> PinState:
    """The state of this person's PIN."""
    found = with_pins(User.objects.filter(pk=user.pk)).first()
    return pin_of(found, at=at) if found else NO_PIN


def with_pins(people: QuerySet[User]) -> QuerySet[User]:
    """The same people, their PINs' states beside them and never a PIN: no query more."""
    return people.annotate(
        pin_set_at=F("phone_pin__set_at"),
        pin_is_one_time=F("phone_pin__is_one_time"),
        pin_paused_until=F("phone_pin__paused_until"),
    )


def pin_of(user: User, *, at: datetime) -> PinState:
    """The state of the PIN of somebody read by `with_pins`."""
    set_at: datetime | None = user.pin_set_at  # type: ignore[attr-defined]
    until: datetime | None = user.pin_paused_until  # type: ignore[attr-defined]
    return PinState(
        exists=set_at is not None,
        is_one_time=bool(user.pin_is_one_time),  # type: ignore[attr-defined]
        set_at=set_at,
        paused_until=until if until is not None and until > at else None,
    )
