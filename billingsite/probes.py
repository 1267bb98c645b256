"""Who may read what monitoring reads: this machine, or whoever knows the token."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest

HERE = ("127.0.0.1", "::1")
_SCHEME = "bearer "


def is_trusted(request: HttpRequest) -> bool:
    """A right token, or a request made on this very machine and passed on by nobody.

    Behind a proxy every request seems to come from here; so one that was passed on
    needs the token. The token is compared in constant time.
    """
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        if given.lower().startswith(_SCHEME):
            token = given[len(_SCHEME) :].strip()
            return secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
    is_passed_on = any(
        name in request.META for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA")
    )
    return request.META.get("REMOTE_ADDR") in HERE and not is_passed_on
