"""A brake on asking for numbers typed in full, so that masked digits cannot be tried out.

Four hidden digits are ten thousand guesses; at this pace they take a week, per number
and with every attempt counted (reliability S15).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Case, F, Q, When
from django.utils.translation import gettext as _

from directory.models import NumberSearches
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
    if scope.may_reveal or scope.user_id is None:
        return
    hour = int(at.timestamp()) // _HOUR
    # Mostly one statement, whatever other processes do: the row itself refuses to pass the
    # limit. The second try is for whoever has no row yet.
    if _counted(scope.user_id, hour):
        return
    NumberSearches.objects.bulk_create(
        [NumberSearches(user_id=scope.user_id, hour=hour)], ignore_conflicts=True
    )
    if not _counted(scope.user_id, hour):
        raise TooManySearches(
            _("At most %(most)s searches by number an hour; try again later.")
            % {"most": SEARCHES_AN_HOUR}
        )


def _counted(user_id: int, hour: int) -> bool:
    """Whether one more search fits into `hour`; then it is counted."""
    open_rows = NumberSearches.objects.filter(~Q(hour=hour) | Q(searches__lt=SEARCHES_AN_HOUR))
    so_far = Case(When(hour=hour, then=F("searches")), default=0)
    return bool(open_rows.filter(user=user_id).update(searches=so_far + 1, hour=hour))
