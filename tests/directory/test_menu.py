"""The main menu: what each role and each installation finds in it, and who is greeted."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.pages import PagesWorld, pages_world

EVERYBODY = ["/", "/calls/", "/budgets/", "/phone/"]
OVERSEERS = ["/budgets/all/", "/budgets/requests/", "/phone/users/"]
ADMINISTRATORS = [
    "/setup/",
    "/administration/people/",
    "/administration/rates/",
    "/system/",
    "/quarantine/",
    "/outbox/",
    "/audit/",
    "/admin/",
]


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


def menu_of(world: PagesWorld, who: str) -> list[str]:
    """Where the links of the bar lead."""
    page = client_of(world, who).get("/calls/").content.decode()
    bar = re.search(r'<nav aria-label="Main">(.*?)</nav>', page, re.DOTALL)
    assert bar is not None
    return re.findall(r'href="([^"]+)"', bar[1])


@pytest.mark.feature("F028")
@pytest.mark.parametrize(
    ("who", "more"),
    [
        ("anna", []),
        ("cleo", OVERSEERS),
        ("eve", [*OVERSEERS, "/audit/"]),
        ("frank", OVERSEERS + ADMINISTRATORS),
    ],
)
def test_the_menu_holds_what_is_open_to_the_role_and_all_of_it_opens(
    world: PagesWorld, who: str, more: list[str]
) -> None:
    menu = menu_of(world, who)

    client = client_of(world, who)
    assert sorted(menu) == sorted(EVERYBODY + more)
    assert {path: client.get(path).status_code for path in menu} == dict.fromkeys(menu, 200)


@pytest.mark.feature("F028", "F039")
def test_a_module_that_is_off_leaves_the_menu(world: PagesWorld, settings: Settings) -> None:
    settings.MODULES = frozenset()

    assert menu_of(world, "cleo") == ["/", "/calls/"]


@pytest.mark.feature("F028")
@pytest.mark.parametrize(("who", "name"), [("anna", "Anna Rossi"), ("frank", "Frank Rossi")])
def test_whoever_comes_in_is_greeted_by_name(world: PagesWorld, who: str, name: str) -> None:
    assert f"Welcome, {name}" in client_of(world, who).get("/").content.decode()


@pytest.mark.feature("F028")
@pytest.mark.parametrize(
    ("who", "path", "marked"),
    [
        ("anna", "/", 'href="/" aria-current="page"'),
        ("anna", "/calls/", 'href="/calls/" aria-current="page"'),
        ("anna", "/budgets/history/", 'href="/budgets/" aria-current="true"'),
        ("anna", "/phone/pin/", 'href="/phone/" aria-current="true"'),
        ("cleo", "/budgets/requests/", "Budgets"),
        ("cleo", "/phone/users/", "Phone"),
        ("frank", "/budgets/assign/", "Budgets"),
        ("frank", "/setup/", "Administration"),
        ("frank", "/setup/language/", "Administration"),
    ],
)
def test_the_menu_marks_where_the_reader_is_on_pages_further_down_too(
    world: PagesWorld, who: str, path: str, marked: str
) -> None:
    page = client_of(world, who).get(path).content.decode()
    bar = re.search(r'<nav aria-label="Main">(.*?)</nav>', page, re.DOTALL)
    assert bar is not None

    groups = re.findall(r'<summary class="here">(.*?)</summary>', bar[1], re.DOTALL)
    links = re.findall(r'<li><a (href="[^"]*" aria-current="[^"]*")><svg', bar[1])
    words = [re.sub(r"<[^>]*>", " ", group).split()[0] for group in groups]

    assert links + words == [marked]
