"""Text from outside made safe to keep: no control characters, one Unicode form, bounded.

Reliability P12. Whatever a switch writes is hostile until it has passed here.
"""

from __future__ import annotations

from unicodedata import category, normalize

CONTROL_BYTES = bytes([*range(0x20), 0x7F])
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_NONCHARACTERS = frozenset("\ufffe\uffff")


def clean(text: str) -> str:
    """`text` in NFC without control characters, lone surrogates and noncharacters."""
    if text.isascii() and text.isprintable():
        return text
    kept = "".join(
        char for char in text if category(char) not in {"Cc", "Cs"} and char not in _NONCHARACTERS
    )
    return normalize("NFC", kept)


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
