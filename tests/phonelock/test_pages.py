"""The pages of phones: one's own, those of others, and what became of many at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from directory.models import Line, LineHolding, Membership, User
from phonelock.models import Decision, LineLock, LockEvent, Pin, PinEvent
from phonelock.operations.brakes import OWN_TOGGLES
from phonelock.operations.pins import check_pin, set_pin
from phonelock.operations.reconciler import reconcile
from phonelock.operations.wishes import sweep_wishes
from tests.support.pages import PagesWorld, pages_world
from tests.support.phonelock import StubSwitch, make_site, wish_lock

GOOD = "83915"


@pytest.fixture
def world(db: None) -> PagesWorld:
    """The company, its site locked by a switch that does as it is told."""
    world = pages_world(datetime.now(UTC))
    world.source.options = {"lock": "stub"}
    world.source.save()
    return world


def signed_in(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


def words_of(answer: Any) -> str:
    """The page as text, one space between words."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text)).replace(" ,", ",")


def rows_of(answer: Any) -> dict[str, list[str]]:
    """The rows of the list of users by username, tick boxes left out."""
    body = re.search(r'<tbody id="rows".*?>(.*?)</tbody>', answer.content.decode(), re.DOTALL)
    assert body is not None
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL):
        cells = [
            re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", cell))).strip()
            for cell in re.findall(r"<td data-label[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        if cells:
            found[cells[0]] = cells[1:]
    return found


def lock_of(world: PagesWorld, who: str) -> LineLock:
    return LineLock.objects.get(line=world.lines[who])


# --- my phone -------------------------------------------------------------------------------------


@pytest.mark.feature("F229", "F232")
def test_a_lock_is_shown_as_asked_for_until_the_switch_confirms_it(world: PagesWorld) -> None:
    client = signed_in(world, "ben")
    line = world.lines["ben"]
    before = words_of(client.get("/phone/"))

    asked = client.post(f"/phone/{line.pk}/lock/", follow=True)
    reconcile(now=datetime.now(UTC))
    confirmed = words_of(client.get("/phone/"))
    unlocking = words_of(client.post(f"/phone/{line.pk}/unlock/", follow=True))

    assert "Unlocked Nobody has locked it so far." in before
    assert "Lock my phone" in before
    assert "Locking… Asked the phone system" in words_of(asked)
    assert "Until then anybody can call out." in words_of(asked)
    assert 'hx-trigger="every 2s"' in asked.content.decode()
    assert "Locked Confirmed by the phone system" in confirmed
    assert "Locked by Ben Rossi" in confirmed
    assert "Unlock my phone" in confirmed
    assert "Unlocking…" in unlocking
    assert "Until then the phone stays locked." in unlocking


@pytest.mark.feature("F232", "F239")
def test_a_switch_that_does_not_confirm_is_told_of_and_can_be_asked_again(
    world: PagesWorld,
) -> None:
    client = signed_in(world, "ben")
    line = world.lines["ben"]
    StubSwitch.at(world.site.name).fault = "down"
    client.post(f"/phone/{line.pk}/lock/")
    reconcile(now=datetime.now(UTC))

    failed = words_of(client.get("/phone/"))
    StubSwitch.at(world.site.name).fault = ""
    again = words_of(client.post(f"/phone/{line.pk}/again/", follow=True))
    reconcile(now=datetime.now(UTC) + timedelta(seconds=15))
    confirmed = words_of(client.get("/phone/"))

    assert "Not locked yet" in failed
    assert "has not confirmed it" in failed
    assert "Ask again now" in failed
    assert "Locked Confirmed" not in failed
    assert "It says" not in failed  # the switch's own words are for those who look after it
    assert "is asked again about" in again
    assert "Locked Confirmed by the phone system" in confirmed


@pytest.mark.feature("F229", "F232")
def test_unlocking_under_an_administrators_lock_says_why_not_who_and_until_when(
    world: PagesWorld,
) -> None:
    client = signed_in(world, "anna")
    line = world.lines["anna"]
    client.post(f"/phone/{line.pk}/lock/")
    LineLock.objects.filter(line=line).update(admin_until=world.now + timedelta(days=2))

    words = words_of(client.post(f"/phone/{line.pk}/unlock/", follow=True))

    lock = lock_of(world, "anna")
    assert "The administrator has locked this phone" in words
    assert "Frank Rossi has locked it in the administration. The lock ends by itself on" in words
    assert "lost phone" in words
    assert "Unlock my phone" not in words
    assert (lock.user_since, lock.wanted) == (None, "LOCKED")


@pytest.mark.feature("F232")
def test_a_phone_locked_by_a_budget_leads_to_the_budget_and_to_asking_for_more(
    world: PagesWorld,
) -> None:
    wish = wish_lock(
        world.people["ben"], period=world.budget(who="ben").periods.get(), at=world.now
    )
    sweep_wishes(now=world.now)

    page = signed_in(world, "ben").get("/phone/")

    assert "Your budget is used up. The phone opens by itself when the period ends" in words_of(
        page
    )
    assert f'href="/budgets/{wish.period.budget_id}/"' in page.content.decode()
    assert f'href="/budgets/{wish.period.budget_id}/ask/"' in page.content.decode()


@pytest.mark.feature("F233")
def test_what_a_lock_does_is_told_from_the_settings_of_the_site(world: PagesWorld) -> None:
    client = signed_in(world, "ben")
    plain = words_of(client.get("/phone/"))
    world.site.allowed_while_locked = ["800123456", "0039800*"]
    world.site.emergency_numbers = ["7112"]
    world.site.save()
    world.source.options = {"lock": "stub", "lock_internal": "block", "lock_divert_to": "2000"}
    world.source.save()

    narrow = words_of(client.get("/phone/"))

    assert "Emergency numbers can always be called." in plain
    assert "112, 113" in plain
    assert "Calls to outside are refused." in plain
    assert "Colleagues: calls inside the company." in plain
    assert "The phone's own lists of calls are not cleared" in plain
    assert "7112" in narrow
    assert "800123456, all that begin with 0039800" in narrow
    assert "they are sent to 2000 instead" in narrow
    assert "Calls to colleagues are refused too." in narrow
    assert "Colleagues: calls inside the company." not in narrow


@pytest.mark.feature("F233")
def test_confirmed_promises_no_more_than_the_switch_does(world: PagesWorld) -> None:
    client = signed_in(world, "ben")
    itself = words_of(client.get("/phone/"))
    world.source.options = {"lock": "cucm"}
    world.source.save()
    silent = words_of(client.get("/phone/"))
    Decision.objects.create(
        key="1",
        decided_at=world.now,
        site=world.site.name,
        effect="PERMIT",
        reason="unlocked",
        micros=9,
    )

    asking = words_of(client.get("/phone/"))

    assert "the phone system itself has answered" in itself
    assert "Tollgate says no when the phone system asks" in silent
    assert "It has not asked once in 30 days" in silent
    assert "It asked last on" in asking


@pytest.mark.feature("F232")
def test_several_lines_have_one_row_each_and_foreign_ones_none(world: PagesWorld) -> None:
    second = Line.objects.create(site=world.site, partition="PT", extension="288")
    LineHolding.objects.create(line=second, user=world.people["ben"])

    page = words_of(signed_in(world, "ben").get("/phone/"))

    assert "Extension 202" in page
    assert "Extension 288" in page
    assert page.count("Lock my phone") == 2
    assert "Extension 201" not in page


@pytest.mark.feature("F244")
def test_who_has_no_extension_is_told_whom_to_ask(world: PagesWorld) -> None:
    page = words_of(signed_in(world, "gus").get("/phone/"))

    assert "You have no extension, so there is nothing to lock" in page
    assert "ask your administrator" in page
    assert "Lock my phone" not in page


def test_what_happened_while_somebody_else_held_the_line_is_not_shown(world: PagesWorld) -> None:
    line = world.lines["ben"]
    LineHolding.objects.filter(line=line).update(valid_from=world.now - timedelta(days=1))
    for days, reason in ((2, "of the one before"), (0.5, "of ben")):
        LockEvent.objects.create(
            line=line,
            kind="SET",
            flag="ADMIN",
            made_by="frank",
            reason=reason,
            state_before="UNLOCKED",
            state_after="LOCKED",
            made_at=world.now - timedelta(days=days),
        )

    page = words_of(signed_in(world, "ben").get("/phone/"))

    assert "Administrator's lock set by Frank Rossi" in page
    assert "of ben" in page
    assert "of the one before" not in page


def test_locking_is_braked_and_says_for_how_long(world: PagesWorld) -> None:
    client = signed_in(world, "ben")
    line = world.lines["ben"]
    for _ in range(OWN_TOGGLES):
        client.post(f"/phone/{line.pk}/lock/")

    words = words_of(client.post(f"/phone/{line.pk}/unlock/", follow=True))

    assert "very often in a short time" in words
    assert lock_of(world, "ben").wanted == "LOCKED"


# --- one's own PIN --------------------------------------------------------------------------------


@pytest.mark.feature("F241")
def test_a_pin_is_chosen_then_changed_and_never_comes_back_in_a_page(world: PagesWorld) -> None:
    client = signed_in(world, "ben")
    ben = world.people["ben"]
    weak = client.post("/phone/pin/", {"pin": "4321", "again": "4321"})
    unlike = client.post("/phone/pin/", {"pin": GOOD, "again": "83916"})
    client.post("/phone/pin/", {"pin": GOOD, "again": GOOD})
    wrong = client.post("/phone/pin/", {"old": "11223", "pin": "60274", "again": "60274"})
    done = client.post("/phone/pin/", {"old": GOOD, "pin": "60274", "again": "60274"}, follow=True)

    assert (weak.status_code, unlike.status_code, wrong.status_code) == (422, 422, 422)
    assert "Digits in a row" in words_of(weak)
    assert "are not the same" in words_of(unlike)
    assert "That is not the PIN." in words_of(wrong)
    assert "Your PIN is changed." in words_of(done)
    assert check_pin(ben, pin="60274", at=world.now) is False
    for answer in (weak, unlike, wrong, done):
        text = answer.content.decode()
        assert not re.search(r'value="[0-9]{4,12}"', text.split('id="pin"')[-1])
        for pin in (GOOD, "60274", "11223"):
            assert pin not in text


def test_an_auditor_has_no_pin_to_set(world: PagesWorld) -> None:
    answer = signed_in(world, "eve").post("/phone/pin/", {"pin": GOOD, "again": GOOD})

    assert answer.status_code == 403
    assert not Pin.objects.exists()


# --- users ----------------------------------------------------------------------------------------


@pytest.mark.feature("F234", "F235", "F236", "F237", "F238", "F239", "F244")
def test_a_supervisor_lists_the_people_of_his_department(world: PagesWorld) -> None:
    page = signed_in(world, "cleo").get("/phone/users/")
    rows = rows_of(page)

    assert set(rows) == {"anna", "ben", "cleo", "gus"}
    assert rows["anna"][:3] == ["Anna", "Rossi", "201 Milan / PT"]
    assert "lock not confirmed by the phone system by the administrator “" not in rows["anna"][3]
    assert "lock not confirmed by the phone system by the administrator" in rows["anna"][3]
    assert "lost phone" in rows["anna"][3]
    assert rows["ben"][3] == "unlocked"
    assert rows["gus"][2:5] == ["—", "—", "no extension: nothing to lock"]
    assert 'value="all"' in page.content.decode()
    assert "Refresh" in words_of(page)
    assert 'hx-trigger="every 10s"' in page.content.decode()


@pytest.mark.feature("F242")
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"username": "ANN"}, {"anna"}),
        ({"first_name": "do"}, {"dora"}),
        ({"last_name": "nobody"}, set()),
        ({"extension": "204"}, {"dora"}),
        ({"state": "LOCKED"}, {"anna"}),
        ({"state": "ADMIN"}, {"anna"}),
        ({"state": "BUDGET"}, set()),
        ({"state": "UNLOCKED"}, {"ben", "cleo", "dora", "eve", "frank"}),
        ({"state": "UNCONFIRMED"}, {"anna"}),
        ({"state": "NO_LINE"}, {"gus"}),
        ({"state": "UNLOCKED", "extension": "0", "username": "e"}, {"ben", "cleo", "eve"}),
        ({"state": "nonsense"}, set()),
    ],
)
def test_the_users_are_filtered_under_each_column_and_by_status(
    world: PagesWorld, asked: dict[str, str], found: set[str]
) -> None:
    assert set(rows_of(signed_in(world, "frank").get("/phone/users/", asked))) == found


