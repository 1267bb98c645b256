"""Who may open what: every address, every role, every kind of row. A new address needs a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoAssertNumQueries

from directory.models import User
from tests.support.pages import HOSTILE, PASSWORD, PagesWorld, pages_world

NOW = datetime.now(UTC)
READERS = ("nobody", "anna", "cleo", "dora", "eve", "frank")
TARGETS = ("own", "in_scope", "foreign", "missing")
SIGN_IN = 302
ADMINISTRATOR = {"anna": 403, "cleo": 403, "dora": 403, "eve": 403, "frank": 200}
OVERSEER = {"anna": 403, "cleo": 200, "dora": 200, "eve": 200, "frank": 200}
EVERYBODY = {"anna": 200, "cleo": 200, "dora": 200, "eve": 200, "frank": 200}

SEEN_CALLS = {
    "anna": {"own"},
    "cleo": {"own", "in_scope"},
    "dora": {"foreign"},
    "eve": {"own", "in_scope", "foreign"},
    "frank": {"own", "in_scope", "foreign"},
}
# The budget "in scope" is that of all of Sales, where anna is a member too; eve and
# frank belong to Support, whose budget is the foreign one.
SEEN_BUDGETS = {**SEEN_CALLS, "anna": {"own", "in_scope"}}
HELD_LINES = {"anna": {"own"}, "dora": {"foreign"}, "cleo": set(), "eve": set(), "frank": set()}


@dataclass(frozen=True)
class Entry:
    """What an address answers. `expected(reader, target)` is a status."""

    expected: Callable[[str, str], int]
    row: str = ""
    method: str = "get"
    stranger: int = SIGN_IN


def page(roles: dict[str, int]) -> Entry:
    return Entry(lambda reader, _: roles[reader])


def rows(kind: str, seen: dict[str, set[str]], **more: Any) -> Entry:
    return Entry(lambda reader, target: 200 if target in seen[reader] else 404, row=kind, **more)


def own_line(reader: str, target: str) -> int:
    return 302 if target in HELD_LINES[reader] else 404


def lockable_line(reader: str, target: str) -> int:
    if reader == "anna":
        return 403
    if target not in SEEN_CALLS[reader]:
        return 404
    return 403 if reader == "eve" else 302


def overridable_budget(reader: str, target: str) -> int:
    return lockable_line(reader, target)


def administrators_row(found: int) -> Callable[[str, str], int]:
    """`found` for an administrator and a row that is there; others learn nothing at all."""

    def expected(reader: str, target: str) -> int:
        if reader != "frank":
            return 403
        return 404 if target == "missing" else found

    return expected


def reveal(reader: str, target: str) -> int:
    """Nobody here has the right to clear numbers, not even the administrator."""
    return 404 if reader == "frank" and target == "missing" else 403


UNAUTHORISED = 401
MATRIX: dict[str, Entry] = {
    "": page(EVERYBODY),
    "system/": page(ADMINISTRATOR),
    "calls/": page(EVERYBODY),
    "calls/<int:pk>/": rows("call", SEEN_CALLS),
    "calls/<int:pk>/record/": Entry(reveal, row="call", method="post"),
    "quarantine/": page(ADMINISTRATOR),
    "quarantine/<int:pk>/": Entry(administrators_row(200), row="quarantined"),
    "quarantine/<int:pk>/replay/": Entry(administrators_row(302), row="quarantined", method="post"),
    "quarantine/<int:pk>/close/": Entry(administrators_row(302), row="quarantined", method="post"),
    "budgets/": page(EVERYBODY),
    "budgets/all/": page(OVERSEER),
    "budgets/<int:pk>/": rows("budget", SEEN_BUDGETS),
    "budgets/assign/": page(ADMINISTRATOR),
    "budgets/<int:pk>/amount/": Entry(administrators_row(302), row="budget", method="post"),
    "budgets/<int:pk>/override/": Entry(overridable_budget, row="budget", method="post"),
    "budgets/<int:pk>/delete/": Entry(administrators_row(302), row="budget", method="post"),
    "phone/": page(EVERYBODY),
    "phone/<int:pk>/lock/": Entry(own_line, row="line", method="post"),
    "phone/<int:pk>/unlock/": Entry(own_line, row="line", method="post"),
    "phone/users/": page(OVERSEER),
    "phone/users/<int:pk>/lock/": Entry(lockable_line, row="line", method="post"),
    "phone/users/<int:pk>/unlock/": Entry(lockable_line, row="line", method="post"),
    "outbox/": page(ADMINISTRATOR),
    "outbox/<int:pk>/": Entry(administrators_row(200), row="mail"),
    "outbox/<int:pk>/again/": Entry(administrators_row(302), row="mail", method="post"),
    "outbox/<int:pk>/html/": Entry(administrators_row(200), row="mail"),
    "api/v1/calls/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/calls/<int:pk>/": rows("call", SEEN_CALLS, stranger=UNAUTHORISED),
    "api/v1/budgets/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/budgets/<int:pk>/": rows("budget", SEEN_BUDGETS, stranger=UNAUTHORISED),
    "api/v1/phones/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/schema/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/docs/": page(EVERYBODY),
    "accounts/login/": Entry(lambda *_: 302, stranger=200),
    "accounts/logout/": Entry(lambda *_: 200),
    "accounts/inactive/": Entry(lambda *_: 200, stranger=200),
    "accounts/signup/": Entry(lambda *_: 302, stranger=200),
    "accounts/reauthenticate/": Entry(lambda *_: 200),
    "accounts/password/change/": Entry(lambda *_: 200),
    "accounts/password/set/": Entry(lambda *_: 302),
}
# Asked by machines, settled by their own tests: they know no reader.
MACHINES = {"curri", "curri/", "curri/<path:rest>", "health/", "health/live/"}


def addresses(
    patterns: list[Any] | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site but the admin's, which is walked by its own registry."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, reader: str) -> Client:
    client = Client(raise_request_exception=True)
    if reader != "nobody":
        client.force_login(world.people[reader], "django.contrib.auth.backends.ModelBackend")
    return client


def key_of(world: PagesWorld, kind: str, target: str) -> int:
    if target == "missing":
        return 999_999
    if kind == "call":
        return world.calls[target].pk
    if kind == "budget":
        return world.budgets[target].pk
    if kind == "line":
        return world.lines[{"own": "anna", "in_scope": "ben", "foreign": "dora"}[target]].pk
    row = world.mail if kind == "mail" else world.quarantined
    assert row is not None
    return row.pk


def path_of(route: str, key: int | None) -> str:
    return "/" + route.replace("<int:pk>", str(key))


@pytest.mark.django_db
def test_every_address_has_a_line_in_the_matrix() -> None:
    known = set(MATRIX) | MACHINES

    found = {route for route, _ in addresses()}

    assert found == known


@pytest.mark.feature("F034", "F035", "F038", "F234")
@pytest.mark.parametrize("route", MATRIX)
def test_each_role_gets_what_the_matrix_says(world: PagesWorld, route: str) -> None:
    entry = MATRIX[route]
    data = {"reason": "matrix", "raw": "x"}
    wrong = []

    for reader in READERS:
        client = client_of(world, reader)
        for target in TARGETS if entry.row else ("",):
            key = key_of(world, entry.row, target) if entry.row else None
            path = path_of(route, key)
            answer = client.post(path, data) if entry.method == "post" else client.get(path)
            expected = entry.stranger if reader == "nobody" else entry.expected(reader, target)
            if answer.status_code != expected:
                wrong.append((reader, target, answer.status_code, expected))

    assert wrong == []


@pytest.mark.parametrize(
    "route", [route for route, entry in MATRIX.items() if entry.method == "post"]
)
def test_what_changes_something_refuses_get(world: PagesWorld, route: str) -> None:
    entry = MATRIX[route]

    answer = client_of(world, "frank").get(path_of(route, key_of(world, entry.row, "own")))

    assert answer.status_code == 405


def admin_paths(world: PagesWorld) -> Iterator[str]:
    """The list of every registered model, and one row of it where there is one."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        row = model._default_manager.first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
            yield reverse(f"{name}_history", args=[row.pk])
    yield reverse("admin:index")
    yield reverse("admin:cdr_tariff_import")


