"""Facts over time: a change closes the last span and leaves history alone."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.engine.spans import HistoryStands, Span, Timeline, changed, in_force

JAN, FEB, MAR, APR = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4))
NOW = datetime(2026, 3, 15, tzinfo=UTC)


def test_the_first_entry_holds_since_ever_unless_a_day_is_named() -> None:
    assert changed((), value="a", since=None, now=NOW, first=None) == (Span("a"),)
    assert changed((), value="a", since=None, now=NOW, first=NOW) == (Span("a", NOW),)
    assert changed((), value="a", since=JAN, now=NOW, first=None) == (Span("a", JAN),)


def test_a_change_closes_the_last_span_where_the_new_one_begins() -> None:
    before: Timeline[str] = (Span("a", None, None, key=7),)

    assert changed(before, value="b", since=FEB, now=NOW, first=None) == (
        Span("a", None, FEB, key=7),
        Span("b", FEB),
    )
    assert changed(before, value="b", since=None, now=NOW, first=None)[1] == Span("b", NOW)


def test_what_holds_already_changes_nothing() -> None:
    before: Timeline[str] = (Span("a", JAN, FEB), Span("b", FEB))

    for value, since in (("a", JAN), ("b", FEB), ("b", None), ("b", MAR)):
        assert changed(before, value=value, since=since, now=NOW, first=None) is before


def test_history_is_not_rewritten() -> None:
    before: Timeline[str] = (Span("a", JAN, MAR), Span("b", MAR))

    with pytest.raises(HistoryStands, match="before the last entry"):
        changed(before, value="c", since=FEB, now=NOW, first=None)


def test_the_same_start_corrects_the_value() -> None:
    before: Timeline[str] = (Span("a", JAN, None, key=1),)

    assert changed(before, value="b", since=JAN, now=NOW, first=None) == (
        Span("b", JAN, None, key=1),
    )


def test_free_time_before_the_first_span_can_be_filled() -> None:
    before: Timeline[str] = (Span("a", MAR, None, key=1),)

    assert changed(before, value="a", since=JAN, now=NOW, first=None) == (
        Span("a", JAN, None, key=1),
    )
    assert changed(before, value="b", since=JAN, now=NOW, first=None) == (
        Span("b", JAN, MAR),
        Span("a", MAR, None, key=1),
    )


def test_after_an_ended_span_a_new_one_begins() -> None:
    before: Timeline[str] = (Span("a", JAN, FEB),)

    assert changed(before, value="a", since=APR, now=NOW, first=None) == (
        Span("a", JAN, FEB),
        Span("a", APR),
    )


changes = st.lists(
    st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(-60, 60))), max_size=8
)


@given(changes=changes)
def test_spans_never_overlap_and_every_change_that_is_taken_holds(
    changes: list[tuple[str, int | None]],
) -> None:
    spans: Timeline[str] = ()
    for value, days in changes:
        since = None if days is None else NOW + timedelta(days=days)
        try:
            spans = changed(spans, value=value, since=since, now=NOW, first=None)
        except HistoryStands:
            continue
        there = in_force(spans, at=NOW if since is None else since)
        assert there is not None
        assert there.value == value

    for earlier, later in itertools.pairwise(spans):
        assert earlier.valid_to is not None
        assert later.valid_from is not None
        assert earlier.valid_to <= later.valid_from
        assert earlier.valid_from is None or earlier.valid_from < earlier.valid_to
