"""Zone and currency of many users' budgets at once (design 10)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from directory.queries.homes import Home, installation_home, user_homes


def homes_of(user_ids: Collection[int], *, at: datetime) -> dict[int, Home]:
    """Each user's: of his office, else of his line's site, else the installation's."""
    found = user_homes(user_ids, at=at)
    homeless = set(user_ids) - found.keys()
    if homeless:
        found |= dict.fromkeys(homeless, installation_home())
    return found
