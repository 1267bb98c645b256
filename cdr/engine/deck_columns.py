"""Which column of a rate deck means what, from the names that carriers give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cdr.engine.deck_tables import Line, Table, UnreadableDeck
from kernel.sentences import sentence as _

HEADER_WITHIN: Final = 40

MEANINGS: Final[dict[str, str]] = {
    "prefix": "the prefixes",
    "country_code": "the country code that goes before the prefixes",
    "name": "the name of the destination",
    "country": "the name of the country",
    "class": "the class of the destination",
    "price": "the price",
    "fee": "the connect fee",
    "first": "the first increment",
    "next": "the next increments",
    "increments": "both increments, 60/1",
    "free": "seconds free in every call",
    "grace": "calls up to so many seconds cost nothing",
    "minimum": "the least a call costs",
    "valid_from": "the day the price begins",
    "valid_to": "the day the price ends",
    "change": "new, increase, decrease, discontinued",
    "blocked": "calls there are barred",
    "exact": "the number itself and no longer one",
    "origin": "prefixes of the caller",
    "plan": "which of several tariffs in the file",
}

_NAMES: Final[dict[str, str]] = {
    "prefix": "prefix; prefixes; code; codes; dial code; dial codes; dialcode; dialling code;"
    " dialing code; dial prefix; destination prefix; destination prefixes; destination code;"
    " area code; area codes; prefix code; breakout; breakouts; digits; number prefix; e164;"
    " phone prefix; called prefix; rufnummer; vorwahl; prefisso; indicatif; prefijo",
    "country_code": "country code; countrycode; cc; country prefix; country dial code",
    "name": "destination; destination name; description; code name; name; area; area name; zone;"
    " zone name; region name; route; route name; destination description; location; ziel; zielname;"
    " destinazione; destino; geocode",
    "country": "country; country name; land; paese; pays",
    "class": "class; call class; destination class; number class",
    "price": "rate; price; cost; tariff; price per; rate per; cost per; new rate; new price;"
    " current rate; selling rate; sell rate; buy rate; buying rate; interrate; inter rate; charge;"
    " preis; prezzo; prix; precio; minute rate; voice rate",
    "fee": "connection cost; connection fee; connect fee; connect; connection charge;"
    " connect charge; connect cost; setup fee; set up fee; setup; setup cost; setup charge;"
    " setup price; surcharge; price call; call fee; flag fall; flagfall; access charge;"
    " connection; price per call",
    "first": "interval 1; first interval; initial increment; first increment; initial interval;"
    " minimum time; minimum duration; min duration; min dur; min time; min; minimum; initial;"
    " initial period; first period; min seconds; minimum seconds; minimal charge time; init;"
    " initial block; first block",
    "next": "interval n; next interval; subsequent increment; next increment;"
    " additional increment; incr; int; interval; subsequent; subsequent interval; next period;"
    " additional interval; increment n; following increment; subsequent period; next block;"
    " billing block",
    "increments": "billing increment; billing increments; increments; increment; billing;"
    " rounding; min int; 60 1; 30 6; 60 60; 1 1; billing interval; billing terms; billing cycle; pulse; intervals; taktung; takt",
    "free": "free seconds; included seconds; nocharge time; no charge time; free time;"
    " free seconds included; freibetrag",
    "grace": "grace time; grace volume; grace period; grace; grace seconds",
    "minimum": "minimum charge; min charge; minimum cost; minimal cost; minimum price",
    "valid_from": "effective date; effective; effective from; valid from; start date; from date;"
    " date from; startdate; activation date; effective start; begin date; date; start;"
    " effectivedate; valid since; gueltig ab; from; effective date time",
    "valid_to": "end date; valid to; expiry date; expiration date; expires; valid until;"
    " effective to; effective end; date to; stop date; enddate; stopdate; until; end; to date",
    "change": "change; changes; status; action; rate change; change type; comment code; ops; op",
    "blocked": "blocked; barred; forbidden; closed; blocked flag",
    "exact": "exact match; exact",
    "origin": "origination prefixes; origination prefix; origin prefix; origin; origination;"
    " origin codes; from prefix; caller prefix; orig code; a number prefix",
    "plan": "rate plan; rateplan; tariff name; plan; price list; pricelist; tariff plan",
}  # fmt: skip

_SEVERAL_PRICES: Final = frozenset(
    [
        "interstate",
        "intrastate",
        "indeterminate",
        "local",
        "eea",
        "peak",
        "offpeak",
        "off",
        "weekend",
        "night",
        "day",
        "evening",
        "interlata",
        "intralata",
        "rural",
    ]
)
_PRICE_WORDS: Final = frozenset(["rate", "rates", "price", "prices", "cost", "charge"])
_FILLING: Final = frozenset(
    [
        "per",
        "min",
        "minute",
        "minutes",
        "mins",
        "minuta",
        "minuto",
        "pro",
        "je",
        "in",
        "a",
        "the",
        "of",
        "excl",
        "incl",
        "vat",
        "net",
        "sec",
        "second",
        "seconds",
        "s",
        "m",
        "no",
        "number",
    ]
)
_PER_SECOND: Final = frozenset(["sec", "second", "seconds", "secs"])
_NOT_MONEY: Final = frozenset(
    [
        "MIN",
        "SEC",
        "VAT",
        "PER",
        "THE",
        "FOR",
        "END",
        "NEW",
        "OLD",
        "DAY",
        "INT",
        "NET",
        "INC",
        "TAX",
        "AND",
    ]
)
_CURRENCIES: Final = frozenset(
    [
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "TRY",
        "RUB",
        "UAH",
        "AED",
        "SAR",
        "QAR",
        "KWD",
        "BHD",
        "OMR",
        "EGP",
        "MAD",
        "TND",
        "ILS",
        "INR",
        "PKR",
        "CNY",
        "HKD",
        "JPY",
        "KRW",
        "SGD",
        "MYR",
        "THB",
        "IDR",
        "PHP",
        "VND",
        "AUD",
        "NZD",
        "CAD",
        "MXN",
        "BRL",
        "ARS",
        "CLP",
        "COP",
        "PEN",
        "ZAR",
        "NGN",
        "KES",
        "GHS",
        "ISK",
        "RSD",
        "BAM",
        "ALL",
        "MKD",
        "GEL",
        "AMD",
        "AZN",
        "KZT",
    ]
)
_SIGNS: Final = {"€": "EUR", "£": "GBP"}


def _known() -> dict[str, str]:
    return {name.strip(): meaning for meaning, names in _NAMES.items() for name in names.split(";")}


KNOWN: Final[Mapping[str, str]] = _known()


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each meaning stands, `at[meaning]` from 0; `titles` as the file writes them.

    `layout` names a known exporter, whose columns mean what that exporter means.
    """

    at: Mapping[str, int]
    titles: tuple[str, ...]
    header_line: int
    first_row: int
    layout: str = ""
    currency: str = ""
    is_per_second: bool = False
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def title(self, meaning: str) -> str:
        """What the file calls the column, for messages."""
        place = self.at.get(meaning)
        if place is None:
            return meaning
        return self.titles[place] if place < len(self.titles) else f"column {place + 1}"


