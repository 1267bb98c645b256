"""When to try a mail again, and when it is too late (reliability N3, N4, N6, N8)."""

from __future__ import annotations

from datetime import timedelta

LEASE = timedelta(seconds=120)
PROBE_EVERY = timedelta(seconds=30)
HARD_BOUNCES_TO_SUPPRESS = 3
MAILS_PER_HOUR = 30
FLOOD_WINDOW = timedelta(hours=1)

_FIRST_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
_LATER_WAIT = timedelta(hours=1)
_LONGEST_TRY = timedelta(hours=24)
_DEFAULT_LIFE = timedelta(days=2)
_LIVES = {
    "threshold": timedelta(hours=24),
    "over_budget": timedelta(hours=24),
    "phone_locked": timedelta(hours=24),
    "phone_unlocked": timedelta(hours=24),
    "override": timedelta(hours=24),
    "lock_failed": timedelta(hours=24),
    "end_period": timedelta(days=7),
}


def life_of(kind: str) -> timedelta:
    """How long a mail of this kind is still worth reading (N6)."""
    return _LIVES.get(kind, _DEFAULT_LIFE)


def wait_after(attempts: int) -> timedelta | None:
    """How long to wait after the `attempts`-th refusal for now; None = give up.

    1, 5, 15 and 60 minutes, then hourly until the waits add up to 24 hours (N4).

    Raises:
        ValueError: if nothing was attempted yet.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts}")
    if attempts <= len(_FIRST_WAITS):
        return _FIRST_WAITS[attempts - 1]
    waited = sum(_FIRST_WAITS, timedelta()) + (attempts - len(_FIRST_WAITS)) * _LATER_WAIT
    return _LATER_WAIT if waited <= _LONGEST_TRY else None
