"""What a call driver is: one vendor's call data in, standard records out.

A driver knows one format and nothing else: no database, no settings, no clock, no
folders. The Recorder hands it an open file and writes down what it yields. Write
your own by this Protocol, run tests/cdr/test_driver_contract.py on it, and name it
under the entry point group ``tollgate.call_drivers`` (docs/drivers.md).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import BinaryIO, ClassVar, NamedTuple, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from cdr.engine.records import Line, RejectedLine
from cdr.engine.text import CONTROL_BYTES, clean, decoded, pictured
from kernel.errors import DomainError
from kernel.sentences import sentence as _

_SHOWN_OF_TOO_LONG = 4096
_BOM = b"\xef\xbb\xbf"
_BUT_TAB = bytes(code for code in CONTROL_BYTES if code != 0x09)


class BadOptions(DomainError):
    """A source's options cannot be used; the text names the option and says why."""

    code = "bad_source_options"


@dataclass(frozen=True, slots=True)
class DriverConfig:
    """All that a driver is told: which source, whose clock, and the source's options.

    `zone` is that of the source's site, for times written without an offset.
    """

    source: str
    zone: ZoneInfo
    options: Mapping[str, object] = field(default_factory=dict)
    max_line_bytes: int = 64 * 1024
    max_fields: int = 200


@runtime_checkable
class CallDriver(Protocol):
    """Reads one kind of call data. The same file read twice yields the same lines.

    `can_be_tailed` says that a file may be read in parts while the switch still
    appends to it, each part beginning with the file's first line if
    `repeats_first_line`.
    """

    title: ClassVar[str]
    can_be_tailed: ClassVar[bool]
    repeats_first_line: bool

    def __init__(self, config: DriverConfig) -> None:
        """Check the options once.

        Raises:
            BadOptions: naming the option.
        """

    def wants(self, file_name: str) -> bool:
        """Whether a file of this name in the watched folder is for this driver."""

    def sequence_of(self, file_name: str) -> str:
        """Sortable place of the file among the source's files, at most 40 characters.

        Later content of the same call corrects earlier; empty where the name does
        not tell, then the time of arrival counts.
        """

    def is_whole(self, stream: BinaryIO) -> bool:
        """Whether a file that no longer grows ends as this switch ends its files."""

    def read(self, stream: BinaryIO, *, trust_tail: bool) -> Iterator[Line]:
        """Every record in the order of the file, each as exactly one line.

        Positions are line numbers from 1 and rise. Bad content yields a
        RejectedLine and costs its neighbours nothing; nothing is raised for it.
        A last line without an end is rejected as ``truncated`` unless it is
        certainly whole, or `trust_tail` says that somebody vouches for the file.
        """


class Unusable(Exception):
    """Why one record cannot be used: a stable reason, and words for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class TextLine(NamedTuple):
    """One line of a text file, cleaned. `raw` is how it stood there."""

    position: int
    text: str
    raw: str
    was_cleaned: bool
    is_ended: bool


def name_patterns(options: Mapping[str, object]) -> tuple[str, ...]:
    """The source's `files` option: name patterns with ``*`` and ``?``; none means all files.

    Raises:
        BadOptions: if it is no list of texts.
    """
    patterns = options.get("files", [])
    if not isinstance(patterns, list) or not all(isinstance(item, str) for item in patterns):
        raise BadOptions(_("option files must be a list of name patterns, such as cdr_*"))
    return tuple(pattern.lower() for pattern in patterns)


def wanted_by(patterns: tuple[str, ...], file_name: str) -> bool:
    """Whether `file_name` is among `patterns`, or there are none."""
    name = file_name.lower()
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def ends_with_newline(stream: BinaryIO) -> bool:
    """Whether the last byte is a line feed. An empty file is not whole."""
    if stream.seek(0, 2) == 0:
        return False
    stream.seek(-1, 2)
    return stream.read(1) == b"\n"


def first_and_last_line(stream: BinaryIO, *, max_line_bytes: int) -> bytes:
    """The first and the last line of a file, without what stands between them."""
    length = stream.seek(0, 2)
    stream.seek(0)
    first = stream.readline(max_line_bytes)
    stream.seek(max(0, length - max_line_bytes))
    last = stream.read(max_line_bytes).rpartition(b"\n")[2]
    return first if len(first) == length else first + last


def text_lines(
    stream: BinaryIO, *, max_line_bytes: int, encoding: str = "utf-8", keeps_tabs: bool = False
) -> Iterator[TextLine | RejectedLine]:
    """The lines of `stream` that are not blank, in constant memory (reliability P11, P12).

    Control characters are taken out, bytes that are no `encoding` replaced, text
    brought to NFC. A line over `max_line_bytes` is skipped and rejected.
    """
    unwanted = _BUT_TAB if keeps_tabs else CONTROL_BYTES
    position = 0
    while data := stream.readline(max_line_bytes + 2):
        position += 1
        is_ended = data.endswith(b"\n")
        if not is_ended and len(data) > max_line_bytes:
            yield _too_long(stream, position, data, max_line_bytes)
            continue
        if position == 1 and data.startswith(_BOM):
            data = data[len(_BOM) :]
        data = data.rstrip(b"\r\n")
        kept = data.translate(None, unwanted)
        if not kept.strip():
            continue
        text, was_replaced = decoded(kept, encoding=encoding)
        was_cleaned = was_replaced or len(kept) != len(data)
        raw = pictured(decoded(data, encoding=encoding)[0]) if was_cleaned else text
        if not kept.isascii():
            tidy = "\t".join(map(clean, text.split("\t"))) if keeps_tabs else clean(text)
            was_cleaned = was_cleaned or tidy != text
            text = tidy
        yield TextLine(position, text, raw, was_cleaned, is_ended)


def _too_long(stream: BinaryIO, position: int, start: bytes, limit: int) -> RejectedLine:
    """Skip the rest of a line that is too long, in pieces."""
    length = len(start)
    while piece := stream.readline(limit):
        length += len(piece)
        if piece.endswith(b"\n"):
            break
    shown = pictured(start[:_SHOWN_OF_TOO_LONG].decode("utf-8", "replace"))
    detail = f"line {position} has {length:,} bytes, more than {limit:,}"
    return RejectedLine(position, "line_too_long", detail, shown)


class Cells:
    """Takes lines apart, each on its own, so that an open quote cannot swallow the next.

    One csv reader serves all lines: making one for each costs as much as the reading.
    """

    def __init__(self, delimiter: str, quote: str = '"') -> None:
        self._waiting: list[str] = []
        self._dialect = _dialect(delimiter, quote)
        feed = iter(self._waiting.pop, None)
        self._reader = csv.reader(feed, self._dialect, strict=True)

    def of(self, text: str) -> list[str]:
        """The cells of one line; a quote inside a value is forgiven.

        Raises:
            csv.Error: if a quote is left open.
        """
        self._waiting.append(text)
        try:
            return next(self._reader)
        except IndexError:
            raise csv.Error("a quote is left open") from None
        except csv.Error:
            return next(csv.reader((text,), self._dialect))


def _dialect(delimiter: str, quote: str) -> type[csv.Dialect]:
    class Given(csv.excel):
        pass

    Given.delimiter = delimiter
    Given.quotechar = quote or None
    Given.quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    return Given
