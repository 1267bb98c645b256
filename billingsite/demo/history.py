"""Three months of calls up to now, as files in the drop folders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from billingsite.demo.cluster import Values, file_name, write_file
from billingsite.demo.company import OFFICES, Office
from billingsite.demo.memory import Memory
from billingsite.demo.schedule import FIRST_DAY, PlannedCall, calls_between

LENGTH = timedelta(days=92)


def write_history(data_dir: Path, memory: Memory, *, now: datetime) -> Iterator[int]:
    """Write all planned calls that ended since the last time, a file per office and week.

    Yields how many records each file has. The memory moves on when all is written: what was interrupted is written again
    under the same names, and the Recorder knows it for the same.
    """
    since = memory.last_written(now - LENGTH)
    until = now.replace(microsecond=0)
    for office in OFFICES:
        calls = calls_between(office, after=since, until=until)
        for monday, of_week in groupby(calls, key=lambda call: _monday(office, call)):
            yield _write_week(data_dir, office, monday, list(of_week))
    memory.written_until = until.isoformat()
    memory.save()


def drop_folder(data_dir: Path, office: Office) -> Path:
    return data_dir / "drop" / office.source


def _monday(office: Office, call: PlannedCall) -> date:
    day = datetime.fromtimestamp(call.ended, office.zone).date()
    return day - timedelta(days=day.weekday())


def _write_week(data_dir: Path, office: Office, monday: date, calls: list[PlannedCall]) -> int:
    records: list[Values] = [record for call in calls for record in call.records]
    closed_at = datetime.fromtimestamp(calls[-1].ended, UTC)
    sequence = (monday - FIRST_DAY).days * 10_000 + len(records)
    name = file_name(office, node=1, at=closed_at, sequence=sequence)
    write_file(drop_folder(data_dir, office), name, records, closed_at=closed_at)
    return len(records)
