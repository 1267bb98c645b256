"""Bringing routing decisions from their spool into the database, each once.

A spool file is first moved aside, under the time of that, and read some seconds later:
whoever was writing to it has let go of it by then. Reading one twice is harmless, its
notes have keys.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from time import time_ns
from typing import Any, Final
from uuid import uuid4

import orjson
from django.conf import settings

from phonelock.curri.spool import FOLDER, OPEN_SECONDS, SUFFIX
from phonelock.drivers.curri import FOLDER as ADMISSION
from phonelock.models import Decision

logger = logging.getLogger(__name__)

CLAIMED: Final = "claimed"
BATCH: Final = 500
MAX_LINE: Final = 4096
SETTLED_SECONDS: Final = 2.5 * OPEN_SECONDS


def import_decisions(*, now: datetime, limit: int) -> int:
    """Import the decisions moved aside earlier, then move aside what is there now.

    Stops after the file in which `limit` is reached; returns how many notes were read.
    `now` stands in for the time of a note that has none that can be read.
    """
    folder = Path(settings.DATA_DIR) / ADMISSION / FOLDER
    if not folder.is_dir():
        return 0
    claimed = folder / CLAIMED
    imported = 0
    for path in sorted(claimed.glob(f"*{SUFFIX}")):
        if imported >= limit:
            break
        if _is_settled(path):
            imported += _import_file(path, now=now)
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        claimed.mkdir(exist_ok=True)
        try:
            path.rename(claimed / f"{time_ns()}-{uuid4().hex}{SUFFIX}")
        except FileNotFoundError:
            continue  # somebody else was faster
    return imported


def _is_settled(path: Path) -> bool:
    """Whether nobody can be writing to a file moved aside any more; so is one of our future."""
    moved_at = path.name.partition("-")[0]
    if not moved_at.isdecimal():
        return True
    age_ns = time_ns() - int(moved_at)
    return not 0 <= age_ns < SETTLED_SECONDS * 1_000_000_000


def _import_file(path: Path, *, now: datetime) -> int:
    count = 0
    batch: list[Decision] = []
    for decision in _decisions(path, now=now):
        batch.append(decision)
        count += 1
        if len(batch) == BATCH:
            Decision.objects.bulk_create(batch, ignore_conflicts=True)
            batch = []
    Decision.objects.bulk_create(batch, ignore_conflicts=True)
    path.unlink(missing_ok=True)
    return count


def _decisions(path: Path, *, now: datetime) -> Iterator[Decision]:
    try:
        with path.open("rb") as lines:
            for line in lines:
                decision = _decision(line, now=now)
                if decision is not None:
                    yield decision
    except FileNotFoundError:
        return


def _decision(line: bytes, *, now: datetime) -> Decision | None:
    """A note as a row; None for one that was cut off by a crash."""
    if len(line) > MAX_LINE:
        return None
    try:
        note: dict[str, Any] = orjson.loads(line)
        at = datetime.fromisoformat(str(note["decided_at"]))
        return Decision(
            key=str(note["key"])[:64],
            decided_at=at if at.tzinfo else now,
            site=str(note["site"])[:100],
            calling=str(note["calling"])[:64],
            called=str(note["called"])[:64],
            effect=str(note["effect"])[:16],
            reason=str(note["reason"])[:32],
            flag=str(note["flag"])[:8],
            policy=str(note["policy"])[:8],
            micros=max(0, int(note["micros"])),
        )
    except (ValueError, TypeError, KeyError):
        logger.warning("a decision's note could not be read")
        return None
