"""The Recorder: switches' files in, standard record files in the spool.

It knows the formats of switches and nothing of calls, people or prices, and needs
no database. A file is claimed by rename, read, published in the spool and archived,
in this order; whatever happens in between is taken up again by the next pass.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nsmallest
from pathlib import Path

from django.conf import settings

from cdr.drivers.base import BadOptions, CallDriver
from cdr.operations.claims import Claim, abandoned_claims, new_claim, processing_folder
from cdr.operations.settling import Patience
from cdr.operations.spooling import StillGrowing, sync_folder, write_spool_file
from cdr.operations.tails import Tail
from cdr.queries.drivers import UnknownDriver, make_driver
from cdr.queries.sources import (
    SourceSettings,
    active_sources,
    is_our_own,
    source_named,
    source_of_file,
)
from kernel.crashpoints import crashpoint

logger = logging.getLogger(__name__)

UNFINISHED_ENDINGS = (".tmp", ".part", ".filepart", ".writing")
MOST_NOTICES = 100


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file that was turned into standard records."""

    source: str
    file: str
    claim: str
    records: int
    rejected: int
    discarded: int
    spool: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a file or a source that people should see."""

    source: str
    subject: str
    text: str


@dataclass(slots=True)
class RecorderReport:
    """What one pass did. `waiting` is normal; `refused` and `problems` want a person."""

    files: list[RecordedFile] = field(default_factory=list)
    waiting: list[Notice] = field(default_factory=list)
    refused: list[Notice] = field(default_factory=list)
    problems: list[Notice] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(file.records for file in self.files)


def record_waiting(*, now: datetime, limit: int | None = None, source: str = "") -> RecorderReport:
    """Record what waits in the watched folders, and what dead recorders left behind.

    At most `limit` files (setting TICK_FILES if None); of one source if named. A
    source that fails does not stop the others.

    Raises:
        NoSource: if `source` does not exist, or the sources cannot be known.
    """
    sources = active_sources()
    chosen = [source_named(source, sources)] if source else sources
    recorder = Recorder(sources, now=now, limit=settings.TICK_FILES if limit is None else limit)
    recorder.take_over(chosen)
    for each in chosen:
        recorder.watch(each)
    return recorder.report


def record_files(*, paths: Sequence[Path], now: datetime, source: str = "") -> RecorderReport:
    """Record copies of `paths` at once; the files themselves are left alone.

    The source is `source`, else the one whose folder holds the file, else the only
    one. Recorded again, a file is another delivery of the same content.

    Raises:
        NoSource: if the source of a file cannot be told; then nothing is recorded.
    """
    sources = active_sources()
    named = [
        (path, source_named(source, sources) if source else source_of_file(path, sources))
        for path in paths
    ]
    recorder = Recorder(sources, now=now, limit=len(named))
    for path, each in named:
        recorder.copy(path, each)
    return recorder.report


class Recorder:
    """One pass over the watched folders, or over named files."""

    def __init__(self, sources: Sequence[SourceSettings], *, now: datetime, limit: int) -> None:
        self.report = RecorderReport()
        self._sources = {source.name: source for source in sources}
        self._drivers: dict[str, CallDriver | None] = {}
        self._now = now
        self._left = limit
        self._claims = 0

    # --- three ways in ----------------------------------------------------------------------------

    def take_over(self, chosen: Iterable[SourceSettings]) -> None:
        """Finish the claims that their owners left behind."""
        names = {source.name for source in chosen}
        folders = {processing_folder(None)}
        for source in chosen:
            watched = source.watched
            if watched is not None and watched.is_dir():
                folders.add(processing_folder(watched))
        for folder in sorted(folders):
            for claim in abandoned_claims(folder, now=self._now):
                known = self._sources.get(claim.about.source)
                if known is None or known.name not in names or self._left <= 0:
                    claim.release()
                    if known is None:
                        self._problem(claim.about.source, claim.about.file, "its source is gone")
                    continue
                self._work(claim, known)

    def watch(self, source: SourceSettings) -> None:
        """Record what waits in the folder of `source`."""
        folder = source.watched
        driver = self._driver(source)
        if folder is None or driver is None:
            return
        if is_our_own(source.folder):
            self._problem(source.name, str(folder), "Tollgate keeps its own files there")
            return
        try:
            if not Path(source.folder).is_absolute():
                folder.mkdir(parents=True, exist_ok=True)
            inside = processing_folder(folder)
            if source.options.get("append"):
                self._follow(source, folder, driver, inside)
                return
            patience = Patience(inside, source=source.name, now=self._now)
            for path in self._candidates(source, folder, driver):
                if self._left <= 0:
                    break
                if self._may_be_taken(path, source, driver, patience):
                    self._claim(path, source, driver, inside)
            patience.remember()
        except FileNotFoundError:
            self._problem(source.name, str(folder), "the folder does not exist")
        except OSError as error:
            self._problem(source.name, str(folder), _words(error))

    def _follow(
        self, source: SourceSettings, folder: Path, driver: CallDriver, inside: Path
    ) -> None:
        """Record what was appended to the files of `source` since we last looked."""
        tail = Tail(source=source.name, driver=driver, inside=inside, now=self._now)
        with tail.held() as is_ours:
            if not is_ours:
                return
            for path in self._candidates(source, folder, driver):
                while self._left > 0 and (claim := tail.next_part(path)) is not None:
                    self._work(claim, source)

    def copy(self, path: Path, source: SourceSettings) -> None:
        """Record a copy of one named file."""
        driver = self._driver(source)
        if driver is None:
            return
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                self._notice(self.report.refused, source.name, str(path), "not a plain file")
                return
            claim = new_claim(
                source=source.name,
                file=path.name,
                sequence=driver.sequence_of(path.name),
                now=self._arrival(),
                inside=processing_folder(None),
                is_vouched_for=True,
            )
            assert claim is not None  # its number was drawn
        except OSError as error:
            self._problem(source.name, str(path), _words(error))
            return
        try:
            partial = claim.folder / "data.part"
            shutil.copyfile(path, partial)
            partial.rename(claim.data)
        except OSError as error:
            self._problem(source.name, str(path), _words(error))
            claim.finish()
            return
        self._work(claim, source)

    # --- looking ----------------------------------------------------------------------------------

    def _candidates(self, source: SourceSettings, folder: Path, driver: CallDriver) -> list[Path]:
        """Files of `folder` that are for this driver, oldest first, within bounds."""
        with os.scandir(folder) as entries:
            stamped = (
                (stamp, entry.name)
                for entry in entries
                if self._is_usable(entry, source, driver) and (stamp := _changed(entry))
            )
            found = nsmallest(self._left + MOST_NOTICES, stamped)
        return [folder / name for _, name in found]

    def _may_be_taken(
        self, path: Path, source: SourceSettings, driver: CallDriver, patience: Patience
    ) -> bool:
        try:
            reason = patience.still_waits_for(path, driver)
        except Exception as error:  # a driver, perhaps another's, may fail in any way
            logger.exception("a call driver failed to look at a file")
            self._problem(source.name, path.name, f"the driver failed: {error!r}")
            return False
        if reason:
            self._notice(self.report.waiting, source.name, path.name, reason)
        return not reason

    def _is_usable(
        self, entry: os.DirEntry[str], source: SourceSettings, driver: CallDriver
    ) -> bool:
        name = entry.name
        if name.startswith(("_", ".")) or name.lower().endswith(UNFINISHED_ENDINGS):
            return False
        if not driver.wants(name):
            return False
        if entry.is_file(follow_symlinks=False):
            return True
        kind = "a link" if entry.is_symlink() else "a folder" if entry.is_dir() else "no plain file"
        self._notice(self.report.refused, source.name, name, f"{kind}; only plain files are read")
        return False

    def _arrival(self) -> datetime:
        """Now, a microsecond later for each file of this pass: their order is kept."""
        self._claims += 1
        return self._now + timedelta(microseconds=self._claims)

    def _driver(self, source: SourceSettings) -> CallDriver | None:
        """The driver of `source`, made once a pass; None if it cannot be made."""
        if source.name not in self._drivers:
            try:
                self._drivers[source.name] = make_driver(
                    source.driver, source=source.name, zone=source.zone, options=source.options
                )
            except (UnknownDriver, BadOptions) as error:
                self._drivers[source.name] = None
                self._problem(source.name, source.driver, error.message)
        return self._drivers[source.name]

    # --- working ----------------------------------------------------------------------------------

    def _claim(self, path: Path, source: SourceSettings, driver: CallDriver, inside: Path) -> None:
        claim = new_claim(
            source=source.name,
            file=path.name,
            sequence=driver.sequence_of(path.name),
            now=self._arrival(),
            inside=inside,
            is_vouched_for=False,
        )
        assert claim is not None  # its number was drawn
        try:
            path.rename(claim.data)
        except FileNotFoundError:  # another recorder was faster
            claim.finish()
            return
        except OSError:
            claim.finish()
            raise
        self._work(claim, source)

    def _work(self, claim: Claim, source: SourceSettings) -> None:
        """Read, publish and archive one claimed file; what fails is tried again next time."""
        driver = self._driver(source)
        if driver is None:
            claim.release()
            return
        self._left -= 1
        about = claim.about
        try:
            crashpoint("recorder.claimed")
            target, counts = write_spool_file(claim, driver)
            archive(claim)
            crashpoint("recorder.archived")
        except StillGrowing:
            claim.release()
            self._notice(self.report.waiting, source.name, about.file, "still being written")
        except OSError as error:
            claim.release()
            self._problem(source.name, about.file, _words(error))
        except Exception as error:  # a driver, perhaps another's, may fail in any way
            claim.release()
            logger.exception("a call driver failed", extra={"claim": about.number})
            self._problem(source.name, about.file, f"the driver failed: {error!r}")
        else:
            claim.finish()
            self.report.files.append(
                RecordedFile(
                    source=source.name,
                    file=about.file,
                    claim=about.number,
                    records=counts.records,
                    rejected=counts.rejected,
                    discarded=counts.discarded,
                    spool=target.name,
                )
            )

    def _problem(self, source: str, subject: str, text: str) -> None:
        self._notice(self.report.problems, source, subject, text)

    def _notice(self, notices: list[Notice], source: str, subject: str, text: str) -> None:
        if len(notices) < MOST_NOTICES:
            notices.append(Notice(source, subject, text))


def _changed(entry: os.DirEntry[str]) -> int:
    """When the file last changed, in nanoseconds; 0 if another recorder has taken it."""
    try:
        return max(1, entry.stat(follow_symlinks=False).st_mtime_ns)
    except FileNotFoundError:
        return 0


def archive(claim: Claim) -> None:
    """Keep the claimed file below ``raw/<source>/<day of arrival>/``."""
    about = claim.about
    word = "".join(char if char.isalnum() or char in "-." else "-" for char in about.source)
    day = Path(settings.DATA_DIR, "raw", word.lstrip(".") or "source", f"{about.received:%Y-%m-%d}")
    day.mkdir(parents=True, exist_ok=True)
    name = "".join(char if char.isalnum() or char in "-_." else "-" for char in about.file)
    target = day / f"{about.number}__{name[:120]}"
    if claim.data.is_symlink():
        claim.data.unlink()
        return
    try:
        claim.data.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = target.with_name(f".{target.name}.part")
        shutil.copyfile(claim.data, partial)
        partial.replace(target)
        claim.data.unlink()
    sync_folder(day)


def _words(error: OSError) -> str:
    """An error of the operating system in words, without its number."""
    return (error.strerror or str(error)).lower()
