"""The Recorder: whole files only, each once, whatever dies or is put in its way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from pytest_django import Settings

from cdr.drivers.cucm import CucmDriver
from cdr.engine.records import Line, RejectedLine
from cdr.operations.claims import LEASE, new_claim, processing_folder
from cdr.operations.recorder import record_waiting
from cdr.queries.sources import SourceSettings, write_snapshot
from kernel.clock import now as real_now
from tests.support.recorder import (
    HEAD,
    LOG,
    LONG_AGO,
    MILAN,
    NOW,
    PROJECT,
    archived,
    call_ids,
    cdr,
    claims,
    content,
    only_file,
    put,
    ready,
    start_recorder,
    told,
    wait_for,
)

# --- from a folder to the spool -----------------------------------------------------------------------


@pytest.mark.usefixtures("sources")
def test_a_waiting_file_becomes_a_standard_record_file(data_dir: Path, drop: Path) -> None:
    raw = cdr(records=3)
    put(drop, "cdr_ExampleCluster_01_202503101215_17", raw)

    report = record_waiting(now=NOW)

    header, lines = only_file(data_dir)
    assert [(file.source, file.records) for file in report.files] == [("milan", 3)]
    assert header.source == "milan"
    assert header.file == "cdr_ExampleCluster_01_202503101215_17"
    assert header.sequence == "202503101215-000000000017"
    assert header.size_bytes == len(raw)
    assert abs(header.received_at - NOW) < timedelta(milliseconds=1)
    assert header.claim in ready(data_dir)[0].name
    assert [line.position for line in lines] == [3, 4, 5]
    assert list(drop.iterdir()) == []
    assert claims(data_dir) == []
    (kept,) = archived(data_dir)
    assert kept.read_bytes() == raw
    assert kept.parent == data_dir / "raw/milan/2026-03-10"


@pytest.mark.usefixtures("sources")
def test_the_folder_of_a_source_is_made_so_that_files_can_be_dropped(data_dir: Path) -> None:
    report = record_waiting(now=NOW)

    assert (data_dir / "drop/milan").is_dir()
    assert report.problems == []


@pytest.mark.usefixtures("sources")
def test_the_same_content_again_is_another_delivery_with_the_same_hash(
    data_dir: Path, drop: Path
) -> None:
    for name in ("cdr_X_01_202503101215_1", "again.txt"):
        put(drop, name, cdr())
        record_waiting(now=NOW)

    first, second = (content(path)[0] for path in ready(data_dir))
    assert first.claim != second.claim
    assert first.content_hash == second.content_hash != ""


@pytest.mark.usefixtures("sources")
def test_files_without_a_place_in_their_name_are_ordered_by_arrival(
    data_dir: Path, drop: Path
) -> None:
    put(drop, "b.txt", cdr(1), at=LONG_AGO)
    put(drop, "a.txt", cdr(2), at=LONG_AGO + timedelta(minutes=1))

    record_waiting(now=NOW)

    by_file = {content(path)[0].file: content(path)[0].sequence for path in ready(data_dir)}
    assert by_file["b.txt"] < by_file["a.txt"]
    assert all(len(sequence) <= 40 for sequence in by_file.values())


@pytest.mark.usefixtures("sources")
def test_a_pass_takes_no_more_files_than_its_limit_and_the_oldest_first(
    data_dir: Path, drop: Path
) -> None:
    for number in range(5):
        put(drop, f"f{5 - number}", cdr(number), at=LONG_AGO + timedelta(seconds=number))

    report = record_waiting(now=NOW, limit=2)

    assert [file.file for file in report.files] == ["f5", "f4"]
    assert len(list(drop.iterdir())) == 3
    assert len(ready(data_dir)) == 2


# --- half-written files (P5) --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["_cdr_X_01_202503101215_1", ".cdr", "cdr.tmp", "cdr.part", "cdr.filepart", "cdr.WRITING"],
)
@pytest.mark.usefixtures("sources")
def test_names_that_say_unfinished_are_left_alone(data_dir: Path, drop: Path, name: str) -> None:
    put(drop, name, cdr())

    assert record_waiting(now=NOW).files == []
    assert (drop / name).exists()
    assert ready(data_dir) == []


@pytest.mark.usefixtures("sources")
def test_a_file_must_be_quiet_for_the_settle_time(
    data_dir: Path, drop: Path, settings: Settings
) -> None:
    settings.SETTLE_SECONDS = 5
    put(drop, "cdr", cdr(), at=NOW - timedelta(seconds=4))

    first = record_waiting(now=NOW)
    second = record_waiting(now=NOW + timedelta(seconds=2))

    assert [notice.text for notice in first.waiting] == ["still being written"]
    assert first.files == []
    assert len(second.files) == 1


@pytest.mark.usefixtures("sources")
def test_a_broken_tail_waits_and_then_goes_in_as_truncated(
    data_dir: Path, drop: Path, settings: Settings
) -> None:
    settings.TAIL_WAIT_SECONDS = 600
    put(drop, "cdr", cdr(records=2)[:-30], at=NOW - timedelta(seconds=60))

    early = record_waiting(now=NOW)
    late = record_waiting(now=NOW + timedelta(seconds=541))

    assert early.files == []
    assert [notice.text for notice in early.waiting] == ["its last line has no end yet"]
    assert (late.files[0].records, late.files[0].rejected) == (2, 1)
    _, lines = only_file(data_dir)
    assert isinstance(lines[-1], RejectedLine)
    assert lines[-1].reason == "truncated"


def test_a_delimited_file_without_a_last_newline_waits_too(
    data_dir: Path, sources: list[SourceSettings]
) -> None:
    sources[:] = [LOG]
    folder = data_dir / "drop/log"
    folder.mkdir(parents=True)
    put(
        folder, "log.csv", HEAD + "7,2026-03-10 11:00:00,60,201,0612", at=NOW - timedelta(minutes=5)
    )

    assert record_waiting(now=NOW).files == []
    assert record_waiting(now=NOW + timedelta(minutes=6)).files[0].rejected == 1


@pytest.mark.usefixtures("sources")
def test_a_file_dated_in_the_future_is_taken_once_it_has_not_changed(
    data_dir: Path, drop: Path, settings: Settings
) -> None:
    settings.SETTLE_SECONDS = 5
    put(drop, "cdr", cdr(), at=NOW + timedelta(days=400))

    passes = [len(record_waiting(now=NOW + timedelta(seconds=s)).files) for s in (0, 3, 6)]

    assert passes == [0, 0, 1]


@pytest.mark.usefixtures("sources")
def test_a_file_dated_in_the_future_that_still_grows_is_left_alone(
    drop: Path, settings: Settings
) -> None:
    settings.SETTLE_SECONDS = 5
    whole = cdr(records=3)
    for step in range(4):
        put(drop, "cdr", whole[: -10 - step], at=NOW + timedelta(days=400))
        assert record_waiting(now=NOW + timedelta(seconds=4 * step)).files == []


@pytest.mark.usefixtures("sources")
def test_a_slow_writer_is_waited_for_and_its_file_taken_whole_and_once(
    data_dir: Path, drop: Path, settings: Settings
) -> None:
    settings.SETTLE_SECONDS = 0.4
    settings.TAIL_WAIT_SECONDS = 600
    whole = cdr(records=2)
    path = drop / "cdr_X_01_202503101215_1"
    path.write_bytes(whole[:-150])

    def write_slowly() -> None:
        with path.open("ab", buffering=0) as out:
            for byte in whole[-150:]:
                out.write(bytes([byte]))
                time.sleep(0.01)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    passes: list[bool] = []
    ends_at = time.monotonic() + 20
    while not passes and time.monotonic() < ends_at:
        is_writing = writer.is_alive()
        if record_waiting(now=real_now()).files:
            passes.append(is_writing)
        time.sleep(0.02)
    writer.join()

    assert passes == [False]
    assert sum(call_ids(data_dir).values()) == 2
    assert record_waiting(now=real_now()).files == []


# --- strange things in the folder ---------------------------------------------------------------------


@pytest.mark.usefixtures("sources")
def test_pipes_links_and_folders_are_refused_visibly_and_stop_nobody(
    data_dir: Path, drop: Path, tmp_path: Path
) -> None:
    secret = put(tmp_path, "secret", cdr(9))
    (drop / "cdr_link").symlink_to(secret)
    (drop / "cdr_dangling").symlink_to("/nowhere")
    os.mkfifo(drop / "cdr_pipe")
    (drop / "cdr_folder").mkdir()
    put(drop, "cdr_good", cdr(1))

    report = record_waiting(now=NOW)

    assert [file.file for file in report.files] == ["cdr_good"]
    assert {subject for subject, _ in told(report)} == {
        "cdr_link", "cdr_dangling", "cdr_pipe", "cdr_folder",
    }  # fmt: skip
    assert secret.exists()


def test_a_missing_folder_and_a_broken_source_do_not_stop_the_others(
    data_dir: Path, drop: Path, sources: list[SourceSettings]
) -> None:
    sources[:] = [
        SourceSettings("away", "cucm", "UTC", str(data_dir / "not/there")),
        SourceSettings("broken", "delimited", "UTC", "drop/broken", {}),
        SourceSettings("unknown", "avaya", "UTC", "drop/unknown"),
        MILAN,
    ]
    put(drop, "cdr", cdr())

    report = record_waiting(now=NOW)

    assert len(report.files) == 1
    assert {notice.source for notice in report.problems} == {"away", "broken", "unknown"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x1f\x8b\x08\x00rest", "packed_file"),
        (b"PK\x03\x04rest", "packed_file"),
        ("a,b\n".encode("utf-16"), "bad_encoding"),
        (b"x" * 3000, "file_too_large"),
    ],
)
@pytest.mark.usefixtures("sources")
def test_a_file_that_cannot_be_read_at_all_is_one_rejected_record_and_is_kept(
    data_dir: Path, drop: Path, settings: Settings, raw: bytes, reason: str
) -> None:
    settings.MAX_FILE_BYTES = 2000
    put(drop, "cdr", raw, at=NOW - timedelta(days=1))

    record_waiting(now=NOW)

    _, (line,) = only_file(data_dir)
    assert isinstance(line, RejectedLine)
    assert line.reason == reason
    assert archived(data_dir)[0].read_bytes() == raw


@pytest.mark.usefixtures("sources")
def test_a_file_of_something_else_is_given_up_after_a_thousand_lines(
    data_dir: Path, drop: Path
) -> None:
    put(drop, "cdr", "no call here\n" * 5000)

    report = record_waiting(now=NOW)

    assert report.files[0].records == 1001
    _, lines = only_file(data_dir)
    assert isinstance(lines[-1], RejectedLine)
    assert lines[-1].reason == "unreadable_file"
    assert len({line.position for line in lines}) == 1001


@pytest.mark.usefixtures("sources")
def test_a_file_that_changes_while_it_is_read_is_not_published(
    data_dir: Path, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop, "cdr", cdr(records=2))
    read = CucmDriver.read

    def read_and_append(self: CucmDriver, stream: BinaryIO, *, trust_tail: bool) -> Iterator[Line]:
        yield from read(self, stream, trust_tail=trust_tail)
        (claim,) = claims(data_dir)
        with (claim / "data").open("ab") as out:
            out.write(b"\n1,2,3")

    with monkeypatch.context() as patched:
        patched.setattr(CucmDriver, "read", read_and_append)
        report = record_waiting(now=NOW)
    assert (report.files, ready(data_dir)) == ([], [])
    assert [notice.text for notice in report.waiting] == ["still being written"]

    assert record_waiting(now=NOW).files[0].records == 3


# --- crashes and owners (P3, P4, P10) -----------------------------------------------------------------


@pytest.mark.feature("F004")
@pytest.mark.parametrize("point", ["claimed", "spool_written", "spool_published", "archived"])
@pytest.mark.usefixtures("sources")
def test_killed_anywhere_nothing_is_lost_or_doubled(data_dir: Path, drop: Path, point: str) -> None:
    for number in (1, 2, 3):
        put(drop, f"cdr_X_01_202503101215_{number}", cdr(number, records=3))

    killed = wait_for(start_recorder(crash=f"recorder.{point}", nth=2))
    before = {path.name: path.read_bytes() for path in ready(data_dir) if path.suffix == ".jsonl"}
    restarted = wait_for(start_recorder())

    assert (killed, restarted) == (-9, 0)
    after = {path.name: path.read_bytes() for path in ready(data_dir)}
    assert len(after) == 3
    assert before.items() <= after.items()
    assert set(call_ids(data_dir).values()) == {1}
    assert len(call_ids(data_dir)) == 9
    assert len(archived(data_dir)) == 3
    assert claims(data_dir) == []
    assert list(drop.iterdir()) == []


@pytest.mark.feature("F004")
@pytest.mark.usefixtures("sources")
def test_four_recorders_at_once_take_each_of_a_thousand_files_once(
    data_dir: Path, drop: Path
) -> None:
    files = 1000
    for number in range(files):
        put(drop, f"cdr_X_01_202503101215_{number}", cdr(number + 1, records=1))

    recorders = [start_recorder() for _ in range(4)]

    assert [wait_for(child) for child in recorders] == [0] * 4
    assert len(ready(data_dir)) == files
    names = Counter(content(path)[0].file for path in ready(data_dir))
    assert len(names) == files
    assert set(names.values()) == {1}
    assert len(archived(data_dir)) == files
    assert claims(data_dir) == []


@pytest.mark.feature("F004")
def test_the_command_records_without_any_database(data_dir: Path, drop: Path) -> None:
    write_snapshot([MILAN])
    put(drop, "cdr_1", cdr())

    done = subprocess.run(
        [sys.executable, "-m", "django", "record"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATA_DIR": str(data_dir),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "DJANGO_SETTINGS_MODULE": "billingsite.settings",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 files, 2 records")
    assert "the database is down" in done.stderr


@pytest.mark.usefixtures("sources")
def test_a_claim_that_is_held_is_left_to_its_owner_until_the_lease_is_over(
    data_dir: Path, drop: Path
) -> None:
    processing_folder(None)
    stalled = new_claim(
        source="milan", file="cdr", sequence="", now=NOW, inside=data_dir / "processing",
        is_vouched_for=False,
    )  # fmt: skip
    assert stalled is not None
    stalled.data.write_bytes(cdr())
    beat = datetime.fromtimestamp((stalled.folder / "lock").stat().st_mtime, UTC)

    within = record_waiting(now=beat + LEASE - timedelta(seconds=1))
    after = record_waiting(now=beat + LEASE + timedelta(seconds=1))

    assert within.files == []
    assert [file.claim for file in after.files] == [stalled.about.number]
    stalled.release()


@pytest.mark.usefixtures("sources")
def test_a_driver_that_fails_three_times_at_one_place_has_its_file_set_aside(
    data_dir: Path, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: CucmDriver, stream: BinaryIO, *, trust_tail: bool) -> Iterator[Line]:
        yield from ()
        raise ZeroDivisionError

    put(drop, "cdr_bad", cdr())
    with monkeypatch.context() as patched:
        patched.setattr(CucmDriver, "read", fail)
        failures = [record_waiting(now=NOW).problems for _ in range(3)]
        put(drop, "cdr_next", cdr(2))
        parked = record_waiting(now=NOW)

    assert [len(problems) for problems in failures] == [1, 1, 1]
    assert [file.file for file in parked.files] == ["cdr_bad"]
    _, (line,) = only_file(data_dir)
    assert isinstance(line, RejectedLine)
    assert line.reason == "poison_file"
    assert len(archived(data_dir)) == 1
    assert [file.file for file in record_waiting(now=NOW).files] == ["cdr_next"]


@pytest.mark.usefixtures("sources")
def test_a_full_disk_loses_nothing_and_counts_against_nobody(
    data_dir: Path, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop, "cdr", cdr())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for _ in range(5):
            report = record_waiting(now=NOW)
            assert told(report) == {("cdr", "no space left on device")}
            assert ready(data_dir) == []

    assert record_waiting(now=NOW).files[0].rejected == 0
    assert len(ready(data_dir)) == 1
