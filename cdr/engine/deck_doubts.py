"""What in a deck deserves a look before its prices are believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from cdr.engine.decks import Deck
from kernel.sentences import Sentence
from kernel.sentences import sentence as _

DEAR_TIMES: Final = 50
DEAR: Final = 5


@lru_cache(maxsize=4096)
def _country(start: str) -> str:
    for length in (3, 2, 1):
        if start[:length].isdigit() and int(start[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return start[:length]
    return ""


def _country_of(prefix: str) -> str:
    """The country code that the prefix begins with; prefixes of no country stand together."""
    return _country(prefix[:3])


class _Priced(NamedTuple):
    prefix: str
    minute: Decimal


def _dear(prices: Sequence[_Priced]) -> list[str]:
    """The prefixes that cost many times the middle price of their country."""
    by_country: dict[str, list[Decimal]] = defaultdict(list)
    for prefix, minute in prices:
        by_country[_country_of(prefix)].append(minute)
    limits = {
        country: DEAR_TIMES * sorted(those)[len(those) // 2]
        for country, those in by_country.items()
    }
    return [prefix for prefix, minute in prices if minute > limits[_country_of(prefix)]]


def implausible(deck: Deck) -> list[Sentence]:
    """What deserves a look: prices of 0, and prices far above those around them."""
    prices = [
        _Priced(row.prefixes[0], row.terms.price * 60 / row.terms.per_seconds)
        for row in deck.rows
        if row.terms is not None and (row.terms.price or row.terms.fee)
    ]
    free = [
        row.prefixes[0]
        for row in deck.rows
        if row.terms is not None and not (row.terms.price or row.terms.fee)
    ]
    dear = _dear(prices)
    over = sum(1 for priced in prices if priced.minute > DEAR)
    warnings: list[Sentence] = []
    if over:
        warnings.append(
            _(
                "Rows that cost more than %(value)s a minute: %(count)s. Is the price unit right?",
                value=f"{DEAR}.00",
                count=over,
            )
        )
    if free:
        warnings.append(
            _(
                "Rows that cost nothing: %(count)s, such as %(value)s",
                count=len(free),
                value=", ".join(free[:5]),
            )
        )
    if dear:
        warnings.append(
            _(
                "Rows that cost more than %(times)s times the middle price of their country:"
                " %(count)s, such as %(value)s",
                times=DEAR_TIMES,
                count=len(dear),
                value=", ".join(dear[:5]),
            )
        )
    return warnings
