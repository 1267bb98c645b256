"""A brake on asking for numbers typed in full, so that masked digits cannot be tried out.

Four hidden digits are ten thousand guesses; at this pace they take a week, per number
and with every attempt counted (reliability S15).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.core.cache import cache

from directory.scoping import Scope
from kernel.errors import DomainError

SEARCHES_AN_HOUR: Final = 60
_HOUR: Final = 3600


class TooManySearches(DomainError):
    """Somebody asked for too many numbers within one hour."""

    code = "too_many_searches"


def count_number_search(scope: Scope, *, at: datetime) -> None:
    """Count one search by number of the reader; who may see numbers in clear is not braked.

    Raises:
        TooManySearches: from the one after `SEARCHES_AN_HOUR` in a clock hour on.
    """
    if scope.may_reveal:
        return
    key = f"number-searches:{scope.user_id}:{int(at.timestamp()) // _HOUR}"
    cache.add(key, 0, timeout=_HOUR)
    try:
        searches = cache.incr(key)
    except ValueError:  # it fell out of the cache between the two
        searches = 1
    if searches > SEARCHES_AN_HOUR:
        raise TooManySearches(
            f"At most {SEARCHES_AN_HOUR} searches by number an hour; try again later."
        )
