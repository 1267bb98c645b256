"""PINs: what is refused, how tries are counted, and that nothing of one is ever kept or told."""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from directory.models import User
from phonelock.engine.pins import LONGEST, SHORTEST, PinFlaw, flaw_of, plain_digits
from phonelock.models import Pin, PinEvent
from phonelock.operations import pins
from phonelock.operations.pins import (
    HasPin,
    PinPaused,
    PinRefused,
    WrongPin,
    change_pin,
    check_pin,
    issue_one_time_pin,
    set_pin,
)
from tests.support.phonelock import NOON, make_line, make_site, make_user

MINUTE = timedelta(minutes=1)
GOOD = "83915"
OTHER = "60274"


@pytest.fixture
def mario(db: None) -> User:
    return make_user("mario", make_line(make_site(), "2046"))


# --- which PINs are good enough -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pin", "flaw"),
    [
        ("", PinFlaw.NOT_DIGITS),
        ("12a4", PinFlaw.NOT_DIGITS),
        ("83 15", PinFlaw.NOT_DIGITS),
        ("٨٣٩١", PinFlaw.NOT_DIGITS),
        ("839", PinFlaw.TOO_SHORT),
        ("8391502746281", PinFlaw.TOO_LONG),
        ("0000", PinFlaw.REPEATED),
        ("7777777", PinFlaw.REPEATED),
        ("1212", PinFlaw.REPEATED),
        ("123123", PinFlaw.REPEATED),
        ("1234", PinFlaw.RUN),
        ("4321", PinFlaw.RUN),
        ("7890", PinFlaw.RUN),
        ("210987", PinFlaw.RUN),
        ("2046", PinFlaw.EXTENSION),
        ("8391", None),
        ("1235", None),
        ("1213", None),
        ("839150274628", None),
    ],
)
def test_what_is_guessed_first_is_refused(pin: str, flaw: PinFlaw | None) -> None:
    assert flaw_of(pin, extensions=["2046", "+390226677"]) is flaw


def test_digits_of_any_script_are_those_of_the_keypad() -> None:
    assert plain_digits(" ٨٣٩١٥ ") == "83915"
    assert plain_digits("8391x") == "8391x"


@given(st.text(alphabet="0123456789", min_size=SHORTEST, max_size=LONGEST))
def test_turning_a_pin_round_or_moving_its_digits_on_makes_no_bad_one_good(pin: str) -> None:
    moved = "".join(str((int(digit) + 3) % 10) for digit in pin)

    flaw = flaw_of(pin, extensions=[])
    assert (flaw_of(pin[::-1], extensions=[]) is None) == (flaw is None)
    assert flaw_of(moved, extensions=[]) is flaw


@given(st.text(max_size=16))
def test_only_whole_pins_of_the_right_length_pass(text: str) -> None:
    if flaw_of(text, extensions=[]) is None:
        assert text.isdecimal()
        assert text.isascii()
        assert SHORTEST <= len(text) <= LONGEST


# --- setting, changing, giving out ----------------------------------------------------------------


def test_a_first_pin_is_set_and_checked(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)

    assert check_pin(mario, pin=GOOD, at=NOON) is False
    with pytest.raises(WrongPin):
        check_pin(mario, pin=OTHER, at=NOON)
    with pytest.raises(HasPin):
        set_pin(mario, pin=OTHER, at=NOON)
    assert check_pin(mario, pin=GOOD, at=NOON) is False


def test_a_pin_is_changed_with_the_old_one_only(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)

    with pytest.raises(WrongPin):
        change_pin(mario, old="11223", new=OTHER, at=NOON)
    with pytest.raises(PinRefused) as same:
        change_pin(mario, old=GOOD, new=GOOD, at=NOON)
    with pytest.raises(PinRefused) as own:
        change_pin(mario, old=GOOD, new="2046", at=NOON)
    change_pin(mario, old=GOOD, new=OTHER, at=NOON)

    assert (same.value.flaw, own.value.flaw) == ("same", PinFlaw.EXTENSION)
    assert check_pin(mario, pin=OTHER, at=NOON) is False
    with pytest.raises(WrongPin):
        check_pin(mario, pin=GOOD, at=NOON)
    assert list(PinEvent.objects.order_by("pk").values_list("kind", "made_by")) == [
        ("SET", "mario"),
        ("CHANGED", "mario"),
    ]


@pytest.mark.feature("F241")
def test_a_one_time_pin_voids_the_old_one_and_must_be_changed(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)
    issue_one_time_pin(mario, pin=OTHER, by="anna", at=NOON)

    with pytest.raises(WrongPin):
        check_pin(mario, pin=GOOD, at=NOON)
    assert check_pin(mario, pin=OTHER, at=NOON) is True
    with pytest.raises(PinRefused):
        change_pin(mario, old=OTHER, new=OTHER, at=NOON)
    assert check_pin(mario, pin=OTHER, at=NOON) is True
    change_pin(mario, old=OTHER, new="47193", at=NOON)

    assert check_pin(mario, pin="47193", at=NOON) is False
    assert PinEvent.objects.filter(kind="ONE_TIME", made_by="anna").count() == 1


