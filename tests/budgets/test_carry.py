"""What is carried over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.engine.carry import CarryRule, carried_on


@pytest.mark.parametrize(
    ("effective", "spent", "rule", "expected"),
    [
        (100, 30, None, 0),
        (100, 30, CarryRule(), 70),
        (180, 10, CarryRule(), 100),
        (180, 10, CarryRule(cap=20), 20),
        (180, 10, CarryRule(cap=500), 170),
        (100, 130, CarryRule(), 0),
        (100, 130, CarryRule(debt=True), -30),
        (100, 100, CarryRule(debt=True), 0),
    ],
)
def test_the_rest_goes_on_up_to_the_cap_and_debt_only_if_asked(
    effective: int, spent: int, rule: CarryRule | None, expected: int
) -> None:
    assert carried_on(base=100, effective=effective, spent=spent, rule=rule) == expected


@given(
    base=st.integers(min_value=0, max_value=1000),
    carried=st.integers(min_value=-1000, max_value=1000),
    spent=st.integers(min_value=0, max_value=3000),
    more=st.integers(min_value=0, max_value=1000),
    debt=st.booleans(),
)
def test_who_spends_more_never_carries_more(
    base: int, carried: int, spent: int, more: int, debt: bool
) -> None:
    rule = CarryRule(debt=debt)

    less = carried_on(base=base, effective=base + carried, spent=spent + more, rule=rule)

    assert less <= carried_on(base=base, effective=base + carried, spent=spent, rule=rule) <= base
