"""Rate decks as carriers send them: rows in, prices by prefix out, every row accounted for.

A row is taken, set aside by a stated rule, or refused with line, column and reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cdr.engine.deck_cells import BadCell, find_date_order, find_decimal_mark
from cdr.engine.deck_columns import Columns, find_columns
from cdr.engine.deck_rows import DeckOptions, DeckRow, Reader, RowRefused
from cdr.engine.deck_tables import Line, Table, UnreadableDeck
from kernel.sentences import Sentence
from kernel.sentences import sentence as _

BY_COMMA_OR_POINT: Final = "--decimal comma or --decimal point"
BY_DAY_OR_MONTH: Final = "--dates dmy or --dates mdy"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken. `is_error` False: nothing is lost with it, by its own words."""

    line: int
    column: str
    value: str
    reason: Sentence
    is_error: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck:
    """A deck as read: `read` = rows taken + refusals. `currency` is what the header says.

    `ignored` are the titles of columns that were not used, `notes` how the file was read.
    """

    layout: str
    currency: str
    read: int
    rows: tuple[DeckRow, ...]
    refused: tuple[Refusal, ...]
    ignored: tuple[str, ...]
    notes: tuple[Sentence, ...]
    has_prices: bool


def _cells(lines: Iterable[Line], columns: Columns, *meanings: str) -> Iterable[str]:
    places = [columns.at[meaning] for meaning in meanings if meaning in columns.at]
    for line in lines:
        for place in places:
            if place < len(line.cells):
                yield line.cells[place]


def _decided(columns: Columns, lines: tuple[Line, ...], options: DeckOptions) -> DeckOptions:
    """The options with decimal mark and date order found out, or asked for."""
    mark, order = options.decimal_mark, options.date_order
    try:
        if mark is None:
            mark = find_decimal_mark(_cells(lines, columns, "price", "fee", "minimum"))
    except BadCell as bad:
        raise UnreadableDeck(bad.words, option=BY_COMMA_OR_POINT) from None
    if mark is None:
        raise UnreadableDeck(
            _("Amounts such as 1,234 may be one and a fraction, or one thousand"),
            option=BY_COMMA_OR_POINT,
        )
    try:
        if order is None:
            order = find_date_order(_cells(lines, columns, "valid_from", "valid_to"))
    except BadCell as bad:
        raise UnreadableDeck(bad.words, option=BY_DAY_OR_MONTH) from None
    if order is None:
        raise UnreadableDeck(
            _("Dates such as 03/04/2026 may begin with the day or the month"),
            option=BY_DAY_OR_MONTH,
        )
    return replace(options, decimal_mark=mark, date_order=order)


def _one_plan(columns: Columns, lines: tuple[Line, ...], options: DeckOptions) -> tuple[Line, ...]:
    """The rows of one tariff, where a file holds several."""
    place = columns.at.get("plan")
    if place is None:
        return lines
    plans = Counter(line.cells[place] for line in lines if place < len(line.cells))
    if options.plan:
        if options.plan not in plans:
            raise UnreadableDeck(
                _(
                    "No row is of the tariff “%(value)s”; there are: %(known)s",
                    value=options.plan,
                    known=", ".join(plans),
                )
            )
        return tuple(
            line for line in lines if place < len(line.cells) and line.cells[place] == options.plan
        )
    if len(plans) > 1:
        known = ", ".join(list(plans)[:10])
        raise UnreadableDeck(
            _("The file holds several tariffs (%(known)s)", known=known), option="--plan NAME"
        )
    return lines


def _settle_repeats(rows: list[DeckRow]) -> tuple[list[DeckRow], list[Refusal]]:
    """Refuse rows that say a prefix and date again: of two prices, neither is taken."""
    first_of: dict[tuple[str, datetime | None, bool], int] = {}
    refused: dict[int, Refusal] = {}
    for place, row in enumerate(rows):
        is_name = row.action == "name"
        for prefix in row.prefixes:
            first = first_of.setdefault((prefix, row.valid_from, is_name), place)
            if first == place:
                continue
            other = rows[first]
            same = row[1:2] + row[3:] == other[1:2] + other[3:]
            refused.setdefault(place, _repeat(row, prefix, other.line, same=same))
            if not same:
                refused.setdefault(first, _repeat(other, prefix, row.line, same=False))
    kept = [row for place, row in enumerate(rows) if place not in refused]
    return kept, list(refused.values())


def _repeat(row: DeckRow, prefix: str, line: int, *, same: bool) -> Refusal:
    if same:
        how = _(
            "%(value)s stands in line %(line)s too, with the same content",
            value=prefix,
            line=str(line),
        )
    else:
        how = _(
            "%(value)s stands in line %(line)s too, with other content: neither row is taken",
            value=prefix,
            line=str(line),
        )
    harmless = same and row.action == "name"
    return Refusal(row.line, "prefix", prefix, how, is_error=not harmless)


def read_deck(table: Table, options: DeckOptions) -> Deck:
    """Read a table as a rate deck, or as a list of names where it has no prices.

    Raises:
        UnreadableDeck: if the file cannot be read as a whole, or only one way or another.
    """
    columns = find_columns(table, wanted=options.columns or {})
    lines = _one_plan(columns, table.lines[columns.first_row :], options)
    reader = Reader(columns, _decided(columns, lines, options))
    rows: list[DeckRow] = []
    refused: list[Refusal] = []
    for line in lines:
        try:
            rows.append(reader.row(line))
        except RowRefused as bad:
            refused.append(Refusal(line.number, bad.column, bad.value, bad.reason, bad.is_error))
    kept, repeated = _settle_repeats(rows)
    notes = list(table.notes)
    if columns.layout:
        notes.insert(0, _("Layout: %(value)s", value=columns.layout))
    short = sum(1 for line in lines if len(line.cells) < len(columns.titles))
    if short:
        notes.append(
            _(
                "Rows shorter than the header: %(count)s. What is missing counts as empty.",
                count=short,
            )
        )
    return Deck(
        layout=columns.layout,
        currency=columns.currency,
        read=len(lines),
        rows=tuple(kept),
        refused=tuple(sorted([*refused, *repeated], key=lambda refusal: refusal.line)),
        ignored=columns.ignored,
        notes=tuple(notes),
        has_prices="price" in columns.at,
    )