def words_of(title: str) -> list[str]:
    """The words of a column title, small, without signs."""
    return re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", title).lower())


def meaning_of(title: str) -> str | None:
    """What a column with this title holds; None where we do not know."""
    words = words_of(title)
    currency = {code.lower() for code in _CURRENCIES}
    candidates = [words, [word for word in words if word not in currency]]
    candidates.append([word for word in candidates[1] if word not in _FILLING])
    for candidate in candidates:
        known = KNOWN.get(" ".join(candidate))
        if known is not None:
            return known
    return None


def _currency_of(title: str) -> str:
    for sign, code in _SIGNS.items():
        if sign in title:
            return code
    for word in re.findall(r"\b[A-Z]{3}\b", title):
        if word in _CURRENCIES and word not in _NOT_MONEY:
            return str(word)
    return ""


# --- Layouts of known exporters -------------------------------------------------------------------

CDRTOOL_RATES: Final = "CDRTool rates"
CDRTOOL_DESTINATIONS: Final = "CDRTool destinations"
NUMBERING_PLAN: Final = "libphonenumber ranges"

_LAYOUTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    CDRTOOL_RATES: (
        "ops; reseller; rate; destination; app; connect; duration",
        {
            "ops": "change", "rate": "plan", "destination": "prefix", "app": "application",
            "connect": "fee", "duration": "price", "conn in": "incoming_fee",
            "duration in": "incoming_price",
        },
    ),
    CDRTOOL_DESTINATIONS: (
        "ops; reseller; destination; region; description; incr; min dur",
        {
            "ops": "change", "destination": "prefix", "description": "name", "region": "country",
            "incr": "next", "min dur": "first", "max dur": "longest", "max price": "maximum",
        },
    ),
    NUMBERING_PLAN: (
        "prefix; length; type; area code length; regions",
        {
            "prefix": "prefix", "geocode en": "name", "operator": "operator", "type": "kind",
            "regions": "regions",
        },
    ),
}  # fmt: skip


