"""How long a line waits after a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonelock.engine.retries import delay_ms


@given(attempts=st.integers(1, 10_000), jitter=st.integers(0, 1000))
def test_a_line_waits_between_ten_seconds_and_ten_minutes_for_ever(
    attempts: int, jitter: int
) -> None:
    assert 10_000 <= delay_ms(attempts=attempts, jitter_permille=jitter) <= 600_000


def test_the_wait_doubles_up_to_ten_minutes() -> None:
    waits = [delay_ms(attempts=each, jitter_permille=500) for each in range(1, 9)]

    assert waits == [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000]


def test_lines_that_failed_together_do_not_come_back_together() -> None:
    waits = {delay_ms(attempts=4, jitter_permille=each) for each in range(0, 1001, 10)}

    assert len(waits) > 50
    assert (min(waits), max(waits)) == (60_000, 100_000)


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0), (1, -1), (1, 1001)])
def test_nonsense_is_refused(attempts: int, jitter: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        delay_ms(attempts=attempts, jitter_permille=jitter)
