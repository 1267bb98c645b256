"""One claimed file becomes one standard record file in the spool.

The same claim always makes the same file: reading is deterministic, and what is
said of the delivery stands in the claim. Written under a name that nobody reads,
forced to disk, then renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from django.conf import settings

from cdr.drivers.base import CallDriver
from cdr.engine.records import DiscardedLine, Header, Line, RejectedLine
from cdr.engine.standard import encode_header, encode_line
from cdr.operations.claims import Claim
from kernel.crashpoints import crashpoint

HASH_PIECE = 1 << 20
BEAT_EVERY_LINES = 2_000
HOPELESS_AFTER_LINES = 1_000
MOST_ATTEMPTS = 3
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


class StillGrowing(Exception):
    """The file changed while it was read: somebody is still writing into it."""


@dataclass(slots=True)
class Counts:
    """Lines of a standard file by what they are."""

    records: int = 0
    rejected: int = 0
    discarded: int = 0

    def add(self, line: Line) -> None:
        self.records += 1
        if isinstance(line, RejectedLine):
            self.rejected += 1
        elif isinstance(line, DiscardedLine):
            self.discarded += 1


def spool_name(claim: Claim) -> str:
    """File name in the spool: the same for the same claim, for ever."""
    word = re.sub(r"[^A-Za-z0-9-]+", "-", claim.about.source).strip("-") or "source"
    return f"{word}__{claim.about.number}.jsonl"


def write_spool_file(claim: Claim, driver: CallDriver) -> tuple[Path, Counts]:
    """Read the claimed file with `driver` and publish its standard record file.

    Raises:
        StillGrowing: if the file changed meanwhile; nothing is published.
        OSError: if the disk is full or the file cannot be read; nothing is published.
    """
    ready = Path(settings.DATA_DIR, "spool", "ready")
    ready.mkdir(parents=True, exist_ok=True)
    name = spool_name(claim)
    for left_behind in ready.glob(f".{name}.*.part"):
        left_behind.unlink(missing_ok=True)
    partial = ready / f".{name}.{uuid4().hex}.part"
    try:
        with partial.open("wb", buffering=1 << 18) as out:
            counts = _write(claim, driver, out)
            out.flush()
            os.fsync(out.fileno())
        crashpoint("recorder.spool_written")
        target = partial.replace(ready / name)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(ready)
    crashpoint("recorder.spool_published")
    return target, counts


def sync_folder(folder: Path) -> None:
    """Force the names in `folder` to disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_regular(path: Path) -> BinaryIO | None:
    """Open a plain file for reading; None for links, pipes, folders and devices."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        if path.is_symlink() or not path.is_file():
            return None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return os.fdopen(handle, "rb")


def _write(claim: Claim, driver: CallDriver, out: BinaryIO) -> Counts:
    counts = Counts()
    stream = open_regular(claim.data)
    if stream is None:
        out.write(_header(claim, content_hash="", size=0))
        _put(
            RejectedLine(0, "not_a_file", "a link or special file, not a plain file", ""),
            out,
            counts,
        )
        return counts
    with stream:
        before = os.fstat(stream.fileno())
        out.write(_header(claim, content_hash=_hash_of(stream, claim), size=before.st_size))
        for line in _lines(claim, driver, stream, size=before.st_size):
            _put(line, out, counts)
            if counts.records % BEAT_EVERY_LINES == 0:
                claim.beat()
        after = os.fstat(stream.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise StillGrowing(claim.about.file)
    return counts


def _put(line: Line, out: BinaryIO, counts: Counts) -> None:
    counts.add(line)
    out.write(encode_line(line))


def _header(claim: Claim, *, content_hash: str, size: int) -> bytes:
    about = claim.about
    header = Header(
        source=about.source,
        claim=about.number,
        file=about.file,
        content_hash=content_hash,
        sequence=about.sequence,
        received_at=about.received,
        size_bytes=size,
    )
    return encode_header(header)


def _hash_of(stream: BinaryIO, claim: Claim) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(HASH_PIECE):
        digest.update(piece)
        claim.beat()
    stream.seek(0)
    return digest.hexdigest()


def _lines(claim: Claim, driver: CallDriver, stream: BinaryIO, *, size: int) -> Iterator[Line]:
    refusal = _refusal(stream, size=size)
    if refusal is not None:
        yield refusal
        return
    with _Attempt(claim) as attempt:
        if attempt.is_one_too_many:
            detail = f"the driver failed {MOST_ATTEMPTS} times near line {attempt.reached}"
            yield RejectedLine(0, "poison_file", f"{detail}; the file is kept in raw/", "")
            return
        only_rejected: int | None = 0
        for line in driver.read(stream, trust_tail=claim.about.is_vouched_for):
            yield line
            attempt.passes(line.position)
            if only_rejected is None:
                continue
            only_rejected = only_rejected + 1 if isinstance(line, RejectedLine) else None
            if only_rejected == HOPELESS_AFTER_LINES:
                detail = f"none of the first {only_rejected:,} lines is a record of this driver"
                rest = f"{detail}; the rest of the file was not read, it is kept in raw/"
                yield RejectedLine(line.position + 1, "unreadable_file", rest, "")
                return


def _refusal(stream: BinaryIO, *, size: int) -> RejectedLine | None:
    """Why the whole file is set aside unread, if it is (reliability P11)."""
    if size > settings.MAX_FILE_BYTES:
        detail = f"{size:,} bytes, more than {settings.MAX_FILE_BYTES:,}; it is kept in raw/"
        return RejectedLine(0, "file_too_large", detail, "")
    head = stream.read(8)
    stream.seek(0)
    for mark, name in _PACKED.items():
        if head.startswith(mark):
            return RejectedLine(0, "packed_file", f"packed with {name}: unpack it first", "")
    if head.startswith(_WIDE_MARKS):
        return RejectedLine(0, "bad_encoding", "UTF-16 text: save it as UTF-8", "")
    return None


class _Attempt:
    """Counts readings of a claim that broke off at the same place, before they begin.

    A reading that got further than the one before starts the count again, so being
    killed again and again never sets a good file aside (reliability P10). A full
    disk or an unreadable file is nobody's poison and is not counted.
    """

    def __init__(self, claim: Claim) -> None:
        self._note = claim.folder / "reading"
        self.reached = 0
        self._count = 0

    @property
    def is_one_too_many(self) -> bool:
        return self._count > MOST_ATTEMPTS

    def __enter__(self) -> _Attempt:
        with contextlib.suppress(FileNotFoundError, ValueError):
            reached, count = self._note.read_text("utf-8").split()
            self.reached, self._count = int(reached), int(count)
        self._count += 1
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, OSError) or not issubclass(kind, Exception):
            self._note.unlink(missing_ok=True)

    def passes(self, position: int) -> None:
        """Note now and then how far the reading has come."""
        if position >= self.reached + BEAT_EVERY_LINES:
            self.reached, self._count = position, 1
            self._write()

    def _write(self) -> None:
        self._note.write_text(f"{self.reached} {self._count}", encoding="utf-8")
