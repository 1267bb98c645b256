"""Lists as files people open in a spreadsheet: CSV in the reader's manner, and XLSX.

A cell that a spreadsheet would take for a formula is written so that it is text. Lists
that are too long to be held whole write row by row on their own (`cdr.operations.calls_file`),
with the same separator and the same harmless cells.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]

from directory.templatetags.figures import active_locale

Cell = str | int | Decimal | date | None

CONTENT_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
NUMBER: Final = re.compile(r"\+?[0-9]+\**", re.ASCII)
"""A telephone number, perhaps with its last digits masked: no spreadsheet reckons with it."""


def separator() -> str:
    """Between the cells of a CSV file: what a spreadsheet of the reader's language splits at."""
    decimal = active_locale().number_symbols["latn"]["decimal"]
    return ";" if decimal == "," else ","


def harmless(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula. Telephone numbers stay as they are."""
    is_formula = text.startswith(FORMULA_SIGNS) and not NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def as_text(value: Cell) -> str:
    """A cell of a CSV file: instants in ISO 8601, amounts with a decimal point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return harmless(value)


def csv_file(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The list as CSV: UTF-8 with a mark, so that spreadsheets read accents."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator(), lineterminator="\r\n")
    writer.writerow([as_text(head) for head in heads])
    writer.writerows([as_text(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def xlsx_file(
    heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, name: str, is_mirrored: bool = False
) -> bytes:
    """The list as a workbook with one sheet: figures and days as such, text as text.

    An instant stays text: a spreadsheet's times have no offset.
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet(name[:31])
    bold = book.add_format({"bold": True, "bottom": 1})
    amount = book.add_format({"num_format": "#,##0.00####"})
    day = book.add_format({"num_format": 14, "align": "left"})
    if is_mirrored:
        sheet.right_to_left()
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, bold)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, Decimal):
                sheet.write_number(number, column, cell, amount)
            elif isinstance(cell, int):
                sheet.write_number(number, column, cell)
            elif isinstance(cell, date) and not isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell, day)
            else:
                text = cell if isinstance(cell, str) else as_text(cell)
                sheet.write_string(number, column, text)
    sheet.freeze_panes(1, 0)
    sheet.autofit()
    book.close()
    return buffer.getvalue()
