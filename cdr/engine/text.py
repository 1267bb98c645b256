"""Text from outside made safe to keep: no control characters, one Unicode form, bounded.

Reliability P12. Whatever a switch writes is hostile until it has passed here.
"""

from __future__ import annotations

import re
from unicodedata import normalize

CONTROL_BYTES = bytes([*range(0x20), 0x7F])
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """`text` in NFC without control characters, lone surrogates and noncharacters."""
    if text.isascii() and text.isprintable():
        return text
    return normalize("NFC", _UNWANTED.sub("", text))


def pictured(text: str) -> str:
    """`text` with control characters shown as their pictures, so that it can be kept and read."""
    if text.isascii() and text.isprintable():
        return text
    shown = text.translate(_PICTURES)
    return shown.encode("utf-8", "replace").decode("utf-8")


def decoded(line: bytes, *, encoding: str = "utf-8") -> tuple[str, bool]:
    """Text of `line`, and whether bytes that are no `encoding` had to be replaced."""
    try:
        return line.decode(encoding), False
    except UnicodeDecodeError:
        return line.decode(encoding, "replace"), True
