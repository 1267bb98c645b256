"""The locales that figures are written in: a language, and for English days the custom of a zone.

"English" alone means American English to Unicode's tables: month first, clocks of twelve
hours. A reader in London or Milan who chose English expects neither; amounts and numbers
are written alike.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global

MONTH_FIRST: Final = frozenset({"AS", "CA", "GU", "MP", "PH", "PR", "UM", "US", "VI"})
"""Where English is written with the month before the day (Unicode CLDR, formats of en_*)."""


@lru_cache(maxsize=16)
def locale_of(language: str) -> Locale:
    """The locale of a language ("de", "pt-br"); English for one that is not known."""
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")


@lru_cache(maxsize=128)
def calendar_locale(language: str, zone: str) -> Locale:
    """The locale that days and times are written in for a reader in `zone` ("Europe/Rome")."""
    locale = locale_of(language)
    if locale.language != "en" or locale.territory:
        return locale
    is_month_first = get_global("zone_territories").get(zone) in MONTH_FIRST
    return locale if is_month_first else Locale("en", "GB")
