"""Words and times as the reader wants them: his language, and the zone he lives in."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control

from directory.models import User
from directory.queries import budget_home, installation_zone


class ReaderMiddleware:
    """Activates the language and time zone of whoever is signed in.

    The zone is the person's own, else that of his office or line, else the
    installation's. Strangers get the language their browser asks for. Stands
    behind the authentication middleware; both are put back after the answer, which
    holds personal data and is never stored on the way (reliability S20).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        reader = getattr(request, "user", None)
        if not isinstance(reader, User) or not reader.is_authenticated:
            with timezone.override(zone_named(installation_zone())):
                return self.get_response(request)
        with timezone.override(zone_of(reader)), translation.override(reader.language):
            request.LANGUAGE_CODE = translation.get_language() or reader.language
            response = self.get_response(request)
            response.headers["Content-Language"] = request.LANGUAGE_CODE
            patch_cache_control(response, no_store=True, private=True)
            return response


def zone_of(reader: User) -> ZoneInfo:
    """The zone that `reader` reads times in."""
    return zone_named(reader.time_zone or budget_home(reader).zone)


def zone_named(name: str) -> ZoneInfo:
    """The zone of that name; UTC for a name that the system does not know."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")
