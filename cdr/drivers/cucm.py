"""Cisco UCM call files (CDR flat files) of every dialect that arrives in practice.

Columns are found by name, in any letter case and, after the first, in any order. A
file without names is told by the number of its columns, or by the source's `columns`
option. Quality records and the legs of call recording are no calls and are discarded
by rule. Times decide; the file's own `duration` is not trusted.

Options: ``columns``: the layout of files without column names, as a list of names
or as one of the known counts (112, 118, 123, 129, 133); ``files``: a list of name
patterns such as ``cdr_*``, where the folder holds other things too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from operator import itemgetter
from typing import BinaryIO, ClassVar, Final, cast

from cdr.drivers.base import (
    BadOptions,
    Cells,
    DriverConfig,
    TextLine,
    Unusable,
    ends_with_newline,
    first_and_last_line,
    name_patterns,
    text_lines,
    wanted_by,
)
from cdr.drivers.cucm_columns import COLUMNS, LAYOUTS, RELEASE_8_COLUMNS
from cdr.drivers.cucm_mapping import REQUIRED, USED, Picked, is_recording, segment_of
from cdr.engine.records import DiscardedLine, Line, RejectedLine, SegmentLine
from kernel.sentences import sentence as _

_FILE_NAME: Final = re.compile(
    r"_?(?:cdr|cmr)_.+_\d+_(?P<minute>\d{12})_(?P<number>\d{1,12})(?:\.\w+)?", re.IGNORECASE
)
_OPTIONS: Final = frozenset({"columns", "files"})
_RELEASE_8_COUNT: Final = len(RELEASE_8_COLUMNS)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns we use stand in a row of `count` columns."""

    count: int
    pick: Callable[[list[str]], Picked]
    missing: tuple[str, ...]

    @staticmethod
    def of(names: tuple[str, ...]) -> Layout:
        """The layout of a file whose columns are `names`, in any letter case."""
        places = {name.strip().lower(): place for place, name in enumerate(names)}
        absent = len(names)  # an empty cell is added there for columns that do not exist
        pick = itemgetter(*(places.get(name, absent) for name in USED))
        missing = tuple(sorted(name for name in REQUIRED if name not in places))
        return Layout(len(names), cast(Callable[[list[str]], Picked], pick), missing)


_KNOWN_LAYOUTS: Final = {count: Layout.of(names) for count, names in LAYOUTS.items()}
_RELEASE_8: Final = Layout.of(RELEASE_8_COLUMNS)


