"""When a switch is asked again: back-off for a line, probes for a whole switch.

Whole numbers only; the caller brings the randomness (reliability B11).
"""

from __future__ import annotations

from typing import Final

FIRST_DELAY_MS: Final = 10_000
LONGEST_DELAY_MS: Final = 600_000
JITTER_PERMILLE: Final = 250

PROBE_SECONDS: Final = 10
VERIFY_SECONDS: Final = 30
DRIFT_SECONDS: Final = 600
FAILURES_OPEN_CIRCUIT: Final = 3
"""So many lines unreachable in one run, and none reached: the switch itself is at fault."""


def delay_ms(*, attempts: int, jitter_permille: int) -> int:
    """How long to wait after `attempts` failures in a row: 10 s doubling up to 10 min.

    `jitter_permille`, 0..1000, places the delay inside ±25 % of it, so that a thousand
    lines that failed together do not come back together. Never outside 10 s..10 min.

    Raises:
        ValueError: if `attempts` is below 1 or the jitter out of range.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts}")
    if not 0 <= jitter_permille <= 1000:
        raise ValueError(f"jitter must be 0..1000 permille, got {jitter_permille}")
    plain = min(LONGEST_DELAY_MS, FIRST_DELAY_MS << min(attempts - 1, 16))
    offset = plain * JITTER_PERMILLE * (2 * jitter_permille - 1000) // 1_000_000
    return max(FIRST_DELAY_MS, min(LONGEST_DELAY_MS, plain + offset))
