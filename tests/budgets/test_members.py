"""Budgets for each member of a unit, and who is locked by a unit's budget."""

from __future__ import annotations

from datetime import timedelta

import pytest

from budgets.engine.thresholds import Step
from budgets.models import Budget, BudgetEvent, BudgetPeriod, EventKind, LockWish
from budgets.operations.assignments import (
    BadBudget,
    BudgetExists,
    add_exceptions,
    change_amount,
    change_thresholds,
    delete,
    remove_exceptions,
)
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import budgets_of, differences, members_of, spent, thresholds_of
from directory.models import Membership
from tests.support.budgets import NOON, Firm, assigned, kinds_of_events, money, running

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def owners(template: Budget) -> list[str]:
    live = template.member_budgets.filter(deleted_at__isnull=True)
    return sorted(live.values_list("user__username", flat=True))


@pytest.mark.feature("X10")
def test_every_member_gets_a_budget_of_his_own_and_sub_units_are_members_too() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    firm.person("anna", department="Sales/North")
    firm.person("bruno", department="Service")
    firm.call(mario, "9.00")

    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)

    assert owners(template) == ["anna", "mario"]
    marios = Budget.objects.get(user=mario)
    assert spent(running(marios)) == 9_000_000
    assert kinds_of_events(marios) == ["assigned", "threshold", "threshold"]
    assert thresholds_of(marios) == thresholds_of(template)
    assert not BudgetPeriod.objects.filter(budget=template).exists()


@pytest.mark.feature("X10")
def test_a_new_member_gets_his_budget_at_the_next_tick() -> None:
    firm = Firm()
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    evaluate_waiting(now=NOON)

    firm.person("late", department="Sales/South")
    evaluate_waiting(now=NOON + timedelta(seconds=10))

    assert owners(template) == ["late"]


def test_a_membership_that_begins_later_counts_from_then_on() -> None:
    firm = Firm()
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    mario = firm.person("mario")
    firm.move(mario, department="Sales", at=NOON + HOUR)

    evaluate_waiting(now=NOON + timedelta(minutes=1))
    before = owners(template)
    evaluate_waiting(now=NOON + HOUR)

    assert (before, owners(template)) == ([], ["mario"])


def test_a_leavers_budget_ends_with_the_period() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    firm.move(mario, department="Service", at=NOON + HOUR)

    evaluate_waiting(now=NOON + 2 * HOUR)
    before = owners(template)
    budget = Budget.objects.get(user=mario)
    end = running(budget).ends_at
    end_due_periods(now=end)
    evaluate_waiting(now=end)

    assert (before, owners(template)) == (["mario"], [])
    assert kinds_of_events(budget) == ["assigned", "end_period", "deleted"]
    firm.call(mario, "3.00", at=NOON)
    evaluate_waiting(now=end)
    assert BudgetPeriod.objects.get(budget=budget).closed_spent == 3_000_000


@pytest.mark.feature("X11")
def test_a_user_with_a_budget_of_his_own_is_left_out_of_his_units_in_one_step() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    firm.person("anna", department="Sales")
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)

    own = assigned(mario, money("50.00"))
    evaluate_waiting(now=NOON + HOUR)

    assert owners(template) == ["anna"]
    assert list(Budget.objects.filter(user=mario, deleted_at__isnull=True)) == [own]
    assert template.exceptions.get().user == mario


def test_who_has_a_budget_of_his_own_gets_none_from_the_unit() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    assigned(mario, money("50.00"))

    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)

    assert owners(template) == []
    with pytest.raises(BudgetExists):
        assigned(mario, money("60.00"))


def test_a_budget_of_another_kind_stands_beside() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)

    assigned(mario, money("5.00", number_classes=("mobile",)))
    assigned(firm.unit("Sales"), money("100.00"))

    firm.call(mario, "1.00", number_class="mobile")
    assert [
        (each.is_shared, each.effective, each.spent, each.share)
        for each in sorted(budgets_of(mario, at=NOON), key=lambda each: each.effective)
    ] == [
        (False, 5_000_000, 1_000_000, None),
        (False, 10_000_000, 1_000_000, None),
        (True, 100_000_000, 1_000_000, 1_000_000),
    ]


def test_changing_the_template_changes_all_but_the_amount_set_for_one_alone() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    anna = firm.person("anna", department="Sales")
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    change_amount(budget=Budget.objects.get(user=anna), amount=30_000_000, at=NOON, by="boss")
    firm.call(mario, "9.00")
    evaluate_waiting(now=NOON)

    change_amount(budget=template, amount=8_000_000, at=NOON, by="boss")

    assert Budget.objects.get(user=mario).amount == 8_000_000
    assert Budget.objects.get(user=anna).amount == 30_000_000
    assert running(Budget.objects.get(user=mario)).base == 8_000_000
    assert LockWish.objects.get().user == mario


