"""What follows from a country: its zone, its currency, how people dial there.

Proposals for the set-up's forms. Prefixes are those of the public network, from the
numbering library; the exit code is the house's own affair and stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale
from babel.numbers import get_territory_currencies
from phonenumbers import PhoneMetadata

from cdr.engine import emergency
from cdr.engine.numbering import country_code

FALLBACK_ZONE: Final = "UTC"
FALLBACK_CURRENCY: Final = "EUR"

# Where a country has several zones and the first of the zone table is not where most people live.
_MAIN_ZONES: Final = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "KI": "Pacific/Tarawa",
    "MN": "Asia/Ulaanbaatar",
    "NZ": "Pacific/Auckland",
    "RU": "Europe/Moscow",
}
# The library writes these as patterns: what most people dial.
_INTERNATIONAL: Final = {"AU": "0011", "BR": "00", "RU": "810", "CO": "00", "CL": "00"}

_HOMES: Final = {"de": "DE", "fr": "FR", "it": "IT", "es": "ES"}


@dataclass(frozen=True, slots=True)
class CountryDefaults:
    """What a telephone system in `code` most likely needs."""

    code: str
    zone: str
    currency: str
    international_prefix: str
    national_prefix: str
    emergency: tuple[str, ...]


def defaults_of(country: str) -> CountryDefaults:
    """Proposals for an ISO country code; careful ones where little is known."""
    code = country.upper()
    plan = PhoneMetadata.metadata_for_region(code, None)
    currencies = get_territory_currencies(code)
    return CountryDefaults(
        code=code,
        zone=_MAIN_ZONES.get(code) or _zones().get(code, FALLBACK_ZONE),
        currency=currencies[-1] if currencies else FALLBACK_CURRENCY,
        international_prefix=_international_prefix(code, plan),
        national_prefix=(plan.national_prefix or "") if plan is not None else "",
        emergency=tuple(sorted(emergency.country_list(code))),
    )


def _international_prefix(code: str, plan: PhoneMetadata | None) -> str:
    if code in _INTERNATIONAL:
        return _INTERNATIONAL[code]
    written = (plan.international_prefix or "") if plan is not None else ""
    return written if written.isdecimal() else "00"


@cache
def _zones() -> dict[str, str]:
    """The first zone of each country in the table that zone data brings along."""
    found: dict[str, str] = {}
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            code, _, zone, *_ = line.split("\t")
            found.setdefault(code, zone)
    return found


def country_choices(language: str) -> list[tuple[str, str]]:
    """Every country that has a calling code, by its name in `language`."""
    names = Locale.parse(language, sep="-").territories
    codes = (str(code) for code in names)
    known = ((code, str(names[code])) for code in codes if len(code) == 2 and country_code(code))
    return sorted(known, key=lambda pair: pair[1].casefold())


def country_of_browser(accept_language: str) -> str:
    """The country that a browser's first language names, such as it-IT; empty if it names none.

    A language that is at home in one country in the main stands for it.
    """
    first = accept_language.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].strip()
    language, _dash, region = first.partition("-")
    code = region.upper() if len(region) == 2 else _HOMES.get(language.lower(), "")
    return code if country_code(code) else ""


def country_of_zone(zone: str) -> str:
    """A country of that zone; empty where none is known."""
    for code, main in (*_MAIN_ZONES.items(), *_zones().items()):
        if main == zone:
            return code
    return ""