@pytest.mark.feature("F238", "F242")
def test_a_filter_shows_only_the_lines_that_match(world: PagesWorld) -> None:
    second = Line.objects.create(site=world.site, partition="PT", extension="988")
    LineHolding.objects.create(line=second, user=world.people["anna"])

    words = words_of(signed_in(world, "frank").get("/phone/users/?state=UNLOCKED&username=anna"))

    assert "988" in words
    assert "201" not in words


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("username", ["anna", "ben", "cleo", "dora", "eve", "frank", "gus"]),
        ("-username", ["gus", "frank", "eve", "dora", "cleo", "ben", "anna"]),
        ("extension", ["ben", "anna", "cleo", "dora", "eve", "frank", "gus"]),
        ("-extension", ["frank", "eve", "dora", "cleo", "anna", "ben", "gus"]),
    ],
)
def test_the_users_are_sorted_by_any_column_and_numbers_as_numbers(
    world: PagesWorld, sort: str, order: list[str]
) -> None:
    Line.objects.filter(pk=world.lines["ben"].pk).update(extension="98")

    page = signed_in(world, "frank").get("/phone/users/", {"sort": sort})

    assert list(rows_of(page)) == order
    assert f'aria-sort="{"descending" if sort[0] == "-" else "ascending"}"' in page.content.decode()


