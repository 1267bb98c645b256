"""What the demo remembers between two starts: how far the calls are written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

FIRST_LIVE_CALL = 5_000
FIRST_LIVE_LEG = 1 << 30


@dataclass(slots=True)
class Counters:
    """The counters of one office's second node, which writes the live calls."""

    call: int = FIRST_LIVE_CALL
    leg: int = FIRST_LIVE_LEG
    file: int = 0


@dataclass(slots=True)
class Memory:
    """`written_until` is the end of the last planned call written, ISO; `star_calls` the live
    calls made in a star's period, keyed ``name@period start``."""

    folder: Path
    written_until: str = ""
    live: dict[str, Counters] = field(default_factory=dict)
    star_calls: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, data_dir: Path) -> Memory:
        """Read the memory below `data_dir`; an empty one if there is none."""
        folder = data_dir / "demo"
        try:
            stored = json.loads((folder / "memory.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(folder)
        return cls(
            folder,
            stored["written_until"],
            {name: Counters(**counters) for name, counters in stored["live"].items()},
            stored["star_calls"],
        )

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        stored = {
            "written_until": self.written_until,
            "live": {name: asdict(counters) for name, counters in self.live.items()},
            "star_calls": self.star_calls,
        }
        fresh = self.folder / ".memory.json.part"
        fresh.write_text(json.dumps(stored), encoding="utf-8")
        fresh.replace(self.folder / "memory.json")

    def last_written(self, default: datetime) -> datetime:
        """The instant up to which planned calls are written; `default` at the beginning."""
        return datetime.fromisoformat(self.written_until) if self.written_until else default

    def counters(self, office: str) -> Counters:
        return self.live.setdefault(office, Counters())
