"""The standard record on paper, and what is said of lines that are none."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdr.engine.records import (
    FORMAT,
    DiscardedLine,
    Header,
    Line,
    Party,
    RejectedLine,
    Segment,
    SegmentLine,
)
from cdr.engine.standard import (
    LONGEST_LINE,
    TEXT_LIMITS,
    BadHeader,
    canonical,
    content_hash,
    decode_header,
    decode_line,
    encode_header,
    encode_line,
    make_party,
    make_segment,
    read_facts,
    source_of,
)

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
SMALLEST = {
    "call_id": "77",
    "started_at": "2026-03-10T13:00:00+01:00",
    "ended_at": "2026-03-10T12:01:00Z",
    "from_number": "201",
    "to_number": "0612345678",
}

words = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cn"], max_codepoint=0x2FFF), max_size=40
).map(lambda text: text.encode("utf-8", "ignore").decode())
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
parties = st.builds(
    Party,
    number=words,
    partition=words,
    device=words,
    kind=st.sampled_from(["line", "trunk", "voicemail", "bridge", ""]),
    leg=words,
    user=words,
)
segments = st.builds(
    Segment,
    call_id=words.filter(bool),
    leg=words.filter(bool),
    started_at=instants,
    answered_at=st.none() | instants,
    ended_at=instants,
    origin=parties.filter(lambda party: bool(party.number)),
    target=parties,
    dialled=words,
    exit_digits=st.none() | st.sampled_from(["", "9", "0"]),
    redirect=st.sampled_from(["forward", "transfer", ""]),
    joined_by=st.sampled_from(["transfer", "conference", ""]),
    release_cause=st.integers(0, 127),
    queue_wait_seconds=st.integers(0, 3600),
    flags=st.sets(st.sampled_from(["split", "malicious"])).map(lambda flags: tuple(sorted(flags))),
)


def line_of(**fields: object) -> bytes:
    return json.dumps({**SMALLEST, **fields}).encode()


def reason_of(line: bytes) -> str:
    decoded = decode_line(line, position=3)
    assert isinstance(decoded, RejectedLine), decoded
    assert decoded.position == 3
    assert decoded.detail
    return decoded.reason


@pytest.mark.feature("F002")
def test_a_foreign_writer_needs_five_fields_only() -> None:
    decoded = decode_line(line_of(), position=3)

    assert isinstance(decoded, SegmentLine)
    assert decoded.position == 3
    assert decoded.segment == Segment(
        call_id="77",
        leg="1",
        started_at=START,
        answered_at=None,
        ended_at=START + timedelta(minutes=1),
        origin=Party(number="201"),
        target=Party(number="0612345678"),
    )


@given(segment=segments)
def test_what_is_written_is_read_again(segment: Segment) -> None:
    from unicodedata import normalize  # noqa: PLC0415

    written = SegmentLine(7, segment, "raw, as it stood")

    read = decode_line(encode_line(written), position=0)

    assert isinstance(read, SegmentLine)
    again = decode_line(encode_line(read), position=0)
    assert again == read
    assert read.position == 7
    assert read.raw == written.raw
    assert read.segment.origin.number == normalize("NFC", segment.origin.number)
    if "text_cleaned" not in read.segment.flags:
        assert read.segment == segment


@given(segment=segments)
def test_the_canonical_text_is_read_back_to_the_same_text(segment: Segment) -> None:
    once = decode_line(encode_line(SegmentLine(1, segment, "x")), position=0)
    assert isinstance(once, SegmentLine)

    facts = canonical(once.segment)

    assert canonical(read_facts(facts)) == facts


def test_the_content_hash_ignores_position_raw_text_and_the_offset_of_times() -> None:
    rome = timezone(timedelta(hours=1))
    here = decode_line(line_of(raw="a", position=1), position=1)
    there = decode_line(
        line_of(raw="b", position=9, started_at=START.astimezone(rome).isoformat()), position=9
    )
    assert isinstance(here, SegmentLine)
    assert isinstance(there, SegmentLine)

    assert content_hash(here.segment) == content_hash(there.segment)
    assert len(content_hash(here.segment)) == 32


def test_the_content_hash_differs_with_any_field() -> None:
    variants: list[dict[str, object]] = [
        {},
        {"to_number": "1"},
        {"ended_at": "2026-03-10T12:01:00.001Z"},
        {"leg": "2"},
        {"exit_digits": ""},
        {"exit_digits": "9"},
        {"flags": ["split"]},
    ]

    seen = set()
    for field in variants:
        decoded = decode_line(line_of(**field), position=1)
        assert isinstance(decoded, SegmentLine)
        seen.add(content_hash(decoded.segment))

    assert len(seen) == 7


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "bad_json"),
        (b"[1, 2]", "bad_json"),
        (b"\xff\xfe\x00", "bad_json"),
        (b'{"call_id": "1"', "bad_json"),
        (b"{}", "missing_field"),
        (line_of(call_id=""), "missing_field"),
        (line_of(started_at=None), "missing_field"),
        (line_of(from_number=None, to_number=None), "missing_field"),
        (line_of(call_id=7), "bad_field"),
        (line_of(started_at="2026-03-10T12:00:00"), "bad_field"),
        (line_of(ended_at="yesterday"), "bad_field"),
        (line_of(answered_at="0001-01-01T00:00:00+14:00"), "bad_field"),
        (line_of(from_kind="phone"), "bad_field"),
        (line_of(redirect="somehow"), "bad_field"),
        (line_of(joined_by="glue"), "bad_field"),
        (line_of(release_cause="16"), "bad_field"),
        (line_of(release_cause=-1), "bad_field"),
        (line_of(queue_wait_seconds=1.5), "bad_field"),
        (line_of(flags="split"), "bad_field"),
        (line_of(flags=[1]), "bad_field"),
        (line_of(call_id="x" * 65), "bad_field"),
        (line_of(to_leg="x" * 49), "bad_field"),
        (line_of(position=-1), "bad_field"),
        (line_of(record="call"), "bad_field"),
        (line_of(record="rejected"), "missing_field"),
        (line_of(raw=3), "bad_field"),
        (b'"' + b"x" * LONGEST_LINE + b'"', "line_too_long"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: bytes, reason: str) -> None:
    assert reason_of(line) == reason


@given(line=st.binary(max_size=200))
def test_no_bytes_at_all_make_reading_fail(line: bytes) -> None:
    decode_line(line, position=1)


def test_control_characters_are_taken_out_and_flagged() -> None:
    decoded = decode_line(
        line_of(from_user="A\u0000l\u000bice", to_number="06\u200712"), position=1
    )

    assert isinstance(decoded, SegmentLine)
    assert decoded.segment.origin.user == "Alice"
    assert decoded.segment.flags == ("text_cleaned",)


def test_text_is_brought_to_one_form_and_cut_to_its_length() -> None:
    decoded = decode_line(line_of(from_user="e\u0301" * 10, to_device="d" * 500), position=1)

    assert isinstance(decoded, SegmentLine)
    assert decoded.segment.origin.user == "\u00e9" * 10
    assert len(decoded.segment.target.device) == TEXT_LIMITS["to_device"]
    assert decoded.segment.flags == ("text_cleaned",)


def test_fields_that_we_do_not_know_are_ignored() -> None:
    assert isinstance(decode_line(line_of(colour="red", size=3), position=1), SegmentLine)


def test_rejected_and_discarded_lines_keep_their_reason() -> None:
    lines: list[Line] = [
        RejectedLine(4, "field_count", "3 fields instead of 5", "a,b,c"),
        DiscardedLine(5, "recording", "raw"),
    ]

    for line in lines:
        assert decode_line(encode_line(line), position=0) == line


def test_a_header_is_read_as_it_was_written() -> None:
    header = Header("milan", "c1", "cdr_1", "ab" * 32, "202603101200-1", START, 12)

    assert decode_header(encode_header(header), file="x", received_at=START) == header


@pytest.mark.feature("F002")
def test_a_foreign_header_needs_its_format_and_source_only() -> None:
    line = json.dumps({"format": FORMAT, "source": "milan"}).encode()

    header = decode_header(line, file="calls.jsonl", received_at=START)

    assert header == Header("milan", "", "calls.jsonl", "", "", START, 0)


def test_a_record_on_the_first_line_is_no_header_and_names_its_source() -> None:
    line = line_of(source="milan")

    assert decode_header(line, file="x", received_at=START) is None
    assert source_of(line) == "milan"


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "tollgate-calls/2", "source": "milan"},
        {"format": FORMAT},
        {"format": FORMAT, "source": "milan", "claim": 7},
        {"format": FORMAT, "source": "milan", "received_at": "today"},
    ],
)
def test_a_header_that_cannot_be_used_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadHeader):
        decode_header(json.dumps(fields).encode(), file="x", received_at=START)


def test_a_record_of_another_source_in_the_file_is_rejected() -> None:
    decoded = decode_line(line_of(source="rome"), position=3, source="milan")

    assert isinstance(decoded, RejectedLine)
    assert decoded.reason == "other_source"


def test_quickly_made_records_are_as_frozen_as_any() -> None:
    party = make_party(number="201")

    assert party == Party(number="201")
    assert type(party) is Party
    with pytest.raises(AttributeError):
        party.number = "202"  # type: ignore[misc]
    assert make_segment("1", "1", START, None, START, party, party) == Segment(
        "1", "1", START, None, START, party, party
    )


def test_the_published_page_names_every_field_and_its_examples_can_be_read() -> None:
    page = (Path(__file__).parents[2] / "docs/standard-call-record.md").read_text("utf-8")
    examples = re.findall(r"^\{.*\}$", page, re.MULTILINE)

    first, header, *others = [example.encode() for example in examples]

    assert isinstance(decode_line(first, position=1), SegmentLine)
    assert decode_header(header, file="x", received_at=START) is not None
    assert [type(decode_line(line, position=0)) for line in others] == [
        RejectedLine,
        DiscardedLine,
    ]
    for name in (*TEXT_LIMITS, "started_at", "answered_at", "ended_at", "redirect", "joined_by",
                 "release_cause", "queue_wait_seconds", "flags", "position", "raw"):  # fmt: skip
        assert f"`{name}`" in page, name
