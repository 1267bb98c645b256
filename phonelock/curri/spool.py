"""Decisions on their way to the database: lines appended to a bounded folder of files.

Writing never raises and happens after the answer has been sent. A full folder or disk
loses the note of a decision, never the decision.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson

from phonelock.drivers.snapshots import SUFFIX as _JSON

logger = logging.getLogger(__name__)

FOLDER: Final = "decisions"
SUFFIX: Final = f"{_JSON}l"
MAX_FILE_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class DecisionNote:
    """One decision as it is kept: numbers already masked, time taken in microseconds."""

    decided_at: datetime
    site: str
    calling: str
    called: str
    effect: str
    reason: str
    flag: str
    policy: str
    micros: int


NOTE_FIELDS: Final = tuple(each.name for each in fields(DecisionNote))


class DecisionSpool:
    """Appends notes to ``<folder>/<date>-<process>-<number>.jsonl``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def append(self, note: DecisionNote) -> None:
        """Keep `note` if there is room; in no case raise."""
        try:
            values = {name: getattr(note, name) for name in NOTE_FIELDS}
            line = orjson.dumps({"key": uuid4().hex, **values}) + b"\n"
            self._write(line, day=f"{note.decided_at:%Y-%m-%d}")
        except Exception:
            logger.warning("a routing decision could not be noted", exc_info=True)

    def _write(self, line: bytes, *, day: str) -> None:
        name = f"{day}-{os.getpid()}-{self._number}{SUFFIX}"
        try:
            descriptor = self._open(name)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = self._open(name)
        try:
            size = os.fstat(descriptor).st_size
            if size == 0 and self._is_full():
                return
            os.write(descriptor, line)
            if size + len(line) > MAX_FILE_BYTES:
                self._number += 1
        finally:
            os.close(descriptor)

    def _open(self, name: str) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        return os.open(self._folder / name, flags, 0o640)

    def _is_full(self) -> bool:
        with os.scandir(self._folder) as entries:
            return sum(1 for _ in entries) > MAX_FILES
