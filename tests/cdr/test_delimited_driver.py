"""Delimited text by a column map: columns, times, answers, directions, bad lines."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdr.drivers.base import BadOptions, DriverConfig
from cdr.drivers.delimited import DelimitedDriver
from cdr.drivers.local_times import located, milliseconds_of
from cdr.engine.records import Line, RejectedLine, Segment, SegmentLine
from cdr.queries.drivers import make_driver

SAMPLES = Path(__file__).parents[2].parent / "shared/samples/generic"
COLUMNS: dict[str, Any] = {
    "call_id": "id",
    "started_at": "start",
    "duration_seconds": "total",
    "talk_seconds": "talk",
    "from_number": "caller",
    "to_number": "called",
}
HEAD = "id,start,total,talk,caller,called\n"


def driver(site_zone: str = "Europe/Rome", **options: Any) -> DelimitedDriver:
    given_options = {"columns": COLUMNS, "time_formats": ["%Y-%m-%d %H:%M:%S"], **options}
    return DelimitedDriver(DriverConfig("milan", ZoneInfo(site_zone), given_options))


def read(text: str | bytes, *, trust_tail: bool = False, **options: Any) -> list[Line]:
    content = text.encode() if isinstance(text, str) else text
    return list(driver(**options).read(BytesIO(content), trust_tail=trust_tail))


def segments(text: str | bytes, **options: Any) -> list[Segment]:
    lines = read(text, **options)
    assert all(isinstance(line, SegmentLine) for line in lines), lines
    return [line.segment for line in lines if isinstance(line, SegmentLine)]


def reasons(text: str | bytes, **options: Any) -> list[str]:
    return [line.reason for line in read(text, **options) if isinstance(line, RejectedLine)]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.feature("F010")
@pytest.mark.skipif(
    not SAMPLES.is_dir() and os.environ.get("CI", "").lower() != "true",
    reason="needs the sample call files beside the project",
)
def test_the_generic_sample_is_read_with_the_configuration_of_the_guide() -> None:
    content = (SAMPLES / "csv-with-header.csv").read_bytes()

    told = segments(
        content,
        site_zone="Europe/Madrid",
        columns={
            "call_id": "callid",
            "started_at": "starting_date",
            "duration_seconds": "duration",
            "talk_seconds": "billsec",
            "from_number": "caller_id_number",
            "to_number": "destination_number",
            "release_cause": "hangup_cause_id",
            "account_code": "accountcode",
        },
        direction={"column": "direction", "outgoing": ["1"], "incoming": ["2"]},
    )

    assert len(told) == 5
    first = told[0]
    assert first.call_id == "96aa82fe-7bd1-11e5-a230-5c514f6a0f72"
    assert first.started_at == utc("2015-10-21T10:13:10")
    assert first.answered_at == utc("2015-10-21T10:13:15")
    assert first.ended_at == utc("2015-10-21T10:14:05")
    assert (first.origin.number, first.target.number) == ("904151440", "+34798400122")
    assert (first.origin.kind, first.target.kind) == ("line", "trunk")
    assert (first.account_code, first.release_cause) == ("1000", 16)


def test_columns_are_found_by_name_or_by_number() -> None:
    by_number = {name: place for place, name in enumerate(COLUMNS, start=1)}
    line = "7,2026-03-10 12:00:00,70,60,201,0612345678\n"

    (named,) = segments(HEAD.upper() + line)
    (numbered,) = segments(line, columns=by_number, header=False)

    assert named == numbered
    assert named.started_at == utc("2026-03-10T11:00:00")
    assert named.answered_at == utc("2026-03-10T11:00:10")


def test_a_date_and_a_time_in_two_columns_are_joined() -> None:
    (told,) = segments(
        "day;clock;secs;a;b\n10.03.26;12:00:00;60;201;06\n",
        delimiter=";",
        columns={"started_at": ["day", "clock"], "duration_seconds": "secs",
                 "from_number": "a", "to_number": "b"},
        time_formats=["%d.%m.%y %H:%M:%S"],
    )  # fmt: skip

    assert told.started_at == utc("2026-03-10T11:00:00")


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("2026-03-10T12:00:00+01:00", ["iso"]),
        ("2026-03-10 12:00:00", ["iso"]),
        ("1773140400", ["epoch"]),
        ("1773140400.0", ["iso", "epoch"]),
        ("1773140400000", ["epoch_ms"]),
        ("10/03/2026 12:00", ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M"]),
    ],
)
def test_times_are_read_in_every_configured_form(text: str, formats: list[str]) -> None:
    (told,) = segments(HEAD + f"7,{text},70,60,201,06\n", time_formats=formats)

    assert told.started_at == utc("2026-03-10T11:00:00")


def test_seconds_may_have_fractions() -> None:
    (told,) = segments(
        HEAD + "7,2026-03-10 12:00:00.250,70.5,60.125,201,06\n",
        time_formats=["%Y-%m-%d %H:%M:%S.%f"],
    )

    assert told.ended_at - told.started_at == timedelta(seconds=70, milliseconds=500)
    assert told.answered_at is not None
    assert told.ended_at - told.answered_at == timedelta(seconds=60, milliseconds=125)


@pytest.mark.parametrize(
    ("text", "unit", "milliseconds"),
    [("90", "s", 90_000), ("90.5", "s", 90_500), ("1:30", "s", 90_000), ("00:01:30", "s", 90_000),
     ("1:00:00.5", "s", 3_600_500), ("1500", "ms", 1_500), ("1500999", "us", 1_500)],
)  # fmt: skip
def test_durations_are_read_in_every_form(text: str, unit: str, milliseconds: int) -> None:
    assert milliseconds_of(text, unit=unit) == milliseconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3:4", "nan", "1:-5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the caller's
        milliseconds_of(text)


@pytest.mark.parametrize(
    ("columns", "row", "answered", "ended"),
    [
        ({"duration_seconds": "x", "talk_seconds": "y"}, "70,60", 10, 70),
        ({"duration_seconds": "x", "talk_seconds": "y"}, "70,0", None, 70),
        ({"duration_seconds": "x"}, "70,", 0, 70),
        ({"duration_seconds": "x"}, "0,", None, 0),
        ({"talk_seconds": "x", "ring_seconds": "y"}, "60,9", 9, 69),
        ({"talk_seconds": "x", "ring_seconds": "y"}, "0,9", None, 9),
        ({"ended_at": "x", "answered_at": "y"}, "2026-03-10 12:01:00,2026-03-10 12:00:20", 20, 60),
        ({"ended_at": "x", "answered_at": "y"}, "2026-03-10 12:01:00,", None, 60),
        ({"ended_at": "x", "talk_seconds": "y"}, "2026-03-10 12:01:00,45", 15, 60),
    ],
)
def test_answer_and_end_follow_from_what_the_switch_writes(
    columns: dict[str, str], row: str, answered: int | None, ended: int
) -> None:
    (told,) = segments(
        f"id,start,x,y,caller,called\n7,2026-03-10 12:00:00,{row},201,06\n",
        columns={"call_id": "id", "started_at": "start", "from_number": "caller",
                 "to_number": "called", **columns},
    )  # fmt: skip

    start = utc("2026-03-10T11:00:00")
    expected = None if answered is None else start + timedelta(seconds=answered)
    assert (told.started_at, told.answered_at) == (start, expected)
    assert told.ended_at == start + timedelta(seconds=ended)


def test_a_switch_that_writes_the_end_only_has_its_start_worked_out() -> None:
    (told,) = segments(
        "id,end,secs,caller,called\n7,2026-03-10 12:01:00,60,201,06\n",
        columns={"call_id": "id", "ended_at": "end", "talk_seconds": "secs",
                 "from_number": "caller", "to_number": "called"},
    )  # fmt: skip

    assert told.started_at == told.answered_at == utc("2026-03-10T11:00:00")
    assert told.ended_at == utc("2026-03-10T11:01:00")


def test_a_status_column_says_who_answered() -> None:
    told = segments(
        "id,start,total,talk,caller,called,state\n"
        "1,2026-03-10 12:00:00,70,60,201,06,ANSWERED\n"
        "2,2026-03-10 12:00:00,70,60,201,06,NO ANSWER\n"
        "3,2026-03-10 12:00:00,0,0,201,06,answered\n",
        status={"column": "state", "answered": ["ANSWERED"]},
    )

    assert [segment.answered_at is not None for segment in told] == [True, False, True]


@pytest.mark.parametrize(
    ("value", "kinds"),
    [("OUT", ("line", "trunk")), ("IN", ("trunk", "line")), ("INT", ("line", "line")),
     ("TR", ("trunk", "trunk")), ("?", ("", ""))],
)  # fmt: skip
def test_a_direction_column_says_what_stands_at_the_ends(
    value: str, kinds: tuple[str, str]
) -> None:
    (told,) = segments(
        f"id,start,total,talk,caller,called,way\n1,2026-03-10 12:00:00,70,60,201,06,{value}\n",
        direction={"column": "way", "outgoing": ["out"], "incoming": ["in"],
                   "internal": ["int"], "tandem": ["tr"]},
    )  # fmt: skip

    assert (told.origin.kind, told.target.kind) == kinds


def test_without_call_ids_the_same_row_again_has_the_same_id() -> None:
    columns = {name: place for name, place in COLUMNS.items() if name != "call_id"}
    row = "7,2026-03-10 12:00:00,70,60,201,06\n"

    first, again, other = segments(HEAD + row + row + row.replace("201", "202"), columns=columns)

    assert first.call_id == again.call_id
    assert first.call_id != other.call_id


def test_a_forwarding_number_makes_a_forward() -> None:
    (told,) = segments(
        HEAD.strip() + ",fwd\n7,2026-03-10 12:00:00,70,60,0699,06,205\n",
        columns={**COLUMNS, "redirecting": "fwd"},
    )

    assert (told.redirect, told.redirecting) == ("forward", "205")


# --- the two nights -----------------------------------------------------------------------------------


def times_of(*rows: tuple[str, int], zone: str = "Europe/Rome") -> list[tuple[str, bool]]:
    text = HEAD + "".join(
        f"{number},{start},{seconds},{seconds},201,06\n"
        for number, (start, seconds) in enumerate(rows)
    )
    return [
        (f"{segment.started_at:%H:%M}", "time_adjusted" in segment.flags)
        for segment in segments(text, zone=zone)
    ]


def test_the_repeated_hour_is_its_first_pass_unless_the_order_proves_the_second() -> None:
    assert times_of(
        ("2026-10-25 01:59:00", 30),
        ("2026-10-25 02:10:00", 30),
        ("2026-10-25 02:50:00", 30),
        ("2026-10-25 02:20:00", 30),
        ("2026-10-25 02:40:00", 30),
        ("2026-10-25 03:00:00", 30),
    ) == [
        ("23:59", False),
        ("00:10", True),
        ("00:50", True),
        ("01:20", True),
        ("01:40", True),
        ("02:00", False),
    ]


def test_a_long_call_before_a_short_one_proves_nothing() -> None:
    assert times_of(("2026-10-25 02:10:00", 3000), ("2026-10-25 02:15:00", 30))[1] == (
        "00:15",
        True,
    )
    assert times_of(("2026-10-25 02:40:00", 30), ("2026-10-25 02:10:00", 1900))[1] == (
        "00:10",
        True,
    )


def test_an_end_in_the_repeated_hour_comes_after_its_start() -> None:
    (told,) = segments(
        "id,start,end,caller,called\n7,2026-10-25 02:50:00,2026-10-25 02:05:00,201,06\n",
        columns={"call_id": "id", "started_at": "start", "ended_at": "end",
                 "from_number": "caller", "to_number": "called"},
    )  # fmt: skip

    assert told.ended_at - told.started_at == timedelta(minutes=15)
    assert told.flags == ("time_adjusted",)


def test_a_time_in_the_missing_hour_moves_forward() -> None:
    assert times_of(("2026-03-29 02:30:00", 30), ("2026-03-29 03:00:00", 30)) == [
        ("01:30", True),
        ("01:00", False),
    ]


@pytest.mark.parametrize(
    "zone",
    ["Europe/Rome", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
     "UTC"],
)  # fmt: skip
@given(moment=st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001
def test_every_local_time_is_one_instant_or_said_to_be_adjusted(
    zone: str, moment: datetime
) -> None:
    place = ZoneInfo(zone)

    reading = located(moment, place)

    shown = reading.first.astimezone(place).replace(tzinfo=None)
    assert reading.was_missing == (shown != moment)
    if reading.was_missing:
        assert shown > moment
    if reading.second is not None:
        assert reading.second > reading.first
        assert reading.second.astimezone(place).replace(tzinfo=None) == moment


# --- bad content ----------------------------------------------------------------------------------------


def test_a_bad_line_costs_its_neighbours_nothing() -> None:
    good = "7,2026-03-10 12:00:00,70,60,201,06"
    text = HEAD + "\n".join(
        [
            good,
            "7,2026-03-10 12:00:00,70,60,201",
            good + ",more",
            good.replace("2026-03-10", "someday"),
            good.replace("70", "long"),
            good.replace("7,2", ",2", 1),
            '7,"2026-03-10 12:00:00,70,60,201,06',
            "," * 300,
            "x" * 70_000,
            good + ",,",
            good,
            "",
        ]
    )

    lines = read(text)

    assert {line.position: line.reason for line in lines if isinstance(line, RejectedLine)} == {
        3: "field_count",
        4: "field_count",
        5: "bad_field",
        6: "bad_field",
        7: "missing_field",
        8: "bad_csv",
        9: "too_many_fields",
        10: "line_too_long",
    }
    assert [line.position for line in lines if isinstance(line, SegmentLine)] == [2, 11, 12]


def test_a_tail_without_an_end_is_truncated_unless_somebody_vouches_for_the_file() -> None:
    text = HEAD + "7,2026-03-10 12:00:00,70,60,201,0612"

    assert reasons(text) == ["truncated"]
    assert reasons(text[:-10], trust_tail=True) == ["truncated"]
    assert len(segments(text, trust_tail=True)) == 1
    assert len(segments(text, ends_without_newline=True)) == 1
    assert not driver().is_whole(BytesIO(text.encode()))
    assert driver(ends_without_newline=True).is_whole(BytesIO(text.encode()))


def test_a_column_that_the_file_lacks_is_named() -> None:
    (line,) = read("id,start\n7,2026-03-10 12:00:00\n")

    assert isinstance(line, RejectedLine)
    assert line.reason == "missing_column"


def test_comments_blank_lines_and_repeated_headers_are_no_records() -> None:
    row = "7,2026-03-10 12:00:00,70,60,201,06\n"

    assert len(segments(HEAD + "#a note\n\n" + row + HEAD + row, skip_prefixes=["#"])) == 2


def test_other_encodings_and_tabs_are_read() -> None:
    text = (HEAD + "7,2026-03-10 12:00:00,70,60,J\u00f6rg,06\n").replace(",", "\t")

    (told,) = segments(text.encode("latin-1"), encoding="latin-1", delimiter="tab")

    assert told.origin.number == "J\u00f6rg"
    assert told.flags == ()


@given(content=st.binary(max_size=300))
def test_no_bytes_at_all_make_reading_fail(content: bytes) -> None:
    for line in read(HEAD.encode() + content):
        assert isinstance(line, (SegmentLine, RejectedLine))


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {}},
        {"columns": {"colour": "x"}},
        {"columns": {"started_at": "x", "from_number": "y"}},
        {"columns": {"duration_seconds": "x", "from_number": "y"}},
        {"columns": {**COLUMNS, "leg": 0}},
        {"header": False},
        {"header": "yes"},
        {"delimiter": ";;"},
        {"delimiter": ""},
        {"encoding": "utf-16"},
        {"encoding": "klingon"},
        {"zone": "Mars/Olympus"},
        {"time_formats": ["noon"]},
        {"time_formats": []},
        {"duration_unit": "h"},
        {"status": {"answered": ["x"]}},
        {"status": {"column": "x", "busy": ["y"]}},
        {"direction": {"column": "x", "sideways": ["y"]}},
        {"skip_prefixes": "#"},
        {"colour": "red"},
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BadOptions):
        driver(**options)


def test_the_guide_shows_options_that_work() -> None:
    guide = (Path(__file__).parents[2] / "docs/drivers.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(\[\[source\]\].*?)```", guide, re.DOTALL)
    sources = [tomllib.loads(example)["source"][0] for example in examples]

    made = [
        make_driver(
            source["driver"], source=source["name"], zone="UTC", options=source.get("options", {})
        )
        for source in sources
    ]

    assert [driver.title for driver in made] == ["Cisco UCM call files", "Delimited text"]
    assert sources[1]["options"]["columns"]["call_id"] == "callid"