def test_the_size_of_a_page_is_remembered(world: PagesWorld) -> None:
    client = signed_in(world, "frank")
    for number in range(12):
        User.objects.create(username=f"extra{number}", last_name="Rossi")
    client.get("/phone/users/?size=10")

    assert len(rows_of(client.get("/phone/users/"))) == 10
    assert "19 items in 2 pages" in words_of(client.get("/phone/users/"))


@pytest.mark.feature("F034", "F234")
def test_an_auditor_sees_all_and_can_touch_nothing(world: PagesWorld) -> None:
    page = signed_in(world, "eve").get("/phone/users/")
    text = page.content.decode()

    assert len(rows_of(page)) == 7
    assert rows_of(page)["anna"][4] == "on"
    assert "Set new" not in text
    assert 'name="line"' not in text
    assert 'id="many"' not in text


def test_two_hundred_rows_ask_no_more_than_ten(
    world: PagesWorld, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(world, "cleo")
    client.get("/phone/users/?size=200")
    for number in range(200):
        user = User.objects.create(username=f"extra{number}", last_name="Rossi")
        Membership.objects.create(user=user, department=world.sales)
        line = Line.objects.create(site=world.site, partition="PT", extension=f"7{number:03}")
        LineHolding.objects.create(line=line, user=user)
        LineLock.objects.create(line=line, next_attempt_at=world.now)

    with django_assert_max_num_queries(20):
        page = client.get("/phone/users/")

    assert len(rows_of(page)) == 200


# --- the administrator's lock ---------------------------------------------------------------------


@pytest.mark.feature("F240")
def test_the_lock_asks_a_reason_and_perhaps_an_end_and_can_be_lifted(world: PagesWorld) -> None:
    client = signed_in(world, "cleo")
    line = world.lines["ben"]
    path = f"/phone/lines/{line.pk}/lock/"
    asked = words_of(client.get(path))
    without = client.post(path, {"reason": ""})
    over = client.post(path, {"reason": "lent out", "until": "2020-01-01T10:00"})
    until = (world.now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    client.post(path, {"reason": "lent out", "until": until})
    lock = lock_of(world, "ben")
    shown = words_of(client.get("/phone/users/?state=LOCKED&username=be"))
    change = words_of(client.get(path))
    client.post(f"/phone/lines/{line.pk}/unlock/")

    assert "Ben Rossi" in asked
    assert "Emergency numbers can always be called" in asked
    assert (without.status_code, over.status_code) == (422, 422)
    assert "needs a reason" in words_of(without)
    assert "end before it begins" in words_of(over)
    assert (lock.wanted, lock.admin_reason, lock.admin_by) == ("LOCKED", "lent out", "cleo")
    assert lock.admin_until is not None
    assert "lent out" in shown
    assert "until" in shown
    assert "Lift the lock" in change
    assert lock_of(world, "ben").wanted == "UNLOCKED"


@pytest.mark.feature("F240")
def test_a_line_of_a_site_without_a_lock_is_not_offered_one(world: PagesWorld) -> None:
    bare = Line.objects.create(site=make_site("Rome", driver="none"), extension="300")
    LineHolding.objects.create(line=bare, user=world.people["gus"])
    client = signed_in(world, "frank")

    listed = rows_of(client.get("/phone/users/?username=gus"))["gus"]
    posted = client.post(f"/phone/lines/{bare.pk}/lock/", {"reason": "x"})

    assert listed[4] == "no lock set up at this site"
    assert posted.status_code == 422
    assert "has no lock set up" in words_of(posted)


@pytest.mark.feature("F241")
def test_a_supervisor_gives_a_one_time_pin_that_nobody_reads_again(world: PagesWorld) -> None:
    client = signed_in(world, "cleo")
    ben = world.people["ben"]
    set_pin(ben, pin="60274", at=world.now)
    path = f"/phone/users/{ben.pk}/pin/"

    weak = client.post(path, {"pin": "202202", "again": "202202"})
    done = client.post(path, {"pin": GOOD, "again": GOOD}, follow=True)
    person = client.get(f"/phone/users/{ben.pk}/")
    foreign = client.post(
        f"/phone/users/{world.people['dora'].pk}/pin/", {"pin": GOOD, "again": GOOD}
    )

    assert weak.status_code == 422
    assert foreign.status_code == 404
    assert "Ben Rossi has a one-time PIN now." in words_of(done)
    assert "one-time" in rows_of(client.get("/phone/users/?username=ben"))["ben"][5]
    assert check_pin(ben, pin=GOOD, at=world.now) is True
    assert "One-time PIN set by Cleo Rossi" in words_of(person)
    for answer in (weak, done, person):
        assert GOOD not in answer.content.decode()
    assert not PinEvent.objects.filter(user=world.people["dora"]).exists()


def test_the_interface_of_programs_says_nothing_of_pins(world: PagesWorld) -> None:
    set_pin(world.people["ben"], pin=GOOD, at=world.now)

    answer = signed_in(world, "frank").get("/api/v1/phones/")

    assert answer.status_code == 200
    assert "pin" not in answer.content.decode().lower()


@pytest.mark.feature("F234", "F239")
def test_a_persons_page_tells_the_story_of_his_phone(world: PagesWorld) -> None:
    client = signed_in(world, "cleo")
    ben = world.people["ben"]
    for number in range(30):
        LockEvent.objects.create(
            line=world.lines["ben"],
            kind="SET" if number % 2 else "CLEARED",
            flag="USER",
            made_by="ben",
            reason=f"number {number}.",
            state_before="UNLOCKED",
            state_after="LOCKED",
            made_at=world.now - timedelta(hours=number),
        )
    first = client.get(f"/phone/users/{ben.pk}/")
    older = re.search(r'href="(\?before=[^"]+)#history"', first.content.decode())
    assert older is not None
    second = client.get(f"/phone/users/{ben.pk}/{unescape(older[1])}")

    assert "number 0." in words_of(first)
    assert "number 19." in words_of(first)
    assert "number 20." not in words_of(first)
    assert "number 20." in words_of(second)
    assert "number 29." in words_of(second)
    assert client.get(f"/phone/users/{ben.pk}/?before=nonsense").status_code == 200


# --- many at once ---------------------------------------------------------------------------------


def many(client: Client, do: str, **more: Any) -> Any:
    return client.post("/phone/users/many/", {"do": do, **more})


@pytest.mark.feature("F234")
def test_many_are_locked_after_a_page_that_names_count_and_effect(world: PagesWorld) -> None:
    client = signed_in(world, "frank")
    bare = Line.objects.create(site=make_site("Rome", driver="none"), extension="300")
    LineHolding.objects.create(line=bare, user=world.people["gus"])
    keys = [world.lines[who].pk for who in ("anna", "ben", "cleo")] + [bare.pk]

    asked = many(client, "lock", line=keys)
    untouched = LockEvent.objects.count()
    bare_words = many(client, "lock", line=keys, count=4, reason="")
    done = client.post(
        "/phone/users/many/",
        {"do": "lock", "line": keys, "count": 4, "reason": "strike"},
        follow=True,
    )

    assert "Lock 4 phones?" in words_of(asked)
    assert "1 cannot be locked" in words_of(asked)
    assert "1 is locked by the administrator already" in words_of(asked)
    assert (untouched, bare_words.status_code) == (0, 422)
    assert "2 phones asked, 1 as before, 1 refused: 300" in words_of(done)
    assert "refused: the phone system of this site has no lock set up" in words_of(done)
    assert words_of(done).count("the phone system is asked") == 2
    reconcile(now=datetime.now(UTC))
    later = words_of(client.get("/phone/users/many/done/"))
    assert "the phone system is asked" not in later
    assert later.count("confirmed by the phone system") >= 2
    assert lock_of(world, "ben").admin_reason == "strike"
    assert lock_of(world, "anna").admin_reason == "lost phone"


@pytest.mark.feature("F234", "F242")
def test_all_that_the_list_shows_are_locked_and_no_more(world: PagesWorld) -> None:
    client = signed_in(world, "cleo")
    fields = {"which": "all", "state": "UNLOCKED"}

    asked = many(client, "lock", **fields)
    done = many(client, "lock", **fields, count=2, reason="strike")

    assert "Lock 2 phones?" in words_of(asked)
    assert done.status_code == 302
    flagged = LineLock.objects.filter(admin_reason="strike").values_list("line__extension")
    assert sorted(each for (each,) in flagged) == ["202", "203"]


@pytest.mark.feature("F234")
def test_a_list_that_changed_in_between_is_asked_about_again(world: PagesWorld) -> None:
    answer = many(
        signed_in(world, "cleo"), "lock", which="all", state="UNLOCKED", count=5, reason="strike"
    )

    assert answer.status_code == 200
    assert "Lock 2 phones?" in words_of(answer)
    assert not LockEvent.objects.exists()


@pytest.mark.feature("F234")
def test_many_are_unlocked_and_foreign_lines_are_left_out(world: PagesWorld) -> None:
    client = signed_in(world, "cleo")
    keys = [world.lines[who].pk for who in ("anna", "dora")]
    LineLock.objects.create(
        line=world.lines["dora"], admin_since=world.now, wanted="LOCKED", wanted_flag="ADMIN"
    )

    asked = words_of(many(client, "unlock", line=keys))
    many(client, "unlock", line=keys, count=1, reason="found")

    assert "Lift the administrator's lock of 1 phone?" in asked
    assert lock_of(world, "anna").wanted == "UNLOCKED"
    assert lock_of(world, "dora").wanted == "LOCKED"


@pytest.mark.parametrize("keys", [[], ["x"], ["9" * 40], ["999999"]])
def test_nothing_ticked_is_said(world: PagesWorld, keys: list[str]) -> None:
    client = signed_in(world, "frank")

    words = words_of(client.post("/phone/users/many/", {"do": "lock", "line": keys}, follow=True))

    assert "Tick the phones first" in words


def test_my_phone_asks_little_even_when_everybody_has_locked_it(
    world: PagesWorld, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(world, "anna")
    wish_lock(world.people["anna"], period=world.budgets["own"].periods.get(), at=world.now)
    sweep_wishes(now=world.now)
    client.get("/phone/")

    with django_assert_max_num_queries(21):
        client.get("/phone/")
