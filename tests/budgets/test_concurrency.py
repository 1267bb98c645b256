"""Many evaluate at once; each thing happens once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from budgets.engine.carry import CarryRule
from budgets.models import Budget, BudgetNotice, BudgetPeriod, Crossing, LockWish
from budgets.operations.assignments import change_amount
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import differences
from cdr.models import UsageChange
from tests.support.budgets import NOON, Firm, assigned, kinds_of_events, money, running
from tests.support.together import all_at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

AT_ONCE = 20


def test_twenty_evaluations_at_once_are_one() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    assigned(mario, money("10.00"))
    assigned(firm.unit("Sales"), money("10.00"))
    for _ in range(40):
        firm.call(mario, "0.50")

    all_at_once(*[lambda: evaluate_waiting(now=NOON)] * AT_ONCE)

    assert Crossing.objects.count() == 6
    assert BudgetNotice.objects.count() == 2
    assert LockWish.objects.count() == 2
    assert not UsageChange.objects.exists()


def test_calls_that_arrive_while_all_evaluate_are_not_missed() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "0.10")

    def talk() -> None:
        for _ in range(5):
            firm.call(mario, "0.50")

    all_at_once(
        *[talk] * 4,
        *[lambda: evaluate_waiting(now=NOON)] * 8,
        lambda: change_amount(budget=budget, amount=8_000_000, at=NOON, by="boss"),
    )
    evaluate_waiting(now=NOON)

    assert sorted(Crossing.objects.values_list("percent", "generation")) == [
        (50, 1),
        (80, 1),
        (100, 1),
    ]
    assert LockWish.objects.count() == 1
    assert differences() == []


def test_two_units_that_share_people_get_their_budgets_at_once() -> None:
    firm = Firm()
    for number in range(20):
        firm.person(f"user{number}", department="Sales/North")
    units = [firm.unit("Sales"), firm.unit("Sales/North")]

    all_at_once(
        *[lambda unit=unit: assigned(unit, money("10.00"), for_each_member=True) for unit in units]
    )

    assert Budget.objects.filter(for_each_member=True).count() == 2
    assert Budget.objects.filter(user__isnull=False).count() == 20


def test_two_schedulers_at_midnight_end_a_period_once() -> None:
    firm = Firm()
    users = [firm.person(f"user{number}") for number in range(10)]
    budgets = [assigned(user, money("10.00", carry=CarryRule())) for user in users]
    end = running(budgets[0]).ends_at

    all_at_once(*[lambda: end_due_periods(now=end)] * AT_ONCE)
    end_due_periods(now=end)
    later = end + timedelta(hours=1)
    all_at_once(*[lambda: end_due_periods(now=later)] * AT_ONCE)
    end_due_periods(now=later)

    for budget in budgets:
        assert kinds_of_events(budget) == ["assigned", "end_period", "carried_over"]
    assert (
        sorted(BudgetPeriod.objects.values_list("state", flat=True))
        == ["CLOSED"] * 10 + ["OPEN"] * 10
    )


def test_ending_and_evaluating_at_once_do_not_block_each_other() -> None:
    firm = Firm()
    users = [firm.person(f"user{number}", department="Sales") for number in range(10)]
    for user in users:
        assigned(user, money("10.00", period="day"))
    assigned(firm.unit("Sales"), money("10.00", period="day"))
    for user in users:
        firm.call(user, "11.00")
    tomorrow = NOON + timedelta(days=1)

    all_at_once(
        *[lambda: evaluate_waiting(now=tomorrow)] * 6, *[lambda: end_due_periods(now=tomorrow)] * 6
    )
    end_due_periods(now=tomorrow)
    evaluate_waiting(now=tomorrow)

    assert Crossing.objects.count() == 33
    assert not LockWish.objects.filter(lifted_at__isnull=True).exists()
    assert BudgetPeriod.objects.filter(state="OPEN").count() == 11
    assert differences() == []
