"""Who sees which rows and how much of a number (domain reference 7 and 14)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, models, transaction
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from cdr.models import Call
from directory.middleware import ScopeMiddleware
from directory.models import Role, UnitKind, User
from directory.scoping import (
    MayNotReveal,
    Scope,
    ScopedQuerySet,
    Unscopable,
    leads_units,
    lines_visible_to,
    people_visible_to,
    request_scope,
    scope_of,
    units_visible_to,
)
from tests.support.people import NOW, Switchboard, line, member, scope, site, supervisor, unit, user

pytestmark = pytest.mark.django_db


def seen_by(reader: User | None) -> set[Call]:
    return set(Call.objects.visible_to(scope(reader)))


@pytest.mark.feature("F034")
def test_a_user_sees_only_the_calls_he_paid() -> None:
    board = Switchboard(site())
    mario, anna = user("mario"), user("anna")
    own, of_a_past_line = board.call(mario), board.call(mario, extension="999")
    board.call(anna)
    board.call(None)

    assert seen_by(mario) == {own, of_a_past_line}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(UnitKind.DEPARTMENT, marks=pytest.mark.feature("F035")),
        pytest.param(UnitKind.COST_CENTRE, marks=pytest.mark.feature("F036")),
        pytest.param(UnitKind.OFFICE, marks=pytest.mark.feature("F037")),
    ],
)
def test_a_supervisor_sees_his_units_with_all_below_and_nothing_beside(kind: UnitKind) -> None:
    board = Switchboard(site())
    north, south = unit("Sales/North", kind=kind), unit("Support", kind=kind)
    chief = supervisor("chief", unit("Sales", kind=kind))
    mario, anna = user("mario"), user("anna")
    below = board.call(mario, north)
    of_nobody_in_the_unit = board.call(None, unit("Sales", kind=kind))
    board.call(anna, south)
    own = board.call(chief)

    assert seen_by(chief) == {below, of_nobody_in_the_unit, own}


@pytest.mark.feature("F035", "F036")
def test_a_supervisor_of_several_units_sees_the_union() -> None:
    board = Switchboard(site())
    sales, lab = unit("Sales"), unit("4711", kind=UnitKind.COST_CENTRE)
    calls = {board.call(None, sales), board.call(None, lab), board.call(None, sales, lab)}
    board.call(None, unit("Support"))

    assert seen_by(supervisor("chief", sales, lab)) == calls


def test_units_of_the_same_name_but_another_kind_are_not_supervised() -> None:
    board = Switchboard(site())
    board.call(None, unit("Sales", kind=UnitKind.OFFICE))

    assert seen_by(supervisor("chief", unit("Sales"))) == set()


def test_a_call_stays_with_the_unit_of_its_day() -> None:
    board = Switchboard(site())
    mario = user("mario")
    member(mario, unit("Support"))
    old = board.call(mario, unit("Sales"))

    assert seen_by(supervisor("old chief", unit("Sales"))) == {old}
    assert seen_by(supervisor("new chief", unit("Support"))) == set()


def test_a_grant_without_the_role_gives_nothing() -> None:
    board = Switchboard(site())
    board.call(None, unit("Sales"))
    demoted = supervisor("demoted", unit("Sales"))
    demoted.role = Role.USER

    assert seen_by(demoted) == set()


@pytest.mark.feature("F038")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
def test_administrators_and_auditors_see_everything(role: Role) -> None:
    board = Switchboard(site())
    calls = {board.call(user("mario"), unit("Sales")), board.call(None)}

    assert seen_by(user("all-seeing", role)) == calls


def test_strangers_and_the_dismissed_see_nothing() -> None:
    board = Switchboard(site())
    dismissed = user("dismissed", Role.ADMIN, is_active=False)
    board.call(dismissed)

    assert seen_by(None) == seen_by(dismissed) == set()
    assert scope_of(AnonymousUser(), at=NOW).user_id is None


def test_an_auditor_only_looks() -> None:
    auditor = user("auditor", Role.AUDITOR, may_reveal_numbers=True)

    assert not scope(auditor).may_change
    assert not scope(auditor).may_reveal
    assert scope(user("administrator", Role.ADMIN)).may_change


@pytest.mark.feature("F057")
@pytest.mark.parametrize("role", list(Role))
def test_numbers_are_masked_for_every_role(role: Role) -> None:
    site(mask_digits=4)

    shown = scope(user("reader", role)).masked("+390266771234", number_class="local")

    assert shown == "+39026677****"


@pytest.mark.feature("F058")
def test_internal_emergency_and_withheld_numbers_in_a_scope() -> None:
    reader = scope(user("reader"))

    assert reader.masked("201", is_internal=True) == "201"
    assert reader.masked("112", number_class="emergency") == "112"
    assert reader.masked("", is_private=True) == "private"


@pytest.mark.parametrize(
    ("sites", "own", "effective"),
    [((), None, 4), ((2,), None, 2), ((0,), None, 0), ((4,), 7, 7), ((4,), 2, 4), ((2, 5), 3, 5)],
)
def test_the_strictest_rule_decides_how_many_digits_are_hidden(
    sites: tuple[int, ...], own: int | None, effective: int
) -> None:
    for number, digits in enumerate(sites):
        site(f"Site {number}", mask_digits=digits)

    assert scope(user("reader", mask_digits=own)).mask_digits == effective


def test_revealing_needs_the_right() -> None:
    allowed = scope(user("allowed", may_reveal_numbers=True))

    assert allowed.masked("+390266771234") == "+39026677****"
    assert allowed.revealing().masked("+390266771234") == "+390266771234"
    with pytest.raises(MayNotReveal):
        scope(user("other")).revealing()


def test_people_and_lines_of_a_scope_are_those_of_today() -> None:
    milan = site()
    mario, left, stranger = user("mario"), user("left"), user("stranger")
    member(mario, unit("Sales/North"))
    member(left, unit("Sales"), until=NOW)
    member(stranger, unit("Support"))
    own = line(milan, "201", mario)
    past = line(milan, "202", (mario, None, NOW - timedelta(days=1)))
    line(milan, "203", stranger)
    chief = supervisor("chief", unit("Sales"))

    assert set(people_visible_to(scope(chief))) == {chief, mario}
    assert set(people_visible_to(scope(mario))) == {mario}
    assert set(people_visible_to(scope(None))) == set()
    assert set(lines_visible_to(scope(chief))) == {own}
    assert past not in lines_visible_to(scope(mario))
    assert set(units_visible_to(scope(chief))) == {unit("Sales"), unit("Sales/North")}
    assert set(people_visible_to(scope(user("root", Role.ADMIN)))) == set(User.objects.all())


class Ownerless(ScopedQuerySet[models.Model]):
    """Names no way to anybody."""


@pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
def test_rows_that_cannot_be_scoped_are_refused_to_everybody(role: Role) -> None:
    with pytest.raises(Unscopable):
        Ownerless(Call).visible_to(scope(user("reader", role)))


class SetUpRows(ScopedQuerySet[Call]):
    """Rows of the installation as a whole."""

    is_for_administrators = True


def test_rows_of_the_installation_are_for_those_who_see_everything() -> None:
    call = Switchboard(site()).call()

    assert set(SetUpRows(Call).visible_to(scope(user("root", Role.ADMIN)))) == {call}
    assert set(SetUpRows(Call).visible_to(scope(user("mario")))) == set()


def test_a_request_gets_its_scope_only_when_it_is_looked_at(
    django_assert_num_queries: DjangoAssertNumQueries, rf: RequestFactory
) -> None:
    mario = user("mario")
    seen: list[Scope] = []

    def view(request: object) -> object:
        seen.append(request_scope(request))  # type: ignore[arg-type]
        return object()

    request = rf.get("/")
    request.user = mario
    with django_assert_num_queries(0):
        ScopeMiddleware(view)(request)  # type: ignore[arg-type]
    with django_assert_num_queries(1):
        assert seen[0].user_id == mario.pk
        assert seen[0].role is Role.USER


def test_a_request_without_a_user_reaches_nothing(rf: RequestFactory) -> None:
    request = rf.get("/")
    ScopeMiddleware(lambda _: None)(request)  # type: ignore[arg-type, return-value]

    assert request_scope(request).user_id is None
    with pytest.raises(Unscopable):
        request_scope(rf.get("/"))


# --- deputies ---------------------------------------------------------------------------------


HOLIDAY = (NOW - timedelta(days=2), NOW + timedelta(days=5))


@pytest.mark.feature("F035")
@pytest.mark.parametrize(
    ("days", "sees"), [(-3, False), (-2, True), (0, True), (4, True), (5, False), (30, False)]
)
def test_a_deputy_sees_the_unit_from_the_first_day_of_the_holiday_to_its_end(
    days: int, sees: bool
) -> None:
    call = Switchboard(site()).call(None, unit("Sales/North"))
    deputy = supervisor("deputy")
    begins, ends = HOLIDAY
    deputy.supervisions.create(unit=unit("Sales"), valid_from=begins, valid_to=ends)

    then = scope_of(deputy, at=NOW + timedelta(days=days))

    assert (call in Call.objects.visible_to(then)) is sees
    assert bool(then.unit_ids) is sees
    assert leads_units(then) is sees


@pytest.mark.feature("F035")
def test_a_deputy_may_stand_in_again_and_keeps_what_is_his_for_good() -> None:
    sales, support = unit("Sales"), unit("Support")
    deputy = supervisor("deputy", support)
    for week in (0, 4):
        begins = NOW + timedelta(weeks=week)
        deputy.supervisions.create(
            unit=sales, valid_from=begins, valid_to=begins + timedelta(weeks=1)
        )

    seen = [scope_of(deputy, at=NOW + timedelta(weeks=week)).unit_ids for week in (0, 2, 4)]

    assert seen == [{sales.pk, support.pk}, {support.pk}, {sales.pk, support.pk}]


def test_a_grant_for_good_stands_once() -> None:
    sales = unit("Sales")
    chief = supervisor("chief", sales)

    with pytest.raises(IntegrityError), transaction.atomic():
        chief.supervisions.create(unit=sales)
    with pytest.raises(IntegrityError), transaction.atomic():
        chief.supervisions.create(unit=sales, valid_from=NOW, valid_to=NOW)
