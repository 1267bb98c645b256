"""Asking for more: one open request, one answer, and money for one period."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alarms.models import OutboxMessage
from alarms.operations.outbox import sweep_notices
from budgets.engine.carry import CarryRule
from budgets.models import (
    BudgetNotice,
    BudgetPeriod,
    BudgetRequest,
    EventKind,
    LockWish,
    RequestState,
)
from budgets.operations.adjusting import adjust
from budgets.operations.assignments import BadBudget, change_amount, delete
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.operations.requests import (
    MOST_A_DAY,
    AlreadyAnswered,
    AlreadyAsked,
    AskedTooOften,
    ask,
    grant,
    refuse,
    withdraw,
)
from budgets.queries.sums import spent
from tests.support.budgets import NOON, Firm, assigned, kinds_of_events, money, running

pytestmark = pytest.mark.django_db
EURO = 1_000_000
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def firm() -> Firm:
    return Firm()


@pytest.mark.feature("F222")
def test_what_is_granted_opens_the_phone_and_holds_for_this_period_only(firm: Firm) -> None:
    mario = firm.person("mario", department="Sales")
    budget = assigned(mario, money("10"))
    firm.call(mario, "10.50")
    evaluate_waiting(now=NOON)
    locked_before = LockWish.objects.filter(user=mario, lifted_at__isnull=True).count()

    request = ask(budget=budget, user=mario, asked=5 * EURO, reason="a fair", at=LATER)
    grant(request=request, amount=5 * EURO, answer="of course", at=LATER, by="carla")
    period = running(budget)
    end_due_periods(now=period.ends_at)

    assert locked_before == 1
    assert not LockWish.objects.filter(user=mario, lifted_at__isnull=True).exists()
    assert LockWish.objects.get(user=mario).lifted_because == "adjusted"
    assert (period.base, period.adjusted, period.effective) == (10 * EURO, 5 * EURO, 15 * EURO)
    request.refresh_from_db()
    assert (request.state, request.granted, request.answered_by, request.answer) == (
        RequestState.GRANTED,
        5 * EURO,
        "carla",
        "of course",
    )
    assert running(budget).effective == 10 * EURO
    assert kinds_of_events(budget)[-3:-1] == [EventKind.ASKED, EventKind.GRANTED]


@pytest.mark.feature("F222")
def test_manager_and_administrators_are_told_and_then_who_asked(firm: Firm) -> None:
    carla, mario = firm.person("carla"), firm.person("mario", department="Sales")
    mario.manager = carla
    mario.save()
    budget = assigned(mario, money("10"))

    request = ask(budget=budget, user=mario, asked=None, reason="a fair.", at=NOON)
    refuse(request=request, answer="not this month", at=LATER, by="carla")
    sweep_notices(now=LATER)

    asked = OutboxMessage.objects.get(kind="asked", user=carla)
    answer = OutboxMessage.objects.get(kind="refused", user=mario)
    assert "The reason given: a fair." in asked.text_body
    assert "/budgets/requests/" in asked.text_body
    assert "carla has refused your request" in answer.text_body
    assert "not this month" in answer.text_body
    assert set(BudgetNotice.objects.values_list("kind", flat=True)) == {"asked", "refused"}


def test_one_open_request_a_budget_and_person(firm: Firm) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))
    first = ask(budget=budget, user=mario, asked=None, reason="a fair", at=NOON)

    with pytest.raises(AlreadyAsked):
        ask(budget=budget, user=mario, asked=None, reason="again", at=NOON)
    withdraw(request=first, at=NOON, by="mario")
    second = ask(budget=budget, user=mario, asked=None, reason="again", at=NOON)

    assert second.state == RequestState.ASKED


def test_nobody_can_ask_all_day(firm: Firm) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))
    for _ in range(MOST_A_DAY):
        row = ask(budget=budget, user=mario, asked=None, reason="please", at=NOON)
        refuse(request=row, answer="no", at=NOON, by="carla")

    with pytest.raises(AskedTooOften):
        ask(budget=budget, user=mario, asked=None, reason="please", at=LATER)
    tomorrow = NOON + timedelta(hours=24)

    again = ask(budget=budget, user=mario, asked=None, reason="please", at=tomorrow)

    assert again.pk is not None


def test_the_first_answer_counts(firm: Firm) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))
    request = ask(budget=budget, user=mario, asked=EURO, reason="a fair", at=NOON)
    grant(request=request, amount=EURO, answer="", at=NOON, by="carla")

    with pytest.raises(AlreadyAnswered):
        grant(request=request, amount=EURO, answer="", at=NOON, by="dora")
    with pytest.raises(AlreadyAnswered):
        refuse(request=request, answer="no", at=NOON, by="dora")

    assert running(budget).adjusted == EURO


@pytest.mark.parametrize(
    ("asked", "reason"), [(0, "a fair"), (-EURO, "a fair"), (EURO, " "), (None, "")]
)
def test_a_request_says_what_for_and_no_nonsense(
    firm: Firm, asked: int | None, reason: str
) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))

    with pytest.raises(BadBudget):
        ask(budget=budget, user=mario, asked=asked, reason=reason, at=NOON)

    assert not BudgetRequest.objects.exists()


def test_a_refusal_says_why_and_a_grant_is_above_zero(firm: Firm) -> None:
    mario = firm.person("mario")
    request = ask(
        budget=assigned(mario, money("10")), user=mario, asked=None, reason="a fair", at=NOON
    )

    with pytest.raises(BadBudget):
        refuse(request=request, answer=" ", at=NOON, by="carla")
    with pytest.raises(BadBudget):
        grant(request=request, amount=0, answer="", at=NOON, by="carla")

    request.refresh_from_db()
    assert request.state == RequestState.ASKED


def test_a_budget_that_is_given_up_leaves_no_request_open(firm: Firm) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))
    request = ask(budget=budget, user=mario, asked=None, reason="a fair", at=NOON)

    delete(budget=budget, at=LATER, by="carla")

    request.refresh_from_db()
    assert request.state == RequestState.WITHDRAWN


def test_the_other_members_read_that_there_is_more_but_not_who_asked(firm: Firm) -> None:
    mario = firm.person("mario", department="Sales")
    budget = assigned(firm.unit("Sales"), money("10"))
    request = ask(budget=budget, user=mario, asked=EURO, reason="a fair", at=NOON)

    grant(request=request, amount=EURO, answer="", at=NOON, by="carla")

    for_all = budget.events.filter(user__isnull=True).order_by("pk").values_list("kind", flat=True)
    for_him = budget.events.filter(user=mario).values_list("kind", flat=True)
    assert list(for_all) == [EventKind.ASSIGNED, EventKind.ADJUSTED]
    assert set(for_him) == {EventKind.ASKED, EventKind.GRANTED}


# --- adjusting a period ---------------------------------------------------------------------------


def test_an_adjustment_stays_when_the_amount_is_changed(firm: Firm) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))

    adjust(budget=budget, by_amount=-3 * EURO, reason="on leave", at=NOON, by="carla")
    change_amount(budget=budget, amount=20 * EURO, at=NOON, by="carla")

    assert running(budget).effective == 17 * EURO


def test_no_more_is_taken_away_than_there_is_and_never_without_a_reason(firm: Firm) -> None:
    mario = firm.person("mario")
    budget = assigned(mario, money("10"))

    for amount, reason in ((-11 * EURO, "cut"), (EURO, ""), (0, "nothing")):
        with pytest.raises(BadBudget):
            adjust(budget=budget, by_amount=amount, reason=reason, at=NOON, by="carla")

    assert running(budget).adjusted == 0


@pytest.mark.parametrize(
    ("charge", "carried"),
    [("4", 6), ("10", 0), ("12", 0), ("15", 0), ("18", -3)],
)
def test_what_was_added_ends_with_its_period(firm: Firm, charge: str, carried: int) -> None:
    """Budget 10, 5 added: the rest of the 10 goes on, the rest of the 5 does not."""
    mario = firm.person("mario")
    budget = assigned(mario, money("10", carry=CarryRule(debt=True)))
    adjust(budget=budget, by_amount=5 * EURO, reason="a fair", at=NOON, by="carla")
    firm.call(mario, charge)
    evaluate_waiting(now=NOON)

    end_due_periods(now=running(budget).ends_at)

    assert running(budget).carried == carried * EURO
    assert spent(BudgetPeriod.objects.get(budget=budget, state="CLOSING")) == int(charge) * EURO
