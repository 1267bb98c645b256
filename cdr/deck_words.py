"""What was said of a rate deck, in the reader's language.

The engines refuse and remark in plain English, as the command line prints it; a page says the
same with these words. What is not known here is shown as the engine wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from babel.numbers import get_currency_precision
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.words import word
from directory.templatetags.figures import active_locale, apart, whole


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for a page; `is_foreign` where it is English whatever the reader's language."""

    words: str
    is_foreign: bool = False

    def __str__(self) -> str:
        return self.words


Pattern = tuple[re.Pattern[str], Promise]


def _known(**words: tuple[str, Promise]) -> Sequence[Pattern]:
    return [(re.compile(pattern, re.DOTALL), text) for pattern, text in words.values()]


REASONS: Final = _known(
    prefix=(
        r"['\"](?P<value>.*)['\"] is not a prefix",
        gettext_lazy("“%(value)s” is not a prefix"),
    ),
    empty=(
        r"the prefix is empty: .*",
        gettext_lazy("The prefix is empty: a price for every number is not taken from a deck"),
    ),
    scientific=(
        r"(?P<value>.*) is a number in scientific notation: .*",
        gettext_lazy("%(value)s is a number in scientific notation: damaged by a spreadsheet"),
    ),
    zeros=(
        r"(?P<value>\d+) ends in eight zeros or more: .*",
        gettext_lazy("%(value)s ends in eight zeros or more: damaged by a spreadsheet?"),
    ),
    blanks=(
        r"['\"](?P<value>.*)['\"] has blanks inside; .*",
        gettext_lazy("“%(value)s” has blanks inside; list prefixes with commas"),
    ),
    backwards=(
        r"the range (?P<value>.*) runs backwards",
        gettext_lazy("The range %(value)s runs backwards"),
    ),
    twice=(
        r"(?P<value>\d+) stands in it twice",
        gettext_lazy("%(value)s stands in it twice"),
    ),
    same=(
        r"(?P<value>\d+) stands in line (?P<line>\d+) too, with the same content",
        gettext_lazy("%(value)s stands in line %(line)s too, with the same content"),
    ),
    other=(
        r"(?P<value>\d+) stands in line (?P<line>\d+) too, with other content: .*",
        gettext_lazy(
            "%(value)s stands in line %(line)s too, with other content: neither row is taken"
        ),
    ),
    country=(r"is not a country code", gettext_lazy("This is not a country code")),
    no_price=(r"has no price", gettext_lazy("The price is missing")),
    amount=(
        r"['\"](?P<value>.*)['\"] is not an amount",
        gettext_lazy("“%(value)s” is not an amount"),
    ),
    point=(
        r"['\"](?P<value>.*)['\"] is not an amount with a decimal point",
        gettext_lazy("“%(value)s” is not an amount with a decimal point"),
    ),
    comma=(
        r"['\"](?P<value>.*)['\"] is not an amount with a decimal comma",
        gettext_lazy("“%(value)s” is not an amount with a decimal comma"),
    ),
    date_there=(
        r"['\"](?P<value>.*)['\"] is a date where an amount belongs",
        gettext_lazy("“%(value)s” is a date where an amount belongs"),
    ),
    negative=(r"(?P<value>.*) is negative", gettext_lazy("%(value)s is negative")),
    dear=(r"is more than (?P<value>[\d,]+)", gettext_lazy("This is more than %(value)s")),
    long=(
        r"is longer than (?P<value>\d+) characters",
        gettext_lazy("Longer than it may be; the most characters: %(value)s"),
    ),
    seconds=(
        r"['\"](?P<value>.*)['\"] is not a number of seconds",
        gettext_lazy("“%(value)s” is not a number of seconds"),
    ),
    a_day=(
        r"(?P<value>\d+) seconds is more than a day",
        gettext_lazy("%(value)s seconds is more than a day"),
    ),
    year=(
        r"['\"](?P<value>.*)['\"] is not a date with a year of four digits",
        gettext_lazy("“%(value)s” is not a date with a year of four digits"),
    ),
    month=(r"['\"](?P<value>.*)['\"] is no month", gettext_lazy("“%(value)s” is no month")),
    date=(r"['\"](?P<value>.*)['\"] is not a date: .*", gettext_lazy("“%(value)s” is not a date")),
    ends=(r"ends before it begins", gettext_lazy("The price ends before it begins")),
    yes_no=(r"is neither yes nor no", gettext_lazy("This is neither yes nor no")),
    change=(
        r"says neither that the price holds nor that it ends",
        gettext_lazy("This says neither that the price holds nor that it ends"),
    ),
    voice=(
        r"(?P<value>.*) is not a price of voice calls",
        gettext_lazy("%(value)s is not a price of voice calls"),
    ),
    caller=(
        r"prices by the caller's number are not supported",
        gettext_lazy("Prices by the caller's number are not supported"),
    ),
    single=(
        r"prices of single numbers are not supported",
        gettext_lazy("Prices of single numbers are not supported"),
    ),
    incoming=(
        r"prices of incoming calls are not supported",
        gettext_lazy("Prices of incoming calls are not supported"),
    ),
)
REMARKS: Final = _known(
    separated=(
        r"separated by (?P<separator>\w+), (?P<encoding>.*)",
        gettext_lazy("Columns separated by: %(separator)s. Encoding: %(encoding)s."),
    ),
    sheet=(r"sheet (?P<value>.*)", gettext_lazy("Sheet: %(value)s")),
    layout=(r"layout: (?P<value>.*)", gettext_lazy("Layout: %(value)s")),
    short=(
        r"(?P<count>[\d,]+) rows are shorter than the header: .*",
        gettext_lazy("Rows shorter than the header: %(count)s. What is missing counts as empty."),
    ),
    over=(
        r"(?P<count>[\d,]+) rows cost more than (?P<value>[\d.]+) a minute: .*",
        gettext_lazy(
            "Rows that cost more than %(value)s a minute: %(count)s. Is the price unit right?"
        ),
    ),
    free=(
        r"(?P<count>[\d,]+) rows cost nothing, such as (?P<value>.*)",
        gettext_lazy("Rows that cost nothing: %(count)s, such as %(value)s"),
    ),
    dear=(
        r"(?P<count>[\d,]+) rows cost more than (?P<times>\d+) times the middle price of their"
        r" country, such as (?P<value>.*)",
        gettext_lazy(
            "Rows that cost more than %(times)s times the middle price of their country:"
            " %(count)s, such as %(value)s"
        ),
    ),
)
SEPARATORS: Final[dict[str, Promise]] = {
    "comma": gettext_lazy("comma"),
    "semicolon": gettext_lazy("semicolon"),
    "tab": gettext_lazy("tab"),
    "bar": gettext_lazy("vertical bar"),
}


def reason_words(reason: str) -> Said:
    """Why a row was not taken."""
    return _say(reason, REASONS)


def remark_words(remark: str) -> Said:
    """How a file was read, or what in it deserves a look."""
    return _say(remark, REMARKS)


def _say(text: str, known: Iterable[Pattern]) -> Said:
    for pattern, words in known:
        found = pattern.fullmatch(text)
        if found:
            return Said(
                str(words) % {name: _part(name, it) for name, it in found.groupdict().items()}
            )
    return Said(text, is_foreign=True)


def _part(name: str, text: str) -> str:
    if name == "separator":
        return word(SEPARATORS, text)
    if name == "encoding":
        return apart(text.upper().removesuffix("-SIG"))
    if name == "count":
        return whole(int(text.replace(",", "")))
    return apart(text)


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
