"""The standard record on paper: lines of JSON to and from `cdr.engine.records`.

Described for everybody in docs/standard-call-record.md. Reading never raises for
bad content: a line that cannot be used becomes a RejectedLine that says what is
wrong with it. Writing gives one canonical text for equal content, whatever file,
position or dialect it came from, and the content hash is taken over that text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, cast, get_args

import orjson

from cdr.engine.quick import quick
from cdr.engine.records import (
    FORMAT,
    DiscardedLine,
    Header,
    Joined,
    Line,
    Party,
    PartyKind,
    Redirect,
    RejectedLine,
    Segment,
    SegmentLine,
)
from cdr.engine.text import clean, pictured

LONGEST_LINE: Final = 512 * 1024
"""Bytes of one line. A switch's line of 64 KiB, each byte replaced and escaped, still fits."""

TEXT_LIMITS: Final = {
    "call_id": 64,
    "leg": 96,
    "from_number": 50,
    "from_partition": 100,
    "from_device": 129,
    "from_leg": 48,
    "from_user": 128,
    "to_number": 50,
    "to_partition": 100,
    "to_device": 129,
    "to_leg": 48,
    "to_user": 128,
    "dialled": 50,
    "dialled_partition": 100,
    "sent_number": 50,
    "exit_digits": 48,
    "redirecting": 50,
    "redirecting_partition": 100,
    "controller": 50,
    "auth_code": 64,
    "account_code": 64,
    "hunt_pilot": 50,
}
"""Longest text of each field. What ties records together is refused when longer, the rest is cut."""

_IDENTIFYING: Final = frozenset({"call_id", "leg", "from_leg", "to_leg"})
_CERTAINLY_SHORT: Final = min(TEXT_LIMITS.values())
_OTHER_TEXTS: Final = frozenset(
    {"started_at", "answered_at", "ended_at", "from_kind", "to_kind", "redirect", "joined_by"}
)
_NUMBERS: Final = {"release_cause": 65_535, "queue_wait_seconds": 604_800}
_MOST_FLAGS: Final = 16
_LONGEST_FLAG: Final = 32
_KINDS: Final = frozenset(get_args(PartyKind))
_JOINS: Final = frozenset(get_args(Joined))
_REDIRECTS: Final = frozenset(get_args(Redirect))
_REQUIRED: Final = ("call_id", "started_at", "ended_at")
_LARGEST_POSITION: Final = 2_147_483_647


make_party: Final = quick(Party)
make_segment: Final = quick(Segment)


class BadHeader(ValueError):
    """The first line says it is a header, but is none that can be used."""


class _BadField(Exception):
    """What is wrong with a record: a stable reason, and words for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


# --- writing --------------------------------------------------------------------------------------


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError("a standard record needs instants with a zone")
    return moment.astimezone(UTC)


def _facts(segment: Segment) -> dict[str, object]:
    """The fields of `segment` that say something, flat, in their fixed order."""
    origin, target = segment.origin, segment.target
    answered_at = segment.answered_at
    every = {
        "call_id": segment.call_id,
        "leg": segment.leg,
        "started_at": _in_utc(segment.started_at),
        "answered_at": None if answered_at is None else _in_utc(answered_at),
        "ended_at": _in_utc(segment.ended_at),
        "from_number": origin.number,
        "from_partition": origin.partition,
        "from_device": origin.device,
        "from_kind": origin.kind,
        "from_leg": origin.leg,
        "from_user": origin.user,
        "to_number": target.number,
        "to_partition": target.partition,
        "to_device": target.device,
        "to_kind": target.kind,
        "to_leg": target.leg,
        "to_user": target.user,
        "dialled": segment.dialled,
        "dialled_partition": segment.dialled_partition,
        "sent_number": segment.sent_number,
        "redirecting": segment.redirecting,
        "redirecting_partition": segment.redirecting_partition,
        "redirect": segment.redirect,
        "joined_by": segment.joined_by,
        "controller": segment.controller,
        "auth_code": segment.auth_code,
        "account_code": segment.account_code,
        "release_cause": segment.release_cause,
        "hunt_pilot": segment.hunt_pilot,
        "queue_wait_seconds": segment.queue_wait_seconds,
        "flags": sorted(segment.flags) if segment.flags else None,
    }
    facts: dict[str, object] = {name: value for name, value in every.items() if value}
    if segment.exit_digits is not None:
        facts["exit_digits"] = segment.exit_digits
    return facts


def canonical(segment: Segment) -> str:
    """The one text of a segment's content: equal content, equal text."""
    return orjson.dumps(_facts(segment)).decode()


