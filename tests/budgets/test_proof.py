"""The proof finds what does not agree, and nothing else; the digest is always the same."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from django.db.models import F

from budgets.models import BudgetPeriod
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import differences, digest_rows
from cdr.models import UsageTotal
from tests.support.budgets import NOON, Firm, assigned, minutes, money, running

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def a_firm_with_budgets() -> Firm:
    firm = Firm()
    mario = firm.person("mario", department="Sales/North")
    boss = firm.person("boss", department="Sales")
    assigned(mario, money("10.00"))
    assigned(mario, minutes(30))
    assigned(firm.unit("Sales"), money("100.00"), exceptions=[boss])
    firm.call(mario, "8.1250", seconds=90)
    firm.call(boss, "5.00")
    firm.call(None, "1.00")
    return firm


@pytest.mark.feature("F194")
def test_all_is_well_where_budgets_agree_with_their_calls() -> None:
    a_firm_with_budgets()

    before_the_tick = differences()
    evaluate_waiting(now=NOON)

    assert before_the_tick == []
    assert differences() == []


def test_a_total_that_lost_a_call_is_found_in_every_budget_that_counts_it() -> None:
    a_firm_with_budgets()
    UsageTotal.objects.filter(user_key__gt=0, charge_micros=8_125_000).update(
        charge_micros=F("charge_micros") - 1
    )

    found = differences()

    assert len(found) == 2
    assert found[0] == (
        "budget user:mario from 2026-11-01: the totals say 8.124999 EUR, its calls 8.125000"
    )
    assert found[1].startswith("budget department:Sales from 2026-11-01")


def test_an_ended_period_that_was_settled_wrong_is_found_but_not_one_that_waits() -> None:
    firm = a_firm_with_budgets()
    evaluate_waiting(now=NOON)
    end = running(BudgetPeriod.objects.all()[0].budget).ends_at
    end_due_periods(now=end)
    end_due_periods(now=end + HOUR)
    firm.call(firm.person("late", department="Sales"), "1.00")

    waiting = differences()
    evaluate_waiting(now=end + HOUR)
    settled = differences()
    BudgetPeriod.objects.filter(budget__user__isnull=False, state="CLOSED").update(late_amount=7)

    assert (waiting, settled) == ([], [])
    assert len(differences()) == 2


def test_the_digest_says_what_everybody_spent() -> None:
    a_firm_with_budgets()
    evaluate_waiting(now=NOON)

    assert digest_rows() == [
        {
            "budget": "department:Sales",
            "period_start": "2026-11-01T00:00:00+01:00",
            "unit": "EUR",
            "spent": "8.1250",
            "percent": "8.13",
            "events": 0,
        },
        {
            "budget": "user:mario",
            "period_start": "2026-11-01T00:00:00+01:00",
            "unit": "EUR",
            "spent": "8.1250",
            "percent": "81.25",
            "events": 2,
        },
        {
            "budget": "user:mario",
            "period_start": "2026-11-01T00:00:00+01:00",
            "unit": "minutes",
            "spent": "1.5000",
            "percent": "5.00",
            "events": 0,
        },
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_digest_does_not_know_in_which_order_or_batches_calls_came(seed: int) -> None:
    def digest(shuffle: Random | None) -> list[dict[str, object]]:
        firm = Firm()
        suffix = str(firm.site.pk)
        users = [firm.person(f"{name}-{suffix}", department=f"D{suffix}") for name in "abc"]
        budgets = [assigned(user, money("10.00")) for user in users]
        budgets.append(assigned(firm.unit(f"D{suffix}"), money("30.00")))
        calls = [
            (users[number % 3], f"{number}.{number:02}", NOON + timedelta(hours=number))
            for number in range(1, 9)
        ]
        if shuffle:
            shuffle.shuffle(calls)
        for user, charge, at in calls:
            firm.call(user, charge, at=at)
            if shuffle and shuffle.random() < 0.5:
                evaluate_waiting(now=NOON)
        evaluate_waiting(now=NOON)
        return [
            {**row, "budget": str(row["budget"]).replace(suffix, "")}
            for row in digest_rows()
            if suffix in str(row["budget"])
        ]

    assert digest(Random(seed)) == digest(None)  # noqa: S311 - an order, not a secret
