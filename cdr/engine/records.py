"""The standard call record: what every switch's data is turned into.

One segment a record: talk (or ringing) between two fixed parties. The format is
published in docs/standard-call-record.md; this module is its only definition in
code. Lines are JSON. The first line of a file may be a header.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FORMAT = "tollgate-calls/1"

PartyKind = Literal["line", "trunk", "voicemail", "bridge", ""]
Joined = Literal["transfer", "conference", ""]
Redirect = Literal["forward", "transfer", "pickup", "park", "divert", "queue", "other", ""]


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a segment as the switch names it.

    `leg` stays the same over all segments in which this party is on the phone;
    `kind` is the driver's evidence, empty where it has none.
    """

    number: str = ""
    partition: str = ""
    device: str = ""
    kind: PartyKind = ""
    leg: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One standard call record. Instants are aware; durations follow from them."""

    call_id: str
    leg: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    origin: Party
    target: Party
    dialled: str = ""
    dialled_partition: str = ""
    sent_number: str = ""
    exit_digits: str | None = None
    redirecting: str = ""
    redirecting_partition: str = ""
    redirect: Redirect = ""
    joined_by: Joined = ""
    controller: str = ""
    auth_code: str = ""
    account_code: str = ""
    release_cause: int = 0
    hunt_pilot: str = ""
    queue_wait_seconds: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """First line of a standard file: which delivery this is."""

    source: str
    claim: str
    file: str
    content_hash: str
    sequence: str
    received_at: datetime
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A usable record, with where it stood and how the switch wrote it."""

    position: int
    segment: Segment
    raw: str


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A record the driver could not read: reason is a stable code, detail is for people."""

    position: int
    reason: str
    detail: str
    raw: str


@dataclass(frozen=True, slots=True)
class DiscardedLine:
    """A record that is no call by a stated rule (a recording, a quality record)."""

    position: int
    rule: str
    raw: str


Line = SegmentLine | RejectedLine | DiscardedLine
