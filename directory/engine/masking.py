"""Hiding the last digits of outside numbers (domain 7).

Internal and emergency numbers stay readable, a number with no more digits than are
to be hidden is hidden whole, and the length is kept. Works on one number at a time,
so that page, export, mail, chart and programming interface agree.
"""

from __future__ import annotations

from typing import Final

DEFAULT_HIDDEN_DIGITS: Final = 4
PRIVATE: Final = "private"
HIDDEN: Final = "*"


def mask(
    number: str, *, hidden_digits: int, is_clear: bool = False, is_private: bool = False
) -> str:
    """Hide the last `hidden_digits` digits of `number`; 0 or less shows it as it is.

    `is_clear` marks a number that nobody needs protection from: internal or emergency.
    `is_private` marks a caller who withheld his number. Of an address that is no
    number (``alice@example.com``) the whole part before the ``@`` is hidden.

    >>> mask("+390266771234", hidden_digits=4), mask("1520", hidden_digits=4)
    ('+39026677****', '****')
    """
    if is_private:
        return PRIVATE
    if is_clear or hidden_digits <= 0 or not number:
        return number
    bare = "".join(number.split())
    if any(sign.isalpha() for sign in bare):
        return _masked_address(bare)
    return _masked_digits(bare, hidden_digits=hidden_digits)


def _masked_digits(number: str, *, hidden_digits: int) -> str:
    digits = sum(sign.isdecimal() for sign in number)
    kept = digits - hidden_digits if digits > hidden_digits else 0
    signs: list[str] = []
    for sign in number:
        if sign.isdecimal():
            signs.append(sign if kept > 0 else HIDDEN)
            kept -= 1
        else:
            signs.append(sign)
    return "".join(signs)


def _masked_address(address: str) -> str:
    user, at_sign, host = address.partition("@")
    return HIDDEN * len(user) + at_sign + host
