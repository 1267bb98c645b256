"""The admission snapshots of all sites in this process's memory.

A file is read again when its modification time has moved, which costs one `stat` a
question. What cannot be read leaves the last good state in force.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from phonelock.drivers.snapshots import SUFFIX, BadSnapshot, file_name, read_snapshot
from phonelock.engine.admission import SiteSnapshot, compile_snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    written_at: int
    snapshot: SiteSnapshot | None


class SnapshotStore:
    """Hands out the present snapshot of a site. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[str, _Entry] = {}

    def named(self, site: str) -> SiteSnapshot | None:
        """The site of just this name; None if it is not published."""
        return self._present(file_name(site))

    def alike(self, site: str) -> SiteSnapshot | None:
        """The one site of this name in any letter case."""
        folded = site.casefold()
        alike = [each for each in self.all() if each.facts.site.casefold() == folded]
        return alike[0] if len(alike) == 1 else None

    def all(self) -> list[SiteSnapshot]:
        """Every site published, by name. A folder that cannot be read leaves those known."""
        try:
            names = sorted(
                path.name
                for path in self._folder.iterdir()
                if path.name.endswith(SUFFIX) and not path.name.startswith(".")
            )
        except FileNotFoundError:
            names = []
        except OSError:
            logger.warning("admission folder cannot be read")
            names = sorted(self._entries)
        found = (self._present(name) for name in names)
        return [snapshot for snapshot in found if snapshot is not None]

    def _present(self, name: str) -> SiteSnapshot | None:
        known = self._entries.get(name)
        path = self._folder / name
        try:
            written_at = path.stat().st_mtime_ns
        except FileNotFoundError:
            self._entries.pop(name, None)
            return None
        except OSError:
            return known.snapshot if known else None
        if known is None or known.written_at != written_at:
            known = self._load(path, written_at=written_at, before=known)
            self._entries[name] = known
        return known.snapshot

    def _load(self, path: Path, *, written_at: int, before: _Entry | None) -> _Entry:
        try:
            stored = read_snapshot(path)
            if stored is None:
                return _Entry(written_at, None)
            reasons = {key: line.reason for key, line in stored.locked.items()}
            return _Entry(written_at, compile_snapshot(facts=stored.facts, locked=reasons))
        except (OSError, BadSnapshot):
            logger.warning("admission snapshot cannot be read", extra={"snapshot": path.name})
            return _Entry(written_at, before.snapshot if before else None)
