"""Whoever dies in the middle has done nothing; whoever comes next does all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from budgets.engine.carry import CarryRule
from budgets.models import BudgetEvent, BudgetNotice, BudgetPeriod, Crossing, LockWish
from budgets.operations import evaluation, periods
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import digest_rows
from cdr.models import UsageChange
from tests.support.budgets import NOON, Firm, assigned, money, running

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What a kill looks like from inside."""


def everything() -> tuple[object, ...]:
    return (
        digest_rows(),
        list(BudgetEvent.objects.order_by("pk").values_list("kind", flat=True)),
        sorted(key.partition(":")[2] for key in BudgetNotice.objects.values_list("key", flat=True)),
        list(Crossing.objects.order_by("percent").values_list("percent", "generation")),
        list(LockWish.objects.order_by("pk").values_list("user__username", "lifted_because")),
        list(BudgetPeriod.objects.order_by("pk").values_list("starts_on", "state", "carried")),
        UsageChange.objects.count(),
    )


@pytest.mark.parametrize(
    "name", ["budgets.before_commit", "budgets.after_commit", "budgets.period_ended"]
)
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_anywhere_and_started_again_is_the_same_as_never_killed(
    name: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = 0

    def die_at(reached: str) -> None:
        nonlocal passes
        passes += reached == name
        if reached == name and passes == nth:
            raise Killed

    def tell_the_story(*, with_kill: bool) -> tuple[object, ...]:
        nonlocal passes
        passes = 0 if with_kill else 99
        firm = Firm()
        mario = firm.person("mario", department="Sales")
        budget = assigned(mario, money("10.00", carry=CarryRule(debt=True)))
        assigned(firm.unit("Sales"), money("20.00"))
        firm.call(mario, "12.00")
        end = running(budget).ends_at
        for now in (NOON, end, end + timedelta(hours=1), end + timedelta(days=40)):
            for _ in range(3):
                try:
                    evaluate_waiting(now=now)
                    end_due_periods(now=now)
                    break
                except Killed:
                    continue
        return everything()

    monkeypatch.setattr(evaluation, "crashpoint", die_at)
    monkeypatch.setattr(periods, "crashpoint", die_at)

    killed = tell_the_story(with_kill=True)
    assert passes >= nth
    call_command("flush", verbosity=0, interactive=False)

    assert tell_the_story(with_kill=False) == killed
