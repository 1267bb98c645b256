"""An installation may do without budgets or phone locks: what is off is not there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib import admin
from django.test import Client
from pytest_django import Settings

from billingsite import pipeline
from budgets.models import BudgetEvent, LockWish
from directory.models import Line
from kernel.clock import now
from phonelock.curri.desk import present_desk
from phonelock.models import LineLock
from phonelock.operations import wishes
from phonelock.operations.pace import Pace
from phonelock.operations.wishes import sweep_wishes
from tests.support.curri import ask, publish, question, verdict
from tests.support.pages import PagesWorld, pages_world

BUDGET_PAGES = ("/budgets/", "/budgets/all/", "/budgets/assign/", "/api/v1/budgets/")
PHONE_PAGES = ("/phone/", "/phone/users/", "/api/v1/phones/")


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.feature("F039")
@pytest.mark.parametrize(
    ("on", "gone", "there"),
    [("phonelock", BUDGET_PAGES, PHONE_PAGES), ("budgets", PHONE_PAGES, BUDGET_PAGES)],
)
def test_pages_menus_and_interface_of_a_module_that_is_off_are_not_there(
    world: PagesWorld, settings: Settings, on: str, gone: tuple[str, ...], there: tuple[str, ...]
) -> None:
    settings.MODULES = frozenset({on})
    client = client_of(world, "frank")
    bar = client.get("/calls/").content.decode().partition("</nav>")[0]

    assert {path: client.get(path).status_code for path in gone} == dict.fromkeys(gone, 404)
    assert {client.get(path).status_code for path in there} == {200}
    assert not [path for path in gone if f'href="{path}"' in bar]
    assert [path for path in there if f'href="{path}"' in bar]


@pytest.mark.feature("F039")
def test_the_set_up_pages_of_a_module_that_is_off_are_not_there(
    world: PagesWorld, settings: Settings
) -> None:
    settings.MODULES = frozenset()
    client = client_of(world, "frank")

    listed = client.get("/admin/").content.decode()

    assert "/admin/directory/user/" in listed
    for model in admin.site._registry:
        if model._meta.app_label in ("budgets", "phonelock"):
            path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            assert path not in listed
            assert client.get(path).status_code == 404


@pytest.mark.feature("F039")
@pytest.mark.parametrize(
    ("on", "left_out"),
    [
        ({"budgets", "phonelock"}, set()),
        ({"budgets"}, {"switch"}),
        ({"phonelock"}, {"periods", "budgets"}),
        (set(), {"periods", "budgets", "switch"}),
    ],
)
def test_the_work_of_a_module_that_is_off_is_not_done(
    settings: Settings, on: set[str], left_out: set[str]
) -> None:
    settings.MODULES = frozenset({"budgets", "phonelock"})
    everything = {stage.name for stage in pipeline.stages()}
    settings.MODULES = frozenset(on)

    assert everything - {stage.name for stage in pipeline.stages()} == left_out


@pytest.mark.feature("F039")
def test_a_budget_without_phone_locks_says_that_it_skipped_one(
    world: PagesWorld, settings: Settings
) -> None:
    settings.MODULES = frozenset({"budgets"})
    period = world.budgets["own"].periods.get()
    LockWish.objects.create(period=period, user=world.people["ben"], wished_at=now())

    report = sweep_wishes(now=now())

    event = BudgetEvent.objects.get(kind="lock_skipped")
    assert (report.skipped, report.locked) == (1, 0)
    assert event.details == {"reason": "module_off"}
    assert not LineLock.objects.filter(line=world.lines["ben"], budget_since__isnull=False).exists()


@pytest.mark.feature("F039", "F206")
@pytest.mark.parametrize(("on", "shown"), [({"budgets"}, False), ({"budgets", "phonelock"}, True)])
def test_a_budget_says_how_the_phone_stands_only_where_phones_are_locked(
    world: PagesWorld, settings: Settings, on: set[str], shown: bool
) -> None:
    settings.MODULES = frozenset(on)

    page = client_of(world, "anna").get("/budgets/").content.decode()

    assert "Remaining budget" in page
    assert ("Phone state" in page) is shown


@pytest.mark.feature("F039")
def test_once_phone_locks_are_on_again_the_lock_that_was_skipped_is_made_up_for(
    world: PagesWorld, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    period = world.budgets["own"].periods.get()
    LockWish.objects.create(period=period, user=world.people["ben"], wished_at=now())
    settings.MODULES = frozenset({"budgets"})
    sweep_wishes(now=now())
    settings.MODULES = frozenset({"budgets", "phonelock"})
    monkeypatch.setattr(wishes, "_alignment", Pace(seconds=0))

    sweep_wishes(now=now())

    line = Line.objects.get(pk=world.lines["ben"].pk)
    assert LineLock.objects.get(line=line).budget_since is not None


@pytest.mark.feature("F039")
def test_without_phone_locks_every_call_may_go_out(data_dir: Path, settings: Settings) -> None:
    publish(data_dir)
    locked = verdict(ask(present_desk(), question("0390299990000")).body)
    settings.MODULES = frozenset({"budgets"})

    free = ask(present_desk(), question("0390299990000"))

    assert locked == "Deny"
    assert verdict(free.body) == "Permit"
    assert free.note is not None
    assert free.note.reason == "module_off"
