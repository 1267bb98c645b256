"""Setting, changing, giving out and checking PINs.

A PIN comes in, its hash goes into the row, and nothing of it goes anywhere else: not
into events, messages, logs or the audit log. Hashing is slow on purpose and is done
outside every transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils.translation import gettext as _

from directory.models import User
from directory.queries.units import lines_of
from kernel.errors import DomainError
from phonelock.engine.pins import (
    LONGEST,
    MOST_TRIES,
    PAUSE_MINUTES,
    SHORTEST,
    PinFlaw,
    flaw_of,
    plain_digits,
)
from phonelock.models import Pin, PinEvent, PinEventKind
from phonelock.operations.rows import MAX_NAME

PAUSE: Final = timedelta(minutes=PAUSE_MINUTES)


class PinRefused(DomainError):
    """The new PIN is not good enough; `flaw` says why."""

    code = "pin_refused"

    def __init__(self, message: str, *, flaw: str) -> None:
        super().__init__(message)
        self.flaw = flaw


class HasPin(DomainError):
    """There is a PIN already: it can be changed, not set."""

    code = "has_pin"


class WrongPin(DomainError):
    """Wrong, or there is none: nobody is told which."""

    code = "wrong_pin"


class PinPaused(DomainError):
    """After too many wrong tries even the right PIN is not looked at for a while."""

    code = "pin_paused"


def set_pin(user: User, *, pin: str, at: datetime) -> None:
    """Give `user`, who has none, a PIN of his own choice.

    Raises:
        HasPin: if there is one.
        PinRefused: if it is too easy to guess.
    """
    secret = _secret(user, pin, at=at)
    with transaction.atomic():
        values = {"secret": secret, "set_at": at, "set_by": user.username[:MAX_NAME]}
        _row, is_new = Pin.objects.get_or_create(user=user, defaults=values)
        if not is_new:
            raise HasPin(_("You have a PIN already; type the old one to change it."))
        _note(user, PinEventKind.SET, by=user.username, at=at)


def change_pin(user: User, *, old: str, new: str, at: datetime) -> None:
    """Replace the PIN of `user` by `new`; this is all that a one-time PIN is good for.

    Raises:
        WrongPin: if `old` is not it. PinPaused: after too many of those.
        PinRefused: if `new` is too easy to guess, or the old one again.
    """
    _check_new(user, new, at=at)
    row = _checked(user, pin=old, at=at)
    if plain_digits(old) == plain_digits(new):
        raise PinRefused(_("The new PIN is the old one. Choose another."), flaw="same")
    secret = make_password(plain_digits(new))
    with transaction.atomic():
        # The one that was checked, and no other that was given out in this very moment.
        is_ours = Pin.objects.filter(user=user, secret=row.secret).update(
            secret=secret,
            is_one_time=False,
            set_at=at,
            set_by=user.username[:MAX_NAME],
            tries=0,
            paused_until=None,
        )
        if not is_ours:
            raise WrongPin(_("That is not the PIN."))
        _note(user, PinEventKind.CHANGED, by=user.username, at=at)


def issue_one_time_pin(user: User, *, pin: str, by: str, at: datetime) -> None:
    """Replace whatever PIN `user` has by one that he must change at its first use.

    A pause ends with it: whoever gives it out has seen to whom.

    Raises:
        PinRefused: if it is too easy to guess.
    """
    secret = _secret(user, pin, at=at)
    with transaction.atomic():
        Pin.objects.update_or_create(
            user=user,
            defaults={
                "secret": secret,
                "is_one_time": True,
                "set_at": at,
                "set_by": by[:MAX_NAME],
                "tries": 0,
                "paused_until": None,
            },
        )
        _note(user, PinEventKind.ONE_TIME, by=by, at=at)


def check_pin(user: User, *, pin: str, at: datetime) -> bool:
    """Check what somebody typed for `user`; returns whether he must change it first.

    The try is counted before the PIN is looked at, so guesses made side by side count
    as many. Right, wrong and missing take the same time.

    Raises:
        WrongPin: if it is not right, or there is none.
        PinPaused: after `MOST_TRIES` wrong ones, for `PAUSE_MINUTES`.
    """
    return _checked(user, pin=pin, at=at).is_one_time


def _checked(user: User, *, pin: str, at: datetime) -> Pin:
    """The row whose PIN was typed, as it was read; raises as `check_pin`."""
    row, tries = _count_try(user, at=at)
    typed = plain_digits(pin)
    is_right = check_password(typed, row.secret if row else _nobodys_secret())
    if row is not None and is_right:
        same = Pin.objects.filter(user=user, secret=row.secret)
        same.update(tries=0, paused_until=None)
        return row
    if tries >= MOST_TRIES:
        _note(user, PinEventKind.PAUSED, by="", at=at)
        raise PinPaused(_paused(PAUSE_MINUTES))
    raise WrongPin(_("That is not the PIN."))


def _count_try(user: User, *, at: datetime) -> tuple[Pin | None, int]:
    """The row as it was read, and how many tries in a row this one is.

    The last try begins the pause at once; the right PIN takes it back.
    """
    with transaction.atomic():
        row = Pin.objects.select_for_update().filter(user=user).first()
        if row is None:
            return None, 1
        if row.paused_until is not None and row.paused_until > at:
            left = row.paused_until - at
            raise PinPaused(_paused(-(-int(left.total_seconds()) // 60)))
        tries = 1 if row.paused_until is not None else row.tries + 1
        paused_until = at + PAUSE if tries >= MOST_TRIES else None
        Pin.objects.filter(user=user).update(tries=tries, paused_until=paused_until)
    return row, tries


def _paused(minutes: int) -> str:
    return _("Too many wrong PINs. Even the right one is refused for %(minutes)s min.") % {
        "minutes": minutes
    }


@lru_cache(maxsize=1)
def _nobodys_secret() -> str:
    """What is compared with where there is no PIN, so that this takes as long."""
    return make_password("no PIN at all")


def _secret(user: User, pin: str, *, at: datetime) -> str:
    _check_new(user, pin, at=at)
    return make_password(plain_digits(pin))


def _check_new(user: User, pin: str, *, at: datetime) -> None:
    extensions = list(lines_of(user, at=at).values_list("extension", flat=True))
    flaw = flaw_of(plain_digits(pin), extensions=extensions)
    if flaw is not None:
        raise PinRefused(words_of_flaw(flaw), flaw=flaw.value)


def words_of_flaw(flaw: PinFlaw) -> str:
    """Why a PIN is refused, for the person who chose it."""
    length = {"shortest": SHORTEST, "longest": LONGEST}
    return {
        PinFlaw.NOT_DIGITS: _("A PIN has digits only: it is typed on a phone."),
        PinFlaw.TOO_SHORT: _("A PIN has %(shortest)s to %(longest)s digits; this is too short.")
        % length,
        PinFlaw.TOO_LONG: _("A PIN has %(shortest)s to %(longest)s digits; this is too long.")
        % length,
        PinFlaw.REPEATED: _(
            "The same digits over and over, such as 0000 or 1212, are guessed first."
        ),
        PinFlaw.RUN: _("Digits in a row, such as 1234 or 4321, are guessed first."),
        PinFlaw.EXTENSION: _("The own extension is guessed first. Choose another PIN."),
    }[flaw]


def _note(user: User, kind: PinEventKind, *, by: str, at: datetime) -> None:
    PinEvent.objects.create(user=user, kind=kind, made_by=by[:MAX_NAME], made_at=at)