def test_a_pin_given_out_while_the_old_one_is_changed_counts(
    mario: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_one_time_pin(mario, pin=GOOD, by="anna", at=NOON)

    def hashed_meanwhile(pin: str) -> str:
        """The administrator is faster: hashing takes its time."""
        monkeypatch.setattr(pins, "make_password", make_password)
        issue_one_time_pin(mario, pin=OTHER, by="anna", at=NOON)
        return make_password(pin)

    monkeypatch.setattr(pins, "make_password", hashed_meanwhile)

    with pytest.raises(WrongPin):
        change_pin(mario, old=GOOD, new="58203", at=NOON)

    assert check_pin(mario, pin=OTHER, at=NOON)
    assert list(PinEvent.objects.values_list("kind", flat=True)) == ["ONE_TIME", "ONE_TIME"]


# --- guessing -------------------------------------------------------------------------------------


def guess(user: User, pin: str, at: object = NOON) -> str:
    try:
        check_pin(user, pin=pin, at=at)  # type: ignore[arg-type]
    except (WrongPin, PinPaused) as refusal:
        return refusal.code
    return "right"


def test_five_wrong_pins_bring_a_pause_in_which_the_right_one_is_refused_too(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)

    answers = [guess(mario, "99281") for _ in range(6)]
    during = guess(mario, GOOD, NOON + 14 * MINUTE)
    after = guess(mario, GOOD, NOON + 15 * MINUTE)

    assert answers == ["wrong_pin"] * 4 + ["pin_paused"] * 2
    assert (during, after) == ("pin_paused", "right")
    assert list(PinEvent.objects.filter(kind="PAUSED").values_list("made_at")) == [(NOON,)]


def test_after_a_pause_there_are_five_tries_again(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)
    for _ in range(5):
        guess(mario, "99281")

    later = [guess(mario, "99281", NOON + 20 * MINUTE) for _ in range(5)]

    assert later == ["wrong_pin"] * 4 + ["pin_paused"]
    assert PinEvent.objects.filter(kind="PAUSED").count() == 2


def test_the_right_pin_at_the_last_try_ends_the_count(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)

    answers = [guess(mario, pin) for pin in ["99281"] * 4 + [GOOD] + ["99281"] * 4 + [GOOD]]

    assert answers == (["wrong_pin"] * 4 + ["right"]) * 2
    assert not PinEvent.objects.filter(kind="PAUSED").exists()


def test_changing_counts_tries_as_well(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)
    for _ in range(5):
        with pytest.raises((WrongPin, PinPaused)):
            change_pin(mario, old="99281", new=OTHER, at=NOON)

    with pytest.raises(PinPaused):
        change_pin(mario, old=GOOD, new=OTHER, at=NOON)


def test_a_one_time_pin_ends_a_pause(mario: User) -> None:
    set_pin(mario, pin=GOOD, at=NOON)
    for _ in range(5):
        guess(mario, "99281")

    issue_one_time_pin(mario, pin=OTHER, by="anna", at=NOON)

    assert guess(mario, OTHER) == "right"


def test_who_has_no_pin_is_refused_as_if_it_were_wrong_and_as_slowly(
    mario: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def watched(typed: str, secret: str) -> bool:
        checked.append(secret)
        return False

    monkeypatch.setattr(pins, "check_password", watched)

    assert guess(mario, GOOD) == "wrong_pin"
    assert len(checked) == 1
    assert checked[0].count("$") >= 2  # a hash like any other, not an empty one


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_guesses_made_at_once_are_as_many_tries() -> None:
    mario = make_user("mario", make_line(make_site(), "2046"))
    set_pin(mario, pin=GOOD, at=NOON)
    ready = Barrier(12)

    def one(_: int) -> str:
        try:
            ready.wait(timeout=30)
            return guess(mario, "99281")
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, range(12)))

    assert answers.count("wrong_pin") == 4
    assert answers.count("pin_paused") == 8
    assert PinEvent.objects.filter(kind="PAUSED").count() == 1


# --- kept nowhere ---------------------------------------------------------------------------------


@pytest.mark.feature("F241")
def test_a_pin_stands_in_no_row_no_log_and_no_refusal(
    mario: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusals = []

    set_pin(mario, pin=GOOD, at=NOON)
    issue_one_time_pin(mario, pin=OTHER, by="anna", at=NOON)
    for attempt in ("77123", "1234"):
        with pytest.raises((WrongPin, PinRefused)) as refusal:
            change_pin(mario, old=attempt, new="58203", at=NOON)
        refusals.append(refusal.value.message)

    everything = io.StringIO()
    call_command("dumpdata", "--all", "directory", "phonelock", stdout=everything)
    for pin in (GOOD, OTHER, "77123", "58203"):
        assert pin not in everything.getvalue()
        assert pin not in caplog.text
        assert all(pin not in words for words in refusals)
    first, second = Pin.objects.get().secret, make_password(OTHER)
    assert first.startswith(second.split("$")[0])  # salted: the same PIN twice is two hashes
    assert first != second


def test_no_set_up_page_and_no_interface_knows_of_pins() -> None:
    assert Pin not in admin.site._registry
    assert "secret" not in {
        field.name
        for model in apps.get_app_config("phonelock").get_models()
        for field in model._meta.get_fields()
        if getattr(field, "editable", False)
    }
