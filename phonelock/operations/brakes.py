"""A brake on what people may set off again and again: every lock is work for a switch.

Counted in the cache by clock windows: unlike the searches by number (`directory.pace`),
which keep a secret, nothing is lost where a count is lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.utils.translation import gettext as _

from kernel.errors import DomainError

WINDOW_SECONDS: Final = 600
OWN_TOGGLES: Final = 20
"""So often may somebody lock, unlock or ask again for his own phones within one window."""
OTHERS_TOGGLES: Final = 200
"""So often may somebody change the locks of others; many at once count as one."""
PINS_SET: Final = 30
"""So many PINs may somebody set for others."""


class TooManyToggles(DomainError):
    """Somebody locks and unlocks faster than anybody needs to."""

    code = "too_many_toggles"


def count_toggle(
    user_id: int, *, most: int = OWN_TOGGLES, what: str = "lock", at: datetime
) -> None:
    """Count one change asked for by this user.

    Raises:
        TooManyToggles: from the one after `most` in a window on.
    """
    window, used = divmod(int(at.timestamp()), WINDOW_SECONDS)
    key = f"phone-{what}:{user_id}:{window}"
    cache.add(key, 0, timeout=WINDOW_SECONDS)
    try:
        toggles = cache.incr(key)
    except ValueError:  # it fell out of the cache between the two
        toggles = 1
    if toggles > most:
        minutes = -(-(WINDOW_SECONDS - used) // 60)
        raise TooManyToggles(
            _("That was very often in a short time. Try again in %(minutes)s min.")
            % {"minutes": minutes}
        )
