"""Words and times as the reader wants them: his language, and the zone he lives in."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db.models import F, FilteredRelation, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from directory.models import LineHolding, Preferences, Site, User
from directory.preferences import keep_preferences
from directory.queries.homes import (
    chosen_language,
    chosen_zone,
    installation_zone,
    office_homes,
)
from directory.queries.languages import language_of


class ReaderMiddleware:
    """Activates the language and time zone of whoever reads.

    The language is the person's own, else what the browser says, else that of his site,
    else the installation's (`directory.queries.languages`). The zone is the person's own,
    else that of his office or line, else the installation's. Strangers have neither choice
    nor site. Stands behind the authentication middleware; both are put back after the
    answer, which holds personal data and is never stored on the way (reliability S20).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        reader = getattr(request, "user", None)
        browser = browser_language(request)
        if not isinstance(reader, User) or not reader.is_authenticated:
            language = language_of(None, browser=browser)
            with timezone.override(zone_named(installation_zone())):
                return self._answer(request, language=language)
        zone, language, preferences = _read(reader, browser=browser)
        keep_preferences(request, preferences)
        with timezone.override(zone):
            response = self._answer(request, language=language)
            patch_cache_control(response, no_store=True, private=True)
            return response

    def _answer(self, request: HttpRequest, *, language: str) -> HttpResponseBase:
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
            return response


def page_zone() -> ZoneInfo:
    """The zone that the page or the answer is written in, as the middleware set it."""
    return ZoneInfo(timezone.get_current_timezone_name())


def browser_language(request: HttpRequest) -> str:
    """The language that this browser says: picked in it before signing in, else asked for by it.

    Empty where it asks for none of ours.
    """
    picked = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if picked in dict(settings.LANGUAGES):
        return picked
    for wanted, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if wanted == "*":
            break
        try:
            return get_supported_language_variant(wanted)
        except LookupError:
            continue
    return ""


def zone_of(reader: User) -> ZoneInfo:
    """The zone that `reader` reads times in."""
    return _read(reader, browser="")[0]


def zone_and_language_of(reader: User, *, browser: str) -> tuple[ZoneInfo, str]:
    """The zone and the language of `reader` where no middleware could know him.

    What his program asks for counts before what he chose for himself.
    """
    zone, language, _ = _read(reader, browser="")
    return zone, browser or language


def _read(reader: User, *, browser: str) -> tuple[ZoneInfo, str, Preferences]:
    """The reader's zone and language, and how he likes his pages: one question on each page.

    His site is found as in `directory.queries.homes.user_homes`: that of his office, else of
    his line.
    """
    held = LineHolding.objects.filter(user=OuterRef("pk"), valid_to__isnull=True).order_by("pk")
    people = User.objects.filter(pk=reader.pk).select_related("preferences")
    rows = people.annotate(
        present=FilteredRelation("memberships", condition=Q(memberships__valid_to__isnull=True)),
        office_now=F("present__office"),
        zone_of_office=F("present__office__site__time_zone"),
        language_of_office=F("present__office__site__language"),
        zone_of_line=Subquery(held.values("line__site__time_zone")[:1]),
        language_of_line=Subquery(held.values("line__site__language")[:1]),
        zone_of_first_site=Subquery(Site.objects.order_by("pk").values("time_zone")[:1]),
        language_of_first_site=Subquery(Site.objects.order_by("pk").values("language")[:1]),
    )
    row = rows.only("pk", *(f"preferences__{field.name}" for field in Preferences._meta.fields))
    found = row.first()
    if found is None:  # deleted in this very moment
        zone = reader.time_zone or installation_zone()
        return zone_named(zone), language_of(reader, browser=browser), Preferences(user=reader)
    zone, site = found.zone_of_line, found.language_of_line
    if found.zone_of_office:
        zone, site = found.zone_of_office, found.language_of_office
    elif found.office_now is not None and not (reader.time_zone and (reader.language or browser)):
        home = office_homes().get(found.office_now)
        zone, site = (home.zone, home.language) if home else (zone, site)
    zone = reader.time_zone or zone or chosen_zone() or found.zone_of_first_site or "UTC"
    site = site or chosen_language() or found.language_of_first_site or settings.LANGUAGE_CODE
    language = language_of(reader, browser=browser, site=site)
    kept = getattr(found, "preferences", None)
    return zone_named(zone), language, kept or Preferences(user=reader)


def zone_named(name: str) -> ZoneInfo:
    """The zone of that name; UTC for a name that the system does not know."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")
