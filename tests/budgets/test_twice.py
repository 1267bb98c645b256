"""A form sent twice, or from a page that somebody else has made old, does nothing twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from budgets.models import Budget, BudgetNotice, BudgetPeriod, PeriodOverride
from directory.models import User
from tests.support.pages import PagesWorld, pages_world

pytestmark = pytest.mark.django_db
EURO = 1_000_000
OLD = "This has changed since the page was loaded, or was sent twice."


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def hidden_in(page: Any, action: str) -> list[tuple[str, str]]:
    """What the form of a page that goes to `action` brings along unseen."""
    text = page.content.decode()
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', text, re.S)
    assert form is not None, action
    return re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])


def send(client: Client, path: str, words: list[tuple[str, str]]) -> str:
    """Send a form; the page that comes of it."""
    data: dict[str, list[str]] = {}
    for name, value in words:
        data.setdefault(name, []).append(value)
    return client.post(path, data, follow=True).content.decode()


@pytest.mark.feature("F212")
def test_an_adjustment_that_is_sent_twice_is_made_once(world: PagesWorld) -> None:
    budget, frank = world.budgets["own"], signed_in(world.people["frank"])
    path = f"/budgets/{budget.pk}/adjust/"
    words = hidden_in(frank.get(f"/budgets/{budget.pk}/"), path)
    words += [("amount", "5"), ("reason", "a fair")]

    first, second = send(frank, path, words), send(frank, path, words)

    assert BudgetPeriod.objects.get(budget=budget).adjusted == 5 * EURO
    assert OLD not in first
    assert OLD in second
    words = [*hidden_in(frank.get(f"/budgets/{budget.pk}/"), path), *words[-2:]]
    send(frank, path, words)
    assert BudgetPeriod.objects.get(budget=budget).adjusted == 10 * EURO


def test_the_amount_that_somebody_else_has_changed_is_looked_at_again(world: PagesWorld) -> None:
    budget = world.budgets["own"]
    other = User.objects.create_user("francis", role="ADMIN")
    frank, francis = signed_in(world.people["frank"]), signed_in(other)
    path = f"/budgets/{budget.pk}/amount/"
    words = hidden_in(frank.get(f"/budgets/{budget.pk}/"), path)

    send(francis, path, [*words, ("amount", "60")])
    page = send(frank, path, [*words, ("amount", "55")])
    same = send(frank, path, [*words, ("amount", "60")])

    assert Budget.objects.get(pk=budget.pk).amount == 60 * EURO
    assert OLD in page
    assert "The budget was that already." in same


def test_many_are_raised_once_however_often_it_is_confirmed(world: PagesWorld) -> None:
    budget, frank = world.budgets["own"], signed_in(world.people["frank"])
    asked = frank.post("/budgets/all/change/", {"action": "raise", "chosen": budget.pk})
    words = [*hidden_in(asked, "/budgets/all/change/"), ("percent", "10")]

    first = send(frank, "/budgets/all/change/", words)
    second = send(frank, "/budgets/all/change/", words)

    assert Budget.objects.get(pk=budget.pk).amount == 11 * EURO
    assert "1 budget was changed." in first
    assert OLD in second


def test_phones_are_kept_open_once_and_the_manager_hears_it_once(world: PagesWorld) -> None:
    budget, frank = world.budgets["own"], signed_in(world.people["frank"])
    path = f"/budgets/{budget.pk}/override/"

    pages = [send(frank, path, [("reason", "a fair")]) for _ in range(3)]

    assert PeriodOverride.objects.count() == 1
    assert BudgetNotice.objects.filter(kind="override").count() == 1
    assert all("The phones stay open until the period ends." in page for page in pages)


def test_a_member_is_let_off_once_and_another_one_still_can_be(world: PagesWorld) -> None:
    budget, frank = world.budgets["in_scope"], signed_in(world.people["frank"])
    path = f"/budgets/{budget.pk}/override/"
    keys = [str(world.people[name].pk) for name in ("anna", "anna", "ben")]

    for key in keys:
        send(frank, path, [("member", key), ("reason", "a fair")])

    let_off = PeriodOverride.objects.order_by("pk").values_list("user__username", flat=True)
    assert list(let_off) == ["anna", "ben"]
