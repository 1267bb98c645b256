"""The Miner: standard record files in, priced calls and outcomes out.

It knows the standard record and nothing of switches. A file is taken by rename and
held by a file lock that dies with its owner; what was done with it stands in its
delivery row, moved on in the transaction of each batch. So the Miner may be
killed at any moment, and two may run at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from cdr.engine.records import Header, Line, RejectedLine
from cdr.engine.standard import (
    LONGEST_LINE,
    BadHeader,
    decode_header,
    decode_line,
    hash_of_text,
    source_of,
)
from cdr.models import Delivery, DeliveryState, Outcome, Source
from cdr.operations.batches import Batch, BatchResult
from cdr.queries.sites import SiteBook
from kernel.crashpoints import crashpoint
from kernel.errors import DomainError

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
BLOCK = 1 << 20
DATABASE_TRIES = 3
RENUMBERED = 2_000_000_000  # for a second record that claims a position already taken
Progress = Callable[[str, int, int], None]


class AnotherMiner(Exception):
    """Somebody else has mined the next batch of this delivery already."""


class NoSuchFile(DomainError):
    """A file named on the command line is not there."""

    code = "no_such_file"


@dataclass(slots=True)
class MinerReport:
    """What one pass did: files, records and their outcomes by kind."""

    files: int = 0
    records: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    parked: list[str] = field(default_factory=list)

    def add(self, result: BatchResult) -> None:
        for kind, number in result.outcomes.items():
            self.outcomes[kind] = self.outcomes.get(kind, 0) + number
            self.records += number


def spool(name: str) -> Path:
    """The spool folder `name` (ready, mining, done, parked), made if missing."""
    folder = Path(settings.DATA_DIR, "spool", name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def waiting_files() -> list[Path]:
    """Standard files nobody has mined yet: left behind first, then by name."""
    left = sorted(p for p in spool("mining").iterdir() if p.is_file())
    ready = sorted(
        p
        for p in spool("ready").iterdir()
        if p.is_file() and not p.is_symlink() and p.suffix == ".jsonl" and p.name[0] not in "._"
    )
    return left + ready


class Books:
    """The sites' books of one pass, opened when first needed."""

    def __init__(self) -> None:
        self._books: dict[int, SiteBook] = {}

    def of(self, source: Source) -> SiteBook:
        book = self._books.get(source.site_id)
        if book is None:
            book = self._books[source.site_id] = SiteBook(source.site)
        return book


def mine_waiting(
    *, now: datetime, limit: int | None = None, progress: Progress | None = None
) -> MinerReport:
    """Mine at most `limit` files (all, if None) that wait in the spool."""
    report = MinerReport()
    books = Books()
    for path in waiting_files()[: limit if limit is not None else None]:
        _mine_one(path, now=now, books=books, report=report, progress=progress)
    return report


def mine_files(
    paths: Sequence[Path], *, now: datetime, progress: Progress | None = None
) -> MinerReport:
    """Mine copies of the standard files `paths`; the originals are left alone.

    Raises:
        NoSuchFile: before anything is done, if one of them cannot be read.
    """
    for path in paths:
        if not path.is_file():
            raise NoSuchFile(f"{path}: no such file")
    report = MinerReport()
    books = Books()
    for path in paths:
        partial = spool("ready") / f".{uuid4().hex}.part"
        shutil.copyfile(path, partial)
        target = spool("ready") / f"{path.stem}__{uuid4().hex}.jsonl"
        partial.replace(target)
        _mine_one(target, now=now, books=books, report=report, progress=progress)
    return report


def _mine_one(
    path: Path, *, now: datetime, books: Books, report: MinerReport, progress: Progress | None
) -> None:
    held = _take(path)
    if held is None:
        return
    with held:
        crashpoint("miner.claimed")
        try:
            _MinedFile(Path(held.name), held, now=now, books=books, report=report).work(progress)
        except AnotherMiner:
            return
    report.files += 1


def _take(path: Path) -> BinaryIO | None:
    """Move `path` to the mining folder and hold it; None if another miner has it."""
    target = path
    if path.parent.name != "mining":
        name = path.name
        if "__" not in path.stem:
            name = f"{path.stem}__{uuid4().hex}.jsonl"
        target = spool("mining") / name
        try:
            path.rename(target)
        except FileNotFoundError:
            return None
    try:
        stream = target.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    if not target.exists():  # finished by another between our look and our lock
        stream.close()
        return None
    return stream


