"""Files that a switch only ever appends to: read in parts, never moved, nothing twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cdr.operations.recorder import record_waiting
from cdr.queries.sources import SourceSettings
from kernel.clock import now as real_now
from tests.support.recorder import (
    GROWING,
    HEAD,
    NOW,
    call_ids,
    content,
    ready,
    row,
    start_recorder,
    wait_for,
)

# --- files that grow (P5) -------------------------------------------------------------------------------


@pytest.fixture
def log(data_dir: Path, sources: list[SourceSettings]) -> Path:
    sources[:] = [GROWING]
    folder = data_dir / "drop/growing"
    folder.mkdir(parents=True)
    return folder / "Master.csv"


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as out:
        out.write(text)


def test_a_growing_file_is_read_line_by_line_and_never_moved(data_dir: Path, log: Path) -> None:
    append(log, HEAD + row(1) + row(2)[:10])
    first = record_waiting(now=NOW)
    nothing = record_waiting(now=NOW)
    append(log, row(2)[10:] + row(3))
    second = record_waiting(now=NOW)

    assert [file.records for file in [*first.files, *nothing.files, *second.files]] == [1, 2]
    assert call_ids(data_dir) == {"1": 1, "2": 1, "3": 1}
    assert log.read_text("utf-8") == HEAD + row(1) + row(2) + row(3)


def test_rotation_in_the_middle_of_a_line_loses_and_doubles_nothing(
    data_dir: Path, log: Path
) -> None:
    append(log, HEAD + row(1) + row(2)[:10])
    record_waiting(now=NOW)

    rotated = log.rename(log.with_name("Master.csv.1"))
    append(rotated, row(2)[10:])
    append(log, HEAD + row(3))
    record_waiting(now=NOW)
    record_waiting(now=NOW)

    assert call_ids(data_dir) == {"1": 1, "2": 1, "3": 1}


def test_a_file_copied_away_and_cut_short_is_read_from_its_new_start(
    data_dir: Path, log: Path
) -> None:
    append(log, HEAD + row(1) + row(2))
    record_waiting(now=NOW)

    log.write_text(HEAD + row(3), encoding="utf-8")
    record_waiting(now=NOW)
    log.write_text(HEAD.upper() + row(4) + row(5) + row(6), encoding="utf-8")
    record_waiting(now=NOW)

    assert call_ids(data_dir) == {"1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1}


def test_the_tail_of_a_file_that_stopped_growing_is_set_aside_in_the_end(
    data_dir: Path, log: Path
) -> None:
    append(log, HEAD + row(1) + row(2)[:10])
    record_waiting(now=real_now())

    report = record_waiting(now=real_now() + timedelta(minutes=11))

    assert (report.files[0].records, report.files[0].rejected) == (1, 1)
    assert record_waiting(now=real_now() + timedelta(minutes=22)).files == []


@pytest.mark.parametrize("point", ["claimed", "spool_written", "spool_published", "archived"])
def test_a_growing_file_survives_being_killed_anywhere(
    data_dir: Path, log: Path, point: str
) -> None:
    append(log, HEAD + row(1) + row(2))

    killed = wait_for(start_recorder(crash=f"recorder.{point}"))
    append(log, row(3))
    restarted = wait_for(start_recorder())

    assert (killed, restarted) == (-9, 0)
    assert call_ids(data_dir) == {"1": 1, "2": 1, "3": 1}
    assert len({path.name for path in ready(data_dir)}) == 2


def test_a_part_noted_but_not_taken_is_taken_again_under_the_same_claim(
    data_dir: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, HEAD + row(1))
    with monkeypatch.context() as patched:
        patched.setattr("cdr.operations.tails.new_claim", _die)
        with pytest.raises(KeyboardInterrupt):
            record_waiting(now=NOW)
    append(log, row(2))

    record_waiting(now=NOW)

    assert sorted(len(content(path)[1]) for path in ready(data_dir)) == [1, 1]
    assert call_ids(data_dir) == {"1": 1, "2": 1}


def _die(**_: object) -> None:
    raise KeyboardInterrupt
