"""The file of contacts: a name and a number in each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from directory.engine.people_file import control_sign, decode, separator_of
from kernel.errors import DomainError
from kernel.sentences import sentence as _

COLUMNS: Final = ("name", "number")
LONGEST_NAME: Final = 120
LONGEST_NUMBER: Final = 64
MAX_ROWS: Final = 50_000


class InvalidContactFile(DomainError):
    """The file as a whole cannot be read; the text says where."""

    code = "invalid_contact_file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the file, on `line`, from 1. The number is as somebody wrote it."""

    line: int
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used: the column to blame, and why (cells, empty, long, signs)."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContactFile:
    """A file taken apart."""

    entries: tuple[Entry, ...]
    refused: tuple[Refused, ...]


def read_contact_file(content: bytes) -> ContactFile:
    """Take `content` apart: columns `name` and `number` in any order, others are passed over.

    Encodings and separators are those of the people file. Empty lines do not count.

    Raises:
        InvalidContactFile: if it has no usable header, too many rows, or an open quote.
        InvalidPeopleFile: if a byte order mark promises what the bytes are not.
    """
    text = decode(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text), strict=True)
    places: dict[str, int] = {}
    entries: list[Entry] = []
    refused: list[Refused] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if not places:
                    places = _places(cells, line=line)
                elif (why := _problem(cells, places, line=line)) is not None:
                    refused.append(why)
                else:
                    name, number = (cells[places[column]] for column in COLUMNS)
                    entries.append(Entry(line, " ".join(name.split()), number.strip()))
            line = reader.line_num + 1
            if len(entries) + len(refused) > MAX_ROWS:
                raise InvalidContactFile(
                    _("Line %(line)s: the file has too many rows.", line=str(line))
                )
    except csv.Error:
        raise InvalidContactFile(
            _("Line %(line)s: a quote is left open.", line=str(line))
        ) from None
    if not places:
        raise _headless(1)
    return ContactFile(tuple(entries), tuple(refused))


def _headless(line: int) -> InvalidContactFile:
    return InvalidContactFile(
        _(
            "Line %(line)s: the first row must name the columns name and number.",
            line=str(line),
        )
    )


def _places(header: Sequence[str], *, line: int) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    for column in COLUMNS:
        if names.count(column) != 1:
            raise _headless(line)
    return {column: names.index(column) for column in COLUMNS}


def _problem(cells: Sequence[str], places: dict[str, int], *, line: int) -> Refused | None:
    if len(cells) <= max(places.values()):
        return Refused(line, "", "cells")
    name, number = (cells[places[column]].strip() for column in COLUMNS)
    if not name or len(name) > LONGEST_NAME:
        return Refused(line, "name", "long" if name else "empty")
    if not number or len(number) > LONGEST_NUMBER:
        return Refused(line, "number", "long" if number else "empty")
    for column, cell in zip(COLUMNS, (name, number), strict=True):
        if control_sign(cell) or "\ufffd" in cell:
            return Refused(line, column, "signs")
    return None
