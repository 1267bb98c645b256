"""The sources of call records: from the database, or as they last stood there.

Recording goes on when the database is down (features F004): each look at the
sources leaves a snapshot in the data folder, and that is used instead.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, ProgrammingError

from cdr.models import Source
from kernel.errors import DomainError

logger = logging.getLogger(__name__)


OWN_FOLDERS = frozenset(
    {
        *("admission", "jobs", "processing", "queue", "queue-control", "raw", "setup", "spool"),
        *("static", "tails"),
    }
)
"""What lies below the data folder and is no place for call files."""


def is_our_own(folder: str) -> bool:
    """Whether Tollgate's own files lie in `folder` (as a source names it): they are no call files."""
    data, place = Path(settings.DATA_DIR).resolve(), Path(settings.DATA_DIR, folder).resolve()
    if data in place.parents:
        return place.relative_to(data).parts[0] in OWN_FOLDERS
    programs = (Path(settings.BASE_DIR).resolve(), Path(sys.prefix).resolve())
    return place == data or any(home in (place, *place.parents) for home in programs)


def watched_folder(folder: str) -> Path | None:
    """The folder that a source names: absolute, or below the data folder; None if it names none."""
    return Path(settings.DATA_DIR, folder) if folder else None


class NoSource(DomainError):
    """It cannot be told which source is meant, or there is none."""

    code = "no_source"


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What the Recorder must know of a source. `folder` is absolute, or None if not watched."""

    name: str
    driver: str
    zone: str
    folder: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def watched(self) -> Path | None:
        """The watched folder: absolute, or below the data folder."""
        return watched_folder(self.folder)


def snapshot_path() -> Path:
    """Where the sources stand for when the database is down."""
    return Path(settings.DATA_DIR, "sources.json")


def active_sources() -> list[SourceSettings]:
    """The sources that are recorded, by name; from the snapshot when the database is down."""
    try:
        rows = Source.objects.filter(is_active=True).select_related("site").order_by("name")
        sources = [
            SourceSettings(
                name=row.name,
                driver=row.driver,
                zone=row.site.time_zone,
                folder=row.folder,
                options=row.options,
            )
            for row in rows
        ]
    except (OperationalError, ProgrammingError, InterfaceError) as error:
        logger.warning("the database is down, recording by the last snapshot: %s", error)
        return _from_snapshot()
    write_snapshot(sources)
    return sources


def write_snapshot(sources: Sequence[SourceSettings]) -> None:
    """Keep `sources` for when the database is down. Readable by the owner only."""
    path = snapshot_path()
    text = json.dumps([asdict(source) for source in sources], indent=1, sort_keys=True)
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.touch(mode=0o600)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        logger.warning("the snapshot of the sources cannot be written: %s", error)


def _from_snapshot() -> list[SourceSettings]:
    path = snapshot_path()
    try:
        return [SourceSettings(**fields) for fields in json.loads(path.read_text("utf-8"))]
    except FileNotFoundError:
        raise NoSource("the database is down and no source was ever seen on this machine") from None
    except (ValueError, TypeError) as error:
        raise NoSource(f"{path} cannot be read: {error}") from error


def source_named(name: str, sources: Sequence[SourceSettings]) -> SourceSettings:
    """The source called `name`.

    Raises:
        NoSource: if there is none, naming those that there are.
    """
    for source in sources:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in sources) or "none"
    raise NoSource(f"there is no active source {name}; known: {known}")


def source_of_file(path: Path, sources: Sequence[SourceSettings]) -> SourceSettings:
    """The source whose folder holds `path`, else the only one there is.

    Raises:
        NoSource: if neither tells.
    """
    place = path.resolve()
    for source in sources:
        folder = source.watched
        if folder is not None and place.is_relative_to(folder.resolve()):
            return source
    if len(sources) == 1:
        return sources[0]
    if not sources:
        raise NoSource("there is no active source; make one with apply, or in the administration")
    known = ", ".join(source.name for source in sources)
    raise NoSource(f"{path}: it lies in no source's folder; say which with --source ({known})")