@pytest.mark.feature("F038")
def test_only_administrators_come_into_the_admin(world: PagesWorld) -> None:
    everywhere = list(admin_paths(world))
    lists = [path for path in everywhere if path.count("/") == 4]
    wrong = []

    for reader, expected in {**ADMINISTRATOR, "nobody": SIGN_IN}.items():
        client = client_of(world, reader)
        for path in everywhere if reader == "frank" else lists:
            answer = client.get(path, follow=False)
            got = answer.status_code
            if got == SIGN_IN and reader not in ("nobody", "frank"):
                got = client.get(answer.headers["Location"]).status_code
            if got != expected:
                wrong.append((reader, path, got, expected))

    assert len(lists) > 25
    assert wrong == []


SET_UP = {
    "directory": {"site", "orgunit", "user", "line", "lineholding", "membership", "supervision"},
    "cdr": {"source", "gateway", "carrier"},
}


def test_facts_can_be_looked_at_and_nothing_else(world: PagesWorld, rf: Any) -> None:
    request = rf.get("/")
    request.user = world.people["frank"]
    changeable = {
        (model._meta.app_label, model._meta.model_name)
        for model, page in admin.site._registry.items()
        if page.has_add_permission(request)
        or page.has_change_permission(request)
        or "delete_selected" in page.get_actions(request)
    }

    assert changeable == {(app, name) for app, names in SET_UP.items() for name in names}


