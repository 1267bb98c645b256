"""What may stand in a mail's header: one address, one line."""

from __future__ import annotations

import re
import unicodedata

LONGEST_ADDRESS = 254
LONGEST_SUBJECT = 200
_ADDRESS = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_UNPRINTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_SPACES = re.compile(r"\s+")


class BadAddress(ValueError):
    """Not exactly one mail address."""


def one_address(text: str) -> str:
    """Return `text` as one plain address, lower case, its domain in ASCII (IDNA).

    Only dot-atoms (RFC 5321 4.1.2) are taken: no display name, no comment, no
    quotes, no list, so nothing can break out of a header or name a second reader.

    Raises:
        BadAddress: if it is anything else.
    """
    local, at, domain = text.strip(" ").lower().rpartition("@")
    try:
        address = f"{local}{at}{domain.encode('idna').decode('ascii')}" if domain else ""
    except UnicodeError:
        address = ""
    if len(address) > LONGEST_ADDRESS or len(local) > 64 or not _ADDRESS.fullmatch(address):
        raise BadAddress(f"not one mail address: {text[:80]!r}")
    return address


def one_line(text: str, *, longest: int = LONGEST_SUBJECT) -> str:
    """Return `text` on one line: no line breaks, no control or direction characters, cut to size.

    Direction marks could show a name backwards and so pass for another; the two
    joiners that Persian and Indic names are written with stay.
    """
    spaced = _SPACES.sub(" ", text)
    kept = "".join(
        character
        for character in spaced
        if character in _JOINERS or unicodedata.category(character) not in _UNPRINTED
    ).strip()
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"
