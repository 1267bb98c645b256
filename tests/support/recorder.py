"""Sources, folders and call files for the Recorder's tests."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cdr.engine.records import Header, Line, SegmentLine
from cdr.engine.standard import decode_header, decode_line
from cdr.operations.recorder import RecorderReport, record_waiting
from cdr.queries.sources import SourceSettings
from kernel import crashpoints
from tests.support.cucm import Cluster, call_file

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
PROJECT = Path(__file__).parents[2]
CALLS = {
    "call_id": "id", "started_at": "start", "duration_seconds": "secs",
    "from_number": "caller", "to_number": "called",
}  # fmt: skip
HEAD = "id,start,secs,caller,called\n"

MILAN = SourceSettings("milan", "cucm", "Europe/Rome", "drop/milan")
LOG = SourceSettings("log", "delimited", "Europe/Rome", "drop/log", {"columns": CALLS})
GROWING = SourceSettings(
    "growing", "delimited", "Europe/Rome", "drop/growing", {"columns": CALLS, "append": True}
)


def cdr(number: int = 1, records: int = 2) -> bytes:
    cluster = Cluster(next_call=number * 1000, next_leg=number * 10_000)
    return call_file([cluster.outgoing("2001", "90123456", start=i) for i in range(records)])


def put(folder: Path, name: str, content: bytes | str, *, at: datetime = LONG_AGO) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def ready(data_dir: Path) -> list[Path]:
    folder = data_dir / "spool/ready"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def content(path: Path) -> tuple[Header, list[Line]]:
    first, *rest = path.read_bytes().splitlines(keepends=True)
    header = decode_header(first, file="", received_at=NOW)
    assert header is not None
    return header, [decode_line(line, position=0, source=header.source) for line in rest]


def call_ids(data_dir: Path) -> Counter[str]:
    lines = [line for path in ready(data_dir) for line in content(path)[1]]
    return Counter(line.segment.call_id for line in lines if isinstance(line, SegmentLine))


def only_file(data_dir: Path) -> tuple[Header, list[Line]]:
    (path,) = ready(data_dir)
    return content(path)


def archived(data_dir: Path) -> list[Path]:
    return [path for path in sorted((data_dir / "raw").rglob("*")) if path.is_file()]


def claims(data_dir: Path) -> list[Path]:
    folder = data_dir / "processing"
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def told(report: RecorderReport) -> set[tuple[str, str]]:
    return {(notice.subject, notice.text) for notice in [*report.refused, *report.problems]}


pytestmark = pytest.mark.feature("F002")


def start_recorder(*, crash: str = "", nth: int = 1) -> int:
    """A recorder in a process of its own; it dies at the `nth` pass of the crash point."""
    child = os.fork()
    if child:
        return child
    try:
        crashpoints._name, crashpoints._passes_left = crash, nth
        report = record_waiting(now=NOW, limit=10_000)
        os._exit(0 if not report.problems else 1)
    except BaseException:  # noqa: BLE001 - a child must never go on as a test
        os._exit(2)


def wait_for(child: int) -> int:
    """Exit code of a child, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def row(number: int) -> str:
    return f"{number},2026-03-10 11:00:00,60,201,0612\n"
