"""Cisco UCM call files of every dialect, and what their codes mean."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdr.drivers.base import BadOptions, DriverConfig
from cdr.drivers.cucm import CucmDriver
from cdr.drivers.cucm_codes import exit_digits, release_cause
from cdr.drivers.cucm_columns import COLUMNS, LAYOUTS
from cdr.drivers.cucm_writer import Dialect, file_name
from cdr.engine.records import DiscardedLine, Line, RejectedLine, Segment, SegmentLine
from tests.support.cucm import (
    DIALECTS,
    NOON,
    RELEASE_8,
    RELEASE_9,
    RELEASE_14,
    SPREADSHEET,
    WEB_EXPORT_9,
    Cluster,
    Record,
    call_file,
    headerless,
)

SAMPLES = Path(__file__).parents[2].parent / "shared/samples/cucm"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir() and os.environ.get("CI", "").lower() != "true",
    reason="needs the sample call files beside the project",
)


def driver(**options: object) -> CucmDriver:
    return CucmDriver(DriverConfig("milan", ZoneInfo("Europe/Rome"), options))


def read(content: bytes, **options: object) -> list[Line]:
    return list(driver(**options).read(BytesIO(content), trust_tail=False))


def segments(content: bytes, **options: object) -> list[Segment]:
    lines = read(content, **options)
    assert all(isinstance(line, SegmentLine) for line in lines), lines
    return [line.segment for line in lines if isinstance(line, SegmentLine)]


def one(record: Record) -> Segment:
    (segment,) = segments(call_file([record]))
    return segment


def some_calls() -> list[Record]:
    cluster = Cluster()
    return [
        cluster.internal("2001", "2005", start=0),
        cluster.outgoing("2001", "902079460123", start=100, talk=180),
        cluster.incoming("07700900150", "2005", start=200, talk=None),
        *cluster.transferred_outside("07700900151", "2001", "907700900199", start=500),
    ]


# --- dialects ---------------------------------------------------------------------------------------


def patternless(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.endswith("Pattern")}


@pytest.mark.feature("F002")
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
@pytest.mark.parametrize("has_names", [True, False])
def test_every_dialect_tells_the_same_calls(dialect: Dialect, has_names: bool) -> None:
    calls = [patternless(record) for record in some_calls()]
    written = dialect if has_names else headerless(dialect)
    told = segments(call_file(calls, written))

    assert told == segments(call_file(calls, RELEASE_14))
    assert len(told) == 6


def test_column_names_may_be_in_any_order_and_letter_case() -> None:
    calls = some_calls()
    names = [name.upper() for name in (COLUMNS[0], *reversed(COLUMNS[1:]))]
    turned = Dialect(columns=tuple(names))

    assert segments(call_file(calls, turned)) == segments(call_file(calls))


def test_a_headerless_file_of_another_layout_is_read_by_the_configured_one() -> None:
    names = [name for name in reversed(COLUMNS) if "Video" not in name]
    names.sort(key=lambda name: name != "cdrRecordType")
    calls = some_calls()
    content = call_file(calls, headerless(Dialect(columns=tuple(names)))) + b"\n"

    told = segments(content, columns=names)

    assert told == segments(call_file(calls))
    assert [line.reason for line in read(content) if isinstance(line, RejectedLine)] == (
        ["field_count"] * 6
    )


def test_both_layouts_of_112_columns_are_told_apart() -> None:
    queued = Cluster().incoming(
        "07700900150", "2005", start=0, huntPilotDN="2500", wasCallQueued=1, totalWaitTimeInQueue=33
    )

    (exported,) = segments(call_file([queued], headerless(WEB_EXPORT_9)))
    (release_8,) = segments(call_file([queued], headerless(RELEASE_8)))

    assert (exported.hunt_pilot, exported.queue_wait_seconds) == ("2500", 33)
    assert (release_8.hunt_pilot, release_8.queue_wait_seconds) == ("2500", 0)


def test_files_put_one_behind_the_other_change_their_layout_on_the_way() -> None:
    calls = some_calls()
    content = b"\n".join(
        [call_file(calls[:2], RELEASE_14), call_file(calls[2:4], RELEASE_9), call_file(calls[4:])]
    )

    told = segments(content)

    assert [segment.call_id for segment in told] == [
        "1-5001", "1-5002", "1-5003", "1-5004", "1-5005", "1-5004",
    ]  # fmt: skip
    assert all(segment.started_at.year == 2025 for segment in told)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    content = call_file(some_calls())
    windows = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\r\n\r\n"

    assert segments(windows) == segments(content)


def test_empty_cells_that_a_spreadsheet_added_are_forgiven() -> None:
    content = call_file(some_calls(), SPREADSHEET)
    padded = b"\n".join(line + b",,," for line in content.split(b"\n"))

    assert segments(padded.replace(b"destDeviceSessionID,,,", b"destDeviceSessionID")) == segments(
        content
    )


def test_commas_and_quotes_inside_texts_stay_inside() -> None:
    record = Cluster().outgoing(
        "2001", "90123", start=0,
        comment='note="a,b";ConfControllerDn=2001;x', authCodeDescription='Smith, "Bob"',
    )  # fmt: skip

    told = one(record)

    assert told.controller == "2001"
    assert told.auth_code == 'Smith, "Bob"'


def test_positions_are_line_numbers_of_the_file() -> None:
    lines = read(b"\n" + call_file(some_calls()[:2]) + b"\n\n")

    assert [line.position for line in lines] == [4, 5]


# --- what is no call ----------------------------------------------------------------------------------


def test_quality_records_are_discarded_by_rule() -> None:
    names = b'"cdrRecordType","globalCallID_callManagerId","nodeId","callIdentifier","duration"'
    lines = read(
        names + b"\nINTEGER,INTEGER,INTEGER,INTEGER,INTEGER\n2,1,1,70001,12\n2,1,1,70002,12"
    )

    assert [(line.position, line.rule) for line in lines if isinstance(line, DiscardedLine)] == [
        (3, "quality_record"),
        (4, "quality_record"),
    ]


def test_legs_to_a_recorder_are_discarded_by_rule() -> None:
    (line,) = read(call_file([Cluster().recording(start=0)]))

    assert isinstance(line, DiscardedLine)
    assert line.rule == "recording"


# --- bad content ----------------------------------------------------------------------------------------


def test_a_bad_line_costs_its_neighbours_nothing() -> None:
    rows = call_file([some_calls()[0]] * 11).split(b"\n")
    good = rows[2]
    rows[3] = good.replace(b"1741608000", b"soon", 1)
    rows[4] = good + b',"more"'
    rows[5] = good[: len(good) // 2]
    rows[6] = good.replace(b'"2001"', b'"2001', 1)
    rows[7] = b"9" + good[1:]
    rows[8] = good.replace(b"1,1,5001", b"1,one,5001", 1)
    rows[9] = b"x" * 70_000
    rows[10] = b"," * 250
    rows[11] = b"\x00\x01\x02\xff\xfe garbage"

    lines = read(b"\n".join(rows) + b"\n")

    reasons = {line.position: line.reason for line in lines if isinstance(line, RejectedLine)}
    assert reasons == {
        4: "bad_field",
        5: "field_count",
        6: "bad_csv",
        7: "field_count",
        8: "bad_field",
        9: "bad_field",
        10: "line_too_long",
        11: "too_many_fields",
        12: "bad_field",
    }
    assert [line.position for line in lines if isinstance(line, SegmentLine)] == [3, 13]
    assert all(line.detail for line in lines if isinstance(line, RejectedLine))


def test_the_half_of_a_call_id_that_is_no_number_is_named() -> None:
    good = call_file(some_calls()[:1])

    (call,) = read(good.replace(b"1,1,5001", b"1,1,five", 1))
    (manager,) = read(good.replace(b"1,1,5001", b"1,one,5001", 1))

    assert isinstance(call, RejectedLine)
    assert call.detail == "line 3: globalCallID_callId is 'five', not a number"
    assert isinstance(manager, RejectedLine)
    assert manager.detail == "line 3: globalCallID_callManagerId is 'one', not a number"


def test_a_file_without_a_needed_column_names_it() -> None:
    columns = tuple(name for name in COLUMNS if name != "dateTimeDisconnect")

    lines = read(call_file(some_calls()[:1], Dialect(columns=columns)))

    (line,) = lines
    assert isinstance(line, RejectedLine)
    assert line.reason == "missing_column"
    assert "datetimedisconnect" in line.detail


def test_a_line_that_is_cut_off_at_the_end_of_the_file_is_truncated() -> None:
    content = call_file(some_calls())

    cut = read(content[:-40])

    assert isinstance(cut[-1], RejectedLine)
    assert cut[-1].reason == "truncated"
    assert all(isinstance(line, SegmentLine) for line in cut[:-1])
    assert not driver().is_whole(BytesIO(content[:-40]))
    assert driver().is_whole(BytesIO(content))
    assert not driver().is_whole(BytesIO(b""))


def test_control_characters_and_broken_utf8_are_cleaned_and_flagged() -> None:
    content = call_file([Cluster().outgoing("2001", "90123", start=0, authCodeDescription="NAME")])

    for dirty in (b"NA\x00\x0bME", b"NAM\xc3E"):
        (line,) = read(content.replace(b"NAME", dirty))
        assert isinstance(line, SegmentLine)
        assert line.segment.flags == ("text_cleaned",)
        assert "\x00" not in line.raw
    (line,) = read(content.replace(b"NAME", b"NA\x00ME"))
    assert isinstance(line, SegmentLine)
    assert line.segment.auth_code == "NAME"


@given(content=st.binary(max_size=400))
def test_no_bytes_at_all_make_reading_fail(content: bytes) -> None:
    for data in (content, call_file(some_calls()) + b"\n" + content):
        for line in read(data):
            assert isinstance(line, (SegmentLine, RejectedLine, DiscardedLine))


# --- meanings -----------------------------------------------------------------------------------------


def test_an_outgoing_call_is_told_in_neutral_words() -> None:
    told = one(
        Cluster().outgoing(
            "2001", "902079460123", start=100, talk=180,
            outpulsedCalledPartyNumber="+442079460123", authCodeDescription="Project-7",
            authorizationCodeValue="4711", clientMatterCode="9001",
        )
    )  # fmt: skip

    assert asdict(told) == {
        "call_id": "1-5001",
        "leg": "70001-70002",
        "started_at": datetime.fromtimestamp(NOON + 100, UTC),
        "answered_at": datetime.fromtimestamp(NOON + 115, UTC),
        "ended_at": datetime.fromtimestamp(NOON + 295, UTC),
        "origin": {
            "number": "2001", "partition": "PT-Internal", "device": "SEP00AA00002001",
            "kind": "line", "leg": "70001", "user": "user2001",
        },
        "target": {
            "number": "902079460123", "partition": "PT-PSTN", "device": "SIPTRK-PSTN",
            "kind": "trunk", "leg": "70002", "user": "",
        },
        "dialled": "902079460123",
        "dialled_partition": "PT-PSTN",
        "sent_number": "+442079460123",
        "exit_digits": "9",
        "redirecting": "",
        "redirecting_partition": "",
        "redirect": "",
        "joined_by": "",
        "controller": "",
        "auth_code": "Project-7",
        "account_code": "9001",
        "release_cause": 16,
        "hunt_pilot": "",
        "queue_wait_seconds": 0,
        "flags": (),
    }  # fmt: skip


def test_the_duration_column_is_not_trusted() -> None:
    told = one(Cluster().outgoing("2001", "90123", start=0, talk=60, duration=999))

    assert told.answered_at is not None
    assert (told.ended_at - told.answered_at).total_seconds() == 60


def test_answered_within_the_second_is_answered_and_unconnected_is_not() -> None:
    cluster = Cluster()

    assert one(cluster.outgoing("2001", "90123", start=0, talk=0)).answered_at is not None
    assert one(cluster.outgoing("2001", "90123", start=0, talk=None)).answered_at is None


@pytest.mark.parametrize("reason", [1, 2, 15, 82, 178])
def test_a_forward_names_who_forwarded(reason: int) -> None:
    told = one(
        Cluster().forwarded_outside("07700900150", "2005", "907700900199", start=0, reason=reason)
    )

    assert told.redirect == "forward"
    assert (told.redirecting, told.redirecting_partition) == ("2005", "PT-Internal")
    assert (told.origin.kind, told.target.kind) == ("trunk", "trunk")
    assert told.dialled == "2005"
    assert told.exit_digits == "9"


@pytest.mark.parametrize(
    ("reason", "redirect"),
    [(4, "transfer"), (34, "transfer"), (5, "pickup"), (7, "park"), (8, "park"), (50, "divert"),
     (18, "divert"), (786, "queue"), (850, "queue"), (98, "other"), (0, "")],
)  # fmt: skip
def test_every_redirect_reason_has_its_word(reason: int, redirect: str) -> None:
    told = one(
        Cluster().incoming(
            "07700900150", "2005", start=0, lastRedirectDn="2600", lastRedirectRedirectReason=reason
        )
    )

    assert told.redirect == redirect
    assert told.redirecting == ("2600" if redirect == "divert" else "")


def test_a_transfer_keeps_the_leg_of_each_party_and_names_no_forwarder() -> None:
    first, second, third = segments(
        call_file(Cluster().transferred_outside("07700900151", "2001", "907700900199", start=500))
    )

    assert first.call_id == third.call_id != second.call_id
    assert first.origin.leg == third.origin.leg
    assert second.target.leg == third.target.leg
    assert first.flags == second.flags == ("split",)
    assert (third.flags, third.joined_by, third.redirect) == ((), "transfer", "transfer")
    assert third.redirecting == ""


def test_a_conference_names_its_controller_and_its_bridge() -> None:
    told = one(
        Cluster().outgoing(
            "2001", "90123", start=0, finalCalledPartyNumber="b00123456001", destDeviceName="CFB_1",
            destSpan=0, OutgoingProtocolID=0, joinOnBehalfOf=4, lastRedirectRedirectReason=98,
            calledPartyPatternUsage=1,
            comment="ConfControllerDn=2001;ConfControllerDeviceName=SEP00AA00000011",
        )
    )  # fmt: skip

    assert (told.target.kind, told.joined_by, told.controller) == ("bridge", "conference", "2001")


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"destSpan": 12, "destDeviceName": "10.1.1.1"}, "trunk"),
        ({"OutgoingProtocolID": 4, "destDeviceName": "GW"}, "trunk"),
        ({"OutgoingProtocolID": 3}, "line"),
        ({"destDeviceName": "CiscoUM1-VI3", "calledPartyPatternUsage": 7}, "voicemail"),
        ({"destDeviceName": "UNITY", "calledPartyPatternUsage": 8, "destSpan": 5}, "voicemail"),
        ({"destDeviceName": "CSFJDOE"}, "line"),
        ({"destDeviceName": "CTIRP-1"}, "line"),
        ({"destDeviceName": "", "calledPartyPatternUsage": 5}, "trunk"),
        ({"destDeviceName": "", "calledPartyPatternUsage": 5,
          "finalCalledPartyNumberPartition": ""}, ""),
        ({"destDeviceName": "", "finalCalledPartyNumber": "", "calledPartyPatternUsage": 5}, ""),
        ({"destDeviceName": "AALN/S0/SU1/0@GW2", "calledPartyPatternUsage": 3,
          "finalCalledPartyNumberPartition": ""}, "trunk"),
    ],
)  # fmt: skip
def test_the_target_is_known_by_its_leg_device_and_pattern(columns: Record, kind: str) -> None:
    record = {**Cluster().internal("2001", "2005", start=0), **columns}

    assert one(record).target.kind == kind


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"origSpan": 12}, "trunk"),
        ({"IncomingProtocolID": 1}, "trunk"),
        ({"IncomingProtocolID": 3}, "line"),
        ({"callingPartyNumberPartition": "", "origDeviceName": "GW"}, ""),
        ({"callingPartyNumberPartition": ""}, "line"),
        ({"callingPartyNumberPartition": "", "origDeviceName": "", "callingPartyNumber": "b0011"},
         "bridge"),
    ],
)  # fmt: skip
def test_the_origin_is_known_by_its_leg_device_and_partition(columns: Record, kind: str) -> None:
    record = {**Cluster().internal("2001", "2005", start=0), **columns}

    assert one(record).origin.kind == kind


def test_calls_that_failed_without_an_id_are_told_apart() -> None:
    cluster = Cluster()
    failed = [
        cluster.incoming("07700900150", "2005", start=0, globalCallID_callId=0,
                         globalCallID_callManagerId=0)
        for _ in range(2)
    ]  # fmt: skip

    first, second = segments(call_file(failed))

    assert first.call_id.startswith("0-0-")
    assert first.call_id != second.call_id


@pytest.mark.parametrize(
    ("origin", "destination", "cause", "is_split"),
    [
        ("16", "0", 16, False),
        ("0", "17", 17, False),
        ("393216", "393216", 0, True),
        ("126", "0", 0, True),
        ("0", "1459617833", 41, False),
        ("2717909013", "0", 21, False),
        ("262144", "0", 0, False),
        ("", "", 0, False),
    ],
)
def test_release_causes_are_those_of_q850(
    origin: str, destination: str, cause: int, is_split: bool
) -> None:
    assert release_cause(origin, destination) == (cause, is_split)


@pytest.mark.parametrize(
    ("number", "pattern", "digits"),
    [
        ("902079460123", "9.0[1-9]!", "9"),
        ("902079460123", "9.@", "9"),
        ("002079460123", "0.0!", "0"),
        ("8812345", "8X.!", "88"),
        ("7312345", "[5-7][^0-2].!", "73"),
        ("*912345", "*9.!", "*9"),
        ("+442079460123", "\\+.!", None),
        ("+442079460123", "+.!", None),
        ("442079460123", "9.0[1-9]!", None),
        ("2005", "2005", None),
        ("902079460123", "", None),
        ("902079460123", "9!.5", None),
        ("902079460123", "@.5", None),
    ],
)
def test_the_access_code_is_what_the_pattern_takes_from_the_number(
    number: str, pattern: str, digits: str | None
) -> None:
    assert exit_digits(number, pattern) == digits


def test_a_refused_call_and_a_nuisance_call_are_flagged() -> None:
    cluster = Cluster()

    assert one(
        cluster.outgoing("2001", "90123", start=0, talk=None, currentRoutingReason=7)
    ).flags == ("routing_refused",)
    assert one(
        cluster.incoming("07700900150", "2005", start=0, comment="CallFlag=MALICIOUS")
    ).flags == ("malicious",)


def test_users_that_are_nobody_are_left_out() -> None:
    record = Cluster().internal("2001", "2005", start=0)

    assert one({**record, "callingPartyUnicodeLoginUserID": "\\ "}).origin.user == ""
    assert one({**record, "callingPartyUnicodeLoginUserID": "unspecified"}).origin.user == ""


# --- names, options, samples ----------------------------------------------------------------------------


def test_the_sequence_comes_from_the_file_name_read_from_the_right() -> None:
    names = [
        file_name(cluster="A-B_C", node=2, at=datetime(2025, 3, 10, 12, 15, tzinfo=UTC), number=n)
        for n in (9, 10, 254_831)
    ]

    sequences = [driver().sequence_of(name) for name in names]

    assert names[0] == "cdr_A-B_C_02_202503101215_9"
    assert sequences == sorted(sequences)
    assert sequences[0] == "202503101215-000000000009"
    assert driver().sequence_of("cdr_X_01_202503101215_17.csv") == "202503101215-000000000017"
    assert driver().sequence_of("calls.csv") == ""


@pytest.mark.parametrize(
    "options",
    [{"columns": 117}, {"columns": []}, {"columns": ["pkid"]}, {"colour": 1}, {"files": "cdr_*"}],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadOptions):
        driver(**options)


def test_name_patterns_choose_the_files() -> None:
    assert driver().wants("anything.txt")
    assert driver(files=["cdr_*"]).wants("CDR_X")
    assert not driver(files=["cdr_*"]).wants("readme.txt")


def test_the_layouts_are_those_of_the_releases() -> None:
    assert {count: len(names) for count, names in LAYOUTS.items()} == {
        112: 112, 118: 118, 123: 123, 129: 129, 133: 133,
    }  # fmt: skip
    assert LAYOUTS[118][-1] == "lastRedirectDn_uri"
    assert LAYOUTS[129][-1] == "huntPilotPattern"
    assert LAYOUTS[123][101:103] == ("huntPilotDN", "huntPilotPartition")


@needs_samples
@pytest.mark.feature("F010")
@pytest.mark.parametrize(
    ("name", "calls", "discarded"),
    [
        ("cdr_ExampleCluster_01_202503101215_17", 8, []),
        ("cdr_StandAloneCluster_02_201510091036_254831", 3, []),
        ("cdr_car-export_123col.csv", 3, []),
        ("cdr_cucmOHSUtest_02_v14_133col.txt", 1, ["recording"] * 2),
        ("cdr_huntpilot_v11_129col_pseudonymised.txt", 89, []),
        ("cmr_StandAloneCluster_02_201510091036_254831", 0, ["quality_record"] * 6),
        ("cmr_cucmOHSUtest_02_v14_48col.txt", 0, ["quality_record"] * 2),
    ],
)
def test_every_sample_file_is_read_whole(name: str, calls: int, discarded: list[str]) -> None:
    content = (SAMPLES / name).read_bytes()

    lines = read(content)

    assert sum(isinstance(line, SegmentLine) for line in lines) == calls
    assert [line.rule for line in lines if isinstance(line, DiscardedLine)] == discarded
    assert len(lines) == calls + len(discarded)
    assert driver().is_whole(BytesIO(content))
    told = [line.segment for line in lines if isinstance(line, SegmentLine)]
    assert len({(segment.call_id, segment.leg, segment.started_at) for segment in told}) == calls


@needs_samples
def test_the_hunt_pilot_sample_shows_voicemail_pickup_and_transfers() -> None:
    content = (SAMPLES / "cdr_huntpilot_v11_129col_pseudonymised.txt").read_bytes()

    told = segments(content)

    assert sum(segment.target.kind == "voicemail" for segment in told) == 19
    assert sum(segment.redirect == "pickup" for segment in told) == 12
    assert sum(segment.joined_by == "transfer" for segment in told) == 13
    assert sum(segment.origin.kind == "trunk" for segment in told) == 21
    assert all(segment.redirecting for segment in told if segment.redirect == "forward")


@needs_samples
@pytest.mark.feature("F022")
def test_the_worked_example_is_told_field_by_field() -> None:
    told = segments((SAMPLES / "cdr_ExampleCluster_01_202503101215_17").read_bytes())

    def seconds(moment: datetime | None) -> int | None:
        return None if moment is None else int(moment.timestamp()) - NOON

    rows = [
        (
            segment.call_id, segment.leg,
            (seconds(segment.started_at), seconds(segment.answered_at), seconds(segment.ended_at)),
            segment.origin.number, segment.dialled, segment.target.number,
            segment.origin.kind, segment.target.kind,
            segment.release_cause, segment.flags, segment.joined_by, segment.redirecting,
        )
        for segment in told
    ]  # fmt: skip
    pri, line, trunk = "trunk", "line", "trunk"
    paid, mobile, abroad = "902079460123", "907700900199", "90012025550143"
    assert rows == [
        ("1-5001", "70001-70002", (0, 6, 66), "2001", "2005", "2005", line, line, 16, (), "", ""),
        ("1-5002", "70003-70004", (100, 115, 295), "2001", paid, paid, line, trunk, 16, (), "", ""),
        ("1-5003", "70005-70007", (400, 420, 445), "07700900150", "2005", "6000", pri, "voicemail",
         16, (), "", "2005"),
        ("1-5004", "70010-70011", (500, 505, 550), "07700900151", "2001", "2001", pri, line,
         0, ("split",), "", ""),
        ("1-5005", "70012-70013", (530, 538, 550), "2001", mobile, mobile, line, trunk,
         0, ("split",), "", ""),
        ("1-5004", "70010-70013", (550, 550, 850), "07700900151", mobile, mobile, pri, trunk,
         16, (), "transfer", ""),
        ("1-5006", "70020-70021", (900, None, 904), "2010", abroad, abroad, line, trunk,
         17, (), "", ""),
        ("1-5007", "70030-0", (1000, None, 1003), "2010", "", "", line, "", 16, (), "", ""),
    ]  # fmt: skip
    second = told[1]
    assert (second.origin.user, second.origin.device) == ("asmith", "SEP00AA00000011")
    assert (second.origin.partition, second.target.partition) == ("PT-Internal", "PT-PSTN-Nat")
    assert (second.sent_number, second.exit_digits) == ("+442079460123", "9")
    assert (second.auth_code, second.account_code) == ("Project-7", "9001")
    assert told[5].target.leg == told[4].target.leg == "70013"
    assert told[5].origin.leg == told[3].origin.leg == "70010"