def test_new_thresholds_of_the_template_hold_for_its_members_at_once() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    firm.call(mario, "3.00")
    evaluate_waiting(now=NOON)

    change_thresholds(budget=template, steps=[Step(30, ("user",), locks=True)], at=NOON, by="boss")

    assert LockWish.objects.get().user == mario
    with pytest.raises(BadBudget):
        change_thresholds(budget=Budget.objects.get(user=mario), steps=[], at=NOON, by="boss")


@pytest.mark.feature("X11")
def test_an_exception_in_mid_period_takes_the_member_out_and_in_again() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    anna = firm.person("anna", department="Sales")
    budget = assigned(firm.unit("Sales"), money("10.00"))
    firm.call(mario, "8.00")
    firm.call(anna, "4.00")
    evaluate_waiting(now=NOON)

    add_exceptions(budget=budget, users=[anna], at=NOON, by="boss")
    without = spent(running(budget))
    lifted = set(LockWish.objects.values_list("user__username", "lifted_because"))
    members = list(members_of(budget, NOON))
    remove_exceptions(budget=budget, users=[anna], at=NOON, by="boss")

    assert without == 8_000_000
    assert lifted == {("mario", "excepted"), ("anna", "excepted")}
    assert members == [mario]
    assert spent(running(budget)) == 12_000_000
    assert LockWish.objects.filter(lifted_at__isnull=True).count() == 2


def test_an_exception_leaves_ended_periods_alone() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    budget = assigned(firm.unit("Sales"), money("10.00"))
    firm.call(mario, "3.00")
    evaluate_waiting(now=NOON)
    end = running(budget).ends_at
    end_due_periods(now=end)
    end_due_periods(now=end + HOUR)

    add_exceptions(budget=budget, users=[mario], at=end + HOUR, by="boss")
    firm.call(mario, "1.00", at=NOON)
    firm.call(mario, "2.00", at=end + HOUR)
    evaluate_waiting(now=end + 2 * HOUR)

    november = BudgetPeriod.objects.get(starts_on="2026-11-01")
    assert (november.closed_spent, november.late_amount) == (3_000_000, 1_000_000)
    assert spent(running(budget)) == 0


def test_a_unit_that_is_moved_away_stays_in_the_periods_that_ended_with_it() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales/North")
    budget = assigned(firm.unit("Sales"), money("10.00"))
    firm.call(mario, "3.00")
    evaluate_waiting(now=NOON)
    end = running(budget).ends_at
    end_due_periods(now=end)
    end_due_periods(now=end + HOUR)

    north = firm.unit("Sales/North")
    north.parent, north.path = None, "North"
    north.save()
    firm.call(mario, "1.00", at=NOON)
    firm.call(mario, "2.00", at=end + HOUR)
    evaluate_waiting(now=end + HOUR)

    november = BudgetPeriod.objects.get(starts_on="2026-11-01")
    assert (november.closed_spent, november.late_amount) == (3_000_000, 1_000_000)
    assert spent(running(budget)) == 0
    assert differences() == []


def test_who_joins_a_locked_unit_is_locked_and_who_leaves_it_is_free() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    assigned(firm.unit("Sales"), money("10.00"))
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    anna = firm.person("anna", department="Sales/North")
    firm.move(mario, department="Service", at=NOON)
    evaluate_waiting(now=NOON + timedelta(seconds=10))

    assert LockWish.objects.get(user=anna).lifted_at is None
    assert LockWish.objects.get(user=mario).lifted_because == "left"


def test_deleting_the_template_deletes_the_members_budgets() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    template = assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    delete(budget=template, at=NOON, by="boss")
    evaluate_waiting(now=NOON + HOUR)

    assert owners(template) == []
    assert LockWish.objects.get().lifted_because == "deleted"
    assert BudgetEvent.objects.filter(kind=EventKind.DELETED).count() == 2


def test_a_member_budget_has_the_zone_and_currency_of_the_members_office() -> None:
    milan, sydney = Firm(), Firm(zone="Australia/Sydney", currency="AUD")
    mario = milan.person("mario", department="Sales")
    bruce = sydney.person("bruce", department="Sales")

    assigned(milan.unit("Sales"), money("10.00"), for_each_member=True)

    assert Membership.objects.filter(user__in=[mario, bruce]).count() == 2
    homes = Budget.objects.filter(user__isnull=False).values_list(
        "user__username", "time_zone", "currency"
    )
    assert set(homes) == {("mario", "Europe/Rome", "EUR"), ("bruce", "Australia/Sydney", "AUD")}
