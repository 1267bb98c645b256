"""Extension patterns of a site: which numbers are internal there.

The wildcards are those of a Cisco route pattern: ``X`` one digit, ``!`` one or more
digits, ``[2-4]`` and ``[^15]`` sets; dots only mark a place and are ignored; a
backslash before ``+`` may be left out.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

_TOKEN = re.compile(
    r"(?P<digit>[0-9*#])|(?P<any>[Xx])|(?P<many>!)|(?P<dot>\.)|(?P<plus>\\?\+)"
    r"|\[(?P<set>\^?[0-9*#]+(?:-[0-9])?(?:[0-9*#](?:-[0-9])?)*)\]"
)
_MAX_PATTERN = 64


class BadPattern(ValueError):
    """An extension pattern was not made of digits and wildcards."""


def check_pattern(pattern: str) -> None:
    """Raise BadPattern, with the place, unless `pattern` can be used."""
    _expression(pattern)


def is_extension(digits: str, *, patterns: tuple[str, ...]) -> bool:
    """Say whether the whole of `digits` is a number of one of the `patterns`.

    A pattern that cannot be read matches nothing: set-up refuses it (`check_pattern`),
    and no call may be lost for it.
    """
    expression = _expressions(patterns)
    return expression is not None and expression.fullmatch(digits) is not None


@lru_cache(maxsize=256)
def _expressions(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    readable: list[str] = []
    for pattern in patterns:
        with suppress(BadPattern):
            readable.append(_expression(pattern))
    return re.compile("|".join(readable)) if readable else None


def _expression(pattern: str) -> str:
    text = pattern.strip()
    if not text or len(text) > _MAX_PATTERN:
        raise BadPattern(f"an extension pattern has 1 to {_MAX_PATTERN} characters: {pattern!r}")
    parts: list[str] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise BadPattern(f"character {place + 1} of {pattern!r} is no digit and no wildcard")
        parts.append(_token_expression(token))
        place = token.end()
    return "".join(parts)


def _token_expression(token: re.Match[str]) -> str:
    if token["digit"]:
        return re.escape(token["digit"])
    if token["any"]:
        return "[0-9]"
    if token["many"]:
        return "[0-9]+"
    if token["plus"]:
        return r"\+"
    return f"[{token['set']}]" if token["set"] else ""
