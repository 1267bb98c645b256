"""Budgets as the set-up file writes them."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from budgets.models import Budget, BudgetEvent, EventKind
from budgets.operations.applying import Applied, apply_budget
from budgets.operations.assignments import BadBudget
from budgets.queries import thresholds_of
from tests.support.budgets import NOON, USUAL, Firm, running

pytestmark = pytest.mark.django_db


def entry(text: str) -> dict[str, Any]:
    (found,) = tomllib.loads(f"[[budget]]\n{text}")["budget"]
    return dict(found)


def applied(text: str) -> Applied:
    return apply_budget(entry(text), at=NOON, by="apply")


EXAMPLE = """
for = "user:mario"
amount = "10.00"
period = "month"
carry_over = false
thresholds = [{percent = 80, notify = ["user"]}, {percent = 100, notify = ["user", "manager"], lock = true}]
"""


def test_an_entry_is_created_once_and_then_unchanged() -> None:
    Firm().person("mario")

    outcomes = [applied(EXAMPLE).outcome for _ in range(3)]

    assert outcomes == ["created", "unchanged", "unchanged"]
    budget = Budget.objects.get()
    assert (budget.amount, budget.period, budget.starts_on) == (10_000_000, "month", 1)
    assert [(step.percent, step.notify, step.locks) for step in thresholds_of(budget)] == [
        (80, ("user",), False),
        (100, ("user", "manager"), True),
    ]
    assert BudgetEvent.objects.count() == 1


def test_a_changed_entry_says_what_changed_and_takes_effect() -> None:
    Firm().person("mario")
    applied(EXAMPLE)

    outcome = applied(EXAMPLE.replace("10.00", "20.00").replace('"month"', '"week"'))

    assert (outcome.outcome, outcome.changes) == (
        "changed",
        ("amount 20.00, was 10.00", "period week, was month"),
    )
    assert running(outcome.budget).effective == 20_000_000
    assert BudgetEvent.objects.filter(kind=EventKind.CHANGED).count() == 1


def test_what_an_entry_leaves_out_has_its_usual_value() -> None:
    Firm().person("mario")

    budget = applied('for = "user:mario"\namount = 10').budget

    assert thresholds_of(budget) == USUAL
    assert not budget.carry_over


def test_an_entry_in_minutes_stands_beside_one_in_money() -> None:
    Firm().person("mario")

    applied('for = "user:mario"\namount = "10.00"')
    budget = applied('for = "user:mario"\nminutes = 120\nstarts_on = 15').budget

    assert (budget.measure, budget.amount, budget.currency) == ("MINUTES", 7_200_000, "")
    assert running(budget).starts_on.day == 15
    assert Budget.objects.count() == 2


def test_an_entry_for_members_makes_their_budgets_and_keeps_the_exceptions_it_names() -> None:
    firm = Firm()
    for name in ("mario", "anna", "boss"):
        firm.person(name, department="Sales/North")
    text = 'for = "department:Sales"\nmembers = true\namount = "10.00"\nexceptions = ["boss"]'

    applied(text)
    applied('for = "user:mario"\namount = "50.00"')
    again = applied(text)
    without = applied(text.replace('["boss"]', "[]"))

    assert again.outcome == "unchanged"
    assert (without.outcome, without.changes) == ("changed", ("boss counted again",))
    live = Budget.objects.filter(user__isnull=False, deleted_at__isnull=True)
    assert sorted(live.values_list("user__username", flat=True)) == ["anna", "boss", "mario"]
    assert live.get(user__username="mario").template is None


def test_cumulative_budgets_of_every_kind_of_unit_can_be_applied() -> None:
    firm = Firm()
    firm.unit("Sales/North")
    firm.unit("4711", kind="COST_CENTRE")
    firm.unit("Milan", kind="OFFICE")

    for name in ("department:Sales/North", "cost_centre:4711", "office:Milan"):
        assert applied(f'for = "{name}"\namount = "10.00"').outcome == "created"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("amount = 10", 'without for = "user:NAME"'),
        ('for = "user:nobody"\namount = 10', "no user 'nobody'"),
        ('for = "department:Nowhere"\namount = 10', "no department 'Nowhere'"),
        ('for = "team:Sales"\namount = 10', "for must begin with user:"),
        ('for = "user:mario"', "either amount or minutes"),
        ('for = "user:mario"\namount = 10\nminutes = 5', "either amount or minutes"),
        ('for = "user:mario"\namount = "ten"', "not a decimal amount"),
        ('for = "user:mario"\namount = "-1"', "between 0 and"),
        ('for = "user:mario"\namount = "0.0000001"', "more than six decimal places"),
        ('for = "user:mario"\namount = true', "must be a number"),
        ('for = "user:mario"\namount = 10\nperiod = "year"', "period must be one of"),
        ('for = "user:mario"\namount = 10\nstarts_on = 32', "a month starts on 1..31"),
        (
            'for = "user:mario"\namount = 10\nperiod = "week"\nstarts_on = 8',
            "a week starts on 1..7",
        ),
        (
            'for = "user:mario"\namount = 10\nperiod = "day"\nstarts_on = 2',
            "a day has no start day",
        ),
        ('for = "user:mario"\namount = 10\nmembers = true', "only a unit's budget"),
        ('for = "user:mario"\namount = 10\nexceptions = ["mario"]', "only a unit's budget"),
        ('for = "user:mario"\namount = 10\ncarry_cap = 5', "need carry_over"),
        ('for = "user:mario"\namount = 10\nclasses = ["emergency"]', "unknown class 'emergency'"),
        ('for = "user:mario"\namount = 10\ncolour = "red"', "unknown colour"),
        ('for = "user:mario"\namount = 10\nthresholds = [{notify = ["user"]}]', "needs a percent"),
        ('for = "user:mario"\namount = 10\nthresholds = [{percent = 0}]', "must be 1..1000"),
        (
            'for = "user:mario"\namount = 10\nthresholds = [{percent = 9}, {percent = 9}]',
            "is there twice",
        ),
        (
            'for = "user:mario"\namount = 10\nthresholds = [{percent = 9, notify = ["boss"]}]',
            "neither user, manager, administrator nor a mail address",
        ),
    ],
)
def test_a_bad_entry_is_refused_with_its_name_and_changes_nothing(
    text: str, complaint: str
) -> None:
    Firm().person("mario")

    with pytest.raises(BadBudget) as refusal:
        applied(text)

    assert complaint in refusal.value.message
    assert ("budget user:mario" in refusal.value.message) == ("user:mario" in text)
    assert not Budget.objects.exists()
