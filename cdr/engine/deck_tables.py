"""Text files of rows as carriers send them: encoding, separator and quotes found out."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from kernel.errors import DomainError
from kernel.sentences import Sentence
from kernel.sentences import sentence as _

SEPARATORS: Final = {
    ",": _("comma"),
    ";": _("semicolon"),
    "\t": _("tab"),
    "|": _("vertical bar"),
}
SAMPLE_LINES: Final = 200
MAX_ROWS: Final = 1_000_000


class UnreadableDeck(DomainError):
    """The file as a whole cannot be read, or cannot be read without asking first.

    `option` of the command would answer, written as it is typed; a page has a field for it.
    """

    code = "unreadable_deck"

    def __init__(self, words: str | Sentence, *, option: str = "") -> None:
        super().__init__(words)
        self.option = option
        if option:
            self.message = f"{words}: say it with {option}"
            self.args = (self.message,)


class Line(NamedTuple):
    """A row and the line of the file it begins on, counted from 1."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and how it was read (`notes` for people)."""

    lines: tuple[Line, ...]
    notes: tuple[Sentence, ...] = ()


def decode(content: bytes, *, encoding: str = "") -> tuple[str, str]:
    """The text and the encoding it was in: by mark, else UTF-8, else Windows-1252.

    Raises:
        UnreadableDeck: if it is no text, or not in the `encoding` given.
    """
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    guesses = [name for mark, name in marks if content.startswith(mark)] or ["utf-8", "cp1252"]
    for name in [encoding] if encoding else guesses:
        try:
            text = content.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\0" in text:
            raise UnreadableDeck(_("This is not a text file: it has zero bytes"))
        return text, name
    if encoding:
        words = _("The text is not %(encoding)s", encoding=encoding)
    else:
        words = _("The text is neither UTF-8 nor Windows-1252")
    raise UnreadableDeck(words, option="--encoding NAME")


def find_separator(text: str) -> str:
    """The separator that cuts most lines into the same number of cells, and into most cells."""
    sample = "\n".join(text.splitlines()[:SAMPLE_LINES])
    best, best_score = ",", (0, 0)
    for separator in SEPARATORS:
        try:
            widths = Counter(
                len(cells)
                for cells in _reader(sample, separator)
                if any(cell.strip() for cell in cells)
            )
        except csv.Error:  # a cell too long: whoever reads the file says where
            continue
        widths.pop(1, None)
        if not widths:
            continue
        width, lines = widths.most_common(1)[0]
        # Lines that have cells at all count first: trailing empty cells are often left out.
        score = (sum(widths.values()) + lines, width)
        if score > best_score:
            best, best_score = separator, score
    return best


def _reader(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)


def read_text_table(content: bytes, *, encoding: str = "") -> Table:
    """The rows of a delimited text file; blank lines are left out, cells are trimmed.

    Raises:
        UnreadableDeck: if it is not such a file.
    """
    text, found = decode(content, encoding=encoding)
    separator = find_separator(text)
    lines: list[Line] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    number = 1
    try:
        for cells in reader:
            trimmed = [cell.strip() for cell in cells]
            if any(trimmed):
                lines.append(Line(number, trimmed))
            number = reader.line_num + 1
            if len(lines) > MAX_ROWS:
                raise UnreadableDeck(_("The file has more than %(most)s rows", most=MAX_ROWS))
    except csv.Error as error:
        raise UnreadableDeck(
            _("Line %(line)s: %(problem)s", line=str(reader.line_num), problem=str(error))
        ) from error
    how = _(
        "Columns separated by: %(separator)s. Encoding: %(encoding)s.",
        separator=SEPARATORS[separator],
        encoding=found.upper().removesuffix("-SIG"),
    )
    return Table(tuple(lines), (how,))
