"""What an import of people did, or would do: person by person, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became another, from `since` on (None: since ever, or no date to it)."""

    what: str
    old: str
    new: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersonReport:
    """What happened to one user; `line` is his first in the file."""

    username: str
    line: int
    changes: tuple[Change, ...]

    def as_document(self) -> dict[str, Any]:
        """The same as plain JSON, for programs and for what a job keeps."""
        return {
            "username": self.username,
            "line": self.line,
            "changes": [
                {
                    "what": change.what,
                    "old": change.old,
                    "new": change.new,
                    "since": change.since.isoformat() if change.since else None,
                }
                for change in self.changes
            ],
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row, or one cell of it, that was not taken: why, in the language that is spoken."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """What an import did, or would do. `refused` is in the order of the file."""

    new: tuple[PersonReport, ...]
    changed: tuple[PersonReport, ...]
    unchanged: tuple[str, ...]
    refused: tuple[LeftOut, ...]
    units_made: tuple[str, ...]
    is_dry_run: bool
    named: frozenset[str] = frozenset()
    """Everybody whom the file names, refused rows too, in small letters."""

    @property
    def is_clean(self) -> bool:
        """Every row was taken."""
        return not self.refused
