"""Who may open what: every address, every role, every kind of row. A new address needs a line here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from cdr.operations.traces import REVEALED
from directory.models import User
from tests.support.pages import FILE_KINDS, HOSTILE, PASSWORD, PagesWorld, pages_world

NOW = datetime.now(UTC)
READERS = ("nobody", "anna", "cleo", "dora", "eve", "frank")
TARGETS = ("own", "in_scope", "foreign", "missing")
SIGN_IN = 302
ADMINISTRATOR = {"anna": 403, "cleo": 403, "dora": 403, "eve": 403, "frank": 200}
AUDITING = {**ADMINISTRATOR, "eve": 200}
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
# A job is its owner's alone, whatever the role: administrators do not find it either.
OWN_JOBS: dict[str, set[str]] = {
    **{reader: set() for reader in READERS},
    "anna": {"own"},
    "dora": {"foreign"},
}
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


def own_job(reader: str, target: str) -> int:
    return 302 if target in OWN_JOBS[reader] else 404


def rows_of_administrators(kind: str, method: str = "get") -> Entry:
    """A file that one administrator brought: frank's own; another's is not found."""
    found = 302 if method == "post" else 200

    def expected(reader: str, target: str) -> int:
        if reader != "frank":
            return 403
        return found if target == "own" else 404

    return Entry(expected, row=kind, method=method)


def lockable_line(reader: str, target: str) -> int:
    if reader == "anna":
        return 403
    if target not in SEEN_CALLS[reader]:
        return 404
    return 403 if reader == "eve" else 302


def person_in_scope(reader: str, target: str) -> int:
    if reader == "anna":
        return 403
    return 200 if target in SEEN_CALLS[reader] else 404


def changeable_line(reader: str, target: str) -> int:
    """The page that would change it: whoever may do it sees it."""
    answer = lockable_line(reader, target)
    return 200 if answer == SIGN_IN else answer


changeable_person = changeable_line


def lock_many(reader: str, _: str) -> int:
    return 403 if reader in ("anna", "eve") else 302


def overridable_budget(reader: str, target: str) -> int:
    return lockable_line(reader, target)


# Budgets that count a reader's own calls: only these can he ask for more of.
COUNTED_BY = {
    "anna": {"own", "in_scope"},
    "cleo": {"in_scope"},
    "dora": {"foreign"},
    "eve": {"foreign"},
    "frank": {"foreign"},
}


def own_budget(reader: str, target: str) -> int:
    return 200 if target in COUNTED_BY[reader] else 404


def answerable(reader: str, target: str) -> int:
    """A request for the budget of that name; anna asked for the first two, dora for the third."""
    if reader == "anna":
        return 403
    if target not in SEEN_CALLS[reader]:
        return 404
    if reader == "eve":
        return 403
    return 403 if reader == "dora" else 302


def own_request(reader: str, target: str) -> int:
    asked = {"anna": {"own", "in_scope"}, "dora": {"foreign"}}
    return 302 if target in asked.get(reader, set()) else 404


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


# Personal entries are their owner's alone; "in scope" is one of the company's, read by all.
SEEN_CONTACTS = {reader: {"in_scope"} for reader in READERS}
SEEN_CONTACTS |= {"anna": {"own", "in_scope"}, "dora": {"foreign", "in_scope"}}


def writable_contact(reader: str, target: str) -> int:
    if target not in SEEN_CONTACTS[reader]:
        return 404
    return 403 if target == "in_scope" and reader != "frank" else 200


def calls_of_contact(reader: str, target: str) -> int:
    return 302 if target in SEEN_CONTACTS[reader] else 404


def own_file(method: str) -> Entry:
    """A file of contacts: here frank's own is the one that is there."""
    found = {"frank": {"own"}, "eve": {"foreign"}}
    status = 302 if method == "post" else 200
    return Entry(
        lambda reader, target: status if target in found.get(reader, set()) else 404,
        row="contact_file",
        method=method,
    )


