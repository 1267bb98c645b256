"""The people file: columns, encodings and separators (docs/people-import.md)."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kernel.errors import DomainError
from kernel.sentences import Sentence
from kernel.sentences import sentence as _

CUSTOM_COLUMNS: Final = tuple(f"custom_{number}" for number in range(1, 11))
COLUMNS: Final[tuple[str, ...]] = (
    "username",
    "first_name",
    "last_name",
    "email",
    "language",
    "time_zone",
    "role",
    "supervises",
    "manager",
    "department",
    "cost_centre",
    "office",
    "site",
    "partition",
    "extension",
    "valid_from",
    *CUSTOM_COLUMNS,
)
MAX_ROWS: Final = 500_000
_SEPARATORS: Final = (",", ";", "\t")


class InvalidPeopleFile(DomainError):
    """The file as a whole cannot be read; the text says where."""

    code = "invalid_people_file"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row, or one cell of it, that was not taken. `line` is the line in the file, from 1."""

    line: int
    column: str
    reason: str | Sentence


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """One row: `line` in the file and a cell for each column that the file has."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """A file taken apart. `columns` are those of its header."""

    columns: frozenset[str]
    rows: tuple[PeopleRow, ...]
    refused: tuple[RefusedRow, ...]


def read_people_file(content: bytes) -> PeopleFile:
    """Take `content` apart: UTF-8, UTF-16 or Windows text, with commas, semicolons or tabs.

    Empty lines are passed over. A row with the wrong number of cells or with control
    characters is refused alone.

    Raises:
        InvalidPeopleFile: if it is empty, has no usable header, or a quote is left open.
    """
    text = decode(content)
    separator = separator_of(text)
    lines = _records(text, separator=separator)
    header_line, header = next(((line, cells) for line, cells in lines if any(cells)), (1, []))
    columns = _columns(header, line=header_line)
    rows: list[PeopleRow] = []
    refused: list[RefusedRow] = []
    for line, raw_cells in lines:
        cells = [cell.strip() for cell in raw_cells]
        if not any(cells):
            continue
        if len(rows) >= MAX_ROWS:
            raise InvalidPeopleFile(
                _(
                    "line %(line)s: the file has more than %(most)s rows",
                    line=str(line),
                    most=MAX_ROWS,
                )
            )
        problem = _problem(cells, columns=columns, line=line)
        if problem is None:
            rows.append(PeopleRow(line, dict(zip(columns, cells, strict=True))))
        else:
            refused.append(problem)
    return PeopleFile(frozenset(columns), tuple(rows), tuple(refused))


def decode(content: bytes) -> str:
    """The text of a file that somebody made with a spreadsheet.

    Raises:
        InvalidPeopleFile: if a byte order mark promises what the bytes are not.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise InvalidPeopleFile(_("the file begins as UTF-16 but is not")) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def separator_of(text: str) -> str:
    """What stands between the cells: the sign that the first line has most of."""
    head = text.lstrip("\r\n").partition("\n")[0]
    return max(_SEPARATORS, key=lambda sign: (head.count(sign), -_SEPARATORS.index(sign)))


def control_sign(text: str) -> str:
    """The first control character (or half of a character) in `text`; empty if there is none."""
    return next((sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs")), "")


def _records(text: str, *, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The records with the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise InvalidPeopleFile(
                _("line %(line)s: cannot be taken apart; is a quote left open?", line=str(line))
            ) from None
        if cells is None:
            return
        yield line, cells


def _columns(header: Sequence[str], *, line: int) -> tuple[str, ...]:
    names = tuple(name.strip().lower().replace(" ", "_").replace("-", "_") for name in header)
    while names and not names[-1]:
        names = names[:-1]
    if "username" not in names:
        raise InvalidPeopleFile(
            _("line %(line)s: the header has no column username", line=str(line))
        )
    for place, name in enumerate(names, start=1):
        if name not in COLUMNS:
            shown = name or f"#{place}"
            raise InvalidPeopleFile(
                _(
                    "line %(line)s, column %(column)s: no such column; known are %(known)s",
                    line=str(line),
                    column=shown,
                    known=", ".join(COLUMNS),
                )
            )
        if names.index(name) != place - 1:
            raise InvalidPeopleFile(
                _(
                    "line %(line)s, column %(column)s: stands twice in the header",
                    line=str(line),
                    column=name,
                )
            )
    return names


def _problem(cells: list[str], *, columns: tuple[str, ...], line: int) -> RefusedRow | None:
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        return RefusedRow(
            line,
            "",
            _(
                "has %(count)s cells, the header has %(wanted)s",
                count=len(cells),
                wanted=len(columns),
            ),
        )
    for column, cell in zip(columns, cells, strict=True):
        bad = control_sign(cell)
        if bad:
            return RefusedRow(
                line, column, _("holds a control character (%(sign)s)", sign=f"U+{ord(bad):04X}")
            )
        if "\ufffd" in cell:
            return RefusedRow(line, column, _("holds a character that could not be read"))
    return None
