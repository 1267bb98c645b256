"""The assignment wizard, step by step, by the browser's own requests."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from budgets.models import Budget, Measure
from cdr.models import UsageTotal
from tests.budgets.test_pages import signed_in, words_of, world
from tests.support.pages import PagesWorld

__all__ = ["world"]

pytestmark = pytest.mark.django_db

WHO = {"done1": "1", "whom": "person", "person": "ben"}
TERMS = {"done2": "1", "measure": "MONEY", "amount": "12,50", "period": "month", "starts_on": "1"}
EVENTS = {"done3": "1", "percent_1": "80", "user_1": "on", "percent_2": "100", "lock_2": "on"}


def test_the_wizard_goes_step_by_step_and_back(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])

    first = frank.get("/budgets/assign/")
    second = frank.get("/budgets/assign/", {**WHO, "step": "2"})
    third = frank.get("/budgets/assign/", {**WHO, **TERMS, "step": "3"})
    check = frank.get("/budgets/assign/", {**WHO, **TERMS, **EVENTS, "step": "4"})
    back = frank.get("/budgets/assign/", {**WHO, **TERMS, **EVENTS, "step": "2"})
    before = Budget.objects.count()
    done = frank.post("/budgets/assign/", {**WHO, **TERMS, **EVENTS})
    twice = frank.post("/budgets/assign/", {**WHO, **TERMS, **EVENTS})

    assert 'aria-current="step"' in first.content.decode()
    assert 'name="person" value="ben"' in second.content.decode()
    assert "For Ben Rossi" in words_of(third)
    assert "Affects 1 person." in words_of(check)
    assert "nobody would be warned at once" in words_of(check)
    assert 'value="12,50"' in back.content.decode()
    assert done.status_code == 302
    assert Budget.objects.count() == before + 1
    budget = world.people["ben"].budgets.get()
    assert budget.amount == 12_500_000
    steps = budget.thresholds.order_by("percent").values_list("percent", "notify", "lock")
    assert list(steps) == [(80, ["user"], False), (100, [], True)]
    assert "has a budget of this kind already" in words_of(twice)


def test_the_check_says_who_would_be_over_before_anything_is_done(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])
    each = {"done1": "1", "whom": "each", "unit": str(world.sales.pk)}
    terms = {**TERMS, "measure": "MINUTES", "amount": "1"}
    UsageTotal.objects.filter(user_key=world.people["anna"].pk).update(
        paid_talk_ms=120_000, paid_calls=1
    )

    words = words_of(frank.get("/budgets/assign/", {**each, **terms, **EVENTS, "step": "4"}))

    assert "Makes a budget for 4 people." in words
    assert "1 would be used up at once" in words
    assert "the phones of 1 person would be locked at once" in words
    assert "Anna Rossi 00:02:00 200%" in words
    assert not Budget.objects.filter(measure=Measure.MINUTES, unit=world.sales).exists()


def test_the_wizard_stops_at_what_is_wrong(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])

    several = words_of(frank.get("/budgets/assign/", {**WHO, "person": "rossi", "step": "2"}))
    nobody = words_of(frank.get("/budgets/assign/", {**WHO, "person": "xyz", "step": "4"}))
    amount = frank.get("/budgets/assign/", {**WHO, **TERMS, "amount": "lots", "step": "3"})
    weekly = {**TERMS, "period": "week", "starts_on": "9"}
    day = words_of(frank.get("/budgets/assign/", {**WHO, **weekly, "step": "3"}))
    same = {**EVENTS, "percent_2": "80"}
    twice = words_of(frank.get("/budgets/assign/", {**WHO, **TERMS, **same, "step": "4"}))
    posted = frank.post("/budgets/assign/", {**WHO, **TERMS})

    assert "Who of these? Anna Rossi" in several
    assert "Nobody of that name, username or extension is in reach." in nobody
    assert "This is not an amount." in words_of(amount)
    assert "starts on 1..7" in day
    assert "This percent is there twice." in twice
    assert posted.status_code == 422


def test_a_person_is_found_by_his_extension(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])

    found = frank.get("/budgets/assign/", {**WHO, "person": "202", "step": "2"})

    assert "For Ben Rossi" in words_of(found)


def test_supervisors_assign_in_their_scope_where_the_installation_wants_it(
    world: PagesWorld, settings: Settings
) -> None:
    cleo = signed_in(world.people["cleo"])
    off = cleo.get("/budgets/assign/").status_code

    settings.BUDGETS_BY_SUPERVISORS = True
    own = words_of(cleo.get("/budgets/assign/", {**WHO, "person": "cleo", "step": "2"}))
    foreign = words_of(cleo.get("/budgets/assign/", {**WHO, "person": "dora", "step": "2"}))
    units = cleo.get("/budgets/assign/").content.decode()
    done = cleo.post("/budgets/assign/", {**WHO, **TERMS, **EVENTS})

    assert off == 403
    assert "Nobody of that name" in own
    assert "Nobody of that name" in foreign
    assert "Support" not in units
    assert done.status_code == 302
    event = world.people["ben"].budgets.get().events.first()
    assert event is not None
    assert event.made_by == "cleo"
