"""What every call driver must keep. Add yours to DRIVERS, with a file it can read."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from cdr.checks import call_drivers_resolve
from cdr.drivers.base import BadOptions, CallDriver, DriverConfig
from cdr.drivers.cucm import CucmDriver
from cdr.drivers.delimited import DelimitedDriver
from cdr.engine.records import RejectedLine, SegmentLine
from cdr.engine.standard import decode_line, encode_line
from cdr.queries.drivers import UnknownDriver, driver_class, driver_names, make_driver
from tests.support.cucm import Cluster, call_file

DELIMITED = {
    "columns": {"call_id": 1, "started_at": 2, "duration_seconds": 3, "from_number": 4,
                "to_number": 5},
    "header": False,
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A driver, options it accepts, and how to write a file of so many good records."""

    driver: type[CallDriver]
    options: dict[str, object]
    bad_options: dict[str, object]
    file_of: Callable[[int], bytes]


def cucm_file(records: int) -> bytes:
    cluster = Cluster()
    return (
        call_file([cluster.outgoing("2001", "90123456", start=n * 10) for n in range(records)])
        + b"\n"
    )


def delimited_file(records: int) -> bytes:
    rows = (f"{n},2026-03-10T12:00:00Z,{n + 1},201,0612\n" for n in range(records))
    return "".join(rows).encode()


DRIVERS = {
    "cucm": Subject(CucmDriver, {}, {"colour": "red"}, cucm_file),
    "delimited": Subject(DelimitedDriver, DELIMITED, {"columns": {}}, delimited_file),
}
every_driver = pytest.mark.parametrize("subject", DRIVERS.values(), ids=DRIVERS.keys())
pytestmark = pytest.mark.feature("F010")


def made(subject: Subject) -> CallDriver:
    return subject.driver(DriverConfig("milan", ZoneInfo("UTC"), subject.options))


@every_driver
def test_it_has_all_that_the_recorder_asks_for(subject: Subject) -> None:
    driver = made(subject)

    assert isinstance(driver, CallDriver)
    assert driver.title
    assert driver.wants("calls.txt")
    assert len(driver.sequence_of("cdr_X_01_202603101200_1")) <= 40


@every_driver
def test_every_good_record_becomes_one_segment_in_order(subject: Subject) -> None:
    lines = list(made(subject).read(BytesIO(subject.file_of(25)), trust_tail=False))

    assert len(lines) == 25
    assert all(isinstance(line, SegmentLine) for line in lines)
    assert all(a.position < b.position for a, b in itertools.pairwise(lines))
    assert all(line.raw for line in lines)


@every_driver
def test_its_segments_survive_the_standard_record(subject: Subject) -> None:
    for line in made(subject).read(BytesIO(subject.file_of(5)), trust_tail=False):
        assert decode_line(encode_line(line), position=0) == line


@every_driver
def test_reading_twice_yields_the_same(subject: Subject) -> None:
    content = subject.file_of(10)
    driver = made(subject)

    first = list(driver.read(BytesIO(content), trust_tail=False))

    assert first == list(driver.read(BytesIO(content), trust_tail=False))
    assert first == list(made(subject).read(BytesIO(content), trust_tail=False))


@every_driver
def test_garbage_between_records_is_rejected_and_costs_them_nothing(subject: Subject) -> None:
    good = subject.file_of(3).rstrip(b"\n").split(b"\n")
    bad = [b'"', b"\x00\xff\xfe", b"," * 500, b"x" * 100_000, b"{}", "☎".encode() * 9]
    content = b"\n".join([*good[:-1], *bad, good[-1], b""])

    lines = list(made(subject).read(BytesIO(content), trust_tail=False))

    assert sum(isinstance(line, SegmentLine) for line in lines) == 3
    rejected = [line for line in lines if isinstance(line, RejectedLine)]
    assert len(rejected) == len(bad)
    assert all(line.reason and line.detail and len(line.reason) <= 32 for line in rejected)
    assert all("\x00" not in line.raw for line in lines)


@every_driver
def test_a_file_cut_anywhere_never_fails_and_keeps_its_whole_lines(subject: Subject) -> None:
    content = subject.file_of(3)
    driver = made(subject)

    for end in range(0, len(content), 7):
        lines = list(driver.read(BytesIO(content[:end]), trust_tail=False))
        assert len([line for line in lines if isinstance(line, RejectedLine)]) <= 1


@every_driver
def test_an_empty_file_has_no_records_and_is_not_whole(subject: Subject) -> None:
    driver = made(subject)

    assert list(driver.read(BytesIO(b""), trust_tail=False)) == []
    assert not driver.is_whole(BytesIO(b""))
    assert driver.is_whole(BytesIO(subject.file_of(2)))


@every_driver
def test_options_that_cannot_be_used_are_refused_with_their_name(subject: Subject) -> None:
    with pytest.raises(BadOptions) as refusal:
        subject.driver(DriverConfig("milan", ZoneInfo("UTC"), subject.bad_options))

    assert next(iter(subject.bad_options)) in refusal.value.message


@every_driver
def test_memory_does_not_grow_with_the_file(subject: Subject) -> None:
    driver = made(subject)

    def peak(records: int) -> int:
        stream = BytesIO(subject.file_of(records))
        tracemalloc.start()
        for _ in driver.read(stream, trust_tail=False):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(2000) < peak(200) + 100_000


def test_our_drivers_are_found_by_name_and_checked_at_start() -> None:
    assert {"cucm", "delimited"} <= set(driver_names())
    assert driver_class("cucm") is CucmDriver
    assert call_drivers_resolve(None) == []


@override_settings(
    CALL_DRIVERS={"lost": "cdr.drivers.nowhere:Driver", "odd": "cdr.drivers.base:Cells"}
)
def test_a_driver_that_cannot_be_loaded_stops_the_start() -> None:
    assert {error.id for error in call_drivers_resolve(None)} == {"cdr.E001", "cdr.E002"}
    with pytest.raises(UnknownDriver, match="lost"):
        driver_class("lost")


def test_an_unknown_driver_names_those_there_are() -> None:
    with pytest.raises(UnknownDriver, match="cucm, delimited"):
        make_driver("avaya", source="x", zone="UTC", options={})


def test_only_drivers_that_can_be_tailed_take_growing_files() -> None:
    with pytest.raises(BadOptions, match="append"):
        make_driver("cucm", source="x", zone="UTC", options={"append": True})
