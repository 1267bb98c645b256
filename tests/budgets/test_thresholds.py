"""Thresholds: percent, reach, latches, generations."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.engine.thresholds import (
    Latch,
    Step,
    default_steps,
    judge,
    mood,
    percent_hundredths,
    reach,
)

STEPS = default_steps(with_lock=True)
amounts = st.integers(min_value=0, max_value=10**12)
percents = st.integers(min_value=1, max_value=300)


@pytest.mark.parametrize(
    ("spent", "effective", "expected"),
    [
        (1_234_000, 10_000_000, 1234),
        (0, 10_000_000, 0),
        (10_000_000, 10_000_000, 10_000),
        (1, 3, 3333),
        (2, 3, 6667),
        (0, 0, 0),
        (1, 0, 10_000),
        (0, -5, 10_000),
    ],
)
def test_percent_is_in_hundredths_and_rounded_half_up(
    spent: int, effective: int, expected: int
) -> None:
    assert percent_hundredths(spent=spent, effective=effective) == expected


@given(percent=percents, spent=amounts, effective=st.integers(min_value=1, max_value=10**12))
def test_a_threshold_is_reached_exactly_when_its_percent_is_spent(
    percent: int, spent: int, effective: int
) -> None:
    least = reach(percent=percent, locks=False, effective=effective)

    assert least is not None
    assert (spent >= least) == (Fraction(spent, effective) * 100 >= percent)


def test_a_threshold_is_reached_on_the_very_cent() -> None:
    under = judge(spent=7_999_999, effective=10_000_000, steps=[Step(80)], latches=())
    on_it = judge(spent=8_000_000, effective=10_000_000, steps=[Step(80)], latches=())

    assert [each.percent for each in under.fired] == []
    assert [each.percent for each in on_it.fired] == [80]


def test_with_nothing_to_spend_the_lock_holds_from_the_start_and_the_rest_at_the_first_cent() -> (
    None
):
    steps = [Step(50, ("user",)), Step(100, locks=True)]

    before = judge(spent=0, effective=0, steps=steps, latches=())
    after = judge(
        spent=1, effective=0, steps=steps, latches=[Latch(100, generation=1, is_set=True)]
    )

    assert [each.percent for each in before.fired] == [100]
    assert before.is_locking
    assert [each.percent for each in after.fired] == [50]


def test_one_call_over_several_thresholds_fires_them_ascending_and_tells_all_concerned_once() -> (
    None
):
    verdict = judge(spent=110, effective=100, steps=STEPS, latches=())

    assert [each.percent for each in verdict.fired] == [50, 80, 100]
    assert verdict.told == ("user", "manager", "administrator")
    assert verdict.is_locking


def test_a_threshold_fires_again_only_after_it_has_fallen() -> None:
    latched = judge(spent=90, effective=100, steps=[Step(80)], latches=[Latch(80, 1, is_set=True)])
    fallen = judge(spent=70, effective=100, steps=[Step(80)], latches=[Latch(80, 1, is_set=True)])
    again = judge(spent=85, effective=100, steps=[Step(80)], latches=[Latch(80, 1, is_set=False)])

    assert (latched.fired, latched.reset) == ((), ())
    assert (fallen.fired, fallen.reset) == ((), (80,))
    assert [(each.percent, each.generation) for each in again.fired] == [(80, 2)]


def test_the_history_knows_100_percent_even_where_nobody_set_it() -> None:
    verdict = judge(spent=120, effective=100, steps=[Step(80, ("user",))], latches=())

    assert [(each.percent, each.is_programmed) for each in verdict.fired] == [
        (80, True),
        (100, False),
    ]


@given(
    charges=st.lists(st.integers(min_value=0, max_value=60), max_size=30),
    cuts=st.sets(st.integers(min_value=0, max_value=30)),
)
def test_each_threshold_fires_once_however_calls_are_batched(
    charges: list[int], cuts: set[int]
) -> None:
    def fired_in(borders: set[int]) -> list[int]:
        latches: list[Latch] = []
        fired: list[int] = []
        spent = 0
        for index, charge in enumerate(charges, 1):
            spent += charge
            if index in borders or index == len(charges):
                verdict = judge(spent=spent, effective=500, steps=STEPS, latches=latches)
                fired += [each.percent for each in verdict.fired]
                latches += [Latch(each.percent, each.generation, True) for each in verdict.fired]
        return fired

    assert fired_in(cuts) == fired_in(set()) == fired_in(set(range(31)))


@given(
    spent=amounts,
    effective=st.integers(min_value=-(10**6), max_value=10**12),
    latched=st.sets(st.sampled_from([50, 80, 100])),
    moved=amounts,
)
def test_between_its_bounds_a_second_look_finds_nothing(
    spent: int, effective: int, latched: set[int], moved: int
) -> None:
    first = judge(
        spent=spent,
        effective=effective,
        steps=STEPS,
        latches=[Latch(percent, 1, is_set=True) for percent in latched],
    )
    standing = latched - set(first.reset) | {each.percent for each in first.fired}
    latches = [Latch(percent, 2, is_set=True) for percent in standing]

    second = judge(spent=moved, effective=effective, steps=STEPS, latches=latches)

    is_inside = (first.fires_from is None or moved < first.fires_from) and (
        first.resets_below is None or moved >= first.resets_below
    )
    assert is_inside == (not second.fired and not second.reset)


@pytest.mark.parametrize(
    ("spent", "expected"), [(49, "ok"), (50, "warning"), (99, "warning"), (100, "over")]
)
def test_the_mood_follows_the_thresholds(spent: int, expected: str) -> None:
    assert mood(spent=spent, effective=100, steps=STEPS) == expected
