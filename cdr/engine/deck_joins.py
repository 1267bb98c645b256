"""CDRTool keeps prices in one file, names and increments in another: both as one deck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from cdr.engine.deck_cells import BadCell, read_seconds
from cdr.engine.deck_columns import CDRTOOL_DESTINATIONS, Columns, find_columns
from cdr.engine.deck_rows import DeckRow
from cdr.engine.deck_tables import Table, UnreadableDeck
from cdr.engine.decks import Deck, Refusal
from cdr.engine.tariffs import MAX_AREA
from kernel.sentences import sentence as _


class _Named(NamedTuple):
    area: str
    first: int
    following: int


def _no_limits(cells: Sequence[str], columns: Columns) -> None:
    for meaning in ("longest", "maximum"):
        place = columns.at.get(meaning)
        if place is not None and cells[place].strip("0.") != "":
            raise BadCell(_("A limit is not supported: %(column)s", column=columns.title(meaning)))


def _named(table: Table) -> tuple[dict[str, _Named], list[Refusal], int]:
    columns = find_columns(table, wanted={})
    if columns.layout != CDRTOOL_DESTINATIONS:
        raise UnreadableDeck(_("The file of destinations is not one of CDRTool"))
    at = columns.at
    names: dict[str, _Named] = {}
    refused: list[Refusal] = []
    lines = table.lines[columns.first_row :]
    for line in lines:
        cells = [*line.cells, *[""] * (len(columns.titles) - len(line.cells))]
        prefix = cells[at["prefix"]]
        try:
            _no_limits(cells, columns)
            increment = read_seconds(cells[at["next"]] or "0") or 1
            least = read_seconds(cells[at["first"]] or "0")
        except BadCell as bad:
            refused.append(Refusal(line.number, "Incr", prefix, bad.words))
            continue
        area = " ".join(cells[at["name"]].split())
        names[prefix] = _Named(area[:MAX_AREA], max(least, increment), increment)
    return names, refused, len(lines)


def join_destinations(deck: Deck, destinations: Table) -> Deck:
    """Give the rows of a CDRTool rates file the names and increments of its other file."""
    names, refused, count = _named(destinations)
    rows: list[DeckRow] = []
    nameless = 0
    for row in deck.rows:
        found = names.get(row.prefixes[0])
        if found is None or row.terms is None:
            nameless += row.terms is not None
            rows.append(row)
            continue
        terms = row.terms._replace(first=found.first, following=found.following)
        rows.append(row._replace(area=found.area, terms=terms))
    notes = [*deck.notes, _("Joined with destinations: %(count)s", count=count)]
    if nameless:
        notes.append(_("Prefixes without a name there: %(count)s", count=nameless))
    problems = tuple(replace(each, column=f"destinations: {each.column}") for each in refused)
    return replace(deck, rows=tuple(rows), refused=deck.refused + problems, notes=tuple(notes))
