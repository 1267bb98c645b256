"""What an administrator has chosen for the whole installation, beside the environment.

One small file of the data folder, for its owner's eyes only (0600): it holds the mail
server's password. The environment comes first; whoever runs several machines sets
these values there. Read anew when the file has changed, so that all processes of a
machine follow at once.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from django.conf import settings

logger = logging.getLogger(__name__)

FILE: Final = "installation.json"


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail server as it was typed in. `security` is none, starttls or tls."""

    host: str = ""
    port: int = 0
    security: str = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What was chosen; an empty text where nothing was."""

    language: str = ""
    time_zone: str = ""
    currency: str = ""
    mail: StoredMail = field(default_factory=StoredMail)


_memory: dict[Path, tuple[int, Installation]] = {}


def installation_path() -> Path:
    """Where the choices stand."""
    return Path(settings.DATA_DIR, FILE)


def stored_installation() -> Installation:
    """The choices as they stand now; empty ones where nobody chose or the file is unreadable."""
    path = installation_path()
    try:
        written_at = path.stat().st_mtime_ns
    except OSError:
        return Installation()
    known = _memory.get(path)
    if known is None or known[0] != written_at:
        _memory.clear()
        known = _memory[path] = (written_at, _read(path))
    return known[1]


def _read(path: Path) -> Installation:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        mail = StoredMail(**document.pop("mail", {}))
        return Installation(**document, mail=mail)
    except (OSError, ValueError, TypeError, AttributeError):
        logger.exception("the installation's choices cannot be read")
        return Installation()


def choose(**choices: Any) -> Installation:
    """Keep `choices` (fields of `Installation`), leave the others as they are.

    Raises:
        OSError: if the file cannot be written.
    """
    path = installation_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path):
        chosen = replace(stored_installation(), **choices)
        _write(path, asdict(chosen))
    return chosen


def _write(path: Path, document: Mapping[str, Any]) -> None:
    before = path.stat().st_mtime_ns if path.exists() else 0
    fresh = path.with_name(f".{path.name}.part")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
    written_at = fresh.stat().st_mtime_ns
    if written_at <= before:  # within one tick of the clock: readers must see that it moved
        os.utime(fresh, ns=(before + 1, before + 1))
    fresh.replace(path)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep every other process and thread that comes for `path` waiting; given back when we die."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
