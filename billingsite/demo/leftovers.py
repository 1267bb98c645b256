"""The files of the sample company below the data folder: whose they are, and clearing them away.

Each file is known by what stands in it or by its own name, never by its place alone: a
company of one's own may have a source of the same name by the time a removal that was
killed is finished. Clearing twice is harmless.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from billingsite.demo import belongings, load, presence
from billingsite.demo.company import OFFICES
from billingsite.demo.history import drop_folder
from cdr.engine.standard import BadHeader, decode_header
from directory.models import Job, Site
from directory.operations.work import folder_of as folder_of_job
from kernel.crashpoints import crashpoint
from phonelock.curri.spool import FOLDER as DECISIONS
from phonelock.drivers.curri import FOLDER as ADMISSION
from phonelock.drivers.snapshots import file_name
from phonelock.operations.decisions import CLAIMED

SPOOLS: Final = ("ready", "mining", "parked", "done")
WAITING: Final = ("ready", "mining")
LONGEST_HEADER: Final = 1 << 16


def files_of_others() -> Iterator[str]:
    """Files that wait to be read for the sample's sources, and that none of its clusters wrote."""
    data_dir = Path(settings.DATA_DIR)
    for office in belongings.SOURCES.values():
        for path in _files(drop_folder(data_dir, office)):
            if not belongings.is_call_file(office, path.name):
                yield str(path)
    for path, source, name in _claims(data_dir):
        if source in belongings.SOURCES and not _is_sample(source, name):
            yield f"{path.parent.name}/{name}"
    for path, source, name in _spooled(data_dir, WAITING):
        if source in belongings.SOURCES and not _is_sample(source, name):
            yield f"{path.parent.name}/{path.name}"


def clear(note: presence.Leaving) -> int:
    """Clear away everything of the sample company, its folder last; say how many files went."""
    data_dir = Path(settings.DATA_DIR)
    load.password_file(data_dir).unlink(missing_ok=True)  # nobody signs in to it any more
    gone = 0
    for path in _belonging(data_dir, note):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        gone += 1
        crashpoint("demo.file_gone")
    for folder in _emptied(data_dir):
        with contextlib.suppress(OSError):  # something else is in it, or it never was
            folder.rmdir()
    _clear_own_folder(data_dir)
    return gone


def _belonging(data_dir: Path, note: presence.Leaving) -> Iterator[Path]:
    yield from _call_files(data_dir)
    for claim, source, name in _claims(data_dir):
        if _is_sample(source, name):
            yield claim.parent
    for path, source, name in _spooled(data_dir, SPOOLS):
        if _is_sample(source, name):
            yield path
    yield from _locks_of_snapshots(data_dir)
    yield from _decisions(data_dir, until=note.began_at)
    known = set(Job.objects.filter(pk__in=note.jobs).values_list("pk", flat=True))
    for key in note.jobs:
        if key not in known and folder_of_job(key).is_dir():
            yield folder_of_job(key)


def _call_files(data_dir: Path) -> Iterator[Path]:
    """What the clusters wrote: waiting, and kept since it was read."""
    for office in belongings.SOURCES.values():
        for path in _files(drop_folder(data_dir, office)):
            if belongings.is_call_file(office, path.name):
                yield path
        for day in _folders(data_dir / "raw" / office.source):
            for path in _files(day):
                if belongings.is_call_file(office, path.name.partition("__")[2]):
                    yield path


def _locks_of_snapshots(data_dir: Path) -> Iterator[Path]:
    """The locks of what switches were answered from; the snapshots themselves were withdrawn."""
    there = set(Site.objects.filter(name__in=belongings.SITES).values_list("name", flat=True))
    for name in sorted(belongings.SITES - there):
        lock = data_dir / ADMISSION / f".{file_name(name)}.lock"
        if lock.is_file():
            yield lock


def _decisions(data_dir: Path, *, until: datetime) -> Iterator[Path]:
    """Decisions about the sample's calls, not imported yet."""
    decisions = data_dir / ADMISSION / DECISIONS
    for folder in (decisions, decisions / CLAIMED):
        for path in _files(folder):
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) <= until:
                yield path


def _emptied(data_dir: Path) -> Iterator[Path]:
    """Folders that go when nothing is in them any more, inner ones first."""
    for name in belongings.SOURCES:
        yield from list(_folders(data_dir / "raw" / name))
        yield data_dir / "raw" / name
        yield data_dir / "drop" / name / ".processing"
        yield data_dir / "drop" / name
    yield data_dir / "drop"
    yield from list(_folders(data_dir / "spool" / "done"))


def _clear_own_folder(data_dir: Path) -> None:
    """The set-up file before the note: as long as one of them is there, there is something to do."""
    folder = presence.folder_of(data_dir)
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if path.name == presence.NOTE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    crashpoint("demo.folder_cleared")
    presence.forget_leaving(data_dir)
    with contextlib.suppress(OSError):
        folder.rmdir()


# --- Whose a file is ------------------------------------------------------------------------------


def _is_sample(source: str, name: str) -> bool:
    office = belongings.SOURCES.get(source)
    return office is not None and belongings.is_call_file(office, name)


def _claims(data_dir: Path) -> Iterator[tuple[Path, str, str]]:
    """Files that the Recorder has claimed: the claim, its source, the file's name."""
    homes = [drop_folder(data_dir, office) / ".processing" for office in OFFICES]
    claims = (folder for home in (data_dir / "processing", *homes) for folder in _folders(home))
    for folder in claims:
        path = folder / "claim.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            about = json.loads(path.read_text(encoding="utf-8"))
            yield path, str(about["source"]), str(about["file"])


def _spooled(data_dir: Path, spools: tuple[str, ...]) -> Iterator[tuple[Path, str, str]]:
    """Standard files: where, of which source, made from which file of the switch."""
    for spool in spools:
        home = data_dir / "spool" / spool
        for folder in (home, *_folders(home)):
            for path in _files(folder):
                with contextlib.suppress(OSError, BadHeader):
                    with path.open("rb") as stream:
                        first = stream.readline(LONGEST_HEADER)
                    header = decode_header(
                        first, file=path.name, received_at=datetime.fromtimestamp(0, UTC)
                    )
                    if header is not None:
                        yield path, header.source, header.file


def _files(folder: Path) -> Iterator[Path]:
    """The files in `folder` that stand under their final names."""
    if folder.is_dir():
        yield from (
            path
            for path in sorted(folder.iterdir())
            if path.is_file() and not path.name.startswith(".")
        )


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.is_dir())
