"""Any text file with one call a line and columns between delimiters, by a column map.

The source's options say which column is which field of the standard record, how
times are written and what answered and outgoing look like: docs/drivers.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, ClassVar

from cdr.drivers.base import (
    Cells,
    DriverConfig,
    TextLine,
    Unusable,
    ends_with_newline,
    text_lines,
    wanted_by,
)
from cdr.drivers.delimited_options import DelimitedOptions, Place, kinds_of, read_options
from cdr.drivers.local_times import FileOrder, Reading, duration, read_time
from cdr.engine.records import Line, Party, PartyKind, RejectedLine, Segment, SegmentLine
from cdr.engine.standard import hash_of_text
from kernel.sentences import sentence as _


@dataclass(slots=True)
class _File:
    """What is known of the file being read: its header, and the record before."""

    cells: Cells
    names: dict[str, int] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    order: FileOrder = field(default_factory=FileOrder)


@dataclass(frozen=True, slots=True)
class _Times:
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime


class DelimitedDriver:
    """Delimited text by a column map."""

    title: ClassVar[str] = _("Delimited text").words
    can_be_tailed: ClassVar[bool] = True

    def __init__(self, config: DriverConfig) -> None:
        self._config = config
        self._options: DelimitedOptions = read_options(config.options, zone=config.zone)
        self.repeats_first_line = self._options.has_header

    def wants(self, file_name: str) -> bool:
        """Every file, unless the source names patterns."""
        return wanted_by(self._options.files, file_name)

    def sequence_of(self, file_name: str) -> str:
        """Names say nothing: the time of arrival orders the files."""
        del file_name
        return ""

    def is_whole(self, stream: BinaryIO) -> bool:
        """Ends with a newline, unless the source is known to leave the last one out."""
        return self._options.ends_without_newline or ends_with_newline(stream)

    def read(self, stream: BinaryIO, *, trust_tail: bool) -> Iterator[Line]:
        """Every line that is not blank, not skipped and not the header is one record."""
        options = self._options
        file = _File(Cells(options.delimiter, options.quote))
        is_trusted = trust_tail or options.ends_without_newline
        for item in text_lines(
            stream,
            max_line_bytes=self._config.max_line_bytes,
            encoding=options.encoding,
            keeps_tabs=options.delimiter == "\t",
        ):
            if isinstance(item, RejectedLine):
                yield item
            elif not item.text.startswith(options.skip_prefixes):
                line = self._line(item, file, is_trusted=is_trusted)
                if line is not None:
                    yield line

    def _line(self, item: TextLine, file: _File, *, is_trusted: bool) -> Line | None:
        try:
            row = [cell.strip() for cell in file.cells.of(item.text)]
            if self._options.has_header and not file.header:
                file.header = row
                file.names = {name.lower(): place for place, name in enumerate(row)}
                return None
            if row == file.header:
                return None
            self._check_whole(row, file, is_whole=item.is_ended or is_trusted)
            return SegmentLine(item.position, self._segment(row, file, item), item.raw)
        except (Unusable, csv.Error) as fault:
            reason = fault.reason if isinstance(fault, Unusable) else "bad_csv"
            if not item.is_ended and reason in {"field_count", "bad_csv"}:
                reason = "truncated"
            return RejectedLine(item.position, reason, f"line {item.position}: {fault}", item.raw)

    def _check_whole(self, row: list[str], file: _File, *, is_whole: bool) -> None:
        """Cells must be as many as names; empty ones beyond the last name are forgiven."""
        if not is_whole:
            raise Unusable("truncated", "the file ends within this line")
        count = len(row)
        if count > self._config.max_fields:
            detail = f"{count} fields, more than {self._config.max_fields}"
            raise Unusable("too_many_fields", detail)
        wanted = len(file.header) or self._options.fields
        if wanted and (count < wanted or any(row[wanted:])):
            raise Unusable("field_count", f"{count} fields instead of {wanted}")

    # --- one record -------------------------------------------------------------------------------

    def _segment(self, row: list[str], file: _File, item: TextLine) -> Segment:
        texts = {
            name: self._cell(row, file, places) for name, places in self._options.columns.items()
        }
        times, was_adjusted = self._times(texts, file, status=self._status(row, file))
        flags = ["text_cleaned"] if item.was_cleaned else []
        if was_adjusted:
            flags.append("time_adjusted")
        from_kind, to_kind = self._kinds(row, file)
        get = texts.get
        return Segment(
            call_id=self._call_id(texts, item.raw),
            leg=get("leg") or "1",
            started_at=times.started_at,
            answered_at=times.answered_at,
            ended_at=times.ended_at,
            origin=_party("from", texts, from_kind),
            target=_party("to", texts, to_kind),
            dialled=get("dialled", ""),
            dialled_partition=get("dialled_partition", ""),
            sent_number=get("sent_number", ""),
            exit_digits=get("exit_digits") or None,
            redirecting=get("redirecting", ""),
            redirecting_partition=get("redirecting_partition", ""),
            redirect="forward" if get("redirecting") else "",
            controller=get("controller", ""),
            auth_code=get("auth_code", ""),
            account_code=get("account_code", ""),
            release_cause=_whole(texts, "release_cause"),
            hunt_pilot=get("hunt_pilot", ""),
            queue_wait_seconds=_whole(texts, "queue_wait_seconds"),
            flags=tuple(flags),
        )

    def _cell(self, row: list[str], file: _File, places: tuple[Place, ...]) -> str:
        """The text of a column, or of several joined by blanks (a date and a time)."""
        return " ".join(self._one(row, file, place) for place in places).strip()

    def _one(self, row: list[str], file: _File, place: Place) -> str:
        if isinstance(place, int):
            if place > len(row):
                raise Unusable("field_count", f"{len(row)} fields, and no column {place}")
            return row[place - 1]
        if place not in file.names:
            raise Unusable("missing_column", f"the file has no column {place}")
        return row[file.names[place]]

    def _call_id(self, texts: dict[str, str], raw: str) -> str:
        if "call_id" not in texts:
            return f"row-{hash_of_text(raw)}"
        if not texts["call_id"]:
            raise Unusable("missing_field", "call_id is empty")
        return texts["call_id"]

    def _status(self, row: list[str], file: _File) -> bool | None:
        """Whether the call was answered, by the status column; None without one."""
        rule = self._options.status
        if rule is None:
            return None
        return rule.meanings.get(self._one(row, file, rule.column).lower()) == "answered"

    def _kinds(self, row: list[str], file: _File) -> tuple[PartyKind, PartyKind]:
        rule = self._options.direction
        if rule is None:
            return "", ""
        direction = rule.meanings.get(self._one(row, file, rule.column).lower())
        return ("", "") if direction is None else kinds_of(direction)

    # --- times ------------------------------------------------------------------------------------

    def _times(
        self, texts: dict[str, str], file: _File, *, status: bool | None
    ) -> tuple[_Times, bool]:
        """Start, answer and end, and whether one of them had to be adjusted."""
        readings = {name: self._reading(texts, name) for name in ("started_at", "ended_at")}
        anchor = readings["started_at"] or readings["ended_at"]
        if anchor is None:
            raise Unusable("missing_field", "neither started_at nor ended_at is there")
        times = self._times_from(anchor.first, texts, status=status)
        if anchor.second is not None and file.order.proves_second(
            started_at=times.started_at, ended_at=times.ended_at
        ):
            times = self._times_from(anchor.second, texts, status=status)
        file.order.note(started_at=times.started_at, ended_at=times.ended_at)
        known = [readings["started_at"], readings["ended_at"], self._reading(texts, "answered_at")]
        return times, any(reading is not None and not reading.is_certain for reading in known)

    def _reading(self, texts: dict[str, str], name: str) -> Reading | None:
        text = texts.get(name, "")
        if not text:
            return None
        options = self._options
        return read_time(text, formats=options.time_formats, zone=options.zone, name=name)

    def _length(self, texts: dict[str, str], name: str) -> timedelta | None:
        text = texts.get(name, "")
        return duration(text, unit=self._options.duration_unit, name=name) if text else None

    def _not_before(self, reading: Reading | None, earliest: datetime) -> datetime | None:
        """The first instant of `reading`, or the second where the first is before `earliest`."""
        if reading is None:
            return None
        if reading.second is not None and reading.first < earliest:
            return reading.second
        return reading.first

    def _times_from(
        self, anchor: datetime, texts: dict[str, str], *, status: bool | None
    ) -> _Times:
        """All three times, from one of them and what the record says besides.

        Without a status, a time of answer or a talk time, a call that lasted was answered.
        """
        whole, talk, ring = (
            self._length(texts, name)
            for name in ("duration_seconds", "talk_seconds", "ring_seconds")
        )
        if whole is None and talk is not None:
            whole = talk + (ring or timedelta(0))
        if texts.get("started_at"):
            started = anchor
            ended = self._not_before(self._reading(texts, "ended_at"), started)
            ended = started + (whole or timedelta(0)) if ended is None else ended
        else:
            ended = anchor
            started = ended - (whole or timedelta(0))
        answer = self._not_before(self._reading(texts, "answered_at"), started)
        has_talked = talk > timedelta(0) if talk is not None else None
        says_nothing = "answered_at" not in self._options.columns and has_talked is None
        is_answered = status
        if is_answered is None:
            is_answered = ended > started if says_nothing else bool(answer or has_talked)
        if not is_answered:
            return _Times(started, None, ended)
        if answer is None:
            answer = ended - talk if talk is not None else started + (ring or timedelta(0))
        return _Times(started, answer, ended)


def _party(side: str, texts: dict[str, str], kind: PartyKind) -> Party:
    get = texts.get
    return Party(
        number=get(f"{side}_number", ""),
        partition=get(f"{side}_partition", ""),
        device=get(f"{side}_device", ""),
        kind=kind,
        leg=get(f"{side}_leg", ""),
        user=get(f"{side}_user", ""),
    )


def _whole(texts: dict[str, str], name: str) -> int:
    """A whole number from 0; what is none counts as not given."""
    text = texts.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
