"""A list of calls as a file: the columns and the filter of the page, the mask of its reader.

CSV is for programs: ISO dates, times with their offset, amounts with a decimal point and
six places, a byte order mark, and the separator that spreadsheets of the reader's language
expect. XLSX is for people: real dates, spans and amounts, in their language, from right to
left in Arabic. Both have the same cells, and neither has a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import get_language_bidi, gettext_noop, ngettext
from django.utils.translation import gettext as _
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from cdr.columns import Cell, Column, Value, columns_named
from cdr.queries.call_filters import CallFilter, filter_of
from cdr.queries.call_order import NEWEST_FIRST, Order, walk_in_order
from cdr.queries.call_totals import calls_of
from cdr.queries.calls import ListedCall
from directory.operations.work import Work
from directory.scoping import Scope, scope_of
from directory.spreadsheets import harmless, separator
from kernel.money import ceil_div, to_decimal
from kernel.sentences import Sentence

FORMATS: Final = ("csv", "xlsx")
MONEY_COLUMNS: Final = frozenset({"cost", "carrier_cost"})
ROWS_A_SHEET: Final = 1_048_575
MARK: Final = "\ufeff"
SECONDS_A_DAY: Final = 86_400


def heads(columns: Sequence[Column]) -> list[str]:
    """The first row: the columns' names, and the currency where there is an amount."""
    names = [str(column.label) for column in columns]
    return [*names, _("Currency")] if _has_money(columns) else names


def _has_money(columns: Sequence[Column]) -> bool:
    return any(column.key in MONEY_COLUMNS for column in columns)


def row_of(call: ListedCall, columns: Sequence[Column], zone: ZoneInfo) -> list[Value]:
    """The cells of one call; an amount that is not known says so."""
    cell = Cell(call, zone)
    row: list[Value] = []
    for column in columns:
        value = column.value(cell)
        row.append(_("not rated") if value is None and column.key in MONEY_COLUMNS else value)
    return [*row, call.currency] if _has_money(columns) else row


def plain_cell(value: Value) -> str:
    """A cell of a CSV file."""
    if isinstance(value, Decimal):
        return f"{value:.6f}"
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return harmless(value or "")


