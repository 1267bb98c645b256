"""Budgets wish, lines are locked: once each, for the right line, with the right words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from budgets.models import BudgetEvent, BudgetNotice, EventKind, LockWish
from directory.models import LineHolding
from phonelock.engine.flags import Actor, LockFlag
from phonelock.models import LineLock, LockEvent
from phonelock.operations import wishes
from phonelock.operations.flags import set_flag, sweep_wishes
from tests.support.phonelock import (
    NOON,
    lift_wish,
    lock_of,
    make_line,
    make_period,
    make_site,
    make_user,
    wish_lock,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def history(*kinds: EventKind) -> list[tuple[str, str]]:
    """Kind and extension of these events, in order."""
    rows = BudgetEvent.objects.filter(kind__in=kinds).order_by("pk")
    return [(row.kind, row.details.get("extension", row.details["reason"])) for row in rows]


LOCK_KINDS = (EventKind.PHONE_LOCKED, EventKind.PHONE_UNLOCKED, EventKind.LOCK_SKIPPED)


@pytest.mark.feature("F189", "F226")
def test_a_wish_locks_every_line_of_its_user_and_nobody_elses() -> None:
    site = make_site()
    mine = [make_line(site, "201"), make_line(site, "202")]
    other = make_line(site, "203")
    user = make_user("mario", *mine)
    make_user("luigi", other)
    wish = wish_lock(user)

    report = sweep_wishes(now=NOON)

    assert (report.wishes, report.locked) == (1, 2)
    assert [lock_of(line).wanted for line in (*mine, other)] == ["LOCKED", "LOCKED", "UNLOCKED"]
    assert lock_of(mine[0]).flags == {LockFlag.BUDGET}
    assert history(*LOCK_KINDS) == [("phone_locked", "201"), ("phone_locked", "202")]
    notice = BudgetNotice.objects.get()
    assert (notice.kind, notice.recipients) == (EventKind.PHONE_LOCKED, ["user", "manager"])
    assert notice.values["extension"] == ["201", "202"]
    assert LockWish.objects.get(pk=wish.pk).swept_at == NOON


def test_sweeping_again_changes_nothing() -> None:
    line = make_line(make_site())
    wish_lock(make_user("mario", line))
    sweep_wishes(now=NOON)
    before = lock_of(line).version

    for minute in range(1, 4):
        sweep_wishes(now=NOON + minute * MINUTE)

    assert lock_of(line).version == before == 1
    assert (LockEvent.objects.count(), BudgetNotice.objects.count()) == (1, 1)


@pytest.mark.feature("F191")
def test_of_two_lines_with_one_number_only_the_users_own_is_locked() -> None:
    site = make_site()
    mine, twin = make_line(site, partition="PT-A"), make_line(site, partition="PT-B")
    make_user("luigi", twin)
    wish_lock(make_user("mario", mine))

    sweep_wishes(now=NOON)

    assert (lock_of(mine).wanted, lock_of(twin).wanted) == ("LOCKED", "UNLOCKED")


def test_a_lifted_wish_opens_the_phone_and_says_so() -> None:
    line = make_line(make_site())
    wish = wish_lock(make_user("mario", line))
    sweep_wishes(now=NOON)

    lift_wish(wish, at=NOON + MINUTE)
    sweep_wishes(now=NOON + MINUTE)

    assert lock_of(line).flags == frozenset()
    assert history(*LOCK_KINDS) == [("phone_locked", "201"), ("phone_unlocked", "201")]
    unlocked = BudgetNotice.objects.get(kind=EventKind.PHONE_UNLOCKED)
    assert unlocked.values["reason"] == "end_period"


def test_a_phone_the_administrator_closed_stays_closed_and_nobody_hears_otherwise() -> None:
    line = make_line(make_site())
    wish = wish_lock(make_user("mario", line))
    set_flag(line=line, flag=LockFlag.ADMIN, actor=Actor.ADMINISTRATOR, by="anna", at=NOON)
    sweep_wishes(now=NOON)

    lift_wish(wish, at=NOON + MINUTE)
    sweep_wishes(now=NOON + MINUTE)

    assert (lock_of(line).wanted, set(lock_of(line).flags)) == ("LOCKED", {LockFlag.ADMIN})
    assert history(EventKind.PHONE_UNLOCKED) == []
    assert not BudgetNotice.objects.filter(kind=EventKind.PHONE_UNLOCKED).exists()
    locked = BudgetEvent.objects.get(kind=EventKind.PHONE_LOCKED)
    assert locked.details["already_locked_by"] == "admin"


def test_two_budgets_wish_and_the_last_to_let_go_opens() -> None:
    line = make_line(make_site())
    user = make_user("mario", line)
    first = wish_lock(user)
    second = wish_lock(user, period=make_period(user, measure="MINUTES"))
    sweep_wishes(now=NOON)

    lift_wish(first, at=NOON + MINUTE)
    sweep_wishes(now=NOON + MINUTE)
    between = lock_of(line).wanted
    lift_wish(second, at=NOON + 2 * MINUTE)
    sweep_wishes(now=NOON + 2 * MINUTE)

    assert (between, lock_of(line).wanted) == ("LOCKED", "UNLOCKED")
    opened = BudgetEvent.objects.get(kind=EventKind.PHONE_UNLOCKED)
    assert opened.budget == second.period.budget


def test_two_wishes_lifted_together_open_the_phone_once_in_the_name_of_the_later() -> None:
    line = make_line(make_site())
    user = make_user("mario", line)
    first = wish_lock(user)
    second = wish_lock(user, period=make_period(user, measure="MINUTES"))
    sweep_wishes(now=NOON)

    lift_wish(second, at=NOON + MINUTE)
    lift_wish(first, at=NOON + 2 * MINUTE)
    sweep_wishes(now=NOON + 3 * MINUTE)

    opened = BudgetEvent.objects.get(kind=EventKind.PHONE_UNLOCKED)
    assert opened.budget == first.period.budget


def test_a_wish_lifted_before_anybody_saw_it_locks_nothing() -> None:
    line = make_line(make_site())
    wish = wish_lock(make_user("mario", line))
    lift_wish(wish, at=NOON)

    sweep_wishes(now=NOON)

    assert lock_of(line).version == 0
    assert history(*LOCK_KINDS) == []


def test_a_period_that_wishes_again_is_told_again() -> None:
    line = make_line(make_site())
    user = make_user("mario", line)
    period = make_period(user)
    for turn in range(2):
        wish = wish_lock(user, period=period)
        sweep_wishes(now=NOON + turn * MINUTE)
        lift_wish(wish, at=NOON + turn * MINUTE)
        sweep_wishes(now=NOON + turn * MINUTE)

    assert [kind for kind, _ in history(*LOCK_KINDS)] == ["phone_locked", "phone_unlocked"] * 2
    assert BudgetNotice.objects.count() == 4


@pytest.mark.feature("F190", "F244")
@pytest.mark.parametrize(("has_line", "reason"), [(False, "no_line"), (True, "no_switch")])
def test_who_cannot_be_locked_is_skipped_with_the_reason(has_line: bool, reason: str) -> None:
    line = make_line(make_site(driver="none"))
    user = make_user("mario", *([line] if has_line else []))
    wish_lock(user)

    for minute in range(3):
        sweep_wishes(now=NOON + minute * MINUTE)

    skipped = BudgetEvent.objects.get()
    assert (skipped.kind, skipped.details["reason"]) == (EventKind.LOCK_SKIPPED, reason)
    assert not BudgetNotice.objects.exists()
    assert not LineLock.objects.filter(wanted="LOCKED").exists()


@pytest.mark.feature("F190")
def test_a_site_of_delimited_files_has_no_switch_to_lock_with() -> None:
    site = make_site()
    site.sources.update(driver="delimited", options={})
    line = make_line(site)
    wish_lock(make_user("mario", line))

    report = sweep_wishes(now=NOON)

    assert (report.locked, report.skipped) == (0, 1)


def test_the_lock_follows_its_user_to_a_new_line() -> None:
    site = make_site()
    old, new = make_line(site, "201"), make_line(site, "202")
    user = make_user("mario", old)
    wish = wish_lock(user)
    sweep_wishes(now=NOON)
    moved_at = NOON + MINUTE
    LineHolding.objects.filter(line=old).update(valid_to=moved_at)
    LineHolding.objects.create(line=new, user=user, valid_from=moved_at)

    sweep_wishes(now=moved_at)

    assert (lock_of(old).wanted, lock_of(new).wanted) == ("UNLOCKED", "LOCKED")
    assert history(EventKind.PHONE_LOCKED) == [("phone_locked", "201"), ("phone_locked", "202")]
    lift_wish(wish, at=NOON + 2 * MINUTE)
    sweep_wishes(now=NOON + 2 * MINUTE)
    assert lock_of(new).wanted == "UNLOCKED"


def test_the_next_holder_of_a_line_finds_it_open() -> None:
    line = make_line(make_site())
    wish_lock(make_user("mario", line))
    sweep_wishes(now=NOON)
    LineHolding.objects.filter(line=line).update(valid_to=NOON + MINUTE)
    LineHolding.objects.create(line=line, user=make_user("luigi"), valid_from=NOON + MINUTE)

    sweep_wishes(now=NOON + MINUTE)

    assert lock_of(line).wanted == "UNLOCKED"


def test_a_switch_that_is_taken_out_of_the_setup_opens_nothing() -> None:
    site = make_site()
    line = make_line(site)
    wish_lock(make_user("mario", line))
    sweep_wishes(now=NOON)
    site.sources.update(is_active=False)

    sweep_wishes(now=NOON + MINUTE)

    assert lock_of(line).wanted == "LOCKED"


def test_a_user_without_a_line_is_locked_when_he_gets_one() -> None:
    site = make_site()
    user = make_user("mario")
    wish_lock(user)
    sweep_wishes(now=NOON)
    line = make_line(site)
    LineHolding.objects.create(line=line, user=user)

    sweep_wishes(now=NOON + MINUTE)

    assert lock_of(line).wanted == "LOCKED"
    assert [kind for kind, _ in history(*LOCK_KINDS)] == ["lock_skipped", "phone_locked"]


def test_many_wishes_are_taken_over_in_one_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "BATCH", 10)
    site = make_site()
    lines = [make_line(site, str(200 + each)) for each in range(35)]
    for line in lines:
        wish_lock(make_user(f"user{line.extension}", line))

    report = sweep_wishes(now=NOON)

    assert (report.wishes, report.locked) == (35, 35)
    assert LineLock.objects.filter(wanted="LOCKED").count() == 35