UNAUTHORISED = 401
MATRIX: dict[str, Entry] = {
    "": page(EVERYBODY),
    "glance/": page(EVERYBODY),
    "missed/": page(EVERYBODY),
    "system/": page(ADMINISTRATOR),
    "system/components/": page(ADMINISTRATOR),
    "audit/": page(AUDITING),
    "calls/": page(EVERYBODY),
    "calls/file/": Entry(lambda *_: 302, method="post"),
    "calls/<int:pk>/": rows("call", SEEN_CALLS),
    "calls/<int:pk>/record/": Entry(reveal, row="call", method="post"),
    "contacts/": page(EVERYBODY),
    "contacts/new/": page(EVERYBODY),
    "contacts/of-call/": Entry(lambda *_: 404),
    "contacts/<int:pk>/": Entry(writable_contact, row="contact"),
    "contacts/<int:pk>/delete/": Entry(writable_contact, row="contact"),
    "contacts/<int:pk>/calls/": Entry(calls_of_contact, row="contact"),
    "contacts/import/": page(EVERYBODY),
    "contacts/import/<int:pk>/": own_file("get"),
    "contacts/import/<int:pk>/now/": own_file("post"),
    "quarantine/": page(ADMINISTRATOR),
    "quarantine/many/": Entry(administrators_row(302), method="post"),
    "quarantine/<int:pk>/": Entry(administrators_row(200), row="quarantined"),
    "quarantine/<int:pk>/replay/": Entry(administrators_row(302), row="quarantined", method="post"),
    "quarantine/<int:pk>/close/": Entry(administrators_row(302), row="quarantined", method="post"),
    "budgets/": page(EVERYBODY),
    "budgets/history/": page(EVERYBODY),
    "budgets/history/file/": page(EVERYBODY),
    "budgets/all/": page(OVERSEER),
    "budgets/all/file/": page(OVERSEER),
    "budgets/all/change/": Entry(administrators_row(302), method="post"),
    "budgets/requests/": page(OVERSEER),
    "budgets/requests/<int:pk>/grant/": Entry(answerable, row="request", method="post"),
    "budgets/requests/<int:pk>/refuse/": Entry(answerable, row="request", method="post"),
    "budgets/requests/<int:pk>/withdraw/": Entry(own_request, row="request", method="post"),
    "budgets/<int:pk>/": rows("budget", SEEN_BUDGETS),
    "budgets/<int:pk>/ask/": Entry(own_budget, row="budget"),
    "budgets/<int:pk>/history/file/": rows("budget", SEEN_BUDGETS),
    "budgets/assign/": page(ADMINISTRATOR),
    "budgets/<int:pk>/adjust/": Entry(overridable_budget, row="budget", method="post"),
    "budgets/<int:pk>/except/": Entry(overridable_budget, row="budget", method="post"),
    "budgets/<int:pk>/include/": Entry(overridable_budget, row="budget", method="post"),
    "budgets/<int:pk>/amount/": Entry(administrators_row(302), row="budget", method="post"),
    "budgets/<int:pk>/override/": Entry(overridable_budget, row="budget", method="post"),
    "budgets/<int:pk>/delete/": Entry(administrators_row(302), row="budget", method="post"),
    "phone/": page(EVERYBODY),
    "phone/<int:pk>/lock/": Entry(own_line, row="line", method="post"),
    "phone/<int:pk>/unlock/": Entry(own_line, row="line", method="post"),
    "phone/<int:pk>/again/": Entry(own_line, row="line", method="post"),
    "phone/pin/": page(EVERYBODY),
    "phone/users/": page(OVERSEER),
    "phone/users/many/": Entry(lock_many, method="post"),
    "phone/users/many/done/": page(OVERSEER),
    "phone/users/<int:pk>/": Entry(person_in_scope, row="person"),
    "phone/users/<int:pk>/pin/": Entry(changeable_person, row="person"),
    "phone/lines/<int:pk>/lock/": Entry(changeable_line, row="line"),
    "phone/lines/<int:pk>/unlock/": Entry(lockable_line, row="line", method="post"),
    "phone/lines/<int:pk>/again/": Entry(lockable_line, row="line", method="post"),
    "administration/people/": page(ADMINISTRATOR),
    "administration/people/template.csv": page(ADMINISTRATOR),
    "administration/people/<int:pk>/": rows_of_administrators("people_file"),
    "administration/people/<int:pk>/import/": rows_of_administrators("people_file", method="post"),
    "administration/rates/": page(ADMINISTRATOR),
    "administration/rates/<int:pk>/": rows_of_administrators("rate_file"),
    "administration/rates/<int:pk>/import/": rows_of_administrators("rate_file", method="post"),
    "administration/rates/<int:pk>/again/": rows_of_administrators("rate_file", method="post"),
    "jobs/": page(EVERYBODY),
    "jobs/<int:pk>/": rows("job", OWN_JOBS),
    "jobs/<int:pk>/cancel/": Entry(own_job, row="job", method="post"),
    "jobs/<int:pk>/retry/": Entry(own_job, row="job", method="post"),
    "jobs/<int:pk>/file/": Entry(lambda *_: 404, row="job"),
    "outbox/": page(ADMINISTRATOR),
    "outbox/many/": Entry(administrators_row(302), method="post"),
    "outbox/<int:pk>/cancel/": Entry(administrators_row(302), row="mail", method="post"),
    "outbox/<int:pk>/": Entry(administrators_row(200), row="mail"),
    "outbox/<int:pk>/again/": Entry(administrators_row(302), row="mail", method="post"),
    "outbox/<int:pk>/address/": Entry(administrators_row(302), row="mail", method="post"),
    "outbox/<int:pk>/html/": Entry(administrators_row(200), row="mail"),
    "api/v1/calls/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/calls/<int:pk>/": rows("call", SEEN_CALLS, stranger=UNAUTHORISED),
    "api/v1/contacts/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/budgets/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/budgets/<int:pk>/": rows("budget", SEEN_BUDGETS, stranger=UNAUTHORISED),
    "api/v1/phones/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/schema/": Entry(lambda *_: 200, stranger=UNAUTHORISED),
    "api/v1/docs/": page(EVERYBODY),
    "search/": page(EVERYBODY),
    "help/": page(EVERYBODY),
    "offline/": Entry(lambda *_: 200, stranger=200),
    "manifest.webmanifest": Entry(lambda *_: 200, stranger=200),
    "service-worker.js": Entry(lambda *_: 200, stranger=200),
    "account/": page(EVERYBODY),
    "account/sessions/": page(EVERYBODY),
    "account/sessions/end/": Entry(lambda *_: 302, method="post"),
    # Of somebody else's session or token one learns nothing: it is "not there any more".
    "account/sessions/<int:pk>/end/": Entry(lambda *_: 302, row="line", method="post"),
    "account/tokens/": Entry(lambda *_: 302, method="post"),
    "account/tokens/<int:pk>/revoke/": Entry(lambda *_: 302, row="line", method="post"),
    "account/theme/": Entry(lambda *_: 302, method="post"),
    "account/language/": Entry(lambda *_: 302, method="post"),
    "setup/": page(ADMINISTRATOR),
    "setup/start/<str:token>/": Entry(lambda *_: 302),
    "setup/language/": page(ADMINISTRATOR),
    "setup/administrator/": page(ADMINISTRATOR),
    "setup/mail/": page(ADMINISTRATOR),
    "setup/calls/": page(ADMINISTRATOR),
    "setup/numbers/": page(ADMINISTRATOR),
    "setup/prices/": page(ADMINISTRATOR),
    "setup/people/": page(ADMINISTRATOR),
    "setup/budgets/": page(ADMINISTRATOR),
    "setup/arriving/": page(ADMINISTRATOR),
    "setup/import/": Entry(administrators_row(302), method="post"),
    "setup/demo/": Entry(administrators_row(302), method="post"),
    "setup/demo/remove/": Entry(administrators_row(302)),  # the password is asked for again
    "setup/put-away/": Entry(administrators_row(302), method="post"),
    "accounts/login/": Entry(lambda *_: 302, stranger=200),
    "accounts/logout/": Entry(lambda *_: 200),
    "accounts/inactive/": Entry(lambda *_: 200, stranger=200),
    "accounts/signup/": Entry(lambda *_: 302, stranger=200),
    "accounts/reauthenticate/": Entry(lambda *_: 200),
    "accounts/password/change/": Entry(lambda *_: 200),
    "accounts/password/set/": Entry(lambda *_: 302),
    "accounts/demo/": Entry(lambda *_: 404, method="post", stranger=404),
    "accounts/2fa/": Entry(lambda *_: 200),
    "accounts/2fa/authenticate/": Entry(lambda *_: 302),
    "accounts/2fa/reauthenticate/": Entry(lambda *_: 302),
    "accounts/2fa/totp/activate/": Entry(lambda *_: 302),
    "accounts/2fa/totp/deactivate/": Entry(lambda *_: 404),
    "accounts/2fa/recovery-codes/": Entry(lambda *_: 404),
    "accounts/2fa/recovery-codes/generate/": Entry(lambda *_: 302),
    "accounts/2fa/recovery-codes/download/": Entry(lambda *_: 404),
    "accounts/2fa/webauthn/": Entry(lambda *_: 200),
    "accounts/2fa/webauthn/add/": Entry(lambda *_: 302),
    "accounts/2fa/webauthn/reauthenticate/": Entry(lambda *_: 302),
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": Entry(lambda *_: 302, row="line"),
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": Entry(lambda *_: 302, row="line"),
}
# Asked by machines, settled by their own tests: they know no reader.
MACHINES = {"curri", "curri/", "curri/<path:rest>", "health/", "health/live", "health/live/"}
MACHINES |= {"health/ready", "health/ready/", "metrics", "metrics/"}


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
    if kind in ("call", "budget", "job", "contact"):
        known: dict[str, dict[str, Any]] = {
            "call": world.calls,
            "budget": world.budgets,
            "job": world.jobs,
            "contact": world.contacts,
        }
        return int(known[kind][target].pk)
    if kind == "request":
        return world.budgets[target].requests.get().pk
    if kind in FILE_KINDS:
        return world.files[kind, target].pk
    if kind in ("person", "line"):
        holder = {"own": "anna", "in_scope": "ben", "foreign": "dora"}[target]
        return world.people[holder].pk if kind == "person" else world.lines[holder].pk
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


