"""Places in a list of calls to go on from, as they stand in addresses.

A place is a call, not a count of rows: page 2,000 costs what page 1 costs, and a call that
arrives meanwhile neither repeats nor hides another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from kernel.periods import YEARS


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the list, newest first: just behind (or before) this call."""

    started_at: datetime
    call_id: int

    def __str__(self) -> str:
        return f"{self.started_at.isoformat()}~{self.call_id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The place that `text` names; none if it names no place."""
        instant, _, number = text.partition("~")
        try:
            started_at = datetime.fromisoformat(instant)
        except ValueError:
            return None
        is_place = started_at.tzinfo is not None and started_at.year in YEARS
        if not is_place or not re.fullmatch(r"\d{1,18}", number, re.ASCII):
            return None
        return cls(started_at, int(number))


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is in order of a value: just behind (or before) this call."""

    value: int | None
    call: Cursor

    def __str__(self) -> str:
        return f"{'' if self.value is None else self.value}~{self.call}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The place that `text` names; none if it names no place."""
        value, _, rest = text.partition("~")
        call = Cursor.parse(rest)
        if call is None or not re.fullmatch(r"(-?\d{1,18})?", value, re.ASCII):
            return None
        return cls(int(value) if value else None, call)
