"""The forecast: what it says, when it stays silent, and how often its range holds."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.engine.forecast import FEWEST_DAYS, Forecast, Outlook, forecast

ONE_DAY = timedelta(days=1)
MONDAY = date(2026, 11, 2)
MONTH_END = date(2026, 12, 1)
UNIT = 1_000_000


def days(first: date, amounts: list[int]) -> dict[date, int]:
    return {first + n * ONE_DAY: amount for n, amount in enumerate(amounts)}


def told(
    known: dict[date, int],
    *,
    effective: int,
    today: date,
    since: date | None = MONDAY,
    ends_before: date = MONTH_END,
    starts_on: date = date(2026, 11, 1),
) -> Forecast:
    return forecast(
        spent=sum(amount for day, amount in known.items() if starts_on <= day <= today),
        effective=effective,
        today=today,
        ends_before=ends_before,
        known=known,
        known_since=since,
    )


@pytest.mark.feature("F198")
def test_the_same_every_day_ends_on_the_day_one_would_count_to() -> None:
    known = days(MONDAY, [UNIT] * 11)

    said = told(known, effective=20 * UNIT, today=date(2026, 11, 13))

    assert said.outlook is Outlook.ENDS
    assert said.ends_on == said.earliest == said.latest == date(2026, 11, 21)
    assert said.days_known == 11


@pytest.mark.feature("F198")
def test_weekends_without_calls_do_not_use_anything_up() -> None:
    workdays = [UNIT, UNIT, UNIT, UNIT, UNIT, 0, 0]
    known = days(MONDAY, workdays + workdays[:4])
    thursday_evening = dict(known)

    said = told(thursday_evening, effective=10 * UNIT + 1, today=date(2026, 11, 13))

    assert said.outlook is Outlook.ENDS
    assert said.ends_on == date(2026, 11, 16)
    assert [each.expected // UNIT for each in said.path[:4]] == [10, 10, 10, 11]


def test_what_was_spent_today_is_not_expected_again() -> None:
    known = {**days(MONDAY, [UNIT] * 7), date(2026, 11, 9): 3 * UNIT}

    said = told(known, effective=40 * UNIT, today=date(2026, 11, 9))

    assert said.path[0].expected == 10 * UNIT
    assert said.path[1].expected > 10 * UNIT


def test_a_few_days_say_nothing() -> None:
    known = days(MONDAY, [UNIT] * (FEWEST_DAYS - 1))

    said = told(known, effective=20 * UNIT, today=MONDAY + (FEWEST_DAYS - 1) * ONE_DAY)

    assert said == Forecast(Outlook.UNKNOWN, FEWEST_DAYS - 1)
    assert told({}, effective=UNIT, today=MONDAY, since=None).outlook is Outlook.UNKNOWN


def test_a_spent_budget_is_used_up_however_few_days_are_known() -> None:
    assert told({MONDAY: UNIT}, effective=UNIT, today=MONDAY).outlook is Outlook.USED_UP
    assert told({}, effective=0, today=MONDAY, since=None).outlook is Outlook.USED_UP


def test_earlier_weeks_speak_for_a_period_that_has_just_begun() -> None:
    known = days(date(2026, 10, 19), [UNIT] * 14)

    said = told(known, effective=10 * UNIT, today=date(2026, 11, 2), since=date(2026, 10, 19))

    assert said.outlook is Outlook.ENDS
    assert said.ends_on == date(2026, 11, 10)


@pytest.mark.feature("F198")
def test_one_dear_day_among_free_ones_is_no_forecast() -> None:
    known = days(date(2026, 11, 1), [26 * UNIT, 27 * UNIT, *[0] * 19])

    said = told(known, effective=60 * UNIT, today=date(2026, 11, 22), since=date(2026, 11, 1))

    assert said.outlook is Outlook.UNSURE
    assert said.latest is None


def test_nobody_is_asked_about_a_day_outside_the_period() -> None:
    with pytest.raises(ValueError, match="does not lie before"):
        told({}, effective=UNIT, today=MONTH_END)


amounts = st.lists(st.integers(0, 5 * UNIT), min_size=FEWEST_DAYS, max_size=40)
effectives = st.integers(1, 200 * UNIT)


def latest_or_end(day: date | None) -> date:
    return day or date.max


@given(amounts, effectives)
def test_the_range_holds_what_is_expected(past: list[int], effective: int) -> None:
    today = MONDAY + len(past) * ONE_DAY
    known = days(MONDAY, past)

    said = told(known, effective=effective, today=today, ends_before=today + 30 * ONE_DAY)

    if said.outlook in (Outlook.ENDS, Outlook.UNSURE, Outlook.LASTS):
        assert (
            latest_or_end(said.earliest)
            <= latest_or_end(said.ends_on)
            <= latest_or_end(said.latest)
        )
        assert all(each.low <= each.expected <= each.high for each in said.path)
        sums = [each.expected for each in said.path]
        assert sums == sorted(sums)
        assert len(said.path) == 30


@given(amounts, effectives, st.integers(0, 50 * UNIT))
def test_a_bigger_budget_never_ends_earlier(past: list[int], effective: int, more: int) -> None:
    today = MONDAY + len(past) * ONE_DAY
    known = days(MONDAY, past)
    ends_before = today + 30 * ONE_DAY

    small = told(known, effective=effective, today=today, ends_before=ends_before)
    large = told(known, effective=effective + more, today=today, ends_before=ends_before)

    if small.outlook is not Outlook.USED_UP:
        for bound in ("earliest", "ends_on", "latest"):
            assert latest_or_end(getattr(small, bound)) <= latest_or_end(getattr(large, bound))


@given(amounts, effectives, st.integers(2, 1000))
def test_the_unit_of_the_amounts_does_not_matter(
    past: list[int], effective: int, factor: int
) -> None:
    today = MONDAY + len(past) * ONE_DAY
    ends_before = today + 20 * ONE_DAY
    scaled = days(MONDAY, [amount * factor for amount in past])

    one = told(days(MONDAY, past), effective=effective, today=today, ends_before=ends_before)
    other = told(scaled, effective=effective * factor, today=today, ends_before=ends_before)

    assert (one.outlook, one.earliest, one.ends_on, one.latest) == (
        other.outlook,
        other.earliest,
        other.ends_on,
        other.latest,
    )


def test_the_range_holds_the_end_about_as_often_as_it_says() -> None:
    """Four of five: 300 months of somebody whose days differ widely, drawn anew each time."""
    chance = random.Random(20261113)  # noqa: S311 - days of a test
    held = asked = 0
    for _ in range(300):
        drawn = [
            0
            if (MONDAY + n * ONE_DAY).isoweekday() > 5 or chance.random() < 0.2
            else int(chance.gammavariate(2, 0.6) * UNIT)
            for n in range(120)
        ]
        today = MONDAY + 28 * ONE_DAY
        known = days(MONDAY, drawn[:28])
        effective = sum(drawn[:28]) + 12 * UNIT
        said = told(
            known,
            effective=effective,
            today=today,
            ends_before=MONDAY + 120 * ONE_DAY,
            starts_on=MONDAY,
        )
        running, day = sum(drawn[:28]), today
        while running + drawn[(day - MONDAY).days] < effective:
            running += drawn[(day - MONDAY).days]
            day += ONE_DAY
        assert said.earliest
        asked += 1
        held += said.earliest <= day <= latest_or_end(said.latest)

    assert 0.75 <= held / asked <= 0.93
