"""Tokens of the programming interface: made by their owner, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q
from django.utils.translation import gettext as _

from directory.models import ApiToken, User
from kernel.errors import DomainError

MOST_TOKENS: Final = 20
PREFIX: Final = "tg_"
USE_NOTED_EVERY: Final = timedelta(hours=1)
_SHOWN: Final = 8


class TooManyTokens(DomainError):
    """Somebody has as many tokens as anybody may have."""

    code = "too_many_tokens"


class NoToken(DomainError):
    """The token is not there, or belongs to somebody else."""

    code = "no_token"


def make_token(owner: User, *, name: str, at: datetime) -> tuple[ApiToken, str]:
    """A new token of `owner`, and its text, which nothing can show again.

    Raises:
        TooManyTokens: if he has `MOST_TOKENS` already.
    """
    if ApiToken.objects.filter(user=owner).count() >= MOST_TOKENS:
        raise TooManyTokens(
            _("At most %(most)s tokens: revoke one that is not used.") % {"most": MOST_TOKENS}
        )
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=owner, name=name, start=text[:_SHOWN], digest=_digest(text), made_at=at
    )
    return token, text


def revoke_token(owner: User, *, token_id: int) -> ApiToken:
    """Take a token away from the programs that have it.

    Raises:
        NoToken: if `owner` has no such token.
    """
    token = ApiToken.objects.filter(user=owner, pk=token_id).first()
    if token is None:
        raise NoToken(_("This token is not there any more."))
    ApiToken.objects.filter(pk=token.pk).delete()
    return token


def revoke_tokens(owner: User) -> None:
    """Take all tokens of `owner` away from the programs that have them."""
    ApiToken.objects.filter(user=owner).delete()


def find_token(text: str, *, at: datetime) -> ApiToken | None:
    """The token of that text, with its owner; its use is noted, at most once an hour."""
    token = ApiToken.objects.select_related("user").filter(digest=_digest(text)).first()
    if token is not None:
        unnoted = Q(used_at__isnull=True) | Q(used_at__lt=at - USE_NOTED_EVERY)
        if token.used_at is None or token.used_at < at - USE_NOTED_EVERY:
            ApiToken.objects.filter(unnoted, pk=token.pk).update(used_at=at)
    return token


def tokens_of(owner: User) -> list[ApiToken]:
    """The tokens of `owner`, the last used first."""
    return list(
        ApiToken.objects.filter(user=owner).order_by(F("used_at").desc(nulls_last=True), "-pk")
    )


def _digest(text: str) -> str:
    """A hash without salt: the text is random, so that nothing can be guessed from it."""
    return hashlib.sha256(text.encode()).hexdigest()
