"""Signs of life."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alarms.operations.heartbeats import beat
from alarms.queries.health import StalePart, stale_parts
from cdr.models import Heartbeat
from tests.support.outbox import NOON

pytestmark = pytest.mark.django_db


def test_a_part_not_heard_of_for_a_minute_is_stale() -> None:
    beat(name="miner", now=NOON - timedelta(seconds=60), note="3 files")
    beat(name="outbox", now=NOON - timedelta(seconds=59))

    assert stale_parts(now=NOON) == [
        StalePart(name="miner", beaten_at=NOON - timedelta(seconds=60), note="3 files")
    ]


def test_a_part_that_was_never_heard_of_is_stale_where_it_is_expected() -> None:
    beat(name="outbox", now=NOON)

    assert stale_parts(now=NOON, expected=["outbox", "beat"]) == [
        StalePart(name="beat", beaten_at=None)
    ]


def test_a_part_has_one_row_that_says_its_last_word_on_one_line() -> None:
    beat(name="miner", now=NOON, note="first")
    beat(name="miner", now=NOON + timedelta(seconds=1), note="line one\nline two" + "x" * 600)

    row = Heartbeat.objects.get()
    assert row.beaten_at == NOON + timedelta(seconds=1)
    assert row.note.startswith("line one line two")
    assert len(row.note) == 500
