"""Files that a switch keeps appending to: read in parts, never moved (reliability P5).

For each file we remember how far it was read, by its place on the disk (device and
inode), so a rotated file is known under its new name. What is about to be taken is
noted before it is taken: after a crash exactly the same part is taken again, under
the same claim, which the Miner refuses if it has mined it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from cdr.drivers.base import CallDriver
from cdr.engine.standard import hash_of_text
from cdr.operations.claims import Claim, new_claim
from cdr.operations.spooling import open_regular

LARGEST_PART = 64 * 1024 * 1024
_HEAD = 256
_FORGET_AFTER = timedelta(days=30)
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Place:
    """How far one file was read. `pending` is the end of a part that is being taken."""

    head_length: int
    head_hash: str
    generation: int = 0
    offset: int = 0
    pending: int = 0


class Tail:
    """The appended files of one source; one recorder at a time reads them."""

    def __init__(self, *, source: str, driver: CallDriver, inside: Path, now: datetime) -> None:
        self._source = source
        self._driver = driver
        self._inside = inside
        self._now = now
        self._notes = Path(settings.DATA_DIR, "tails", hash_of_text(source))
        self._notes.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the source's files; False if another recorder is at them."""
        with (self._notes / "lock").open("a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            self._forget_old()
            yield True

    def next_part(self, path: Path) -> Claim | None:
        """A claim on the next whole lines of `path`; None if there are none yet."""
        stream = open_regular(path)
        if stream is None:
            return None
        with stream:
            found = os.fstat(stream.fileno())
            note = self._notes / f"{found.st_dev}-{found.st_ino}.json"
            place = self._place(note, stream, size=found.st_size)
            end = place.pending or self._end_of_part(stream, place, found)
            if end <= place.offset:
                return None
            _write(note, replace(place, pending=end))
            claim = self._claim(path, stream, place, end, note)
            _write(note, replace(place, offset=end, pending=0))
            return claim

    def _place(self, note: Path, stream: BinaryIO, *, size: int) -> Place:
        """Where to go on; from the start for a new file, and for one cut short or replaced."""
        generation = 0
        with contextlib.suppress(OSError, ValueError, TypeError):
            place = Place(**json.loads(note.read_text("utf-8")))
            if size >= max(place.offset, place.pending) and place.head_hash == _head_hash(
                stream, place.head_length
            ):
                return place
            generation = place.generation + 1
        length = min(size, _HEAD)
        return Place(length, _head_hash(stream, length), generation)

    def _end_of_part(self, stream: BinaryIO, place: Place, found: os.stat_result) -> int:
        """End of the last whole line; of the file, if its broken tail has waited long enough."""
        limit = min(found.st_size, place.offset + LARGEST_PART)
        end = _last_line_end(stream, place.offset, limit)
        quiet = self._now.timestamp() - found.st_mtime
        if end == place.offset and limit == found.st_size and quiet >= settings.TAIL_WAIT_SECONDS:
            return found.st_size
        if end == place.offset and limit < found.st_size:
            return limit  # a line longer than a whole part; the driver rejects its pieces
        return end

    def _claim(
        self, path: Path, stream: BinaryIO, place: Place, end: int, note: Path
    ) -> Claim | None:
        self._now += timedelta(microseconds=1)  # keeps the order of the parts of one pass
        identity = f"{self._source}/{note.stem}/{place.generation}/{place.head_hash}/{place.offset}"
        claim = new_claim(
            source=self._source,
            file=path.name,
            sequence="",
            now=self._now,
            inside=self._inside,
            is_vouched_for=False,
            number=f"tail-{hash_of_text(identity)}",
        )
        if claim is None:  # made before a crash; it is taken over like any other
            return None
        partial = claim.folder / "data.part"
        with partial.open("wb") as out:
            if place.offset and self._driver.repeats_first_line:
                stream.seek(0)
                out.write(stream.readline(settings.MAX_LINE_BYTES))
            stream.seek(place.offset)
            left = end - place.offset
            while left and (piece := stream.read(min(left, _PIECE))):
                out.write(piece)
                left -= len(piece)
            out.flush()
            os.fsync(out.fileno())
        partial.rename(claim.data)
        return claim

    def _forget_old(self) -> None:
        """Drop notes about files that have not grown for a month."""
        oldest = (self._now - _FORGET_AFTER).timestamp()
        for note in self._notes.glob("*.json"):
            with contextlib.suppress(OSError):
                if note.stat().st_mtime < oldest:
                    note.unlink()


def _head_hash(stream: BinaryIO, length: int) -> str:
    stream.seek(0)
    return hashlib.sha256(stream.read(length)).hexdigest()


def _last_line_end(stream: BinaryIO, start: int, limit: int) -> int:
    """Where the last line that ends between `start` and `limit` ends; `start` if none does."""
    at = limit
    while at > start:
        begin = max(start, at - _PIECE)
        stream.seek(begin)
        found = stream.read(at - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        at = begin
    return start


def _write(note: Path, place: Place) -> None:
    partial = note.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as out:
        out.write(json.dumps(asdict(place)))
        out.flush()
        os.fsync(out.fileno())
    partial.replace(note)