def content_hash_of(facts: str) -> str:
    """32 hex digits over the text of `canonical`."""
    return hash_of_text(facts)


def content_hash(segment: Segment) -> str:
    """32 hex digits over the neutral content only; file, position and raw text do not matter."""
    return content_hash_of(canonical(segment))


def hash_of_text(text: str) -> str:
    """32 hex digits over any text."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def encode_header(header: Header) -> bytes:
    """The first line of a standard file, with its newline."""
    fields = {
        "format": FORMAT,
        "source": header.source,
        "claim": header.claim,
        "file": header.file,
        "content_hash": header.content_hash,
        "sequence": header.sequence,
        "received_at": _in_utc(header.received_at),
        "size_bytes": header.size_bytes,
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def encode_line(line: Line) -> bytes:
    """One line of a standard file, with its newline."""
    fields: dict[str, object]
    if isinstance(line, SegmentLine):
        fields = {"record": "segment", "position": line.position}
        fields.update(_facts(line.segment))
    elif isinstance(line, RejectedLine):
        fields = {
            "record": "rejected",
            "position": line.position,
            "reason": line.reason,
            "detail": line.detail,
        }
    else:
        fields = {"record": "discarded", "position": line.position, "rule": line.rule}
    fields["raw"] = line.raw
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


# --- reading --------------------------------------------------------------------------------------


def _object_of(line: bytes | str) -> dict[str, object]:
    try:
        fields: object = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _BadField("bad_json", f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise _BadField("bad_json", "not a JSON object")
    return cast(dict[str, object], fields)


def decode_header(line: bytes, *, file: str, received_at: datetime) -> Header | None:
    """The header on the first line of a standard file; None where that line is a record.

    Only `format` and `source` must be there. `file` and `received_at` stand in for
    what the writer left out; `claim`, `content_hash` and `sequence` are then empty.

    Raises:
        BadHeader: for another format or version, or without a source.
    """
    try:
        fields = _object_of(line.strip()) if len(line) <= LONGEST_LINE else {}
    except _BadField:
        return None
    if "format" not in fields:
        return None
    if fields["format"] != FORMAT:
        raise BadHeader(f"format is {fields['format']!r}, this program reads {FORMAT}")
    source = fields.get("source")
    if not isinstance(source, str) or not source:
        raise BadHeader("the header names no source")
    size = fields.get("size_bytes", 0)
    return Header(
        source=source,
        claim=_header_text(fields, "claim", 64),
        file=_header_text(fields, "file", 255) or clean(file)[:255],
        content_hash=_header_text(fields, "content_hash", 64),
        sequence=_header_text(fields, "sequence", 40),
        received_at=_header_time(fields, received_at),
        size_bytes=size if type(size) is int and 0 <= size < 2**62 else 0,
    )


def _header_text(fields: dict[str, object], name: str, limit: int) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise BadHeader(f"{name} in the header must be text of at most {limit} characters")
    return clean(value)


def _header_time(fields: dict[str, object], fallback: datetime) -> datetime:
    if "received_at" not in fields:
        return fallback
    try:
        return _instant(fields["received_at"], "received_at")
    except _BadField as bad:
        raise BadHeader(bad.detail) from None


def source_of(line: bytes) -> str:
    """The source that a record without a header names; empty where it names none."""
    try:
        source = _object_of(line.strip()).get("source", "")
    except _BadField:
        return ""
    return source if isinstance(source, str) else ""


def decode_line(line: bytes, *, position: int, source: str = "") -> Line:
    """Read one record line of a standard file.

    `position` stands in where the record has none; `source` is the file's, and a
    record that names another one is rejected. Never raises for bad content:
    reasons are ``bad_json``, ``bad_field``, ``missing_field``, ``line_too_long``
    and ``other_source``.
    """
    if len(line) > LONGEST_LINE:
        text = pictured(line[:4096].decode("utf-8", "replace"))
        detail = f"{len(line):,} bytes, more than {LONGEST_LINE:,}"
        return RejectedLine(position, "line_too_long", detail, text)
    raw = ""
    try:
        fields = _object_of(line)
        raw = _raw_of(fields)
        position = _position_of(fields, position)
        _check_source(fields.pop("source", source), source)
        record = fields.pop("record", "segment")
        if record == "segment":
            return SegmentLine(position, _segment(fields), raw or _shown(line))
        return _other(record, fields, position, raw)
    except _BadField as bad:
        return RejectedLine(position, bad.reason, bad.detail, raw or _shown(line))


def read_facts(facts: str) -> Segment:
    """The segment that `canonical` wrote.

    Raises:
        ValueError: if the text is not of our writing.
    """
    try:
        return _segment(_object_of(facts))
    except _BadField as bad:
        raise ValueError(bad.detail) from None


def _shown(line: bytes) -> str:
    return pictured(line.rstrip(b"\r\n").decode("utf-8", "replace"))


def _raw_of(fields: dict[str, object]) -> str:
    raw = fields.pop("raw", "")
    if not isinstance(raw, str):
        raise _BadField("bad_field", "raw is no text")
    return pictured(raw) if "\0" in raw else raw


def _position_of(fields: dict[str, object], otherwise: int) -> int:
    position = fields.pop("position", otherwise)
    if type(position) is not int or not 0 <= position <= _LARGEST_POSITION:
        raise _BadField("bad_field", f"position is {_quoted(position)}, not a line number")
    return position


def _check_source(named: object, source: str) -> None:
    if source and named != source:
        detail = f"names source {_quoted(named)} in a file of {source!r}"
        raise _BadField("other_source", detail)


def _other(record: object, fields: dict[str, object], position: int, raw: str) -> Line:
    if record == "rejected":
        reason, detail = _word(fields, "reason"), fields.get("detail", "")
        if not isinstance(detail, str):
            raise _BadField("bad_field", "detail is no text")
        return RejectedLine(position, reason, clean(detail), raw)
    if record == "discarded":
        return DiscardedLine(position, _word(fields, "rule"), raw)
    raise _BadField("bad_field", f"record is {_quoted(record)}, not segment, rejected or discarded")


def _word(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _BadField("missing_field", f"{name} is missing")
    return clean(value)[:32]


def _quoted(value: object) -> str:
    return clean(repr(value))[:60]


def _instant(value: object, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(cast(str, value))
        if moment.tzinfo is UTC:
            return moment
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _BadField("bad_field", f"{name} is {_quoted(value)}, not an ISO 8601 time") from None
    raise _BadField("bad_field", f"{name} is {_quoted(value)}, without an offset from UTC")


def _checked(fields: dict[str, object]) -> tuple[dict[str, str], list[str]]:
    """All fields as clean texts within their limits, and flags for what had to be changed."""
    texts: dict[str, str] = {}
    flags: list[str] = []
    for name, value in fields.items():
        limit = TEXT_LIMITS.get(name)
        if value is None or (limit is None and name not in _OTHER_TEXTS):
            continue
        if not isinstance(value, str):
            raise _BadField("bad_field", f"{name} is {_quoted(value)}, not text")
        text = clean(value)
        if limit is not None:
            if len(text) > limit and name in _IDENTIFYING:
                raise _BadField("bad_field", f"{name} is longer than {limit} characters")
            text = text[:limit]
            if text != value:
                flags.append("text_cleaned")
        texts[name] = text
    return texts, flags


def _texts(fields: dict[str, object]) -> tuple[dict[str, str], list[str]]:
    """The text fields, checked one by one only where a look at all of them says so."""
    texts = cast(dict[str, str], fields)
    try:
        together = "".join(texts.values())
        if (
            together.isascii()
            and together.isprintable()
            and max(map(len, texts.values()), default=0) <= _CERTAINLY_SHORT
        ):
            return texts, []
    except TypeError:
        pass
    return _checked(fields)


def _flags(value: object, more: list[str]) -> tuple[str, ...]:
    if value is None:
        given: list[str] = []
    elif isinstance(value, list) and len(value) <= _MOST_FLAGS:
        given = [flag for flag in value if isinstance(flag, str) and len(flag) <= _LONGEST_FLAG]
        if len(given) != len(value):
            raise _BadField("bad_field", "flags must be short texts")
    else:
        raise _BadField("bad_field", f"flags must be a list of at most {_MOST_FLAGS} texts")
    return tuple(sorted({clean(flag) for flag in [*given, *more]}))


def _whole(fields: dict[str, object], name: str) -> int:
    value = fields.pop(name, 0)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= _NUMBERS[name]:
        raise _BadField("bad_field", f"{name} is {_quoted(value)}, not a whole number in range")
    return value


def _choice(name: str, value: str, allowed: frozenset[str]) -> str:
    if value not in allowed:
        words = ", ".join(sorted(allowed - {""}))
        raise _BadField("bad_field", f"{name} is {_quoted(value)}, not one of {words}")
    return value


def _segment(fields: dict[str, object]) -> Segment:
    """The segment that `fields` describe; they are used up."""
    cause = _whole(fields, "release_cause")
    waited = _whole(fields, "queue_wait_seconds")
    flagged = fields.pop("flags", None)
    texts, more = _texts(fields)
    flags = _flags(flagged, more) if flagged or more else ()
    get = texts.get
    for name in _REQUIRED:
        if not get(name):
            raise _BadField("missing_field", f"{name} is missing")
    if "from_number" not in texts and "to_number" not in texts and "dialled" not in texts:
        raise _BadField("missing_field", "neither from_number nor to_number is there")
    answered_at = get("answered_at")
    from_kind, to_kind = get("from_kind", ""), get("to_kind", "")
    redirect, joined_by = get("redirect", ""), get("joined_by", "")
    if from_kind not in _KINDS or to_kind not in _KINDS:
        _choice("from_kind", from_kind, _KINDS)
        _choice("to_kind", to_kind, _KINDS)
    if redirect and redirect not in _REDIRECTS:
        _choice("redirect", redirect, _REDIRECTS)
    if joined_by and joined_by not in _JOINS:
        _choice("joined_by", joined_by, _JOINS)
    return make_segment(
        texts["call_id"],
        get("leg") or "1",
        _instant(texts["started_at"], "started_at"),
        _instant(answered_at, "answered_at") if answered_at else None,
        _instant(texts["ended_at"], "ended_at"),
        make_party(
            get("from_number", ""),
            get("from_partition", ""),
            get("from_device", ""),
            cast(PartyKind, from_kind),
            get("from_leg", ""),
            get("from_user", ""),
        ),
        make_party(
            get("to_number", ""),
            get("to_partition", ""),
            get("to_device", ""),
            cast(PartyKind, to_kind),
            get("to_leg", ""),
            get("to_user", ""),
        ),
        get("dialled", ""),
        get("dialled_partition", ""),
        get("sent_number", ""),
        get("exit_digits"),
        get("redirecting", ""),
        get("redirecting_partition", ""),
        cast(Redirect, redirect),
        cast(Joined, joined_by),
        get("controller", ""),
        get("auth_code", ""),
        get("account_code", ""),
        cause,
        get("hunt_pilot", ""),
        waited,
        flags,
    )
