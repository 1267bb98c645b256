"""Public holidays by country, or country and region: `IT`, `DE-BY`."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=1)
def _supported() -> dict[str, frozenset[str]]:
    listed = holidays.list_supported_countries(include_aliases=True)
    return {country: frozenset(regions) for country, regions in listed.items()}


def is_calendar(code: str) -> bool:
    """Whether `code` names a calendar that we know."""
    country, dash, region = code.partition("-")
    regions = _supported().get(country)
    return regions is not None and (not dash or region in regions)


@lru_cache(maxsize=2048)
def holidays_in(code: str, year: int) -> frozenset[date]:
    """The public holidays of calendar `code` in `year`; none where `code` is empty."""
    if not code:
        return frozenset()
    country, _, region = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))
