"""Form fields that several pages share."""

from __future__ import annotations

import pytest
from django import forms

from directory.fields import ListField, WholesField


class Lists(forms.Form):
    numbers = ListField(required=False)
    lengths = WholesField(required=False)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("999, 112", ["999", "112"]),
        ("999 112", ["999", "112"]),
        (" 118; ,", ["118"]),
        ("", []),
    ],
)
def test_a_list_is_written_with_commas(typed: str, stored: list[str]) -> None:
    form = Lists({"numbers": typed, "lengths": "7, 8"})

    assert form.is_valid()
    assert form.cleaned_data == {"numbers": stored, "lengths": [7, 8]}


def test_a_stored_list_is_shown_as_it_is_typed_and_counts_as_unchanged() -> None:
    stored = {"numbers": ["999", "112"], "lengths": [8]}

    assert 'value="999, 112"' in str(Lists(initial=stored)["numbers"])
    assert not Lists({"numbers": "999,112", "lengths": "8"}, initial=stored).has_changed()


def test_what_is_no_number_is_refused_and_stays_in_the_field() -> None:
    form = Lists({"numbers": "", "lengths": "eight"})

    assert form.errors == {"lengths": ["Enter a whole number."]}
    assert 'value="eight"' in str(form["lengths"])
