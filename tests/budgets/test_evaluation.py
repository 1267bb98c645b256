"""Calls come in, budgets burn down, thresholds fire, locks are wished for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from budgets.engine.thresholds import Step
from budgets.models import BudgetEvent, BudgetNotice, BudgetPeriod, Crossing, EventKind, LockWish
from budgets.operations.assignments import change_amount, delete, override, override_user
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import digest_rows, other_currencies, percent, remaining, spent
from cdr.models import UsageChange
from tests.support.budgets import (
    NOON,
    Firm,
    assigned,
    kinds_of_events,
    minutes,
    money,
    running,
    slow_spent,
)

pytestmark = pytest.mark.django_db


@pytest.mark.feature("F180")
@pytest.mark.feature("F194")
@pytest.mark.feature("F224")
def test_a_users_budget_counts_his_calls_and_nobody_elses() -> None:
    firm = Firm()
    mario, anna = firm.person("mario"), firm.person("anna")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "1.2340")
    firm.call(mario, "0.0001")
    firm.call(anna, "5.00")

    period = running(budget)

    assert spent(period) == 1_234_100
    assert remaining(period) == 8_765_900
    assert percent(period) == 1234


@pytest.mark.feature("F187")
@pytest.mark.feature("F186")
@pytest.mark.feature("F188")
@pytest.mark.feature("F189")
def test_one_call_over_all_thresholds_writes_each_event_locks_and_sends_one_message() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "11.00")

    evaluate_waiting(now=NOON)

    assert kinds_of_events(budget) == [
        "assigned",
        "threshold",
        "threshold",
        "threshold",
        "over_budget",
    ]
    steps = BudgetEvent.objects.filter(budget=budget, kind=EventKind.THRESHOLD).order_by("pk")
    assert [event.details["percent"] for event in steps] == [50, 80, 100]
    notice = BudgetNotice.objects.get()
    assert notice.key == f"{budget.pk}:2026-11-01:100:1"
    assert notice.kind == EventKind.OVER_BUDGET
    assert notice.recipients == ["user", "manager", "administrator"]
    assert notice.values["spent"] == 11_000_000
    assert notice.values["remaining"] == -1_000_000
    assert LockWish.objects.get().user == mario
    assert not UsageChange.objects.exists()


def test_each_threshold_fires_once_however_often_it_is_evaluated() -> None:
    firm = Firm()
    mario = firm.person("mario")
    assigned(mario, money("10.00"))
    for charge in ("4.00", "1.00", "3.50", "2.00", "3.00"):
        firm.call(mario, charge)
        evaluate_waiting(now=NOON)
        evaluate_waiting(now=NOON)

    assert list(Crossing.objects.order_by("percent").values_list("percent", "generation")) == [
        (50, 1),
        (80, 1),
        (100, 1),
    ]
    assert BudgetNotice.objects.count() == 3
    assert LockWish.objects.count() == 1


def test_a_hundred_thousand_small_calls_reach_the_threshold_on_the_very_cent() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("20.00", Step(50, ("user",))))
    call = firm.call(mario, "9.9999")
    evaluate_waiting(now=NOON)
    before = Crossing.objects.count()

    firm.reprice(call, "10.0000")
    evaluate_waiting(now=NOON)

    assert (before, Crossing.objects.count()) == (0, 1)
    assert percent(running(budget)) == 5000


@pytest.mark.feature("X12")
def test_each_budget_has_its_own_rules_for_whom_to_tell_and_a_recipient_besides() -> None:
    firm = Firm()
    mario, anna = firm.person("mario"), firm.person("anna")
    assigned(mario, money("10.00", Step(30, ("manager",)), extra_recipient="x@example.org"))
    assigned(anna, money("10.00", Step(90, ("administrator", "y@example.org"))))
    firm.call(mario, "3.00")
    firm.call(anna, "9.00")

    evaluate_waiting(now=NOON)

    told = BudgetNotice.objects.values_list("user__username", "recipients")
    assert dict(told) == {
        "mario": ["manager", "x@example.org"],
        "anna": ["administrator", "y@example.org"],
    }


@pytest.mark.feature("F181")
@pytest.mark.feature("F182")
@pytest.mark.parametrize("kind", ["department", "cost_centre"])
def test_a_cumulative_budget_counts_the_unit_with_its_sub_units(kind: str) -> None:
    firm = Firm()
    mario = firm.person("mario", **{kind: "Sales"})
    anna = firm.person("anna", **{kind: "Sales/North"})
    bruno = firm.person("bruno", **{kind: "Sales North"})
    budget = assigned(firm.unit("Sales", kind=kind.upper()), money("10.00"))
    firm.call(mario, "4.00")
    firm.call(anna, "7.00")
    firm.call(bruno, "100.00")

    evaluate_waiting(now=NOON)

    assert spent(running(budget)) == 11_000_000
    assert set(LockWish.objects.values_list("user__username", flat=True)) == {"mario", "anna"}


@pytest.mark.feature("X11")
def test_an_excepted_member_is_neither_counted_nor_locked() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    boss = firm.person("boss", department="Sales")
    budget = assigned(firm.unit("Sales"), money("10.00"), exceptions=[boss])
    firm.call(boss, "50.00")
    firm.call(mario, "10.00")

    evaluate_waiting(now=NOON)

    assert spent(running(budget)) == 10_000_000
    assert LockWish.objects.get().user == mario


def test_a_user_who_moves_leaves_his_old_calls_with_the_old_unit() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    sales = assigned(firm.unit("Sales"), money("10.00"))
    service = assigned(firm.unit("Service"), money("10.00"))
    firm.call(mario, "2.00")
    firm.move(mario, department="Service", at=NOON + timedelta(hours=1))
    firm.call(mario, "3.00", at=NOON + timedelta(hours=2))

    assert spent(running(sales)) == 2_000_000
    assert spent(running(service)) == 3_000_000


@pytest.mark.feature("F225")
def test_minutes_count_talk_of_paid_calls_rated_or_not_in_every_currency() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, minutes(10))
    firm.call(mario, "1.00", seconds=61)
    firm.call(mario, None, seconds=60)
    firm.call(mario, "1.00", seconds=30, currency="CHF")
    firm.call(mario, "0", seconds=600, is_paid=False)
    firm.call(mario, "0", seconds=600, number_class="emergency")

    assert spent(running(budget)) == 151_000
    assert digest_rows()[0]["spent"] == "2.5167"
    assert digest_rows()[0]["unit"] == "minutes"


def test_money_in_another_currency_is_never_added_but_can_be_seen() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "1.00")
    firm.call(mario, "2.00", currency="CHF")

    period = running(budget)

    assert spent(period) == 1_000_000
    assert [tuple(each)[1:] for each in other_currencies([period])] == [("CHF", 1, 2_000_000)]


def test_emergency_calls_never_count() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "3.00", number_class="emergency")

    assert spent(running(budget)) == 0


def test_a_budget_limited_to_classes_counts_only_those() -> None:
    firm = Firm()
    mario = firm.person("mario")
    mobile = assigned(mario, money("10.00", number_classes=("mobile", "premium")))
    everything = assigned(mario, money("20.00"))
    firm.call(mario, "1.00", number_class="mobile")
    firm.call(mario, "2.00", number_class="premium")
    firm.call(mario, "4.00", number_class="international")

    assert spent(running(mobile)) == 3_000_000
    assert spent(running(everything)) == 7_000_000


@pytest.mark.feature("F195")
def test_a_new_budget_counts_its_running_period_whole_and_nothing_before() -> None:
    firm = Firm()
    mario = firm.person("mario")
    firm.call(mario, "100.00", at=NOON - timedelta(days=30))
    firm.call(mario, "8.50", at=NOON - timedelta(days=5))
    UsageChange.objects.all().delete()

    budget = assigned(mario, money("10.00"))

    assert spent(running(budget)) == 8_500_000
    assert kinds_of_events(budget) == ["assigned", "threshold", "threshold"]


@pytest.mark.feature("F226")
def test_a_correction_below_the_lock_threshold_lifts_the_lock_and_may_fire_again() -> None:
    firm = Firm()
    mario = firm.person("mario")
    assigned(mario, money("10.00"))
    call = firm.call(mario, "12.00")
    evaluate_waiting(now=NOON)

    firm.reprice(call, "7.00")
    evaluate_waiting(now=NOON + timedelta(minutes=1))
    after = LockWish.objects.get()
    firm.call(mario, "4.00")
    evaluate_waiting(now=NOON + timedelta(minutes=2))

    assert (after.lifted_because, after.swept_at) == ("corrected", None)
    assert [
        (each.percent, each.generation, each.reset_at is None)
        for each in Crossing.objects.order_by("pk")
    ] == [(50, 1, True), (80, 1, False), (100, 1, False), (80, 2, True), (100, 2, True)]
    assert LockWish.objects.filter(lifted_at__isnull=True).count() == 1
    assert list(BudgetNotice.objects.order_by("pk").values_list("key", flat=True))[-1].endswith(
        ":100:2"
    )


def test_a_raised_amount_lifts_the_lock_and_a_cut_one_fires() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    said = change_amount(budget=budget, amount=40_000_000, at=NOON, by="boss")
    lifted = LockWish.objects.get().lifted_because
    change_amount(budget=budget, amount=12_000_000, at=NOON, by="boss")

    assert said == ("amount 40.00, was 10.00",)
    assert lifted == "changed"
    assert list(
        Crossing.objects.filter(reset_at__isnull=True).values_list("percent", "generation")
    ) == [(50, 2), (80, 2)]
    changed = BudgetEvent.objects.filter(budget=budget, kind=EventKind.CHANGED).first()
    assert changed is not None
    assert (changed.details["old_amount"], changed.details["new_amount"]) == (
        10_000_000,
        40_000_000,
    )
    assert changed.made_by == "boss"


def test_an_override_unlocks_until_the_period_ends_and_leaves_the_latch() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    override(budget=budget, at=NOON, by="boss", reason="a fair")
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON + timedelta(minutes=1))

    assert LockWish.objects.get().lifted_because == "override"
    assert Crossing.objects.get(percent=100).reset_at is None
    event = BudgetEvent.objects.get(kind=EventKind.OVERRIDE)
    assert (event.made_by, event.details["reason"]) == ("boss", "a fair")

    later = running(budget).ends_at
    end_due_periods(now=later)
    firm.call(mario, "10.00", at=later)
    evaluate_waiting(now=later)
    assert LockWish.objects.filter(lifted_at__isnull=True).count() == 1


def test_an_override_for_one_member_frees_him_alone() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    firm.person("anna", department="Sales")
    assigned(firm.unit("Sales"), money("10.00"))
    own = assigned(mario, money("5.00"))
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    count = override_user(user=mario, at=NOON, by="boss", reason="a fair")
    firm.call(mario, "1.00")
    evaluate_waiting(now=NOON)

    assert count == 2
    standing = LockWish.objects.filter(lifted_at__isnull=True)
    assert [wish.user.username for wish in standing] == ["anna"]
    assert running(own).is_overridden


def test_deleting_a_budget_lifts_its_locks_and_keeps_its_history() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    delete(budget=budget, at=NOON, by="boss")
    firm.call(mario, "10.00")
    evaluate_waiting(now=NOON)

    assert LockWish.objects.get().lifted_because == "deleted"
    assert kinds_of_events(budget)[-1] == "deleted"
    assert len(kinds_of_events(budget)) == 6
    assert assigned(mario, money("30.00")).pk != budget.pk


@pytest.mark.feature("X14")
def test_an_unlocked_budget_never_wishes_for_a_lock() -> None:
    firm = Firm()
    mario = firm.person("mario")
    assigned(mario, money("10.00", Step(100, ("user",))))
    firm.call(mario, "20.00")

    evaluate_waiting(now=NOON)

    assert not LockWish.objects.exists()


def test_a_call_after_midnight_of_the_zone_belongs_to_the_next_day() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00", period="day"), at=NOON)
    last_second = NOON.replace(hour=22, minute=59, second=59)
    firm.call(mario, "1.00", at=last_second)
    firm.call(mario, "2.00", at=last_second + timedelta(seconds=1))

    assert spent(running(budget)) == 1_000_000 == slow_spent(running(budget))


def test_a_period_that_was_never_looked_at_is_found_without_any_change() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "9.00")
    UsageChange.objects.all().delete()

    assert BudgetPeriod.objects.get(budget=budget).is_unseen
    evaluate_waiting(now=NOON)

    assert kinds_of_events(budget) == ["assigned", "threshold", "threshold"]
    assert not BudgetPeriod.objects.get(budget=budget).is_unseen


def test_an_idle_tick_asks_few_questions() -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales")
    assigned(firm.unit("Sales"), money("10.00"), for_each_member=True)
    assigned(firm.unit("Sales"), money("20.00"))
    firm.call(mario, "20.00")
    end_due_periods(now=NOON)
    evaluate_waiting(now=NOON)

    with CaptureQueriesContext(connection) as idle:
        end_due_periods(now=NOON)
        evaluate_waiting(now=NOON)

    assert len(idle) <= 10, [query["sql"] for query in idle]


def test_the_number_of_questions_does_not_grow_with_the_number_of_budgets() -> None:
    def queries_for(people: int) -> int:
        firm = Firm()
        users = [firm.person(f"{firm.site.pk}-{number}") for number in range(people)]
        for user in users:
            assigned(user, money("10.00"))
        evaluate_waiting(now=NOON)
        for user in users:
            firm.call(user, "9.00")
        with CaptureQueriesContext(connection) as asked:
            evaluate_waiting(now=NOON)
        return len(asked)

    assert queries_for(12) == queries_for(2)