@dataclass(slots=True)
class _Chunk:
    lines: list[Line]
    end: int


class _MinedFile:
    """One standard file on its way through the Miner."""

    def __init__(
        self, path: Path, stream: BinaryIO, *, now: datetime, books: Books, report: MinerReport
    ) -> None:
        self.path = path
        self.stream = stream
        self.now = now
        self.books = books
        self.report = report
        self._has_header = False

    def work(self, progress: Progress | None) -> None:
        """Mine what is left of the file and put it away."""
        delivery = self._delivery()
        if delivery.state != DeliveryState.MINING:
            self._put_away(delivery)
            return
        if delivery.attempts >= MOST_ATTEMPTS:
            self._park(
                delivery, f"the miner died {MOST_ATTEMPTS} times at line {delivery.next_line}"
            )
            return
        Delivery.objects.filter(pk=delivery.pk).update(attempts=delivery.attempts + 1)
        assert delivery.source is not None
        book = self.books.of(delivery.source)
        for chunk in self._chunks(delivery.next_line, delivery.source.name):
            self._mine_chunk(delivery, chunk, book)
            if progress is not None:
                progress(delivery.name, self.stream.tell(), delivery.size_bytes)
        self._finish(delivery)

    # --- the delivery row -----------------------------------------------------------------------

    def _delivery(self) -> Delivery:
        header, note = self._header()
        known = Delivery.objects.select_related("source__site").filter(claim=header.claim).first()
        if known is not None:
            return known
        source = Source.objects.select_related("site").filter(name=header.source).first()
        if source is None and not note:
            note = f"no source is called {header.source!r}"
        return self._new_delivery(header, source, note)

    def _header(self) -> tuple[Header, str]:
        """The file's header, with what it left out; and what makes the file unusable."""
        first = self.stream.readline(LONGEST_LINE + 1)
        note = ""
        name = self.path.stem.rpartition("__")[0] + self.path.suffix
        try:
            header = decode_header(first, file=name, received_at=self.now)
        except BadHeader as bad:
            header, note = None, str(bad)
        self._has_header = header is not None
        if header is None:
            self.stream.seek(0)
            header = Header(
                source=source_of(first),
                claim="",
                file=name,
                content_hash="",
                sequence="",
                received_at=self.now,
            )
        return (
            replace(
                header,
                claim=header.claim or self._claim(),
                content_hash=header.content_hash or self._digest(),
                sequence=header.sequence or f"{header.received_at:%Y%m%d%H%M%S}",
            ),
            note,
        )

    def _claim(self) -> str:
        """A name for this delivery: the unique end of the file name we gave it."""
        return hash_of_text(self.path.name)

    def _digest(self) -> str:
        place = self.stream.tell()
        self.stream.seek(0)
        digest = hashlib.sha256()
        while block := self.stream.read(BLOCK):
            digest.update(block)
        self.stream.seek(place)
        return digest.hexdigest()

    def _new_delivery(self, header: Header, source: Source | None, note: str) -> Delivery:
        twin = (
            Delivery.objects.filter(source=source, content_hash=header.content_hash)
            .order_by("pk")
            .first()
            if source
            else None
        )
        delivery, _ = Delivery.objects.get_or_create(
            claim=header.claim,
            defaults={
                "source": source,
                "name": header.file[:255],
                "content_hash": header.content_hash,
                "sequence": header.sequence,
                "size_bytes": os.fstat(self.stream.fileno()).st_size,
                "duplicate_of": twin,
                "received_at": header.received_at,
                "state": DeliveryState.PARKED if note else DeliveryState.MINING,
                "note": note[:500],
            },
        )
        return delivery

    # --- the lines --------------------------------------------------------------------------------

    def _chunks(self, first_line: int, source: str) -> Iterator[_Chunk]:
        """The lines from number `first_line` (counted without the header) in batches."""
        lines: list[Line] = []
        number = 0
        for raw in self.stream:
            number += 1
            if number <= first_line:
                continue
            lines.append(self._line(raw, number, source))
            if len(lines) == settings.MINER_BATCH:
                yield _Chunk(lines, number)
                lines = []
        if lines:
            yield _Chunk(lines, number)

    def _line(self, raw: bytes, number: int, source: str) -> Line:
        """One record; only the Recorder's files are trusted to number their lines."""
        line = decode_line(raw.rstrip(b"\n"), position=number, source=source)
        return line if self._has_header else replace(line, position=number)

    def _mine_chunk(self, delivery: Delivery, chunk: _Chunk, book: SiteBook) -> None:
        try:
            result = self._commit(delivery, chunk, book)
        except (AnotherMiner, OperationalError):
            raise
        except Exception:
            logger.exception("batch failed, trying its records one by one")
            for index, line in enumerate(chunk.lines):
                end = chunk.end - len(chunk.lines) + index + 1
                self._mine_alone(delivery, line, end, book)
            return
        self.report.add(result)
        crashpoint("miner.batch_after_commit")

    def _mine_alone(self, delivery: Delivery, line: Line, end: int, book: SiteBook) -> None:
        """One record in a transaction of its own; what it cannot survive goes to quarantine."""
        try:
            result = self._commit(delivery, _Chunk([line], end), book)
        except (AnotherMiner, OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - one bad record must not cost its neighbours
            reason = "database" if isinstance(error, DatabaseError) else "internal_error"
            detail = f"{type(error).__name__}: {error}"
            taken = Outcome.objects.filter(delivery=delivery, position=line.position).exists()
            position = RENUMBERED + end if taken else line.position
            rejected = RejectedLine(position, reason, detail, line.raw)
            result = self._commit(delivery, _Chunk([rejected], end), book)
        self.report.add(result)

    def _commit(self, delivery: Delivery, chunk: _Chunk, book: SiteBook) -> BatchResult:
        for attempt in range(1, DATABASE_TRIES + 1):
            try:
                return self._commit_once(delivery, chunk, book)
            except OperationalError:
                if attempt == DATABASE_TRIES or connection.in_atomic_block:
                    raise
                connection.close_if_unusable_or_obsolete()
        raise AssertionError("unreachable")

    def _commit_once(self, delivery: Delivery, chunk: _Chunk, book: SiteBook) -> BatchResult:
        expected = chunk.end - len(chunk.lines)
        with transaction.atomic():
            locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
            if locked.next_line != expected or locked.state != DeliveryState.MINING:
                raise AnotherMiner
            assert delivery.source_id is not None
            Source.objects.select_for_update().get(pk=delivery.source_id)
            batch = Batch(
                delivery=delivery, book=book, now=self.now, keep_days=settings.KEEP_CALLS_DAYS
            )
            result = batch.take(chunk.lines)
            Delivery.objects.filter(pk=delivery.pk).update(
                next_line=chunk.end,
                records_read=locked.records_read + len(chunk.lines),
                attempts=0,
            )
            Source.objects.filter(pk=delivery.source_id).update(last_record_at=self.now)
            crashpoint("miner.batch_before_commit")
        return result

    # --- the end ------------------------------------------------------------------------------------

    def _finish(self, delivery: Delivery) -> None:
        Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.MINING).update(
            state=DeliveryState.MINED, finished_at=self.now
        )
        delivery.state = DeliveryState.MINED
        crashpoint("miner.finished")
        self._put_away(delivery)

    def _park(self, delivery: Delivery, note: str) -> None:
        """Set the rest of the file aside, unread, so that the next file gets its turn."""
        assert delivery.source is not None
        book = self.books.of(delivery.source)
        for chunk in self._chunks(delivery.next_line, delivery.source.name):
            lines: list[Line] = [
                RejectedLine(line.position, "poison_file", note, line.raw) for line in chunk.lines
            ]
            self.report.add(self._commit(delivery, _Chunk(lines, chunk.end), book))
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.PARKED, note=note, finished_at=self.now
        )
        delivery.state = DeliveryState.PARKED
        self._put_away(delivery)

    def _put_away(self, delivery: Delivery) -> None:
        parked = delivery.state == DeliveryState.PARKED
        if parked:
            self.report.parked.append(self.path.name)
            folder = spool("parked")
        else:
            folder = spool("done") / f"{self.now:%Y-%m-%d}"
            folder.mkdir(exist_ok=True)
        self.path.replace(folder / self.path.name)
