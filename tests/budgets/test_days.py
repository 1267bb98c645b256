"""Day by day comes to the same as all at once, and one call's reason to the sums' rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.engine.counting import CallFacts, Counted, WhyNot, why_not
from budgets.models import BudgetPeriod, Measure
from budgets.operations.assignments import add_exceptions
from budgets.queries.cards import cards_of
from budgets.queries.days import sums_by_days
from budgets.queries.shown import shown
from budgets.queries.sums import sums, watched_of
from directory.scoping import scope_of
from tests.support.budgets import NOON, Firm, all_calls, assigned, day, minutes, money, slow_spent

CLASSES = ("national", "mobile", "international", "emergency", "internal")


@pytest.fixture
def firm(db: None) -> Firm:
    return Firm()


def a_month_of(firm: Firm) -> None:
    """People of two units with calls of every class, currency and kind."""
    for number, name in enumerate(("mario", "anna", "luca")):
        user = firm.person(name, department="Sales" if number < 2 else "Sales/Italy")
        for n in range(12):
            firm.call(
                user,
                None if n == 5 else "0" if n % 5 == 4 else f"{n % 4}.{n:02}",
                at=NOON - timedelta(days=n * 2 + number),
                seconds=30 * n,
                number_class=CLASSES[n % 5],
                currency="GBP" if n == 7 else "",
                is_paid=n % 5 != 4,
            )


@pytest.mark.django_db
def test_days_and_sums_and_calls_agree(firm: Firm) -> None:
    a_month_of(firm)
    mario, anna = (
        firm.site.lines.get(extension=name).holdings.get().user for name in ("mario", "anna")
    )
    sales = firm.unit("Sales")
    budgets = [
        assigned(mario, money("100")),
        assigned(mario, money("5", number_classes=("mobile", "national"))),
        assigned(mario, minutes(100, period="week")),
        assigned(anna, money("3", period="day")),
        assigned(sales, money("500")),
        assigned(sales, minutes(900, period="week", starts_on=3)),
    ]
    add_exceptions(budget=budgets[4], users=[anna], at=NOON, by="test")
    periods = list(
        BudgetPeriod.objects.filter(state="OPEN").select_related("budget__user", "budget__unit")
    )
    watched = watched_of(periods)

    by_days = sums_by_days(watched)

    assert by_days == sums(watched)
    calls = all_calls()
    assert {key: found.amount for key, found in by_days.items()} == {
        period.pk: slow_spent(period, calls) for period in periods
    }
    assert any(found.amount for found in by_days.values())


@pytest.mark.django_db
def test_a_card_says_what_the_list_says(firm: Firm) -> None:
    a_month_of(firm)
    mario = firm.site.lines.get(extension="mario").holdings.get().user
    budgets = [assigned(mario, money("10")), assigned(firm.unit("Sales"), money("50"))]

    cards = cards_of(scope_of(mario, at=NOON).own(), mario, at=NOON)

    figures = {each.id: (each.spent, each.share, each.mood) for each in (c.budget for c in cards)}
    listed = shown(budgets, reader=mario, with_share=True)
    assert figures == {each.id: (each.spent, each.share, each.mood) for each in listed}
    assert len(cards) == 2


@pytest.mark.django_db
def test_the_number_of_questions_does_not_grow_with_the_budgets(
    firm: Firm, django_assert_max_num_queries: object
) -> None:
    a_month_of(firm)
    mario = firm.site.lines.get(extension="mario").holdings.get().user
    scope = scope_of(mario, at=NOON).own()
    assigned(mario, money("10"))
    assigned(firm.unit("Sales"), money("50"))

    with django_assert_max_num_queries(13) as few:  # type: ignore[operator]
        cards_of(scope, mario, at=NOON)
    for terms in (minutes(50, period="week"), money("2", number_classes=("mobile",), period="day")):
        assigned(mario, terms)
        assigned(firm.unit("Sales"), terms)

    with django_assert_max_num_queries(len(few)):  # type: ignore[operator]
        assert len(cards_of(scope, mario, at=NOON)) == 6


@pytest.mark.django_db
def test_each_call_is_told_to_count_exactly_where_the_sum_counts_it(firm: Firm) -> None:
    a_month_of(firm)
    mario = firm.site.lines.get(extension="mario").holdings.get().user
    assigned(mario, money("100", number_classes=("mobile", "national")))
    assigned(mario, minutes(100))
    assigned(firm.unit("Sales"), money("50"))

    cards = cards_of(scope_of(mario, at=NOON).own(), mario, at=NOON)

    for card in cards:
        period = BudgetPeriod.objects.select_related("budget__user", "budget__unit").get(
            budget=card.budget.id, state="OPEN"
        )
        for told in (*card.counted, *card.uncounted):
            (call,) = [each for each in all_calls() if each.pk == told.id]
            alone = slow_spent(period, [call])
            if period.budget.measure == Measure.MONEY and not call.charge_micros:
                continue  # a free call counts, and adds nothing
            if call.talk_ms:
                assert (told.why_not is None) is (alone > 0), (told, alone)
    assert any(card.uncounted for card in cards)


facts = st.builds(
    CallFacts,
    local_date=st.sampled_from([day("2026-10-31"), day("2026-11-10"), day("2026-12-01")]),
    number_class=st.sampled_from(CLASSES),
    currency=st.sampled_from(["EUR", "GBP"]),
    is_received=st.booleans(),
    is_internal=st.booleans(),
    is_answered=st.booleans(),
    is_paid=st.booleans(),
    is_rated=st.booleans(),
    in_unit=st.booleans(),
)


@given(facts, st.booleans(), st.sampled_from([(), ("mobile",)]))
def test_there_is_a_reason_for_every_call_that_does_not_count(
    call: CallFacts, counts_talk: bool, classes: tuple[str, ...]
) -> None:
    counted = Counted(day("2026-11-01"), day("2026-12-01"), counts_talk, "EUR", classes)

    counts = (
        call.is_paid
        and call.in_unit
        and call.number_class != "emergency"
        and call.local_date == day("2026-11-10")
        and (not classes or call.number_class in classes)
        and (counts_talk or (call.is_rated and call.currency == "EUR"))
    )

    assert (why_not(call, counted) is None) is counts


def test_the_reason_told_is_the_one_a_person_would_give() -> None:
    counted = Counted(day("2026-11-01"), day("2026-12-01"), False, "EUR")
    usual = {
        "local_date": day("2026-10-01"),
        "number_class": "national",
        "currency": "EUR",
        "is_internal": False,
        "is_answered": True,
        "is_rated": True,
    }

    received = CallFacts(**usual, is_received=True, is_paid=False)  # type: ignore[arg-type]
    early = CallFacts(**usual, is_received=False, is_paid=True)  # type: ignore[arg-type]

    assert why_not(received, counted) is WhyNot.RECEIVED
    assert why_not(early, counted) is WhyNot.BEFORE
