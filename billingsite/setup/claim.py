"""Who may set up an installation that nobody administers yet.

Whoever can read the terminal: `setup` and `serve` print an address with a word that
is drawn once. The first administrator is made there; from then on the word is worth
nothing, and administrators sign in like everybody.
"""

from __future__ import annotations

import os
import secrets
from hmac import compare_digest
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from directory.models import User
from directory.queries.administrators import able_administrators

FILE: Final = "setup_token"
SESSION_KEY: Final = "setup_token"
TOKEN_BYTES: Final = 24


def has_administrator() -> bool:
    """Whether somebody administers this installation who has a password to sign in with."""
    return able_administrators().exists()


def token_path() -> Path:
    """Where the word stands until the first administrator is made; readable by the owner only."""
    return Path(settings.DATA_DIR, FILE)


def claim_token() -> str:
    """The word that opens the first set-up, drawn if there is none yet."""
    path = token_path()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(token)
    return token


def is_the_token(word: str) -> bool:
    """Whether `word` is the one that was printed, and still worth something."""
    try:
        token = token_path().read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return False
    return bool(token) and compare_digest(token.encode(), word.encode("utf-8", "replace"))


def spend_token() -> None:
    """The first administrator is made: the word opens nothing any more."""
    token_path().unlink(missing_ok=True)


def holds_claim(request: HttpRequest) -> bool:
    """Whether this browser came with the word, and nobody administers yet."""
    return is_the_token(request.session.get(SESSION_KEY, "")) and not has_administrator()


def claim_address(url: str) -> str:
    """The address to print in the terminal; empty once somebody administers."""
    return "" if has_administrator() else f"{url}/setup/start/{claim_token()}/"


def is_untouched() -> bool:
    """Whether there is nobody at all here yet, so that signing in makes no sense."""
    return not User.objects.exists()
