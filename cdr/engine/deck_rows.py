"""One row of a rate deck: what it says of prefixes and prices, or why it is not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from phonenumbers import country_code_for_region

from cdr.engine.deck_cells import (
    BadCell,
    DateOrder,
    DecimalMark,
    expand_prefixes,
    read_amount,
    read_increments,
    read_instant,
    read_seconds,
)
from cdr.engine.deck_columns import (
    CDRTOOL_DESTINATIONS,
    CDRTOOL_RATES,
    NUMBERING_PLAN,
    Columns,
)
from cdr.engine.deck_tables import Line
from cdr.engine.tariffs import MAX_AREA, MAX_CLASS
from kernel.sentences import Sentence
from kernel.sentences import sentence as _

Action = Literal["price", "end", "bar", "name"]

TEN_THOUSAND: Final = 10_000
MAX_PRICE: Final = 100_000
ENDED: Final = frozenset(
    [
        "discontinued",
        "discontinue",
        "deleted",
        "delete",
        "removed",
        "remove",
        "closed",
        "ended",
        "end",
        "withdrawn",
    ]
)
KEPT: Final = frozenset(
    [
        "new",
        "increase",
        "increased",
        "decrease",
        "decreased",
        "raise",
        "raised",
        "lower",
        "lowered",
        "current",
        "unchanged",
        "change",
        "changed",
        "same",
        "equal",
        "add",
        "added",
        "update",
        "updated",
        "active",
        "open",
        "none",
        "insert",
        "modified",
    ]
)
TRUE: Final = frozenset(["1", "y", "yes", "true", "x", "ja", "si", "oui", "blocked", "barred"])
FALSE: Final = frozenset(["0", "n", "no", "false", "-", "nein", "non"]) | {""}


class Terms(NamedTuple):
    """What a call to a prefix costs by the deck.

    `price` is for `per_seconds`; it, `fee` and `minimum` are in units of the currency. The
    increments `first` and `following`, `free` and `grace` are whole seconds.
    """

    price: Decimal
    per_seconds: int
    fee: Decimal
    first: int
    following: int
    free: int
    grace: int
    minimum: Decimal | None


class DeckRow(NamedTuple):
    """A row that was understood. Dates None: from the moment of activation; without end."""

    line: int
    action: Action
    prefixes: tuple[str, ...]
    area: str
    number_class: str
    terms: Terms | None
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeckOptions:
    """What the file does not say, or says in two ways."""

    zone: ZoneInfo
    country_code: str = ""
    decimal_mark: DecimalMark | None = None
    date_order: DateOrder | None = None
    per_seconds: int | None = None
    price_parts: int = 1
    increments: tuple[int, int] = (1, 1)
    columns: Mapping[str, str] | None = None
    plan: str = ""


class RowRefused(Exception):
    """A row is not taken. `is_error` False: nothing is lost with it, by its own words."""

    def __init__(self, column: str, value: str, reason: Sentence, *, is_error: bool = True) -> None:
        super().__init__(str(reason))
        self.column = column
        self.value = value
        self.reason = reason
        self.is_error = is_error


@lru_cache(maxsize=1024)
def _country_code(regions: str) -> str:
    """The one country code of regions such as `GB,GG`; empty where there is none or two."""
    names = [name.strip() for name in regions.replace("&", ",").split(",") if name.strip()]
    codes = {country_code_for_region(name) for name in names}
    return str(codes.pop()) if len(codes) == 1 and codes != {0} else ""


class _Cells(dict[str, str]):
    """The cells of one row by meaning; what is not there is empty."""

    def __missing__(self, meaning: str) -> str:
        return ""


def _too_long(most: int) -> Sentence:
    return _("Longer than it may be; the most characters: %(value)s", value=most)


class Reader:
    """Reads the rows of one file with one set of columns and decisions."""

    def __init__(self, columns: Columns, options: DeckOptions) -> None:
        self._columns = columns
        self._options = options
        self._mark: DecimalMark = options.decimal_mark or "point"
        self._order: DateOrder = options.date_order or "dmy"
        self._places = tuple(columns.at.items())
        self._usual_action: Action = "price" if "price" in columns.at else "name"
        per_second = 1 if columns.is_per_second else 60
        self._per_seconds = options.per_seconds or per_second
        parts = TEN_THOUSAND if columns.layout == CDRTOOL_RATES else options.price_parts
        self._parts = parts
        self._has_extras = bool({"free", "grace", "minimum"} & set(columns.at))
        self._has_dates = bool({"valid_from", "valid_to"} & set(columns.at))
        self._has_changes = bool({"change", "blocked"} & set(columns.at))
        self._plain = not {"plan", "origin", "exact", "application", "incoming_price"} & set(
            columns.at
        )

    def row(self, line: Line) -> DeckRow:
        """What one row says.

        Raises:
            RowRefused: if it is not taken, naming the column.
        """
        cells = line.cells
        width = len(cells)
        found = {meaning: cells[place] for meaning, place in self._places if place < width}
        cell = _Cells(found).__getitem__
        if not self._plain:
            self._check_kind(cell)
        prefixes = self._prefixes(cell)
        action = self._action(cell) if self._has_changes else self._usual_action
        terms = self._terms(cell) if action == "price" else None
        valid_from = valid_to = None
        if self._has_dates:
            valid_from = self._read("valid_from", cell, self._instant)
            valid_to = self._read("valid_to", cell, self._instant)
        if valid_from and valid_to and valid_to <= valid_from:
            raise self._bad("valid_to", cell, _("The price ends before it begins"))
        return DeckRow(
            line.number,
            action,
            prefixes,
            self._area(cell),
            self._class(cell),
            terms,
            valid_from,
            valid_to,
        )

    def _bad(
        self, meaning: str, cell: Callable[[str], str], reason: Sentence, *, is_error: bool = True
    ) -> RowRefused:
        return RowRefused(self._columns.title(meaning), cell(meaning), reason, is_error=is_error)

    def _read(
        self,
        meaning: str,
        cell: Callable[[str], str],
        read: Callable[[str], datetime],
    ) -> datetime | None:
        text = cell(meaning)
        if not text:
            return None
        try:
            return read(text)
        except BadCell as bad:
            raise self._bad(meaning, cell, bad.words) from None

    def _instant(self, text: str) -> datetime:
        return read_instant(text, self._order, self._options.zone)

    def _check_kind(self, cell: Callable[[str], str]) -> None:
        """Rows that are not a voice price by their own words."""
        application = cell("application")
        if application and application.lower() not in {"audio", "voice", "call"}:
            reason = _("%(value)s is not a price of voice calls", value=application)
            raise self._bad("application", cell, reason, is_error=False)
        if cell("origin"):
            raise self._bad("origin", cell, _("Prices by the caller's number are not supported"))
        if cell("exact").lower() not in FALSE:
            raise self._bad("exact", cell, _("Prices of single numbers are not supported"))
        for incoming in ("incoming_fee", "incoming_price"):
            if cell(incoming).strip("0") != "":
                raise self._bad(incoming, cell, _("Prices of incoming calls are not supported"))

    def _prefixes(self, cell: Callable[[str], str]) -> tuple[str, ...]:
        country_code = self._options.country_code
        if "country_code" in self._columns.at:
            country_code = cell("country_code").lstrip("+").removeprefix("00") or country_code
            if not country_code.isdigit():
                raise self._bad("country_code", cell, _("This is not a country code"))
        elif self._columns.layout == NUMBERING_PLAN and not country_code:
            country_code = _country_code(cell("regions"))
            if not country_code:
                raise self._bad("regions", cell, _("No country code is known for this; give one"))
        try:
            return expand_prefixes(cell("prefix"), country_code=country_code)
        except BadCell as bad:
            raise self._bad("prefix", cell, bad.words) from None

    def _action(self, cell: Callable[[str], str]) -> Action:
        change = cell("change").lower().strip(" .()")
        if self._columns.layout in {CDRTOOL_RATES, CDRTOOL_DESTINATIONS}:
            if change not in {"1", "2", "3"}:
                raise self._bad("change", cell, _("1 inserts, 2 updates, 3 deletes; nothing else"))
            change = "delete" if change == "3" else ""
        elif change and not set(change.split()) & (ENDED | KEPT) and "no change" not in change:
            raise self._bad(
                "change", cell, _("This says neither that the price holds nor that it ends")
            )
        if set(change.split()) & ENDED:
            return "end"
        blocked = cell("blocked").lower()
        if blocked in TRUE:
            return "bar"
        if blocked not in FALSE:
            raise self._bad("blocked", cell, _("This is neither yes nor no"))
        return self._usual_action

    def _terms(self, cell: Callable[[str], str]) -> Terms:
        if not cell("price"):
            raise self._bad("price", cell, _("The price is missing"))
        price = self._amount("price", cell) / self._parts
        if price > MAX_PRICE:
            raise self._bad("price", cell, _("This is more than %(value)s", value=MAX_PRICE))
        first, following = self._increments(cell)
        return Terms(
            price=price,
            per_seconds=self._per_seconds,
            fee=(self._amount("fee", cell) / self._parts) if cell("fee") else Decimal(0),
            first=first,
            following=following,
            free=self._whole("free", cell) if self._has_extras else 0,
            grace=self._whole("grace", cell) if self._has_extras else 0,
            minimum=(
                self._amount("minimum", cell) if self._has_extras and cell("minimum") else None
            ),
        )

    def _amount(self, meaning: str, cell: Callable[[str], str]) -> Decimal:
        try:
            return read_amount(cell(meaning), self._mark)
        except BadCell as bad:
            raise self._bad(meaning, cell, bad.words) from None

    def _whole(self, meaning: str, cell: Callable[[str], str]) -> int:
        text = cell(meaning)
        if not text:
            return 0
        try:
            return read_seconds(text)
        except BadCell as bad:
            raise self._bad(meaning, cell, bad.words) from None

    def _increments(self, cell: Callable[[str], str]) -> tuple[int, int]:
        """First and next increment: from one column, from two, or by the options."""
        both, meaning = cell("increments"), "increments"
        try:
            if both:
                first, following = read_increments(both)
                return first, following or first
            default_first, default_following = self._options.increments
            meaning = "next"
            following_cell = cell("next")
            if following_cell:
                only, second = read_increments(following_cell)
                if second is not None:
                    return only, second
                default_first = default_following = only
            meaning = "first"
            first_cell = cell("first")
            if first_cell:
                first, second = read_increments(first_cell)
                return first, second or (default_following if following_cell else first)
        except BadCell as bad:
            raise self._bad(meaning, cell, bad.words) from None
        return default_first, default_following

    def _area(self, cell: Callable[[str], str]) -> str:
        name, country = cell("name"), cell("country")
        if self._columns.layout == NUMBERING_PLAN:
            kind = cell("kind").replace("_", " ").lower()
            name = name or cell("operator") or f"{cell('regions').partition(',')[0]} {kind}"
        elif country and country.lower() not in name.lower():
            name = f"{country} {name}".strip()
        area = " ".join(name.split())
        if len(area) > MAX_AREA:
            raise self._bad("name", cell, _too_long(MAX_AREA))
        if not area.isprintable():
            raise self._bad("name", cell, _("This has control characters"))
        return area

    def _class(self, cell: Callable[[str], str]) -> str:
        number_class = cell("class").lower()
        if len(number_class) > MAX_CLASS:
            raise self._bad("class", cell, _too_long(MAX_CLASS))
        return number_class