def test_a_demoted_administrator_is_out_at_the_next_request(world: PagesWorld) -> None:
    client = client_of(world, "frank")
    before = client.get("/system/").status_code

    User.objects.filter(pk=world.people["frank"].pk).update(role="USER")

    assert (before, client.get("/system/").status_code) == (200, 403)
    assert client.get("/admin/cdr/call/", follow=True).status_code == 403


def readable(world: PagesWorld) -> list[str]:
    """Every page and every answer of the interface that an administrator reads by GET."""
    paths = []
    for route, entry in MATRIX.items():
        if entry.method == "get" and not route.startswith("accounts/"):
            paths.append(path_of(route, key_of(world, entry.row, "own") if entry.row else None))
    return [*paths, *admin_paths(world)]


def test_looking_changes_nothing(world: PagesWorld) -> None:
    client = client_of(world, "frank")
    paths = readable(world)
    before = everything()

    for path in paths:
        client.get(path)

    assert everything() == before


def everything() -> dict[str, list[Any]]:
    """All rows of our own tables, and the audit log."""
    labels = {"directory", "cdr", "budgets", "phonelock", "alarms", "reports", "admin"}
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model._meta.app_label in labels
    }


def test_hostile_names_stay_text_on_every_page(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    client = client_of(world, "frank")
    shown = 0

    for path in [*readable(world), "/accounts/logout/", "/calls/?number=%22%3E%3Csvg+onload%3D1"]:
        answer = client.get(path)
        if "json" in answer.headers["Content-Type"]:
            continue
        text = answer.content.decode()
        assert "<svg onload" not in text, path
        assert "<script>alert" not in text, path
        assert ">49<" not in text, path
        shown += "&lt;svg onload" in text

    assert shown > 20


@pytest.mark.feature("F057")
@pytest.mark.parametrize("reader", ["anna", "cleo", "eve", "frank"])
def test_no_page_and_no_answer_holds_a_clear_outside_number(world: PagesWorld, reader: str) -> None:
    client = client_of(world, reader)
    masked = 0

    for path in readable(world):
        text = client.get(path, follow=True).content.decode()
        assert "66771234" not in text, path
        assert "99990000" not in text, path
        masked += "6677****" in text

    assert masked >= 3


def test_pages_bring_no_script_or_style_of_their_own_and_are_not_stored(world: PagesWorld) -> None:
    client = client_of(world, "frank")

    for route, entry in MATRIX.items():
        if entry.method == "post" or route.startswith(("api/", "outbox/<int:pk>/html")):
            continue
        answer = client.get(path_of(route, key_of(world, entry.row, "own") if entry.row else None))
        text = answer.content.decode()
        assert "<script" not in text, route
        assert "<style" not in text, route
        assert " style=" not in text, route
        assert " onclick=" not in text, route
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"], route
        assert "no-store" in answer.headers.get("Cache-Control", ""), route
        assert answer.headers["X-Frame-Options"] == "DENY", route


EXEMPT = {"curri", "curri/", "curri/<path:rest>"}


def test_forged_requests_are_refused_everywhere(world: PagesWorld) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["frank"], "django.contrib.auth.backends.ModelBackend")

    for route, entry in MATRIX.items():
        if entry.method == "post":
            path = path_of(route, key_of(world, entry.row, "own"))
            assert client.post(path, {"reason": "forged"}).status_code == 403, route
    exempt = {
        route
        for route, pattern in addresses()
        if getattr(pattern.callback, "csrf_exempt", False) and not route.startswith("api/")
    }

    assert exempt == EXEMPT


def test_sign_in_and_out_by_the_forms(world: PagesWorld) -> None:
    client = Client()
    wrong = client.post("/accounts/login/", {"login": "anna", "password": "not-it-at-all"})

    answer = client.post(
        "/accounts/login/?next=/calls/", {"login": "anna", "password": PASSWORD, "next": "/calls/"}
    )

    assert wrong.status_code == 200
    assert answer.headers["Location"] == "/calls/"
    assert client.get("/calls/").status_code == 200
    assert client.get("/accounts/logout/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/calls/").status_code == 302


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/", 16),
        ("/calls/", 14),
        ("/budgets/all/", 22),
        ("/budgets/", 27),
        ("/phone/users/", 18),
        ("/outbox/", 14),
        ("/quarantine/", 16),
        ("/api/v1/calls/", 12),
        ("/api/v1/budgets/", 22),
        ("/api/v1/phones/", 14),
    ],
)
def test_lists_ask_the_same_number_of_questions_however_long_they_are(
    world: PagesWorld,
    path: str,
    most: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(world, "frank")
    client.get(path)
    with django_assert_max_num_queries(most) as few:
        client.get(path)

    for number in range(12):
        world.call("anna", f"+3902667{number:05}", "OA", charge=1)
    for who in ("ben", "cleo", "dora", "eve", "gus"):
        world.budget(who=who)

    with django_assert_max_num_queries(len(few)):
        client.get(path)
