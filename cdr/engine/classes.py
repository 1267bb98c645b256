"""Classes of destination: one a call, in the words of the tariff file and the calls file."""

from __future__ import annotations

from typing import Final

INTERNAL: Final = "internal"
LOCAL: Final = "local"
NATIONAL: Final = "national"
MOBILE: Final = "mobile"
INTERNATIONAL: Final = "international"
TOLL_FREE: Final = "toll-free"
SHARED: Final = "shared"
PREMIUM: Final = "premium"
EMERGENCY: Final = "emergency"
ON_NET: Final = "on-net"
UNKNOWN: Final = "unknown"

CLASSES: Final[tuple[str, ...]] = (
    INTERNAL,
    LOCAL,
    NATIONAL,
    MOBILE,
    INTERNATIONAL,
    TOLL_FREE,
    SHARED,
    PREMIUM,
    EMERGENCY,
    ON_NET,
    UNKNOWN,
)
