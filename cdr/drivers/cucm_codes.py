"""What the codes of Cisco UCM call records mean in neutral words.

Source: Call Detail Records Administration Guide, tables of redirect reasons,
OnBehalfOf codes, pattern usage and termination causes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from cdr.engine.records import Joined, Redirect

GATEWAY_PROTOCOLS: Final = frozenset({"1", "2", "4"})  # SIP trunk, H.323, Q.931; 3 is CTI
PHONE_PREFIXES: Final = frozenset({"SEP", "CSF", "BOT", "TCT", "TAB", "ATA", "VGC", "CIP", "RDP"})
USAGE_ROUTE_PATTERN: Final = "5"
USAGE_HUNT_PILOT: Final = "7"
USAGE_VOICEMAIL: Final = "8"
USAGES_INSIDE: Final = frozenset({"0", "2", "4", "7", "12"})  # park, device, pickup, hunt, park
RECORDING_REASON: Final = "354"
RECORDING_FEATURE: Final = "27"
ROUTING_REFUSED: Final = frozenset({"7", "8"})
ROUTING_DIVERTED: Final = frozenset({"3", "4"})

REDIRECTS: Final[dict[str, Redirect]] = {
    **dict.fromkeys(("1", "2", "9", "10", "15", "82", "162", "178", "335"), "forward"),
    **dict.fromkeys(("4", "34", "130", "146"), "transfer"),
    **dict.fromkeys(("5", "415"), "pickup"),
    **dict.fromkeys(("7", "8", "11", "434", "450"), "park"),
    **dict.fromkeys(("18", "50"), "divert"),
    **dict.fromkeys(("786", "802", "818", "834", "850"), "queue"),
}
"""By redirect reason; every other reason but 0 is "other". 335 is a call followed to a mobile."""

REDIRECTS_BY_FEATURE: Final[dict[str, Redirect]] = {
    "3": "park",
    "5": "forward",
    "10": "transfer",
    "14": "divert",
    "16": "pickup",
    "26": "park",
    "34": "queue",
}
"""By OnBehalfOf, where the reason is missing."""

JOINS: Final[dict[str, Joined]] = {"4": "conference", "10": "transfer"}

_SPLITS: Final = frozenset({393_216, 126})
_FROM_SIP: Final = 0xFFFFFF
_LARGEST_PLAIN_CAUSE: Final = 255
_PREFIX_TOKEN: Final = re.compile(r"\[[^\]]+\]|\\\+|[0-9A-D*#X]", re.IGNORECASE)


def release_cause(origin: str, destination: str) -> tuple[int, bool]:
    """Q.850 cause of a record and whether a feature split the call there.

    One side's value is 0; values above 0xFFFFFF come from SIP and hold the Q.850
    cause in their low byte. Cisco's own values (conference, split) are no causes.
    """
    value = int(origin) if origin.isdigit() else 0
    value = value or (int(destination) if destination.isdigit() else 0)
    if value in _SPLITS:
        return 0, True
    if value > _FROM_SIP:
        return value & 0xFF, False
    return (value if value <= _LARGEST_PLAIN_CAUSE else 0), False


@lru_cache(maxsize=4096)
def _access_code(pattern: str) -> re.Pattern[str] | None:
    """What the part of a route pattern before its dot takes from the front of a number.

    None where there is no dot, where the part has no fixed length (``!``, ``@``),
    or where it is the plus of a number that is international already.
    """
    before, dot, _ = pattern.partition(".")
    if not dot or not before or before.startswith(("+", "\\+")):
        return None
    tokens = _PREFIX_TOKEN.findall(before)
    if "".join(tokens) != before:
        return None
    return re.compile("".join(_token_expression(token) for token in tokens))


def _token_expression(token: str) -> str:
    if token in {"X", "x"}:
        return "[0-9]"
    if token.startswith("["):
        inside = re.sub(r"[^0-9A-D*#^-]", "", token[1:-1])
        return f"[{inside}]" if re.fullmatch(r"\^?[0-9A-D*#]+(-?[0-9A-D*#]+)*", inside) else "(?!)"
    return re.escape(token.lstrip("\\"))


def exit_digits(number: str, pattern: str) -> str | None:
    """The access code at the front of `number` that `pattern` marks with its dot.

    None unless the number really begins with what the pattern takes away.
    """
    if "." not in pattern:
        return None
    code = _access_code(pattern)
    match = code.match(number) if code is not None else None
    return match.group() if match is not None else None
