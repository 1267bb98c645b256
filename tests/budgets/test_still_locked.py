"""More that is not enough: whoever gives it reads that the phone stays locked, and what is missing."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from budgets.engine.thresholds import Step, least_below, reach
from budgets.models import Budget, BudgetRequest, LockWish
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.requests import ask
from directory.models import Role, User
from kernel.clock import now
from tests.support.budgets import Firm, assigned, money

pytestmark = pytest.mark.django_db
NOT_ENOUGH = "That is not enough: the phone stays locked until"


@pytest.fixture
def firm() -> Firm:
    return Firm()


@pytest.fixture
def admin() -> Client:
    client = Client()
    user = User.objects.create_user(username="root", role=Role.ADMIN)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def words_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def locked(firm: Firm, user: User, *, spent: str = "10.50", amount: str = "10") -> Budget:
    """A budget of `user`, overspent today, which wants his phones locked."""
    at = now()
    budget = assigned(user, money(amount), at=at)
    firm.call(user, spent, at=at)
    evaluate_waiting(now=at)
    assert LockWish.objects.filter(period__budget=budget, lifted_at__isnull=True).exists()
    return budget


def granted(admin: Client, row: BudgetRequest, amount: str) -> str:
    path = f"/budgets/requests/{row.pk}/grant/"
    return words_of(admin.post(path, {"amount": amount, "answer": ""}, follow=True))


@pytest.mark.parametrize(
    ("amount", "missing"), [("0.10", "€0.41"), ("0.50", "€0.01"), ("0.51", None)]
)
def test_a_grant_says_what_is_missing_until_the_phone_opens(
    firm: Firm, admin: Client, amount: str, missing: str | None
) -> None:
    """10.50 spent of 10.00: at 10.50 the phone is still locked, at 10.51 it is open."""
    mario = firm.person("mario")
    budget = locked(firm, mario)
    row = ask(budget=budget, user=mario, asked=None, reason="a fair", at=now())

    page = granted(admin, row, amount)

    is_locked = LockWish.objects.filter(user=mario, lifted_at__isnull=True).exists()
    assert is_locked == (missing is not None)
    assert "Granted for the running period." in page
    if missing is None:
        assert NOT_ENOUGH not in page
    else:
        assert f"{NOT_ENOUGH} {missing} more is added." in page.replace("\u2069", "")


def test_a_lock_of_another_budget_is_said_too(firm: Firm, admin: Client) -> None:
    mario = firm.person("mario", department="Sales")
    own = locked(firm, mario)
    shared = assigned(firm.unit("Sales"), money("5"), at=now())
    evaluate_waiting(now=now())
    row = ask(budget=own, user=mario, asked=None, reason="a fair", at=now())

    page = granted(admin, row, "20")

    assert LockWish.objects.filter(period__budget=shared, lifted_at__isnull=True).exists()
    assert "The phone stays locked all the same, by another budget." in page


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("adjust", {"amount": "0.10", "reason": "a fair"}),
        ("amount", {"amount": "10.10"}),
    ],
)
def test_other_ways_to_more_say_it_as_well(
    firm: Firm, admin: Client, path: str, words: dict[str, str]
) -> None:
    budget = locked(firm, firm.person("mario"))

    page = words_of(admin.post(f"/budgets/{budget.pk}/{path}/", words, follow=True))

    assert f"{NOT_ENOUGH} €0.41 more is added." in page.replace("\u2069", "")


def test_of_a_shared_budget_phones_stay_locked(firm: Firm, admin: Client) -> None:
    mario = firm.person("mario", department="Sales")
    budget = assigned(firm.unit("Sales"), money("10"), at=now())
    firm.call(mario, "12", at=now())
    evaluate_waiting(now=now())

    path = f"/budgets/{budget.pk}/adjust/"
    page = words_of(admin.post(path, {"amount": "1", "reason": "a fair"}, follow=True))

    assert "That is not enough: phones stay locked until €1.01 more is added." in page


@pytest.mark.parametrize("percent", [1, 33, 80, 100, 150])
@pytest.mark.parametrize("spent", [0, 1, 7, 10_500_000])
def test_one_less_than_the_least_is_still_reached(percent: int, spent: int) -> None:
    step = Step(percent, locks=True)
    least = least_below(percent=step.percent, spent=spent)

    def is_reached(effective: int) -> bool:
        threshold = reach(percent=percent, locks=True, effective=effective)
        return threshold is not None and spent >= threshold

    assert not is_reached(least)
    assert is_reached(least - 1)
