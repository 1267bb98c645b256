"""Secrets that have to be read again, such as those of second factors: encrypted at rest.

The key is drawn from SECRET_KEY, so that a copy of the database alone opens nothing. What was
sealed before the key was changed is opened with SECRET_KEY_FALLBACKS, and nothing seals it anew:
a fallback is needed for as long as such a secret is.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from kernel.errors import DomainError

_PURPOSE = b"tollgate.sealing"


class SecretUnreadable(DomainError):
    """A secret was written under a SECRET_KEY that is not known any more."""

    code = "secret_unreadable"


def _box(secret: str) -> Fernet:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=_PURPOSE).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _boxes() -> MultiFernet:
    """Seals with today's key; opens with that, then with those of before."""
    return MultiFernet(
        [_box(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def sealed(text: str) -> str:
    """`text` in a form that only this installation reads."""
    return _boxes().encrypt(text.encode()).decode()


def opened(text: str) -> str:
    """What `sealed` was given.

    Raises:
        SecretUnreadable: if neither SECRET_KEY nor a fallback opens it.
    """
    try:
        return _boxes().decrypt(text.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable("This was stored under another SECRET_KEY.") from error