# They lead on, and not by way of signing in.
FOR_STRANGERS_TOO = frozenset({"account/language/", "accounts/logout/"})
REFUSED = frozenset({401, 403, 404, 405})
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


@pytest.mark.feature("F034", "F035", "F038")
@pytest.mark.parametrize("route", MATRIX)
def test_no_other_method_opens_what_is_closed(world: PagesWorld, route: str) -> None:
    """Whoever is refused by the method of the matrix is refused by every method."""
    entry = MATRIX[route]
    opened = []

    for reader in READERS:
        client = client_of(world, reader)
        for target in TARGETS if entry.row else ("",):
            key = key_of(world, entry.row, target) if entry.row else None
            path = path_of(route, key)
            expected = entry.stranger if reader == "nobody" else entry.expected(reader, target)
            is_stranger = reader == "nobody" and route not in FOR_STRANGERS_TOO
            is_closed = expected in REFUSED or (is_stranger and expected == SIGN_IN)
            for method in METHODS:
                answer = getattr(client, method)(path)
                to_sign_in = answer.headers.get("Location", "").startswith("/accounts/login/")
                is_refused = answer.status_code in REFUSED or to_sign_in
                # What the interface says to OPTIONS names no row: it is the same for all.
                says_nothing = not answer.content or route.startswith("api/")
                harmless = method == "options" and reader != "nobody" and says_nothing
                if answer.status_code >= 500 or (is_closed and not is_refused and not harmless):
                    opened.append((reader, target, method, answer.status_code))

    assert opened == []


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
    "directory": {"site", "orgunit", "user", "line", "lineholding", "membership", "supervision"}
    | {"companycontact"},
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
    """But that clear numbers were looked at is written down (domain 7)."""
    client = client_of(world, "frank")
    paths = readable(world)
    before = everything()

    for path in paths:
        client.get(path)

    looked_at = LogEntry.objects.filter(change_message=REVEALED)
    assert {entry.object_repr for entry in looked_at} == {str(world.quarantined)}
    looked_at.delete()
    assert everything() == before


def columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.name != "seen_at"]


def everything() -> dict[str, list[Any]]:
    """All rows of our own tables, and the audit log; but not whether a job's end was seen."""
    labels = {"directory", "cdr", "budgets", "phonelock", "alarms", "reports", "admin"}
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values_list(*columns(model)))
        for model in apps.get_models()
        if model._meta.app_label in labels
    }


def test_hostile_names_stay_text_on_every_page(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    client = client_of(world, "frank")
    shown = 0

    for path in [*readable(world), "/accounts/logout/", "/calls/?number=%22%3E%3Csvg+onload%3D1"]:
        answer = client.get(path)
        if "html" not in answer.headers["Content-Type"]:
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
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", text), route
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