def _layout_of(titles: Sequence[str]) -> tuple[str, dict[str, int]] | None:
    words = [" ".join(words_of(title)) for title in titles]
    for layout, (needed, meanings) in _LAYOUTS.items():
        if {name.strip() for name in needed.split(";")} <= set(words):
            return layout, {
                meaning: words.index(name) for name, meaning in meanings.items() if name in words
            }
    return None


# --- Finding the header ------------------------------------------------------------------------------


def _several(titles: Sequence[str]) -> list[str]:
    """Columns that hold prices of different times or callers: Peak, Off-peak Rate, Interstate."""
    other = _FILLING | _PRICE_WORDS | {code.lower() for code in _CURRENCIES}
    telling = [(title, set(words_of(title)) - other) for title in titles]
    return [title for title, words in telling if words and words <= _SEVERAL_PRICES]


def _generic(titles: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    at: dict[str, int] = {}
    ignored: list[str] = []
    for place, title in enumerate(titles):
        meaning = meaning_of(title)
        if meaning is not None and meaning not in at:
            at[meaning] = place
        elif title:
            ignored.append(title)
    if "increments" in at and "first" in at and "next" not in at:
        at["next"] = at.pop("increments")
    for place, title in enumerate(titles):
        if meaning_of(title) == "price" and "new" in words_of(title):
            at["price"] = place
    return at, ignored


def _holds_digits(lines: Sequence[Line], place: int) -> bool:
    cells = [line.cells[place] for line in lines if place < len(line.cells)]
    return bool(cells) and all(cell.lstrip("+").isdigit() for cell in cells if cell)


def _asked(titles: Sequence[str], wanted: Mapping[str, str]) -> dict[str, int]:
    """Columns named by option, by their title or their number from 1."""
    lowered = [title.lower() for title in titles]
    at: dict[str, int] = {}
    for meaning, name in wanted.items():
        if meaning not in MEANINGS:
            raise UnreadableDeck(
                _(
                    "No column means “%(value)s”; known are %(known)s",
                    value=meaning,
                    known=", ".join(MEANINGS),
                )
            )
        if name.lower() in lowered:
            at[meaning] = lowered.index(name.lower())
        elif name.isdigit() and int(name) >= 1:
            at[meaning] = int(name) - 1
    return at


def _columns(
    line: Line, place: int, following: Sequence[Line], wanted: Mapping[str, str]
) -> Columns | None:
    titles = tuple(line.cells)
    known = _layout_of(titles)
    if known:
        layout, at = known
        return Columns(
            at=at, titles=titles, header_line=line.number, first_row=place + 1, layout=layout
        )
    at, ignored = _generic(titles)
    by_option = _asked(titles, wanted)
    if any(name.lower() not in [t.lower() for t in titles] for name in wanted.values()):
        by_option = {}
    at = {m: p for m, p in at.items() if p not in by_option.values()} | by_option
    if "prefix" not in at and "name" in at and _holds_digits(following, at["name"]):
        at["prefix"] = at.pop("name")
    if not {"prefix", "country_code"} & set(at) or not {"price", "name"} & set(at):
        return None
    several = _several(titles)
    if len(several) > 1 and "price" not in by_option:
        raise UnreadableDeck(
            _(
                "Line %(line)s: prices stand in several columns (%(columns)s)",
                line=str(line.number),
                columns=", ".join(several),
            ),
            option=f"--column 'price={several[0]}'",
        )
    price_title = titles[at["price"]] if "price" in at else ""
    return Columns(
        at=at,
        titles=titles,
        header_line=line.number,
        first_row=place + 1,
        currency=_currency_of(price_title),
        is_per_second=bool(_PER_SECOND & set(words_of(price_title))),
        ignored=tuple(title for title in ignored if title not in [titles[p] for p in at.values()]),
    )


def find_columns(table: Table, *, wanted: Mapping[str, str]) -> Columns:
    """Find the header row and what its columns mean; `wanted` are columns by option.

    Raises:
        UnreadableDeck: if there is no header that says enough.
    """
    for place, line in enumerate(table.lines[:HEADER_WITHIN]):
        found = _columns(line, place, table.lines[place + 1 : place + 6], wanted)
        if found is not None:
            return found
    if wanted and all(name.isdigit() for name in wanted.values()):
        at = _asked((), wanted)
        return Columns(at=at, titles=(), header_line=0, first_row=0)
    first = " | ".join(table.lines[0].cells)[:120] if table.lines else _("the file is empty")
    raise UnreadableDeck(
        _(
            "No header row with a column of prefixes and one of prices or names among the first"
            " %(most)s (the first row: %(row)s)",
            most=HEADER_WITHIN,
            row=first,
        ),
        option="--column prefix=… --column price=…",
    )
