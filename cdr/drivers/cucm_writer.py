"""Writes call files as a Cisco UCM cluster writes them: for the demo and for tests.

Texts are quoted, whole numbers bare, what is not given is ``0`` or ``""``; the
last line has no newline, as in real files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cdr.drivers.cucm_columns import COLUMN_TYPES, COLUMNS

_QUOTED_NUMBERS: Final = frozenset(
    {"origRSVPAudioStat", "origRSVPVideoStat", "destRSVPAudioStat", "destRSVPVideoStat"}
)
_BY_LOWER_NAME: Final = {name.lower(): name for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written: its columns, and which of the two head lines it has."""

    columns: tuple[str, ...] = COLUMNS
    has_names: bool = True
    has_types: bool = True
    is_quoted: bool = True
    delimiter: str = ","


def file_name(*, cluster: str, node: int, at: datetime, number: int, tag: str = "cdr") -> str:
    """``cdr_Cluster_01_202503101215_17``: node, minute in UTC, running number."""
    return f"{tag}_{cluster}_{node:02d}_{at.astimezone(UTC):%Y%m%d%H%M}_{number}"


def head_lines(dialect: Dialect) -> list[str]:
    """The lines of names and types that `dialect` has."""
    lines = []
    if dialect.has_names:
        names = [f'"{name}"' if dialect.is_quoted else name for name in dialect.columns]
        lines.append(dialect.delimiter.join(names))
    if dialect.has_types:
        types = [COLUMN_TYPES[_BY_LOWER_NAME[name.lower()]] for name in dialect.columns]
        lines.append(dialect.delimiter.join(types))
    return lines


def record_line(values: Mapping[str, str | int], dialect: Dialect) -> str:
    """One record. Names of `values` may be of any letter case; what the dialect lacks is left out.

    Raises:
        ValueError: for a name that no release has, or for a text that cannot be
            written without quotes.
    """
    given = {name.lower(): value for name, value in values.items()}
    unknown = sorted(set(given) - set(_BY_LOWER_NAME))
    if unknown:
        raise ValueError(f"no release has a column {unknown[0]}")
    given.setdefault("cdrrecordtype", 1)
    return dialect.delimiter.join(_cell(name, given, dialect) for name in dialect.columns)


def _cell(name: str, given: Mapping[str, str | int], dialect: Dialect) -> str:
    column = _BY_LOWER_NAME[name.lower()]
    is_number = COLUMN_TYPES[column] == "INTEGER"
    empty = "0" if is_number or column in _QUOTED_NUMBERS else ""
    text = str(given.get(name.lower(), empty))
    if is_number:
        return text
    if dialect.is_quoted:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    if dialect.delimiter in text or '"' in text:
        raise ValueError(f"{column} cannot be written without quotes: {text!r}")
    return text


def file_text(records: Iterable[Mapping[str, str | int]], dialect: Dialect | None = None) -> str:
    """A whole file, without a newline at its end."""
    used = dialect or Dialect()
    return "\n".join([*head_lines(used), *(record_line(values, used) for values in records)])
