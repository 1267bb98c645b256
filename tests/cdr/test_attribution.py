"""Who pays for an outside leg, whatever the later records look like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdr.engine.attribution import LineKey, attribute, family_order, shares
from cdr.engine.classify import LINE, UNKNOWN_TRUNK, VOICEMAIL, End, Sided
from cdr.engine.records import Party, Segment

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
BRIDGE = End("bridge")


def at(seconds: int | None) -> datetime | None:
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def segment(
    leg: str, off: int, conn: int | None, disc: int, origin: Party, target: Party, **more: Any
) -> Segment:
    started, ended = at(off), at(disc)
    assert started is not None
    assert ended is not None
    return Segment(more.pop("call_id", "1"), leg, started, at(conn), ended, origin, target, **more)


def line(number: str, leg: str) -> Party:
    return Party(number, "PT", f"SEP{number}", "line", leg)


def trunk(number: str, leg: str) -> Party:
    return Party(number, "", "TRUNK", "trunk", leg)


def test_an_incoming_call_transferred_outside_is_paid_by_whoever_dialled_out() -> None:
    incoming = Sided(
        segment("a-b", 0, 5, 50, trunk("0770", "a"), line("201", "b")), UNKNOWN_TRUNK, LINE
    )
    consult = Sided(
        segment("c-p", 30, 38, 50, line("201", "c"), trunk("907", "p"), call_id="2"),
        LINE,
        UNKNOWN_TRUNK,
    )
    final = Sided(
        segment("a-p", 50, 50, 350, trunk("0770", "a"), trunk("907", "p"), joined_by="transfer"),
        UNKNOWN_TRUNK,
        UNKNOWN_TRUNK,
    )

    parts, legs = attribute(sorted([final, consult, incoming], key=family_order))

    assert [part.call_type for part in parts] == ["IA", "OA", "TD"]
    assert [leg.talk_ms for leg in legs] == [312_000]
    assert legs[0].payer == parts[2].line == LineKey("PT", "201")
    assert parts[0].paid_legs == ()


def test_a_dialled_party_handed_to_a_colleague_is_still_paid_by_the_dialler() -> None:
    dialled = Sided(
        segment("b-p", 0, 4, 60, line("201", "b"), trunk("907", "p")), LINE, UNKNOWN_TRUNK
    )
    final = Sided(
        segment("p-d", 60, 61, 161, trunk("07", "p"), line("202", "d"), joined_by="transfer"),
        UNKNOWN_TRUNK,
        LINE,
    )

    parts, legs = attribute([dialled, final])

    assert [(p.call_type, p.line) for p in parts] == [
        ("OA", LineKey("PT", "201")),
        ("TO", LineKey("PT", "201")),
    ]
    assert legs[0].talk_ms == 156_000


def test_the_last_redirecting_number_of_a_joined_record_never_pays() -> None:
    consult = Sided(
        segment("c-p", 0, None, 9, line("201", "c"), trunk("907", "p")), LINE, UNKNOWN_TRUNK
    )
    final = Sided(
        segment(
            "a-p",
            9,
            12,
            99,
            trunk("0770", "a"),
            trunk("907", "p"),
            joined_by="transfer",
            redirect="transfer",
            redirecting="5000",
        ),
        UNKNOWN_TRUNK,
        UNKNOWN_TRUNK,
    )

    parts, _ = attribute([consult, final])

    assert parts[1].line == LineKey("PT", "201")


def test_a_forward_to_outside_is_paid_by_the_forwarder_not_the_caller() -> None:
    forwarded = Sided(
        segment(
            "a-p",
            0,
            6,
            66,
            trunk("0770", "a"),
            trunk("907", "p"),
            redirect="forward",
            redirecting="205",
            redirecting_partition="PT",
        ),
        UNKNOWN_TRUNK,
        UNKNOWN_TRUNK,
    )

    parts, legs = attribute([forwarded])

    assert (parts[0].call_type, parts[0].line) == ("FO", LineKey("PT", "205"))
    assert legs[0].payer == LineKey("PT", "205")


def test_a_joined_record_alone_has_no_payer_until_the_dialling_record_comes() -> None:
    final = Sided(
        segment("a-p", 50, 50, 350, trunk("0770", "a"), trunk("907", "p"), joined_by="transfer"),
        UNKNOWN_TRUNK,
        UNKNOWN_TRUNK,
    )

    parts, legs = attribute([final])

    assert parts[0].line is None
    assert legs[0].talk_ms == 300_000


def test_a_conference_is_paid_through_the_leg_of_the_party_that_was_dialled() -> None:
    setup = Sided(
        segment("c-p", 0, 5, 20, line("201", "c"), trunk("907", "p")), LINE, UNKNOWN_TRUNK
    )
    in_bridge = Sided(
        segment(
            "p-x",
            20,
            20,
            120,
            trunk("07", "p"),
            Party("b0012", "", "", "bridge", "x"),
            joined_by="conference",
            controller="201",
        ),
        UNKNOWN_TRUNK,
        BRIDGE,
    )

    parts, legs = attribute([setup, in_bridge])

    assert parts[1].line == LineKey("PT", "201")
    assert legs[0].talk_ms == 115_000


def test_a_call_that_ends_in_voicemail_is_missed_by_the_line_it_was_meant_for() -> None:
    item = Sided(
        segment(
            "a-v",
            0,
            20,
            45,
            trunk("0770", "a"),
            Party("6000", "", "VM", "voicemail", "v"),
            dialled="205",
            dialled_partition="PT",
        ),
        UNKNOWN_TRUNK,
        VOICEMAIL,
    )

    parts, legs = attribute([item])

    assert (parts[0].call_type, parts[0].line) == ("IU", LineKey("PT", "205"))
    assert parts[0].is_voicemail
    assert legs == []


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [(100, [12, 300], [3, 97]), (7, [0, 0], [7, 0]), (10, [1, 1, 1], [4, 3, 3]), (0, [5], [0])],
)
def test_shares_follow_talk_time_and_the_rest_goes_to_the_longest(
    amount: int, weights: list[int], parts: list[int]
) -> None:
    assert shares(amount, weights) == parts


@given(
    amount=st.integers(min_value=0, max_value=10**12),
    weights=st.lists(st.integers(min_value=0, max_value=10**7), min_size=1, max_size=12),
)
def test_shares_always_add_up_to_the_whole(amount: int, weights: list[int]) -> None:
    parts = shares(amount, weights)

    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)


def test_a_feature_number_in_the_place_of_the_forwarder_is_nobodys_line() -> None:
    item = Sided(
        segment(
            "a-v",
            0,
            20,
            45,
            trunk("0770", "a"),
            Party("6000", "", "VM", "voicemail", "v"),
            dialled="205",
            dialled_partition="PT",
            redirect="forward",
            redirecting="*1019",
        ),
        UNKNOWN_TRUNK,
        VOICEMAIL,
    )

    parts, _ = attribute([item])

    assert parts[0].line == LineKey("PT", "205")


ENDS = st.sampled_from([LINE, UNKNOWN_TRUNK, VOICEMAIL, BRIDGE, End("onnet"), End("none")])


@given(
    origin=ENDS,
    target=ENDS,
    joined=st.sampled_from(["", "transfer", "conference"]),
    redirect=st.sampled_from(["", "forward", "pickup"]),
    answered=st.sampled_from([None, 5]),
)
def test_the_short_way_for_a_segment_alone_agrees_with_the_long_one(
    origin: End, target: End, joined: Any, redirect: Any, answered: int | None
) -> None:
    item = Sided(
        segment(
            "a-b",
            0,
            answered,
            60,
            line("201", "a"),
            trunk("907", "b"),
            joined_by=joined,
            redirect=redirect,
            redirecting="205",
        ),
        origin,
        target,
    )
    stranger = Sided(
        segment("y-z", 900, 901, 902, line("9", "y"), line("8", "z"), call_id="9"), LINE, LINE
    )

    alone, its_legs = attribute([item])
    both, legs = attribute([item, stranger])

    assert alone[0] == both[0]
    assert its_legs == legs
