"""Prices and increments of a rate deck as a page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from decimal import Decimal

from babel.numbers import get_currency_precision
from django.utils.translation import gettext as _

from directory.templatetags.figures import active_locale, apart


def increment_words(increments: str) -> str:
    """How time is charged, from `60/1`: the first seconds, then the steps after them."""
    first, _slash, following = increments.partition("/")
    if not following or first == following:
        return _("%(seconds)s s") % {"seconds": first}
    return _("%(first)s s, then %(following)s s") % {"first": first, "following": following}


def even_prices(prices: Iterable[str], currency: str) -> list[str]:
    """The prices of one column with their currency, all with as many places; empty stays empty."""
    amounts = [Decimal(price) if price else None for price in prices]
    places = max(
        [
            get_currency_precision(currency),
            *(-int(amount.as_tuple().exponent) for amount in amounts if amount is not None),
        ]
    )
    pattern = copy(active_locale().currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return [
        ""
        if amount is None
        else apart(
            str(pattern.apply(amount, active_locale(), currency=currency, currency_digits=False))
        )
        for amount in amounts
    ]
