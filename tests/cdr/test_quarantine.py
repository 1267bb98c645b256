"""Records set aside can be mended, replayed once, or closed; nothing is counted twice."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from cdr.models import Call, Outcome, QuarantinedRecord
from cdr.operations.quarantine import AlreadySettled, StillUnusable, close, replay
from cdr.queries.proof import differences as total_differences
from cdr.queries.reconciliation import differences as record_differences
from tests.support.mining import NOON, Company, company, mine, outgoing

pytestmark = [pytest.mark.django_db, pytest.mark.feature("F003")]
LATER = NOON + timedelta(days=2)


@pytest.fixture
def london() -> Company:
    return company()


def set_aside() -> QuarantinedRecord:
    mine(
        {**outgoing("1"), "ended_at": (NOON - timedelta(hours=1)).isoformat(), "answered_at": None}
    )
    return QuarantinedRecord.objects.get()


def test_a_mended_record_becomes_a_call_and_its_outcome_moves(london: Company) -> None:
    record = set_aside()

    replay(record, raw=orjson.dumps(outgoing("1")).decode(), by="ann", at=LATER)

    assert Call.objects.get().call_id == "1"
    assert Outcome.objects.get().kind == "S"
    record.refresh_from_db()
    assert (record.state, record.settled_by) == ("REPLAYED", "ann")
    assert total_differences() == record_differences() == []


def test_replaying_twice_is_replaying_once(london: Company) -> None:
    record = set_aside()
    mended = orjson.dumps(outgoing("1")).decode()
    replay(record, raw=mended, by="ann", at=LATER)

    with pytest.raises(AlreadySettled):
        replay(record, raw=mended, by="ann", at=LATER)

    assert Call.objects.count() == Outcome.objects.count() == 1


def test_a_record_that_is_still_wrong_stays_and_says_why(london: Company) -> None:
    record = set_aside()

    with pytest.raises(StillUnusable, match="before it starts"):
        replay(record, by="ann", at=LATER)

    record.refresh_from_db()
    assert record.state == "OPEN"
    assert Outcome.objects.get().kind == "Q"


def test_a_record_is_closed_with_a_reason_only(london: Company) -> None:
    record = set_aside()

    with pytest.raises(StillUnusable):
        close(record, reason=" ", by="ann", at=LATER)
    close(record, reason="test call", by="ann", at=LATER)

    record.refresh_from_db()
    assert (record.state, record.settled_reason) == ("CLOSED", "test call")
    assert Outcome.objects.get().kind == "Q"