class CucmDriver:
    """Cisco Unified Communications Manager, call detail record files."""

    title: ClassVar[str] = _("Cisco UCM call files").words
    can_be_tailed: ClassVar[bool] = False
    repeats_first_line = True
    columns_read: ClassVar[frozenset[str]] = frozenset(USED)

    def __init__(self, config: DriverConfig) -> None:
        self._config = config
        self._files = name_patterns(config.options)
        self._configured = _configured_layout(config.options.get("columns"))
        unknown = sorted(set(config.options) - _OPTIONS)
        if unknown:
            raise BadOptions(
                _(
                    "the %(driver)s driver has no option %(option)s",
                    driver="cucm",
                    option=unknown[0],
                )
            )

    def wants(self, file_name: str) -> bool:
        """Every file, unless the source names patterns."""
        return wanted_by(self._files, file_name)

    def sequence_of(self, file_name: str) -> str:
        """Minute and number of the file's name, read from the right (cisco 1.2)."""
        match = _FILE_NAME.fullmatch(file_name)
        return f"{match['minute']}-{int(match['number']):012d}" if match else ""

    def is_whole(self, stream: BinaryIO) -> bool:
        """CUCM leaves out the last newline: then the last line has all its columns."""
        if ends_with_newline(stream):
            return True
        ends = BytesIO(first_and_last_line(stream, max_line_bytes=self._config.max_line_bytes))
        lines = list(self.read(ends, trust_tail=False))
        last = lines[-1] if lines else None
        return last is not None and not (
            isinstance(last, RejectedLine) and last.reason == "truncated"
        )

    def read(self, stream: BinaryIO, *, trust_tail: bool) -> Iterator[Line]:
        """Every call record of the file; names, types and blank lines are no records."""
        del trust_tail  # a line is whole exactly when it has all its columns
        layout: Layout | None = None
        cells, semicolons = Cells(","), Cells(";")
        for item in text_lines(stream, max_line_bytes=self._config.max_line_bytes):
            if isinstance(item, RejectedLine):
                yield item
                continue
            head = item.text[:15].lstrip('"').lower()
            if head.startswith("cdrrecordtype"):
                delimiter = ";" if ";" in item.text else ","
                cells = Cells(delimiter)
                layout = Layout.of(tuple(item.text.replace('"', "").split(delimiter)))
            elif not head.startswith("integer"):
                if layout is None and head[1:2] == ";":
                    cells = semicolons
                yield self._line(item, layout, cells)

    def cells_of(self, text: str) -> list[tuple[str, str]]:
        """The cells of one line, named by the layout that its count tells; for people."""
        try:
            cells = Cells(_delimiter_of(text)).of(text)
        except csv.Error:
            return []
        given = self._config.options.get("columns")
        names = given if isinstance(given, list) else LAYOUTS.get(len(cells), COLUMNS)
        return [
            (names[place] if place < len(names) else "", cell) for place, cell in enumerate(cells)
        ]

    def line_of(self, cells: list[str], *, like: str) -> str:
        """`cells` as one line, texts with a delimiter or a quote quoted."""
        written = StringIO()
        csv.writer(written, delimiter=_delimiter_of(like), lineterminator="").writerow(cells)
        return written.getvalue()

    def _line(self, item: TextLine, layout: Layout | None, cells: Cells) -> Line:
        try:
            row = cells.of(item.text)
            if row[0] == "2":
                return DiscardedLine(item.position, "quality_record", item.raw)
            found = self._layout_for(row, layout)
            row.append("")
            picked = found.pick(row)
            if is_recording(picked):
                return DiscardedLine(item.position, "recording", item.raw)
            segment = segment_of(picked, was_cleaned=item.was_cleaned)
            return SegmentLine(item.position, segment, item.raw)
        except (Unusable, csv.Error) as fault:
            reason = fault.reason if isinstance(fault, Unusable) else "bad_csv"
            if not item.is_ended and reason in {"field_count", "bad_csv"}:
                reason = "truncated"
            detail = f"line {item.position}: {fault}"
            return RejectedLine(item.position, reason, detail, item.raw)

    def _layout_for(self, row: list[str], layout: Layout | None) -> Layout:
        """The layout that fits `row`; spreadsheets may have added empty cells at the end."""
        count = len(row)
        if count > self._config.max_fields:
            detail = f"{count} fields, more than {self._config.max_fields}"
            raise Unusable("too_many_fields", detail)
        if row[0] != "1":
            raise Unusable("bad_field", f"cdrRecordType is {row[0][:40]!r}, not 1")
        if layout is not None:
            if count > layout.count and not any(row[layout.count :]):
                del row[layout.count :]
            elif count != layout.count:
                detail = f"{count} fields where the column names are {layout.count}"
                raise Unusable("field_count", detail)
            if layout.missing:
                raise Unusable("missing_column", f"the file has no column {layout.missing[0]}")
            return layout
        if self._configured is not None and count == self._configured.count:
            return self._configured
        if count == _RELEASE_8_COUNT and not (row[106].isdigit() and row[107].isdigit()):
            return _RELEASE_8
        known = _KNOWN_LAYOUTS.get(count)
        if known is None:
            detail = f"{count} fields and no column names; set the source's option columns"
            raise Unusable("field_count", detail)
        return known


def _delimiter_of(text: str) -> str:
    return ";" if text.count(";") > text.count(",") else ","


def _configured_layout(option: object) -> Layout | None:
    if option is None:
        return None
    if isinstance(option, int) and option in LAYOUTS:
        return _KNOWN_LAYOUTS[option]
    if isinstance(option, str):
        option = [name.strip() for name in option.split(",")]
    if isinstance(option, list) and option and all(isinstance(name, str) for name in option):
        layout = Layout.of(tuple(option))
        if layout.missing:
            raise BadOptions(_("option columns lacks %(field)s", field=layout.missing[0]))
        return layout
    counts = ", ".join(str(count) for count in LAYOUTS)
    raise BadOptions(
        _("option columns must be a list of column names, or one of %(counts)s", counts=counts)
    )
