"""What in a deck deserves a look before its prices are believed."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from cdr.engine.decks import Deck

DEAR_TIMES: Final = 50
DEAR: Final = 5


def _country_of(prefix: str) -> str:
    """The country code that the prefix begins with; prefixes of no country stand together."""
    for length in (3, 2, 1):
        if prefix[:length].isdigit() and int(prefix[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return prefix[:length]
    return ""


def implausible(deck: Deck) -> list[str]:
    """What deserves a look: prices of 0, and prices far above those around them."""
    per_minute: dict[str, list[Decimal]] = defaultdict(list)
    free: list[str] = []
    for row in deck.rows:
        if row.terms is None:
            continue
        price = row.terms.price * 60 / row.terms.per_seconds
        if price == 0 and row.terms.fee == 0:
            free.append(row.prefixes[0])
        else:
            per_minute[_country_of(row.prefixes[0])].append(price)
    medians = {zone: sorted(prices)[len(prices) // 2] for zone, prices in per_minute.items()}
    dear = [
        row.prefixes[0]
        for row in deck.rows
        if row.terms is not None
        and row.terms.price * 60 / row.terms.per_seconds
        > DEAR_TIMES * medians.get(_country_of(row.prefixes[0]), Decimal(0))
        and row.terms.price
    ]
    over = sum(1 for prices in per_minute.values() for price in prices if price > DEAR)
    warnings: list[str] = []
    if over:
        warnings.append(
            f"{over:,} rows cost more than {DEAR}.00 a minute: is the price unit right?"
        )
    if free:
        warnings.append(f"{len(free):,} rows cost nothing, such as {', '.join(free[:5])}")
    if dear:
        warnings.append(
            f"{len(dear):,} rows cost more than {DEAR_TIMES} times the middle price of their"
            f" country, such as {', '.join(dear[:5])}"
        )
    return warnings
