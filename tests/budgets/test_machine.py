"""Whatever happens to budgets, in whatever order: spent is the sum over the calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from budgets.engine.carry import CarryRule
from budgets.models import Budget, BudgetEvent, BudgetPeriod, Crossing, EventKind, LockWish
from budgets.operations.assignments import (
    add_exceptions,
    change_amount,
    override,
    remove_exceptions,
)
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import differences, spent_many
from cdr.models import Call, UsageChange
from directory.models import Membership, User
from tests.support.budgets import Firm, all_calls, assigned, minutes, money, slow_spent

BEGIN = datetime(2026, 3, 27, 9, tzinfo=UTC)
"""Two days before the clocks go forward in Rome."""

charges = st.sampled_from(["0.0001", "0.3333", "1.00", "2.50", "4.9999", "7.00"])
departments = st.sampled_from(["Sales", "Sales/North", "Service"])
whom = st.integers(min_value=0, max_value=2)


class BudgetMachine(RuleBasedStateMachine):
    """A firm of three, budgets of every kind with short periods, and time that jumps."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = transaction.atomic()
        self._undo.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undo.__exit__(None, None, None)

    @initialize()
    def found_the_firm(self) -> None:
        self.now = BEGIN
        self.firm = Firm()
        self.users = [
            self.firm.person(name, department=unit)
            for name, unit in (("a", "Sales"), ("b", "Sales/North"), ("c", "Service"))
        ]
        self.calls: list[Call] = []
        own = assigned(self.users[0], money("10.00", period="day", carry=CarryRule()), at=self.now)
        talk = assigned(self.users[0], minutes(5, period="day"), at=self.now)
        unit = assigned(
            self.firm.unit("Sales"),
            money("12.00", period="week", carry=CarryRule(debt=True)),
            at=self.now,
        )
        each = assigned(
            self.firm.unit("Sales"),
            money("6.00", period="day", number_classes=("mobile",)),
            at=self.now,
            for_each_member=True,
        )
        self.budgets = [own, talk, unit, each]
        self.cumulative = unit

    @rule(who=whom, charge=charges, is_mobile=st.booleans(), hours=st.integers(0, 30))
    def add(self, who: int, charge: str, is_mobile: bool, hours: int) -> None:
        kind = "mobile" if is_mobile else "national"
        at = max(BEGIN, self.now - timedelta(hours=hours))
        self.calls.append(self.firm.call(self.users[who], charge, number_class=kind, at=at))

    @rule(who=whom, charge=charges)
    def add_long_after(self, who: int, charge: str) -> None:
        self.calls.append(self.firm.call(self.users[who], charge, at=BEGIN))

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 50), charge=charges)
    def correct_or_rate_again(self, which: int, charge: str) -> None:
        self.firm.reprice(self.calls[which % len(self.calls)], charge)

    @rule(who=whom)
    def deliver_again_what_is_known(self, who: int) -> None:
        UsageChange.objects.create(
            user_key=self.users[who].pk,
            department_key=0,
            cost_centre_key=0,
            office_key=0,
            local_date=self.now.date(),
        )

    @rule(who=whom, unit=departments)
    def move(self, who: int, unit: str) -> None:
        stays = Membership.objects.filter(user=self.users[who], valid_from__gte=self.now)
        if stays.exists():
            return  # the clock was set back: he cannot leave before he came
        self.firm.move(self.users[who], department=unit, at=self.now)
        self.now += timedelta(seconds=1)

    @rule(which=st.integers(0, 3), amount=st.sampled_from([0, 3_000_000, 9_999_900, 60_000_000]))
    def change_the_amount(self, which: int, amount: int) -> None:
        change_amount(budget=self.budgets[which], amount=amount, at=self.now, by="x")

    @rule(who=whom, is_left_out=st.booleans())
    def except_a_member(self, who: int, is_left_out: bool) -> None:
        do = add_exceptions if is_left_out else remove_exceptions
        do(budget=self.cumulative, users=[self.users[who]], at=self.now, by="x")

    @rule()
    def add_a_member(self) -> None:
        self.users.append(self.firm.person(f"new{len(self.users)}", department="Sales/North"))

    @rule(which=st.integers(0, 3))
    def override_a_lock(self, which: int) -> None:
        if not self.budgets[which].for_each_member:
            override(budget=self.budgets[which], at=self.now, by="x", reason="because")

    @rule(hours=st.sampled_from([-2, 1, 5, 25, 24 * 8]))
    def step_the_clock(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def tick(self) -> None:
        end_due_periods(now=self.now)
        evaluate_waiting(now=self.now)

    @rule()
    def evaluate_alone(self) -> None:
        evaluate_waiting(now=self.now)

    @invariant()
    def spent_is_the_sum_over_the_calls(self) -> None:
        periods = list(
            BudgetPeriod.objects.exclude(state="DROPPED").select_related(
                "budget__user", "budget__unit"
            )
        )
        spent = spent_many(periods)
        calls = all_calls()
        for period in periods:
            if period.counted_units is None:
                assert spent[period.pk] == slow_spent(period, calls)

    @invariant()
    def the_proof_finds_nothing(self) -> None:
        assert differences() == []

    @invariant()
    def nothing_ends_or_fires_twice(self) -> None:
        ends = BudgetEvent.objects.filter(kind=EventKind.END_PERIOD).values_list(
            "period", flat=True
        )
        assert len(ends) == len(set(ends))
        for budget in Budget.objects.all():
            assert budget.periods.filter(state="OPEN").count() <= 1
        latched = Crossing.objects.filter(reset_at__isnull=True).values_list("period", "percent")
        assert len(latched) == len(set(latched))

    @invariant()
    def after_a_tick_everything_is_latched_and_locked_as_spent_says(self) -> None:
        if UsageChange.objects.exists() or BudgetPeriod.objects.filter(is_unseen=True).exists():
            return
        standing = LockWish.objects.filter(lifted_at__isnull=True)
        calls = all_calls()
        for period in BudgetPeriod.objects.filter(state="OPEN").select_related("budget"):
            spent = slow_spent(period, calls)
            reached = spent * 100 >= 100 * period.effective
            is_latched = period.crossings.filter(percent=100, reset_at__isnull=True).exists()
            assert is_latched == reached
            assert period.is_locking == (reached and not period.is_overridden)
            if period.budget.user_id is not None:
                assert standing.filter(period=period).exists() == period.is_locking
        assert not standing.exclude(period__state="OPEN").exists()


@pytest.mark.django_db
def test_spent_is_the_sum_over_the_calls_whatever_happens() -> None:
    assert not User.objects.exists()

    run_state_machine_as_test(
        BudgetMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=18,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
