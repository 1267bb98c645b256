"""Is a file complete? Half-written files are left alone (reliability P5).

A file must be unchanged for SETTLE_SECONDS, and end as its switch ends files, or
be unchanged for TAIL_WAIT_SECONDS; then its broken tail is set aside. A file
dated in the future has no age, so it is watched instead: the folder of claims
remembers since when it has looked the same.
"""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from pathlib import Path

from django.conf import settings

from cdr.drivers.base import CallDriver
from cdr.engine.standard import hash_of_text
from cdr.operations.spooling import open_regular

_MOST_REMEMBERED = 10_000


class Patience:
    """Decides which files of a folder must wait, and remembers those without an age."""

    def __init__(self, inside: Path, *, source: str, now: datetime) -> None:
        self._note = inside / f".observed-{hash_of_text(source)}.json"
        self._now = now
        self._seen: dict[str, list[float]] = {}
        self._still_seen: dict[str, list[float]] = {}
        with contextlib.suppress(OSError, ValueError):
            self._seen = dict(json.loads(self._note.read_text("utf-8")))

    def still_waits_for(self, path: Path, driver: CallDriver) -> str:
        """Why `path` cannot be taken yet; empty if it can."""
        try:
            found = path.lstat()
        except FileNotFoundError:
            return "gone"
        quiet = self._quiet_seconds(path, size=found.st_size, changed=found.st_mtime)
        if quiet < settings.SETTLE_SECONDS:
            return "still being written"
        if quiet >= settings.TAIL_WAIT_SECONDS:
            return ""
        try:
            stream = open_regular(path)
        except PermissionError:
            return "may not be read by this user"
        if stream is None:
            return "not a plain file"
        with stream:
            return "" if driver.is_whole(stream) else "its last line has no end yet"

    def remember(self) -> None:
        """Keep what was seen of files dated in the future for the next pass."""
        if self._still_seen == self._seen:
            return
        partial = self._note.with_suffix(".part")
        with contextlib.suppress(OSError):
            partial.write_text(json.dumps(self._still_seen), encoding="utf-8")
            partial.replace(self._note)

    def _quiet_seconds(self, path: Path, *, size: int, changed: float) -> float:
        present = self._now.timestamp()
        if changed <= present:
            return present - changed
        name = str(path)
        before = self._seen.get(name)
        look = [float(size), changed]
        since = before[2] if before is not None and before[:2] == look else present
        if len(self._still_seen) < _MOST_REMEMBERED:
            self._still_seen[name] = [*look, since]
        return max(0.0, present - since)
