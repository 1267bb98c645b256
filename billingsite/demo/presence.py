"""Whether the sample company is here, who is at work on it, and whether it is being taken out.

One at a time: whoever loads it, whoever writes its live calls, whoever takes it out. What
is begun and not finished stands in a note in its folder, so that a kill is made good.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from django.utils.translation import gettext as _

from kernel.errors import DomainError

FOLDER: Final = "demo"
SET_UP: Final = "setup.toml"
NOTE: Final = "leaving.json"
LOCK: Final = "demo.lock"
MOST_WAITED_SECONDS: Final = 60.0
_ASKED_AGAIN_AFTER_SECONDS: Final = 0.2


class DemoIsBusy(DomainError):
    """Somebody else is loading the sample company, or taking it out."""

    code = "demo_is_busy"


@dataclass(frozen=True, slots=True)
class Leaving:
    """The sample company is on its way out since `since`: its sites, its people's jobs."""

    since: str
    sites: tuple[int, ...]
    jobs: tuple[int, ...]

    @property
    def began_at(self) -> datetime:
        return datetime.fromisoformat(self.since)


def folder_of(data_dir: Path) -> Path:
    return data_dir / FOLDER


def is_loaded(data_dir: Path) -> bool:
    """Whether the sample company was loaded here, and is not on its way out."""
    return (folder_of(data_dir) / SET_UP).is_file() and not _note(data_dir).is_file()


def is_here(data_dir: Path) -> bool:
    """Whether anything of the sample company is here, be it the rest of a removal."""
    return (folder_of(data_dir) / SET_UP).is_file() or _note(data_dir).is_file()


@contextmanager
def alone(data_dir: Path, *, wait_seconds: float = MOST_WAITED_SECONDS) -> Iterator[None]:
    """Be the only one at work on the sample company; the system takes it back when we die.

    Raises:
        DemoIsBusy: if somebody else is, for longer than we wait.
    """
    until = time.monotonic() + wait_seconds
    with (data_dir / LOCK).open("a", encoding="ascii") as handle:
        while not _is_taken(handle):
            if time.monotonic() >= until:
                raise DemoIsBusy(
                    _("The sample company is being loaded or taken out just now. Try later.")
                )
            time.sleep(_ASKED_AGAIN_AFTER_SECONDS)
        yield


@contextmanager
def feeding(data_dir: Path) -> Iterator[bool]:
    """Whether live calls may be written inside the block: not while anybody else is at work."""
    with (data_dir / LOCK).open("a", encoding="ascii") as handle:
        yield _is_taken(handle) and is_loaded(data_dir)


def _is_taken(handle: IO[str]) -> bool:
    """Whether the lock is ours now; it is let go with the file."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def leaving(data_dir: Path) -> Leaving | None:
    """What was begun; None where nobody is taking the sample company out."""
    try:
        noted = json.loads(_note(data_dir).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Leaving(noted["since"], tuple(noted["sites"]), tuple(noted["jobs"]))


def note_leaving(data_dir: Path, note: Leaving) -> None:
    """Write down what is begun, before anything goes."""
    fresh = _note(data_dir).with_name(f".{NOTE}.part")
    fresh.write_text(json.dumps(asdict(note)), encoding="utf-8")
    fresh.replace(_note(data_dir))


def forget_leaving(data_dir: Path) -> None:
    _note(data_dir).unlink(missing_ok=True)


def _note(data_dir: Path) -> Path:
    return folder_of(data_dir) / NOTE
