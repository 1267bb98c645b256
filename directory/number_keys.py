"""The opaque key of an outside number: what links and groups stand on (domain 7).

A page, an address, a job and a group name a number by its key and never by its digits.
The key is the number itself, encrypted and authenticated under a key drawn from
SECRET_KEY (AES-SIV, RFC 5297, which is made for this: the same number gives the same key,
so that rows can be grouped and bookmarks last, and without SECRET_KEY nobody can make a
key, change one, or try numbers out). It is padded, so that all numbers up to 31 characters
have keys of one length. No table and no column stands behind it: whoever has the key asks
the database for the number by its index.

The key is the same for every reader. A link that a supervisor sends to a colleague works,
and it opens nothing by itself: the rows come from the scope of whoever follows it, with
that reader's mask. A key of a reader's own would protect from nothing more, because no
face turns a number into a key except by showing a row of the reader's scope that has it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings

_PURPOSE: Final = b"tollgate.numkey"
_KEY_BYTES: Final = 64
_BLOCK: Final = 32
_LONGEST_KEY: Final = 512


@lru_cache(maxsize=8)
def _box(secret: str) -> AESSIV:
    key = hashlib.blake2b(secret.encode(), digest_size=_KEY_BYTES, person=_PURPOSE).digest()
    return AESSIV(key)


def _padded(text: str) -> bytes:
    plain = text.encode()
    return plain + b"\0" * (-(len(plain) + 1) % _BLOCK + 1)


def number_key(number: str) -> str:
    """The key of `number`, fit for an address; empty for a withheld number."""
    return _sealed(settings.SECRET_KEY, number) if number else ""


@lru_cache(maxsize=8192)
def _sealed(secret: str, number: str) -> str:
    """Lists repeat their numbers; the key of one is worked out once."""
    sealed = _box(secret).encrypt(_padded(number), None)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def number_of_key(key: str) -> str | None:
    """The number that `key` stands for; none for anything that is not a key of ours."""
    if not key or len(key) > _LONGEST_KEY or not key.isascii():
        return None
    try:
        sealed = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    for box in _boxes():
        try:
            return box.decrypt(sealed, None).rstrip(b"\0").decode()
        except (InvalidTag, ValueError):
            continue
    return None


def _boxes() -> Iterator[AESSIV]:
    """Today's key, then those of a rotation that is under way."""
    yield _box(settings.SECRET_KEY)
    for secret in settings.SECRET_KEY_FALLBACKS:
        yield _box(secret)
