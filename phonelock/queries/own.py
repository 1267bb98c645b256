"""One's own phones with what happened to them, asked for together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from directory.models import User
from phonelock.queries.history import PhoneHistory, full_names, history_of, with_names
from phonelock.queries.lines import PhoneState, phone_states


@dataclass(frozen=True, slots=True)
class OwnPhones:
    """The phones of one person, and the newest events."""

    phones: list[PhoneState]
    history: PhoneHistory


def own_phones(user: User, *, at: datetime, most: int) -> OwnPhones:
    """The phones that `user` holds at `at`; whoever is named anywhere is looked up once."""
    phones = phone_states([user.pk], at=at, are_named=False).get(user.pk, [])
    history = history_of(user, most=most, are_named=False)
    names = full_names({phone.by for phone in phones} | {event.by for event in history.events})
    return OwnPhones(
        phones=[replace(phone, by_name=names.get(phone.by, "")) for phone in phones],
        history=replace(history, events=with_names(history.events, names)),
    )
