"""The state of a phone, for templates."""

from __future__ import annotations

from django import template

from phonelock.engine.flags import LineState
from phonelock.queries.lines import PhoneState

register = template.Library()


@register.filter
def is_pending(phone: PhoneState) -> bool:
    """Whether the phone system has been asked for something it has not confirmed.

    A line that nobody ever locked is open without having been asked for it.
    """
    untouched = phone.wanted == LineState.UNLOCKED and phone.confirmed == LineState.UNKNOWN
    return not phone.is_confirmed and not untouched