def _span(value: timedelta) -> str:
    seconds = -(-value // timedelta(seconds=1))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


class _Line(io.StringIO):
    """Hands out what was written into it, and is empty again."""

    def taken(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def csv_lines(
    calls: Iterable[ListedCall], columns: Sequence[Column], zone: ZoneInfo
) -> Iterator[str]:
    """The file, line by line."""
    line = _Line()
    writer = csv.writer(line, delimiter=separator(), lineterminator="\r\n")
    writer.writerow([harmless(head) for head in heads(columns)])
    yield MARK + line.taken()
    for call in calls:
        writer.writerow([plain_cell(value) for value in row_of(call, columns, zone)])
        yield line.taken()


class Spreadsheet:
    """The XLSX file, written row by row, so that any number of calls needs little memory."""

    def __init__(
        self, target: Path | io.BytesIO, columns: Sequence[Column], zone: ZoneInfo
    ) -> None:
        self.columns = columns
        self.zone = zone
        self.book = Workbook(target, {"constant_memory": True, "remove_timezone": True})
        self.bold = self.book.add_format({"bold": True, "bottom": 1})
        self.date = self.book.add_format({"num_format": 14, "align": "left"})
        self.time = self.book.add_format({"num_format": "hh:mm:ss", "align": "left"})
        self.span = self.book.add_format({"num_format": "[h]:mm:ss"})
        self.amount = self.book.add_format({"num_format": "#,##0.00####"})
        self.sheets = 0
        self.rows = 0
        self.calls = 0
        self.unrated = 0
        self.talk_ms = 0
        self.charges: dict[str, int] = {}
        self.sheet: Any = None
        self._new_sheet()

    def _new_sheet(self) -> None:
        self._close_sheet()
        self.sheets += 1
        name = _("Calls") if self.sheets == 1 else f"{_('Calls')} {self.sheets}"
        self.sheet = self.book.add_worksheet(name[:31])
        if get_language_bidi():
            self.sheet.right_to_left()
        self.sheet.freeze_panes(1, 0)
        for index, column in enumerate(self.columns):
            self.sheet.set_column(index, index, column.width)
        for index, head in enumerate(heads(self.columns)):
            self.sheet.write_string(0, index, head, self.bold)
        self.rows = 0

    def _close_sheet(self) -> None:
        if self.sheet is not None:
            self.sheet.autofilter(0, 0, self.rows, len(heads(self.columns)) - 1)

    def add(self, call: ListedCall) -> None:
        """One call more."""
        if self.rows == ROWS_A_SHEET:
            self._new_sheet()
        self.rows += 1
        self._add_up(call)
        for index, value in enumerate(row_of(call, self.columns, self.zone)):
            self._write(index, value)

    def _add_up(self, call: ListedCall) -> None:
        self.calls += 1
        self.talk_ms += call.talk_ms
        if call.charge_micros is None:
            self.unrated += 1
        elif call.currency:
            known = self.charges.get(call.currency, 0)
            self.charges[call.currency] = known + call.charge_micros

    def _write(self, index: int, value: Value) -> None:
        row, sheet = self.rows, self.sheet
        if isinstance(value, Decimal):
            sheet.write_number(row, index, value, self.amount)
        elif isinstance(value, timedelta):
            seconds = -(-value // timedelta(seconds=1))
            sheet.write_number(row, index, seconds / SECONDS_A_DAY, self.span)
        elif isinstance(value, time):
            sheet.write_datetime(row, index, value.replace(tzinfo=None), self.time)
        elif isinstance(value, date):
            sheet.write_datetime(row, index, value, self.date)
        elif value:
            sheet.write_string(row, index, value)

    def write_about(self, lines: Sequence[tuple[str, str]]) -> None:
        """A last sheet that says what the file holds, of whom and when, and its sums."""
        self._close_sheet()
        sheet = self.book.add_worksheet(_("About this file")[:31])
        if get_language_bidi():
            sheet.right_to_left()
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 80)
        for row, (name, words) in enumerate(lines):
            sheet.write_string(row, 0, name, self.bold)
            sheet.write_string(row, 1, words)
        for row, (name, figure, form) in enumerate(self._sums(), len(lines) + 1):
            sheet.write_string(row, 0, name, self.bold)
            written = self.book.add_format({"num_format": form, "align": "left"})
            sheet.write_number(row, 1, figure, written)

    def _sums(self) -> Iterator[tuple[str, float | Decimal, str]]:
        """Each sum with its name and how it is written, as below the list on the page."""
        yield _("Calls"), self.calls, "#,##0"
        yield _("Duration"), ceil_div(self.talk_ms, 1000) / SECONDS_A_DAY, "[h]:mm:ss"
        for currency, micros in sorted(self.charges.items()):
            yield _("Cost"), to_decimal(micros), f'#,##0.00#### "{currency}"'
        if self.unrated:
            yield _("not rated"), self.unrated, "#,##0"

    def close(self) -> None:
        self.book.close()


def about(
    scope: Scope, *, words: Sequence[str], reader: str, at: datetime, zone: ZoneInfo
) -> list[tuple[str, str]]:
    """What the file is, for whoever finds it later."""
    hidden = ngettext(
        "The last digit of outside numbers is hidden.",
        "The last %(digits)s digits of outside numbers are hidden.",
        scope.mask_digits,
    ) % {"digits": scope.mask_digits}
    return [
        (_("Made by"), reader),
        (_("Made at"), at.astimezone(zone).replace(microsecond=0).isoformat()),
        (_("Time zone"), zone.key),
        (_("Narrowed to"), " · ".join(words) or _("nothing: all calls in sight")),
        (_("Numbers"), hidden if scope.mask_digits > 0 else _("Numbers are in clear.")),
    ]


def parameters_of(
    *,
    wanted: CallFilter,
    columns: Sequence[Column],
    form: str,
    order: Order,
    words: Sequence[str],
) -> dict[str, Any]:
    """What a job needs to write the file: no number in clear is among it."""
    return {
        "form": form,
        "filter": wanted.as_words(),
        "columns": [column.key for column in columns],
        "sort": str(order),
        "words": list(words),
    }


def title_of(form: str, words: Sequence[str]) -> Sentence:
    """What the job is called; the `words` of the filter stay in the language they were given in."""
    asked = " · ".join(words) or Sentence(gettext_noop("all"))
    gaps = {"form": form.upper(), "words": asked}
    return Sentence(gettext_noop("Calls as %(form)s: %(words)s"), gaps)


def file_name(form: str, at: datetime, zone: ZoneInfo) -> str:
    """How the reader finds the file again."""
    return f"calls-{at.astimezone(zone):%Y-%m-%d-%H%M}.{form}"


def run(work: Work) -> None:
    """The job: write the file with what its owner may see now.

    Raises:
        Cancelled: if the owner wants it no more.
    """
    asked = work.parameters
    scope = scope_of(work.owner, at=work.at)
    wanted = filter_of(asked["filter"])
    columns = columns_named(asked["columns"])
    zone = wanted.zone
    total = calls_of(scope, wanted)
    path = work.new_file(file_name(asked["form"], work.at, zone))
    order = Order.named(asked.get("sort", "")) or NEWEST_FIRST
    handfuls = walk_in_order(scope=scope, wanted=wanted, order=order)

    def counted() -> Iterator[ListedCall]:
        done = 0
        for handful in handfuls:
            yield from handful
            done += len(handful)
            work.progress(done, max(total, done) if total is not None else None)
            work.say(Sentence(gettext_noop("Calls written: %(count)s"), {"count": done}))

    if asked["form"] == "csv":
        with path.open("w", encoding="utf-8", newline="") as handle:
            handle.writelines(csv_lines(counted(), columns, zone))
        return
    book = Spreadsheet(path, columns, zone)
    try:
        for call in counted():
            book.add(call)
        reader = str(work.owner)
        book.write_about(about(scope, words=asked["words"], reader=reader, at=work.at, zone=zone))
    finally:
        book.close()
