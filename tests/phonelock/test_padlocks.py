"""The padlock follows the state of the phone: on one's own page and in the list of users."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from phonelock.models import LineLock
from phonelock.operations.reconciler import reconcile
from tests.phonelock.test_pages import rows_of, signed_in
from tests.support.pages import PagesWorld, pages_world


@pytest.fixture
def world(db: None) -> PagesWorld:
    """The company, its site locked by a switch that does as it is told."""
    world = pages_world(datetime.now(UTC))
    world.source.options = {"lock": "stub"}
    world.source.save()
    return world


@pytest.mark.feature("F232")
def test_the_padlock_of_my_phone_and_its_one_button_follow_the_state(world: PagesWorld) -> None:
    client = signed_in(world, "ben")
    line = world.lines["ben"]

    def looks() -> tuple[str, str, list[str]]:
        page = client.get("/phone/").content.decode()
        lock = re.search(r'<div class="tg-lock (\w+)">\s*(<svg.*?</svg>)', page, re.DOTALL)
        assert lock is not None
        return lock[1], lock[2], re.findall(r'tg-toggle"[^>]*>.*?</svg> ([^<]+)', page, re.DOTALL)

    pictures = [looks()]
    for do in ("lock", "unlock"):
        client.post(f"/phone/{line.pk}/{do}/")
        pictures.append(looks())
        reconcile(now=datetime.now(UTC) + timedelta(minutes=len(pictures)))
        pictures.append(looks())

    moods, padlocks, buttons = zip(*pictures, strict=True)
    lock, unlock = ["Lock my phone"], ["Unlock my phone"]
    assert moods == ("good", "info", "bad", "info", "good")
    assert buttons == (lock, unlock, unlock, lock, lock)
    assert padlocks[0] == padlocks[4]
    assert len(set(padlocks)) == 3


@pytest.mark.feature("F239", "F243")
def test_the_list_refreshes_itself_and_by_its_link_and_shows_the_new_padlock(
    world: PagesWorld,
) -> None:
    client = signed_in(world, "cleo")
    page = unescape(client.get("/phone/users/?username=be").content.decode())
    live = re.search(r'<tbody id="rows" hx-get="([^"]+)" hx-trigger="every 10s"', page)
    link = re.search(r'<a class="btn" href="([^"]+)">.*?Refresh</a>', page, re.DOTALL)
    assert live is not None
    assert link is not None

    def status(address: str) -> tuple[str, str]:
        answer = client.get(address)
        sign = re.search(
            r'data-label="Status".*?(<svg.*?</svg>)', answer.content.decode(), re.DOTALL
        )
        assert sign is not None
        return rows_of(answer)["ben"][3], sign[1]

    words, padlock = status(live[1])
    LineLock.objects.create(
        line=world.lines["ben"],
        admin_since=world.now,
        admin_by="cleo",
        admin_reason="strike",
        wanted="LOCKED",
        wanted_flag="ADMIN",
        version=1,
        confirmed="LOCKED",
        confirmed_version=1,
    )
    changed, other = status(live[1])

    assert live[1] == link[1] == "/phone/users/?username=be"
    assert words == "unlocked"
    assert changed.startswith("locked by the administrator")
    assert "strike" in changed
    assert padlock != other
