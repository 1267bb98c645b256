"""Hiding the last digits of outside numbers (domain reference 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.engine.masking import mask

numbers = st.from_regex(r"\+?[0-9]{0,20}", fullmatch=True)


@pytest.mark.feature("F057")
@pytest.mark.parametrize(
    ("number", "hidden", "shown"),
    [
        ("026677 1234", 4, "026677****"),
        ("+390266771234", 4, "+39026677****"),
        ("+390266771234", 0, "+390266771234"),
        ("+390266771234", -1, "+390266771234"),
        ("+390266771234", 7, "+39026*******"),
        ("alice@example.com", 4, "*****@example.com"),
    ],
)
def test_the_last_digits_of_an_outside_number_are_hidden(
    number: str, hidden: int, shown: str
) -> None:
    assert mask(number, hidden_digits=hidden) == shown


@pytest.mark.feature("F058")
def test_internal_and_emergency_numbers_stay_readable() -> None:
    assert mask("201", hidden_digits=4, is_clear=True) == "201"
    assert mask("112", hidden_digits=4, is_clear=True) == "112"


@pytest.mark.feature("F058")
@pytest.mark.parametrize(("number", "shown"), [("1520", "****"), ("12", "**"), ("+119", "+***")])
def test_a_very_short_outside_number_is_hidden_whole(number: str, shown: str) -> None:
    assert mask(number, hidden_digits=4) == shown


def test_a_withheld_number_says_so() -> None:
    assert mask("", hidden_digits=4, is_private=True) == "private"


@given(number=numbers, hidden=st.integers(1, 25))
def test_the_length_is_kept_and_no_hidden_digit_shows(number: str, hidden: int) -> None:
    shown = mask(number, hidden_digits=hidden)

    assert len(shown) == len(number)
    digits = sum(sign.isdecimal() for sign in number)
    assert shown.count("*") == min(digits, hidden)
    assert number.startswith(shown.rstrip("*")) or set(shown) <= {"+", "*"}


@given(number=numbers, fewer=st.integers(0, 10), more=st.integers(0, 10))
def test_hiding_more_never_shows_more(number: str, fewer: int, more: int) -> None:
    less_hidden = mask(number, hidden_digits=fewer)
    more_hidden = mask(number, hidden_digits=fewer + more)

    assert all(
        hidden in (clear, "*") for clear, hidden in zip(less_hidden, more_hidden, strict=True)
    )


@given(number=numbers, hidden=st.integers(0, 12))
def test_masking_a_masked_number_uncovers_nothing(number: str, hidden: int) -> None:
    once = mask(number, hidden_digits=hidden)

    assert "*" not in once or mask(once, hidden_digits=0) == once
    assert sum(map(str.isdecimal, mask(once, hidden_digits=hidden))) <= sum(
        map(str.isdecimal, once)
    )
