"""A supervisor opens the phones of others, and not his own when somebody above him has locked it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from phonelock.models import LineLock
from tests.support.pages import PagesWorld, pages_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> PagesWorld:
    return pages_world(datetime.now(UTC))


@pytest.fixture
def cleo(world: PagesWorld) -> Client:
    client = Client()
    client.force_login(world.people["cleo"], "django.contrib.auth.backends.ModelBackend")
    return client


def locked(world: PagesWorld, *, by: str) -> LineLock:
    """The line of cleo, who supervises, with the administrator's lock on it."""
    return LineLock.objects.create(
        line=world.lines["cleo"],
        admin_since=world.now,
        admin_by=by,
        admin_reason="lost",
        wanted="LOCKED",
        wanted_flag="ADMIN",
        version=1,
    )


@pytest.mark.parametrize(("by", "is_kept"), [("frank", True), ("cleo", False)])
def test_a_lock_from_above_is_not_lifted_by_its_holder(
    world: PagesWorld, cleo: Client, by: str, is_kept: bool
) -> None:
    lock = locked(world, by=by)

    answer = cleo.post(f"/phone/lines/{lock.line_id}/unlock/", follow=True)

    lock.refresh_from_db()
    assert (lock.admin_since is not None) is is_kept
    assert ("You cannot decide about yourself." in answer.content.decode()) is is_kept


def test_nor_given_an_end_nor_lifted_among_many(world: PagesWorld, cleo: Client) -> None:
    lock, other = locked(world, by="frank"), world.lines["anna"].pk
    ticked = {"do": "unlock", "line": [lock.line_id, other], "count": "1", "reason": "found"}

    ended = cleo.post(
        f"/phone/lines/{lock.line_id}/lock/", {"reason": "x", "until": "2099-01-01T00:00"}
    )
    cleo.post("/phone/users/many/", ticked)

    lock.refresh_from_db()
    assert ended.status_code == 422
    assert (lock.admin_reason, lock.admin_until) == ("lost", None)
    assert lock.admin_since is not None
    assert LineLock.objects.get(line=other).admin_since is None
