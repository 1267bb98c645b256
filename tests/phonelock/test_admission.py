"""What a locked phone may still do, who is calling, and what is answered when in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phonelock.engine.admission import (
    Door,
    Effect,
    Policy,
    Reason,
    RoutingRequest,
    SiteFacts,
    SiteSnapshot,
    compile_snapshot,
    decide,
    decide_anywhere,
    digest_of,
    find_door,
    line_number,
    state_in_force,
)
from phonelock.engine.flags import LineState
from tests.support.curri import MILAN

LOCKED = {("PT-Internal", "201"): "BUDGET", ("PT-A", "250"): "ADMIN"}
DOOR = MILAN.doors[0]


def snapshot(facts: SiteFacts = MILAN, **changes: Any) -> SiteSnapshot:
    return compile_snapshot(facts=replace(facts, **changes), locked=LOCKED)


def decided(
    called: str, *, calling: str = "201", door: Door | None = DOOR, **changes: Any
) -> tuple[Effect, Reason]:
    decision = decide(
        snapshot=snapshot(**changes),
        request=RoutingRequest(calling=calling, called=called),
        door=door,
    )
    return decision.effect, decision.reason


@pytest.mark.feature("F226", "F230", "F260")
def test_a_locked_line_reaches_nobody_outside() -> None:
    for called in ("003933512345", "0335123456", "00044207946", "+442079460000", "0800123456"):
        assert decided(called) == (Effect.DENY, Reason.LOCKED)


def test_an_unlocked_line_calls_as_it_likes() -> None:
    assert decided("0335123456", calling="202") == (Effect.PERMIT, Reason.UNLOCKED)


@pytest.mark.feature("F226")
@pytest.mark.parametrize("called", ["112", "0112", "9112", "+112", "+39112", "0118", "113", "1199"])
def test_emergency_passes_from_a_locked_line(called: str) -> None:
    assert decided(called) == (Effect.PERMIT, Reason.EMERGENCY)


def test_emergency_is_seen_in_the_transformed_number_too() -> None:
    request = RoutingRequest(calling="201", called="7", transformed_called="+39112")

    decision = decide(snapshot=snapshot(), request=request, door=None)

    assert decision.reason is Reason.EMERGENCY


def test_colleagues_feature_codes_and_voicemail_stay_open() -> None:
    assert decided("202") == (Effect.PERMIT, Reason.INTERNAL)
    assert decided("7999") == (Effect.PERMIT, Reason.INTERNAL)
    assert decided("*21") == (Effect.PERMIT, Reason.FEATURE_CODE)
    assert decided("*31#0335123456") == (Effect.DENY, Reason.LOCKED)


def test_internal_calls_are_closed_where_the_source_says_so() -> None:
    strict = replace(DOOR, locks_internal=True, policy=Policy.CLOSED)

    assert decided("202", door=strict) == (Effect.DENY, Reason.LOCKED)
    assert decided("112", door=strict) == (Effect.PERMIT, Reason.EMERGENCY)
    assert decided("202", calling="+39335999", door=strict) == (Effect.PERMIT, Reason.INTERNAL)


@pytest.mark.parametrize(
    ("entry", "called"),
    [
        ("800*", "0800123456"),
        ("+39800*", "0800123456"),
        ("800 123 456", "0800123456"),
        ("+39 800 123 456", "00039800123456"),
        ("+39800123456", "+39800123456"),
        ("+44 20 7946*", "00044207946999"),
        ("0044*", "00044207946999"),
    ],
)
def test_numbers_of_the_allow_list_stay_open_however_they_are_written(
    entry: str, called: str
) -> None:
    assert decided(called, allowed_while_locked=(entry,)) == (Effect.PERMIT, Reason.ALLOWED)


@pytest.mark.parametrize("entry", ["800*", "800123456", "*", " ", "+44*"])
def test_an_allow_list_opens_nothing_else(entry: str) -> None:
    assert decided("0335800123", allowed_while_locked=(entry,)) == (Effect.DENY, Reason.LOCKED)


@pytest.mark.feature("F191")
def test_a_number_in_several_partitions_is_never_refused() -> None:
    assert decided("0335123456", calling="250") == (Effect.PERMIT, Reason.AMBIGUOUS_LINE)


@pytest.mark.parametrize(
    ("policy", "effect"),
    [
        (Policy.OPEN, Effect.PERMIT),
        (Policy.CLOSED, Effect.DENY),
        (Policy.PBX, Effect.INDETERMINATE),
    ],
)
def test_an_unknown_caller_or_line_follows_the_policy(policy: Policy, effect: Effect) -> None:
    door = replace(DOOR, policy=policy)

    assert decided("0335123456", calling="299", door=door) == (effect, Reason.UNKNOWN_LINE)
    assert decided("0335123456", door=None, doors=(door,)) == (effect, Reason.CALLER_REFUSED)
    assert decided("112", door=None, doors=(door,)) == (Effect.PERMIT, Reason.EMERGENCY)
    assert decided("", door=door) == (effect, Reason.MALFORMED)


def test_a_locked_call_can_be_diverted_or_told_why() -> None:
    request = RoutingRequest(calling="201", called="0335123456")
    diverting = replace(DOOR, divert_to="2000")
    telling = replace(DOOR, announcements=(("", "PhoneLocked"), ("BUDGET", "BudgetSpent")))

    diverted = decide(snapshot=snapshot(), request=request, door=diverting)
    told = decide(snapshot=snapshot(), request=request, door=telling)

    assert (diverted.effect, diverted.divert_to) == (Effect.DIVERT, "2000")
    assert (told.effect, told.announcement) == (Effect.DENY, "BudgetSpent")


@pytest.mark.parametrize(
    ("calling", "found"),
    [
        ("201", "201"),
        ("+390250201", "201"),
        ("00390250201", "201"),
        ("\\+390250201", "201"),
        ("+390650201", ""),  # another town
        ("+449990201", ""),  # another country
        ("+390250999", ""),
        ("", ""),
    ],
)
def test_a_full_number_stands_for_the_extension_it_ends_in(calling: str, found: str) -> None:
    request = RoutingRequest(calling=calling, called="0335123456")

    assert line_number(snapshot=snapshot(), request=request) == found


def test_a_full_number_that_ends_in_two_extensions_is_nobodys() -> None:
    facts = replace(MILAN, lines=(("201", ("",)), ("0201", ("",))))
    request = RoutingRequest(calling="+390250201", called="0335123456")

    assert line_number(snapshot=snapshot(facts), request=request) == ""


def test_the_number_shown_to_the_outside_does_not_identify_a_line() -> None:
    request = RoutingRequest(calling="299", transformed_calling="+390250201", called="0335123456")

    assert line_number(snapshot=snapshot(), request=request) == ""


def test_the_state_in_force_is_what_a_call_would_meet() -> None:
    states = {
        (partition, extension): state_in_force(
            snapshot=snapshot(), partition=partition, extension=extension
        )
        for partition, extension in [
            ("PT-Internal", "201"),
            ("PT-Internal", "202"),
            ("PT-A", "250"),
        ]
    }

    assert list(states.values()) == [LineState.LOCKED, LineState.UNLOCKED, LineState.UNLOCKED]


@pytest.mark.parametrize(
    ("address", "secret", "is_let_in"),
    [
        ("10.1.2.3", "s3cret", True),
        ("::ffff:10.1.2.3", "s3cret", True),
        ("192.0.2.7", "s3cret", True),
        ("10.1.2.3", "", False),
        ("10.1.2.3", "S3cret", False),
        ("127.0.0.1", "s3cret", False),
        ("nonsense", "s3cret", False),
    ],
)
def test_a_door_opens_to_its_addresses_with_its_secret(
    address: str, secret: str, is_let_in: bool
) -> None:
    door = Door(
        "milan",
        callers=("10.1.0.0/16", "192.0.2.7", "not an address"),
        secret_digest=digest_of("s3cret"),
    )

    found = find_door(snapshot=snapshot(doors=(door,)), address=address, secret=secret)

    assert (found is not None) == is_let_in


def test_a_source_without_addresses_is_asked_from_this_machine_alone() -> None:
    here = snapshot()

    assert find_door(snapshot=here, address="127.0.0.1", secret="") is DOOR
    assert find_door(snapshot=here, address="::1", secret="") is DOOR
    assert find_door(snapshot=here, address="10.0.0.1", secret="") is None


def test_without_a_site_the_one_line_with_that_number_counts() -> None:
    rome = replace(MILAN, site="Rome", lines=(("301", ("",)), ("202", ("",))))
    sites = [snapshot(), compile_snapshot(facts=rome, locked={("", "202"): "USER"})]

    def asked(calling: str, called: str = "0335123456") -> Reason:
        request = RoutingRequest(calling=calling, called=called)
        decision, _ = decide_anywhere(
            snapshots=sites, request=request, address="127.0.0.1", secret=""
        )
        return decision.reason

    assert asked("201") is Reason.LOCKED
    assert asked("301") is Reason.UNLOCKED
    assert asked("202") is Reason.AMBIGUOUS_LINE
    assert asked("999") is Reason.UNKNOWN_LINE
    assert asked("201", called="0112") is Reason.EMERGENCY


def test_an_unreadable_pattern_or_address_breaks_nothing() -> None:
    facts = replace(MILAN, extension_patterns=("2XX", "(((", ""), doors=(Door("x", ("?",)),))

    compiled = compile_snapshot(facts=facts, locked={})

    assert compiled.plan.extension_patterns == ("2XX",)
    assert find_door(snapshot=compiled, address="127.0.0.1", secret="") is None
