"""One month of one person: calls come in, money runs out, a mail and a lock go out, a month ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from alarms.models import OutboxMessage
from billingsite import pipeline
from billingsite.digest import digest
from budgets.models import BudgetEvent
from budgets.operations.applying import apply_budget
from cdr.queries.proof import differences as total_differences
from directory.models import User
from tests.support.curri import question
from tests.support.mining import Company, company, drop, outgoing

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENING = DAY + timedelta(hours=6)
NEXT_MONTH = datetime(2026, 4, 1, 0, 0, 5, tzinfo=UTC)


def run(now: datetime) -> None:
    """What the timer does every ten seconds, from the Miner on, until nothing is left."""
    for _ in range(2):
        for stage in pipeline.stages()[1:]:
            stage.run(now)


def may_call(client: Client, called: str) -> bool:
    """Ask as the switch asks when 201 dials `called`."""
    answer = client.post(
        "/curri/London/",
        data=question(calling="201", called=called),
        content_type="text/xml; charset=ISO-8859-1",
    )
    assert answer.status_code == 200
    return b"<Decision>Permit</Decision>" in answer.content


@pytest.fixture
def london() -> Company:
    found = company()
    manager = User.objects.create(username="bea", email="bea@example.com")
    ann = found.person("ann", "201")
    ann.email, ann.manager = "ann@example.com", manager
    ann.save()
    apply_budget(
        {
            "for": "user:ann",
            "amount": "1.00",
            "period": "month",
            "carry_over": False,
            "thresholds": [
                {"percent": 50, "notify": ["user"]},
                {"percent": 90, "notify": ["user", "manager"], "lock": True},
            ],
        },
        at=DAY - timedelta(days=5),
        by="test",
    )
    run(DAY)
    return found


@pytest.mark.feature(
    "F180", "F185", "F186", "F187", "F188", "F189", "F193", "F198", "F217", "F218", "F226", "F228"
)
def test_spending_warns_before_it_locks_and_the_lock_refuses_the_next_outside_call(
    london: Company, client: Client
) -> None:
    assert may_call(client, "902079460123")

    drop([outgoing("1", talk=300)])  # 0.05 + 0.50 = 0.55: over 50 percent
    run(EVENING)
    warned = set(OutboxMessage.objects.values_list("recipient", flat=True))
    assert warned == {"ann@example.com"}
    assert may_call(client, "902079460123")

    drop([outgoing("2", off=900, talk=240)])  # 0.45 more: 1.00 of 1.00
    run(EVENING)

    told = OutboxMessage.objects.values_list("recipient", flat=True)
    assert {"ann@example.com", "bea@example.com"} <= set(told)
    assert [row["spent"] for row in digest()["budgets"]] == ["1.0000"]
    assert not may_call(client, "902079460123")
    assert may_call(client, "112")
    assert may_call(client, "9112")
    assert may_call(client, "202")
    kinds = list(BudgetEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds.count("threshold") + kinds.count("over_budget") >= 2
    assert "phone_locked" in kinds
    assert total_differences() == []


@pytest.mark.feature("F219", "F220", "F227")
def test_the_next_month_opens_the_phone_and_says_so_once(london: Company, client: Client) -> None:
    drop([outgoing("1", talk=600)])
    run(EVENING)
    assert not may_call(client, "902079460123")

    run(NEXT_MONTH)
    run(NEXT_MONTH + timedelta(seconds=10))

    assert may_call(client, "902079460123")
    kinds = list(BudgetEvent.objects.values_list("kind", flat=True))
    assert kinds.count("end_period") == 1
    assert kinds.count("phone_unlocked") == 1
    told = OutboxMessage.objects.filter(kind="phone_unlocked").values_list("recipient", flat=True)
    assert sorted(told) == ["ann@example.com", "bea@example.com"]


@pytest.mark.feature("F219")
def test_a_month_that_locked_nobody_unlocks_nobody(london: Company, client: Client) -> None:
    drop([outgoing("1", talk=30)])
    run(EVENING)

    run(NEXT_MONTH)

    kinds = list(BudgetEvent.objects.values_list("kind", flat=True))
    assert kinds.count("end_period") == 1
    assert "phone_unlocked" not in kinds
