"""Rate deck files from disk: delimited text, or the sheet of an Excel workbook."""

from __future__ import annotations

import contextlib
import io
import zipfile
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from cdr.engine.deck_columns import find_columns
from cdr.engine.deck_tables import MAX_ROWS, Line, Table, UnreadableDeck, read_text_table
from kernel.sentences import sentence as _

MAX_BYTES = 256 * 1024 * 1024
MAX_UNPACKED = 2 * 1024 * 1024 * 1024
MAX_WIDTH = 200
LEGACY_EXCEL = b"\xd0\xcf\x11\xe0"


def read_table(
    path: Path, *, encoding: str = "", sheet: str = "", wanted: dict[str, str] | None = None
) -> Table:
    """The rows of the deck in the file at `path`.

    Raises:
        UnreadableDeck: if it cannot be read, or is neither delimited text nor XLSX.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableDeck(
                _("The file is larger than %(most)s MB", most=MAX_BYTES // 1024 // 1024)
            )
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableDeck(error.strerror or str(error)) from error
    if content.startswith(LEGACY_EXCEL):
        raise UnreadableDeck(
            _("This is the old Excel format (.xls). Save it as .xlsx or CSV and choose that.")
        )
    if content.startswith(b"PK\x03\x04"):
        return _read_workbook(content, sheet=sheet, wanted=wanted or {})
    return read_text_table(content, encoding=encoding)


def _cell_text(value: object) -> str:
    """A cell as its row would stand in a text file; numbers with Excel's own 15 digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float):
        return format(value, ".15g") if abs(value) < 1e15 else str(value)
    return str(value).strip()


def _read_workbook(content: bytes, *, sheet: str, wanted: dict[str, str]) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise UnreadableDeck(_("The workbook unpacks to more than 2 GB"))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise UnreadableDeck(
            _("This is not a readable workbook: %(problem)s", problem=str(error))
        ) from error
    with contextlib.closing(book):
        return _first_deck(book, sheet=sheet, wanted=wanted)


def _first_deck(book: Workbook, *, sheet: str, wanted: dict[str, str]) -> Table:
    """The first sheet that reads as a deck."""
    names = [name for name in book.sheetnames if not sheet or name == sheet]
    if not names:
        raise UnreadableDeck(
            _(
                "There is no sheet “%(value)s”; there are: %(known)s",
                value=sheet,
                known=", ".join(book.sheetnames),
            )
        )
    first_problem: UnreadableDeck | None = None
    for name in names:
        table = _read_sheet(book[name], name)
        try:
            find_columns(table, wanted=wanted)
        except UnreadableDeck as problem:
            first_problem = first_problem or problem
            continue
        return table
    raise first_problem or UnreadableDeck(_("The workbook has no sheet with rows"))


def _read_sheet(sheet: object, name: str) -> Table:
    lines: list[Line] = []
    rows = sheet.iter_rows(values_only=True, max_col=MAX_WIDTH)  # type: ignore[attr-defined]
    for number, cells in enumerate(rows, start=1):
        texts = [_cell_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            lines.append(Line(number, texts))
        if len(lines) > MAX_ROWS:
            raise UnreadableDeck(
                _("Sheet “%(value)s” has more than %(most)s rows", value=name, most=MAX_ROWS)
            )
    return Table(tuple(lines), (_("Sheet: %(value)s", value=name),))
