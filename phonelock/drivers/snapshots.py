"""The admission snapshot: one small file a site, from which a switch's questions are answered.

Written as a whole under a temporary name and renamed, so that a reader sees the old
state or the new one. Each writing of a file carries a later modification time than
the one before, even within one tick of the system's clock: a reader needs one `stat`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep, time_ns
from typing import Any
from urllib.parse import quote

import orjson

from phonelock.engine.admission import Door, Policy, SiteFacts

FORMAT = 1
SUFFIX = ".json"
MAX_NAME = 120
LOCK_WAIT_SECONDS = 3.0


class BadSnapshot(ValueError):
    """A snapshot file was not one of ours."""


@dataclass(frozen=True, slots=True)
class LockedLine:
    """Why a line is locked, and the order that did it."""

    reason: str
    order_id: str


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot file's content. `locked` is keyed (partition, extension)."""

    facts: SiteFacts
    locked: Mapping[tuple[str, str], LockedLine] = field(default_factory=dict)
    version: int = 0


def file_name(site: str) -> str:
    """The file of `site`: its name with everything unusual quoted; a long one cut and hashed."""
    quoted = quote(site, safe="")
    if len(quoted) > MAX_NAME or quoted.startswith("."):
        digest = sha256(site.encode()).hexdigest()[:16]
        quoted = f"{quoted[: MAX_NAME - 20].lstrip('.')}-{digest}"
    return quoted + SUFFIX


def read_snapshot(path: Path) -> StoredSnapshot | None:
    """What stands in `path`; None if there is no such file.

    Raises:
        BadSnapshot: if it cannot be understood.
        OSError: if it cannot be read.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        document = orjson.loads(text)
        return StoredSnapshot(
            facts=_facts(document["facts"]),
            locked={
                (line["partition"], line["extension"]): LockedLine(line["reason"], line["order"])
                for line in document["locked"]
            },
            version=int(document["version"]),
        )
    except (ValueError, TypeError, KeyError) as flaw:
        raise BadSnapshot(f"{path.name}: {flaw}") from flaw


def _facts(document: dict[str, Any]) -> SiteFacts:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    fields["doors"] = tuple(_door(door) for door in document["doors"])
    fields["lines"] = tuple((line[0], tuple(line[1])) for line in document["lines"])
    return SiteFacts(**fields)


def _door(document: dict[str, Any]) -> Door:
    fields = dict(document)
    fields["policy"] = Policy(document["policy"])
    fields["callers"] = tuple(document["callers"])
    fields["announcements"] = tuple((each[0], each[1]) for each in document["announcements"])
    return Door(**fields)


def write_snapshot(path: Path, *, snapshot: StoredSnapshot) -> None:
    """Replace `path` in one step, durably. Call it inside `writing(path)`.

    Raises:
        OSError: if it could not be written; the old file then stands.
    """
    document = {
        "format": FORMAT,
        "version": snapshot.version,
        "facts": asdict(snapshot.facts),
        "locked": [
            {
                "partition": partition,
                "extension": extension,
                "reason": line.reason,
                "order": line.order_id,
            }
            for (partition, extension), line in sorted(snapshot.locked.items())
        ],
    }
    replace_file(path, content=orjson.dumps(document))


def replace_file(path: Path, *, content: bytes) -> None:
    """Write `content` under a temporary name, fsync it, and rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        later = max(time_ns(), _written_at(path) + 1)
        os.utime(partial, ns=(later, later))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Keep other writers of `path` away, in this and other processes.

    Raises:
        TimeoutError: if another writer holds it for longer than three seconds.
        OSError: if the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o640)
    try:
        _take(descriptor, until=monotonic() + LOCK_WAIT_SECONDS)
        yield
    finally:
        os.close(descriptor)  # which also lets go of the lock


def _take(descriptor: int, *, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                raise TimeoutError("another writer holds the file") from None
            sleep(0.01)
        else:
            return
