"""What people change about their own account: language, zone, how pages look, sessions."""

from __future__ import annotations

from zoneinfo import available_timezones

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.utils.translation import gettext as _

from directory.models import Preferences, Theme, User
from directory.preferences import EVERY_LIST
from kernel.errors import DomainError


class NoSuchChoice(DomainError):
    """A language, zone or look that is not offered."""

    code = "no_such_choice"


class NoSession(DomainError):
    """The session has ended already, or is somebody else's."""

    code = "no_session"


class OwnSecondFactor(DomainError):
    """One's own second factor is taken away under one's own account, with a code."""

    code = "own_second_factor"


def remove_second_factors(user: User, *, by: User) -> int:
    """Let `user` sign in with the password alone, as after a lost phone.

    Returns how many there were: apps, keys and sets of recovery codes. The log of changes
    has them, one by one.

    Raises:
        OwnSecondFactor: where it is one's own; whoever borrowed a session stays out.
    """
    if user == by:
        raise OwnSecondFactor(_("Take your own second factor away under your account."))
    rows = list(Authenticator.objects.filter(user=user))
    for row in rows:
        row.delete()  # one by one, so that the log hears of each
    return len(rows)


def choose_words(user: User, *, language: str, time_zone: str) -> None:
    """The language of pages and mails, and the zone of all times.

    An empty language takes the choice back (`directory.queries.languages` says what counts
    then), an empty zone is that of the office.

    Raises:
        NoSuchChoice: for a language or zone that is not offered; nothing is changed.
    """
    is_zone = not time_zone or time_zone in available_timezones()
    if language not in ("", *dict(settings.LANGUAGES)) or not is_zone:
        raise NoSuchChoice(_("That language or time zone is not offered; nothing was changed."))
    User.objects.filter(pk=user.pk).update(language=language, time_zone=time_zone)
    user.language, user.time_zone = language, time_zone


def choose_looks(
    user: User, *, theme: str, rows: int | None, has_shortcuts: bool, is_live: bool
) -> None:
    """How pages look and behave. `rows` counts for all lists, whatever was chosen there before.

    Raises:
        NoSuchChoice: for a look that is not offered; nothing is changed.
    """
    if theme not in Theme.values:
        raise NoSuchChoice(_("That look is not offered; nothing was changed."))
    values = {"theme": theme, "has_shortcuts": has_shortcuts, "is_live": is_live}
    if rows is not None:
        values["page_sizes"] = {EVERY_LIST: rows}
    Preferences.objects.update_or_create(user=user, defaults=values)


def sessions_of(user: User) -> list[UserSession]:
    """Where `user` is signed in, the newest first; what has ended is cleared away."""
    sessions: list[UserSession] = UserSession.objects.purge_and_list(user)
    return sorted(sessions, key=lambda session: session.created_at, reverse=True)


def end_session(user: User, *, session_id: int) -> None:
    """Sign one browser of `user` out.

    Raises:
        NoSession: if he has no such session.
    """
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        raise NoSession(_("This session has ended already."))
    session.end()


def end_other_sessions(user: User, *, keep: str | None) -> int:
    """Sign `user` out everywhere but in the session of key `keep`; how many were ended."""
    others = [session for session in sessions_of(user) if session.session_key != keep]
    for session in others:
        session.end()
    return len(others)
