"""Who pays for a line on a day, and in which zone and currency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from directory.models import OrgUnit, UnitKind
from directory.queries.homes import Home, budget_home, installation_currency, installation_zone
from directory.queries.payers import PayerBook
from directory.queries.units import lines_of, members_of, with_sub_units
from tests.support.people import NOW, line, member, site, unit, user

pytestmark = pytest.mark.django_db
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
JULY = datetime(2026, 7, 1, tzinfo=UTC)


def office(path: str, **values: object) -> OrgUnit:
    return unit(path, kind=UnitKind.OFFICE, **values)  # type: ignore[arg-type]


def test_the_holder_of_the_day_pays_with_the_units_of_that_day() -> None:
    milan = site()
    mario, anna = user("mario"), user("anna")
    sales, support = unit("Sales"), unit("Support")
    member(mario, sales, until=JUNE)
    member(mario, support, since=JUNE)
    member(anna, sales)
    held = line(milan, "201", (mario, None, JULY), (anna, JULY, None))
    book = PayerBook(milan)

    may, june, july = (
        book.find(partition="PT-Internal", extension="201", at=at) for at in (NOW, JUNE, JULY)
    )

    assert (may.line_id, may.user_id, may.department_id) == (held.pk, mario.pk, sales.pk)
    assert (june.user_id, june.department_id) == (mario.pk, support.pk)
    assert (july.user_id, july.department_id) == (anna.pk, sales.pk)


@pytest.mark.feature("F191")
def test_equal_extensions_in_two_partitions_and_sites_have_their_own_payers() -> None:
    milan, rome = site(), site("Rome")
    people = [user(name) for name in ("a", "b", "c")]
    line(milan, "201", people[0], partition="PT-A")
    line(milan, "201", people[1], partition="PT-B")
    line(rome, "201", people[2], partition="PT-A")

    found = [
        PayerBook(place).find(partition=partition, extension="201", at=NOW).user_id
        for place, partition in ((milan, "PT-A"), (milan, "PT-B"), (rome, "PT-A"))
    ]

    assert found == [person.pk for person in people]


def test_nobody_is_ever_looked_up_by_extension_alone() -> None:
    milan = site()
    line(milan, "201", user("mario"), partition="PT-A")
    book = PayerBook(milan)

    for partition in ("", "PT-B", "pt-a"):
        payer = book.find(partition=partition, extension="201", at=NOW)
        assert (payer.line_id, payer.user_id) == (None, None)
        assert (payer.zone, payer.currency) == ("Europe/Rome", "EUR")


def test_a_line_that_nobody_holds_has_the_zone_of_its_site() -> None:
    milan = site()
    empty = line(milan, "201")

    payer = PayerBook(milan).find(partition="PT-Internal", extension="201", at=NOW)

    assert (payer.line_id, payer.user_id, payer.zone) == (empty.pk, None, "Europe/Rome")


def test_the_zone_is_that_of_the_office_or_of_the_one_above_it() -> None:
    milan = site()
    london = site("London", country="GB", time_zone="Europe/London", currency="GBP")
    office("UK", site=london)
    mario, anna = user("mario"), user("anna")
    member(mario, office("UK/Leeds"))
    member(anna, office("Nowhere"))
    line(milan, "201", mario)
    line(milan, "202", anna)
    book = PayerBook(milan)

    away = book.find(partition="PT-Internal", extension="201", at=NOW)
    home = book.find(partition="PT-Internal", extension="202", at=NOW)

    assert (away.zone, away.currency) == ("Europe/London", "GBP")
    assert (home.zone, home.currency) == ("Europe/Rome", "EUR")


def test_many_lines_are_read_in_a_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    milan = site()
    people = [user(f"user{number}") for number in range(120)]
    for number, person in enumerate(people):
        line(milan, str(2000 + number), person)
        member(person, unit("Sales"))

    book = PayerBook(milan)
    with django_assert_max_num_queries(24 * 3 + 6):
        found = [
            book.find(partition="PT-Internal", extension=str(2000 + number), at=NOW).user_id
            for number in range(120)
            for _ in range(3)
        ]

    assert found == [person.pk for person in people for _ in range(3)]


def test_reading_all_lines_at_once_finds_the_same_as_one_by_one() -> None:
    milan = site()
    for number in range(60):
        person = user(f"user{number}")
        line(milan, str(2000 + number), person)
        member(person, unit(f"Unit {number % 7}"), since=NOW - timedelta(days=number % 3))
    together = PayerBook(milan)

    for number in range(60):
        wanted = {"partition": "PT-Internal", "extension": str(2000 + number), "at": NOW}
        assert together.find(**wanted) == PayerBook(milan).find(**wanted)  # type: ignore[arg-type]


def test_the_installation_takes_zone_and_currency_from_settings_or_the_first_site(
    settings: Settings,
) -> None:
    settings.INSTALLATION_TIME_ZONE = settings.INSTALLATION_CURRENCY = ""
    assert (installation_zone(), installation_currency()) == ("UTC", "EUR")

    site("Zurich", time_zone="Europe/Zurich", currency="CHF")
    assert (installation_zone(), installation_currency()) == ("Europe/Zurich", "CHF")

    settings.INSTALLATION_TIME_ZONE, settings.INSTALLATION_CURRENCY = "Asia/Tokyo", "JPY"
    assert (installation_zone(), installation_currency()) == ("Asia/Tokyo", "JPY")


def test_a_budget_is_at_home_in_the_office_else_at_the_line_else_in_the_installation(
    settings: Settings,
) -> None:
    settings.INSTALLATION_TIME_ZONE, settings.INSTALLATION_CURRENCY = "UTC", "USD"
    milan = site()
    london = site("London", time_zone="Europe/London", currency="GBP")
    in_office, with_line, bare = user("a"), user("b"), user("c")
    member(in_office, office("UK", site=london))
    line(milan, "201", in_office)
    line(milan, "202", with_line)

    assert budget_home(in_office) == Home("Europe/London", "GBP")
    assert budget_home(with_line, at=NOW) == Home("Europe/Rome", "EUR")
    assert budget_home(bare) == Home("UTC", "USD")
    assert budget_home(office("UK/Leeds")) == Home("Europe/London", "GBP")
    assert budget_home(unit("Sales")) == Home("UTC", "USD")


def test_a_budget_home_follows_the_move_of_an_office() -> None:
    milan, london = site(), site("London", time_zone="Europe/London", currency="GBP")
    mover = user("mover")
    member(mover, office("IT", site=milan), until=JUNE)
    member(mover, office("UK", site=london), since=JUNE)

    assert budget_home(mover, at=NOW).zone == "Europe/Rome"
    assert budget_home(mover, at=JUNE).zone == "Europe/London"


def test_the_members_of_a_unit_include_those_below_it() -> None:
    north, south = unit("Sales/North"), unit("Sales/South")
    mario, anna, left = user("mario"), user("anna"), user("left")
    member(mario, north)
    member(anna, south)
    member(left, north, until=NOW)

    assert set(members_of(unit("Sales"), at=NOW)) == {mario, anna}
    assert set(members_of(north, at=NOW)) == {mario}
    assert with_sub_units([unit("Sales").pk]) == {unit("Sales").pk, north.pk, south.pk}
    assert with_sub_units([]) == frozenset()


def test_the_lines_of_a_user_are_those_he_holds_on_the_day() -> None:
    milan, mario = site(), user("mario")
    old = line(milan, "201", (mario, None, NOW))
    new = line(milan, "202", (mario, NOW, None))

    assert list(lines_of(mario, at=NOW - timedelta(days=1))) == [old]
    assert list(lines_of(mario, at=NOW)) == [new]
