"""Claims: a raw file taken by rename and held until it is spooled and archived.

A claim is a folder ``processing/<claim>/`` with what is known of the file
(`claim.json`), the file itself (`data`) and a lock that dies with its owner. Its
name is the delivery's name for ever: whoever takes over an abandoned claim makes
the same spool file again, and the Miner refuses a claim that it has mined.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from cdr.engine.text import clean

LEASE = timedelta(seconds=60)
"""A claim whose owner gave no sign for so long is taken from him, even if he still holds it."""

_MOST_LOCK_TRIES = 3


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is known of a claimed file. `number` names the claim and its delivery."""

    number: str
    source: str
    file: str
    sequence: str
    received_at: str
    is_vouched_for: bool = False

    @property
    def received(self) -> datetime:
        return datetime.fromisoformat(self.received_at)


@dataclass(slots=True)
class Claim:
    """A claim that this process holds."""

    folder: Path
    about: Claimed
    lock: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def beat(self) -> None:
        """Say that the owner lives."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / "lock")

    def release(self) -> None:
        """Let go; whoever comes next takes over what is left of it."""
        os.close(self.lock)

    def finish(self) -> None:
        """Take the claim away, first out of sight; its file must have been archived."""
        hidden = self.folder.with_name(f".{self.folder.name}-{uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            self.folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)
        self.release()


def processing_folder(watched: Path | None) -> Path:
    """Where files of `watched` are claimed: by rename, so on the same filesystem."""
    ours = Path(settings.DATA_DIR, "processing")
    ours.mkdir(parents=True, exist_ok=True)
    if watched is not None and watched.stat().st_dev != ours.stat().st_dev:
        ours = watched / ".processing"
        ours.mkdir(exist_ok=True)
    return ours


def new_claim(
    *,
    source: str,
    file: str,
    sequence: str,
    now: datetime,
    inside: Path,
    is_vouched_for: bool,
    number: str = "",
) -> Claim | None:
    """A claim without its file yet, held by us from the moment others can see it.

    Where the name of the file does not say its place, the time of arrival does. With
    a `number` of its own: None if a claim of that number is there already.
    """
    moment = now.astimezone(UTC)
    about = Claimed(
        number=number or f"{moment:%Y%m%d%H%M%S}-{uuid4().hex}",
        source=source,
        file=clean(file)[:255],
        sequence=sequence or f"{moment:%Y%m%d%H%M}-{moment:%S%f}0000",
        received_at=moment.isoformat(),
        is_vouched_for=is_vouched_for,
    )
    folder = inside / about.number
    hidden = inside / f".{about.number}-{uuid4().hex}"
    hidden.mkdir()
    (hidden / "claim.json").write_text(json.dumps(asdict(about)), encoding="utf-8")
    lock = os.open(hidden / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        hidden.rename(folder)
    except OSError as error:
        os.close(lock)
        shutil.rmtree(hidden, ignore_errors=True)
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            return None
        raise
    return Claim(folder, about, lock)


def abandoned_claims(inside: Path, *, now: datetime) -> Iterator[Claim]:
    """Claims that nobody holds, taken over one after the other, oldest first."""
    for folder in sorted(inside.iterdir()):
        if folder.name.startswith("."):
            _clear_unborn(folder, now=now)
            continue
        claim = _taken_over(folder, now=now)
        if claim is None:
            continue
        if claim.data.is_symlink() or claim.data.exists():
            yield claim
        else:  # its file was archived, or never came
            claim.finish()


def _clear_unborn(folder: Path, *, now: datetime) -> None:
    """Remove a claim whose maker died before anybody could see it."""
    with contextlib.suppress(OSError):
        if _age(folder, now) > LEASE and folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _taken_over(folder: Path, *, now: datetime) -> Claim | None:
    for _ in range(_MOST_LOCK_TRIES):
        try:
            lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_ino == (folder / "lock").stat().st_ino:
                about = Claimed(**json.loads((folder / "claim.json").read_text("utf-8")))
                return Claim(folder, about, lock)
        except BlockingIOError:
            if not _lease_is_over(folder, now=now):
                os.close(lock)
                return None
        except (FileNotFoundError, ValueError, TypeError):
            os.close(lock)
            return None
        os.close(lock)
    return None


def _lease_is_over(folder: Path, *, now: datetime) -> bool:
    """Whether the holder gave no sign for the lease; then his lock is put aside."""
    lock = folder / "lock"
    try:
        if _age(lock, now) <= LEASE:
            return False
        lock.rename(folder / f"lock.{uuid4().hex}")
    except FileNotFoundError:
        return True  # another has put it aside just now; try again for the new one
    return True
