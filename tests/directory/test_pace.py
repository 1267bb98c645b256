"""The brake on trying out numbers: exact, whoever asks at once, and cheap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from directory.models import User
from directory.pace import SEARCHES_AN_HOUR, TooManySearches, count_number_search
from directory.scoping import Scope
from tests.support.people import NOW, scope, user


def allowed(reader: Scope, times: int, *, later: timedelta = timedelta()) -> int:
    """How many of `times` searches pass the brake."""
    passed = 0
    for _ in range(times):
        try:
            count_number_search(reader, at=NOW + later)
        except TooManySearches:
            continue
        passed += 1
    return passed


@pytest.mark.django_db
def test_so_many_searches_pass_within_an_hour_and_as_many_in_the_next() -> None:
    mario, anna = scope(user("mario")), scope(user("anna"))

    assert allowed(mario, SEARCHES_AN_HOUR + 3) == SEARCHES_AN_HOUR
    assert allowed(anna, 2) == 2
    assert allowed(mario, 2, later=timedelta(hours=1)) == 2


@pytest.mark.django_db
def test_who_may_see_numbers_in_clear_is_not_braked() -> None:
    assert allowed(scope(user("frank", may_reveal_numbers=True)), 70) == 70


@pytest.mark.django_db
def test_a_search_costs_one_statement_a_refusal_three(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    mario = scope(user("mario"))
    with django_assert_num_queries(3):
        assert allowed(mario, 1) == 1
    with django_assert_num_queries(SEARCHES_AN_HOUR - 1):
        assert allowed(mario, SEARCHES_AN_HOUR - 1) == SEARCHES_AN_HOUR - 1
    with django_assert_num_queries(3):
        assert allowed(mario, 1) == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_when_many_processes_ask_at_once() -> None:
    reader = scope(user("mario"))
    at_once, each = 8, 12
    ready = Barrier(at_once)

    def ask() -> int:
        try:
            connection.ensure_connection()
            ready.wait(timeout=30)
            return allowed(reader, each)
        finally:
            connection.close()

    with ThreadPoolExecutor(at_once) as pool:
        passed = [pool.submit(ask) for _ in range(at_once)]
        assert sum(done.result(timeout=60) for done in passed) == SEARCHES_AN_HOUR

    assert reader.user_id is not None
    assert User.objects.get(pk=reader.user_id).number_searches.searches == SEARCHES_AN_HOUR
