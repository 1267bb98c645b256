"""Whoever looks after budgets decides about others: never about himself, never about strangers."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client

from budgets.models import (
    Budget,
    BudgetException,
    BudgetPeriod,
    BudgetRequest,
    PeriodOverride,
    RequestState,
)
from budgets.operations import assignments
from budgets.operations.assignments import BudgetExists, assign
from directory.models import Membership, OrgUnit, Role, Supervision, User
from tests.support.budgets import money
from tests.support.pages import PagesWorld, pages_world

pytestmark = pytest.mark.django_db
EURO = 1_000_000


@pytest.fixture
def world() -> PagesWorld:
    return pages_world(datetime.now(UTC))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def words_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def leave_out(world: PagesWorld, who: str) -> None:
    """Take somebody out of the budget that Sales share."""
    budget = world.budgets["in_scope"]
    since = budget.periods.get().starts_on
    BudgetException.objects.create(budget=budget, user=world.people[who], since=since)


@pytest.fixture
def template(world: PagesWorld) -> Budget:
    """A budget for each member of Sales, where cleo is a member and looks after the others."""
    Budget.objects.all().update(deleted_at=world.now)
    terms = money("10")
    return assign(holder=world.sales, terms=terms, at=world.now, by="t", for_each_member=True)


def of(template: Budget, world: PagesWorld, who: str) -> BudgetPeriod:
    return BudgetPeriod.objects.get(budget__template=template, budget__user=world.people[who])


def test_a_supervisor_leaves_everybody_out_but_himself(world: PagesWorld, template: Budget) -> None:
    cleo = signed_in(world.people["cleo"])
    path = f"/budgets/{template.pk}/except/"

    himself = cleo.post(path, {"username": "cleo", "reason": "me"}, follow=True)
    other = cleo.post(path, {"username": "ben", "reason": "abroad"}, follow=True)

    assert "You cannot decide about yourself." in words_of(himself)
    assert "Ben Rossi is left out" in words_of(other)
    live = Budget.objects.filter(template=template, deleted_at__isnull=True)
    assert set(live.values_list("user__username", flat=True)) == {"anna", "cleo", "gus"}


def test_more_for_each_member_is_more_for_all_but_the_supervisor_who_says_so(
    world: PagesWorld, template: Budget
) -> None:
    cleo, frank = signed_in(world.people["cleo"]), signed_in(world.people["frank"])
    path = f"/budgets/{template.pk}/adjust/"

    cleo.post(path, {"amount": "5", "reason": "a fair"})
    by_cleo = {who: of(template, world, who).adjusted for who in ("anna", "ben", "cleo")}
    frank.post(path, {"amount": "1", "reason": "a fair"})

    assert by_cleo == {"anna": 5 * EURO, "ben": 5 * EURO, "cleo": 0}
    assert of(template, world, "cleo").adjusted == 1 * EURO


def test_phones_are_kept_open_for_all_but_the_supervisor_who_says_so(
    world: PagesWorld, template: Budget
) -> None:
    cleo = signed_in(world.people["cleo"])

    cleo.post(f"/budgets/{template.pk}/override/", {"reason": "a fair"})

    kept_open = {who: of(template, world, who).is_overridden for who in ("anna", "cleo")}
    assert kept_open == {"anna": True, "cleo": False}


def test_no_member_is_kept_open_who_is_himself_or_out_of_sight(world: PagesWorld) -> None:
    cleo = signed_in(world.people["cleo"])
    path = f"/budgets/{world.budgets['in_scope'].pk}/override/"

    answers = {
        who: words_of(
            cleo.post(path, {"member": world.people[who].pk, "reason": "a fair"}, follow=True)
        )
        for who in ("cleo", "dora", "ben")
    }

    assert "You cannot decide about yourself." in answers["cleo"]
    assert "There is no user of that name." in answers["dora"]
    assert "Dora" not in answers["dora"]
    assert "The phones of Ben Rossi stay open" in answers["ben"]
    kept_open = PeriodOverride.objects.values_list("user__username", flat=True)
    assert list(kept_open) == ["ben"]


def test_of_two_who_assign_at_once_the_second_is_told(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignments, "budget_of", lambda *_, **__: None)  # neither sees the other

    assign(holder=world.people["gus"], terms=money("10"), at=world.now, by="frank")
    with pytest.raises(BudgetExists, match="has a budget of this kind already"):
        assign(holder=world.people["gus"], terms=money("20"), at=world.now, by="eve")

    assert Budget.objects.get(user=world.people["gus"]).amount == 10 * EURO


def test_the_page_offers_a_supervisor_nothing_about_himself(world: PagesWorld) -> None:
    path = f"/budgets/{world.budgets['in_scope'].pk}/"
    leave_out(world, "cleo")

    seen = {
        who: signed_in(world.people[who]).get(path).content.decode() for who in ("cleo", "frank")
    }

    assert "Cleo" in seen["cleo"]
    assert 'name="username" value="ben"' in seen["cleo"]
    assert 'name="username" value="cleo"' not in seen["cleo"]
    assert 'name="username" value="cleo"' in seen["frank"]


# --- a budget that the supervisor shares ----------------------------------------------------------

SHARED = "This budget counts your own calls as well, so an administrator decides about it."
DECISIONS = {
    "adjust": {"amount": "5", "reason": "a fair"},
    "override": {"reason": "a fair"},
    "except": {"username": "ben", "reason": "abroad"},
    "include": {"username": "ben"},
}


def standing_of(budget: Budget) -> tuple[int, bool, int]:
    """What a decision could have moved."""
    period = BudgetPeriod.objects.get(budget=budget)
    return period.adjusted, period.is_overridden, budget.exceptions.count()


@pytest.mark.parametrize("what", DECISIONS)
def test_a_supervisor_does_not_decide_how_much_there_is_where_he_shares_it(
    world: PagesWorld, what: str
) -> None:
    budget = world.budgets["in_scope"]
    cleo, frank = signed_in(world.people["cleo"]), signed_in(world.people["frank"])
    path = f"/budgets/{budget.pk}/{what}/"

    refused = words_of(cleo.post(path, DECISIONS[what], follow=True))
    after_cleo = standing_of(budget)
    done = words_of(frank.post(path, DECISIONS[what], follow=True))

    assert SHARED in refused
    assert after_cleo == (0, False, 0)
    assert SHARED not in done
    assert standing_of(budget) != after_cleo or what == "include"


def test_a_supervisor_answers_no_request_for_a_budget_that_he_shares(world: PagesWorld) -> None:
    row = BudgetRequest.objects.get(budget=world.budgets["in_scope"])
    cleo, frank = signed_in(world.people["cleo"]), signed_in(world.people["frank"])
    path = f"/budgets/requests/{row.pk}/"

    page = words_of(cleo.get("/budgets/requests/"))
    answers = [
        words_of(cleo.post(f"{path}grant/", {"amount": "5", "answer": ""}, follow=True)),
        words_of(cleo.post(f"{path}refuse/", {"answer": "no"}, follow=True)),
    ]
    row.refresh_from_db()
    waited = row.state
    frank.post(f"{path}grant/", {"amount": "5", "answer": ""})

    assert f"amount-{row.pk}" not in page
    assert SHARED in page
    assert f"amount-{BudgetRequest.objects.get(budget=world.budgets['own']).pk}" in page
    assert all(SHARED in answer for answer in answers)
    assert waited == RequestState.ASKED
    assert standing_of(world.budgets["in_scope"])[0] == 5 * EURO


def test_a_supervisor_who_is_left_out_looks_after_the_budget_of_the_others(
    world: PagesWorld,
) -> None:
    budget, cleo = world.budgets["in_scope"], signed_in(world.people["cleo"])
    shared = words_of(cleo.get(f"/budgets/{budget.pk}/"))
    leave_out(world, "cleo")

    alone = words_of(cleo.get(f"/budgets/{budget.pk}/"))
    cleo.post(f"/budgets/{budget.pk}/adjust/", DECISIONS["adjust"])

    assert (SHARED in shared, "Change this budget" in shared) == (True, False)
    assert (SHARED in alone, "Change this budget" in alone) == (False, True)
    assert standing_of(budget)[0] == 5 * EURO


def test_the_budget_of_a_unit_above_is_shared_and_that_of_a_unit_below_is_not(
    world: PagesWorld,
) -> None:
    north = OrgUnit.objects.create(
        kind="DEPARTMENT", name="North", path="Sales/North", parent=world.sales
    )
    Membership.objects.filter(user=world.people["anna"]).update(department=north)
    Supervision.objects.create(user=world.people["anna"], unit=world.sales)
    User.objects.filter(username="anna").update(role=Role.SUPERVISOR)
    below = world.budget(unit=north)
    anna = signed_in(User.objects.get(username="anna"))
    cleo = signed_in(world.people["cleo"])

    by_anna = words_of(anna.get(f"/budgets/{world.budgets['in_scope'].pk}/"))
    by_cleo = words_of(cleo.get(f"/budgets/{below.pk}/"))

    assert SHARED in by_anna
    assert SHARED not in by_cleo
    assert "Change this budget" in by_cleo
