"""The newest file of a source, read as its driver reads it: the first records, nothing kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from pathlib import Path
from typing import Final

from django.conf import settings

from cdr.drivers.base import BadOptions, CallDriver
from cdr.engine.records import DiscardedLine, RejectedLine, Segment, SegmentLine
from cdr.models import Source
from cdr.queries.drivers import UnknownDriver, make_driver
from cdr.queries.sources import watched_folder

RECORDS: Final = 5
FILES_LOOKED_AT: Final = 5_000
LINES_READ: Final = 2_000
FOLDERS_LOOKED_AT: Final = 3


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One record as the driver understood it, or why it could not."""

    position: int
    segment: Segment | None = None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SourceSample:
    """What the driver made of the newest file. `problem` is a stable word where nothing was read.

    `is_archived`: the file was recorded before; none waits in the watched folder.
    """

    folder: str
    file: str = ""
    is_archived: bool = False
    lines: Sequence[SampleLine] = ()
    discarded: int = 0
    problem: str = ""
    detail: str = ""


def read_sample(source: Source) -> SourceSample:
    """The first records of the newest file that `source` has, from its folder or its archive."""
    folder = watched_folder(source.folder)
    shown = str(folder or "")
    try:
        driver = make_driver(
            source.driver, source=source.name, zone=source.site.time_zone, options=source.options
        )
    except (UnknownDriver, BadOptions) as refusal:
        return SourceSample(shown, problem="driver", detail=refusal.message)
    try:
        waiting = [folder] if folder is not None and folder.is_dir() else []
        path = _newest(waiting, driver)
        archived = path is None
        if path is None:
            path = _newest(_archive(source.name), None)
        if path is None:
            problem = "no_file" if waiting or folder is None else "no_folder"
            return SourceSample(shown, problem=problem)
        lines, discarded = _read(path, driver)
    except OSError as error:
        return SourceSample(shown, problem="unreadable", detail=error.strerror or "")
    return SourceSample(
        shown,
        file=path.name.partition("__")[2] or path.name,
        is_archived=archived,
        lines=lines,
        discarded=discarded,
    )


def _archive(name: str) -> list[Path]:
    """The newest days of the source's archive."""
    folder = Path(settings.DATA_DIR, "raw", name)
    days = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return nlargest(FOLDERS_LOOKED_AT, days)


def _newest(folders: Sequence[Path], driver: CallDriver | None) -> Path | None:
    def files() -> Iterator[os.DirEntry[str]]:
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in islice(entries, FILES_LOOKED_AT):
                    is_wanted = driver is None or driver.wants(entry.name)
                    if entry.is_file() and is_wanted and not entry.name.startswith((".", "_")):
                        yield entry

    newest = max(files(), key=lambda entry: entry.stat().st_mtime, default=None)
    return Path(newest.path) if newest else None


def _read(path: Path, driver: CallDriver) -> tuple[list[SampleLine], int]:
    lines: list[SampleLine] = []
    discarded = 0
    with path.open("rb") as stream:
        for line in islice(driver.read(stream, trust_tail=True), LINES_READ):
            if isinstance(line, DiscardedLine):
                discarded += 1
            elif isinstance(line, RejectedLine):
                lines.append(SampleLine(line.position, reason=line.reason, detail=line.detail))
            elif isinstance(line, SegmentLine):
                lines.append(SampleLine(line.position, segment=line.segment))
            if len(lines) >= RECORDS:
                break
    return lines, discarded
