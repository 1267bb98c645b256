"""The opaque key of a number: stable, unforgeable, silent."""

from __future__ import annotations

import base64

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from directory.number_keys import number_key, number_of_key

pytestmark = pytest.mark.feature("F057")

numbers = st.text("0123456789+*#", min_size=1, max_size=64)


@given(number=numbers)
def test_a_key_leads_back_to_its_number_and_to_no_other(number: str) -> None:
    assert number_of_key(number_key(number)) == number


@given(st.text(max_size=120))
def test_what_was_not_made_here_is_no_key(text: str) -> None:
    assert number_of_key(text) is None


def test_the_same_number_has_the_same_key_and_no_digit_of_it_shows() -> None:
    key = number_key("+390266771234")

    assert key == number_key("+390266771234")
    assert key != number_key("+390266771235")
    raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    assert b"6677" not in raw
    assert "6677" not in key


def test_the_length_of_a_number_cannot_be_read_from_its_key() -> None:
    assert len({len(number_key("1" * length)) for length in range(1, 32)}) == 1


def test_every_changed_sign_spoils_the_key() -> None:
    key = number_key("+390266771234")
    spoilt = [
        key[:place] + ("A" if sign != "A" else "B") + key[place + 1 :]
        for place, sign in enumerate(key[:-1])
    ]

    assert {number_of_key(text) for text in spoilt} == {None}


def test_a_key_dies_with_its_secret_but_outlives_a_rotation() -> None:
    key = number_key("+390266771234")

    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[]):  # noqa: S106
        assert number_of_key(key) is None
        assert number_key("+390266771234") != key


def test_a_rotation_keeps_old_keys_readable() -> None:
    with override_settings(SECRET_KEY="old", SECRET_KEY_FALLBACKS=[]):  # noqa: S106
        key = number_key("+390266771234")

    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):  # noqa: S106
        assert number_of_key(key) == "+390266771234"


def test_a_withheld_number_has_no_key() -> None:
    assert number_key("") == ""
    assert number_of_key("") is None
