"""Decisions on their way to the database: lines appended to a bounded folder of files.

Writing never raises and happens after the answer has been sent. A full folder or disk
loses the note of a decision, never the decision.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock
from time import monotonic, time_ns
from typing import Final

import orjson

logger = logging.getLogger(__name__)

FOLDER: Final = "decisions"
SUFFIX: Final = ".jsonl"
MAX_FILE_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 200
OPEN_SECONDS: Final = 2.0
"""No file is written to longer than this after it was opened: then it may have been moved."""


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
    """Appends notes to ``<folder>/<date>-<process>-<number>.jsonl``, one write a note."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = Lock()
        self._descriptor = -1
        self._open_until = 0.0
        self._room = 0
        self._day = ""
        self._number = 0
        self._notes = count()
        self._name = f"{os.getpid()}-{time_ns():x}"

    def append(self, note: DecisionNote) -> None:
        """Keep `note` if there is room; in no case raise."""
        try:
            values = {name: getattr(note, name) for name in NOTE_FIELDS}
            key = f"{self._name}-{next(self._notes)}"
            line = orjson.dumps({"key": key, **values}) + b"\n"
            with self._guard:
                self._write(line, day=f"{note.decided_at:%Y-%m-%d}")
        except Exception:
            logger.warning("a routing decision could not be noted", exc_info=True)

    def _write(self, line: bytes, *, day: str) -> None:
        if monotonic() > self._open_until or day != self._day:
            self._open(day)
        elif len(line) > self._room:
            self._number += 1
            self._open(day)
        if self._descriptor >= 0:
            os.write(self._descriptor, line)
            self._room -= len(line)

    def _open(self, day: str) -> None:
        """Open this process's present file, or begin it anew where it has been moved aside."""
        self._close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._day, self._open_until = day, monotonic() + OPEN_SECONDS
        path = self._folder / f"{day}-{self._name}-{self._number}{SUFFIX}"
        if not path.exists() and self._is_full():
            self._room = MAX_FILE_BYTES
            return
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._room = MAX_FILE_BYTES - os.fstat(self._descriptor).st_size

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_full(self) -> bool:
        with os.scandir(self._folder) as entries:
            return sum(1 for _ in entries) > MAX_FILES
