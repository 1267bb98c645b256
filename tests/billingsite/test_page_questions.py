"""How many questions a page asks: so many at most, and no more for a long list than for a short one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.support.pages import PagesWorld, pages_world


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/", 17),
        ("/glance/", 17),
        ("/missed/", 17),
        ("/calls/", 16),
        ("/calls/?number=%2B390266771234", 17),
        ("/calls/?sort=-cost", 17),
        ("/contacts/?book=company", 12),
        ("/api/v1/contacts/", 10),
        ("/budgets/all/", 17),
        ("/budgets/", 17),
        ("/phone/", 17),
        ("/phone/users/", 14),
        ("/help/", 8),
        ("/outbox/", 14),
        ("/quarantine/", 16),
        ("/api/v1/calls/", 12),
        ("/api/v1/budgets/", 20),
        ("/api/v1/phones/", 14),
    ],
)
def test_lists_ask_the_same_number_of_questions_however_long_they_are(
    world: PagesWorld,
    path: str,
    most: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = Client()
    client.force_login(world.people["frank"], "django.contrib.auth.backends.ModelBackend")
    client.get(path)
    with django_assert_max_num_queries(most) as few:
        client.get(path)

    for number in range(12):
        world.call("anna", f"+3902667{number:05}", "OA", charge=1)
    for who in ("ben", "cleo", "dora", "eve", "gus"):
        world.budget(who=who)

    with django_assert_max_num_queries(len(few)):
        client.get(path)
