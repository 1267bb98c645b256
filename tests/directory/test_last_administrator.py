"""Nobody takes away the last administrator: neither a file nor a form."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from directory.models import Role, User
from directory.operations.people import import_people
from directory.operations.people_report import PeopleReport
from tests.support.people import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.feature("F192")]
PASSWORD = "correct-horse-battery"  # noqa: S105 - of a test


def administrator(username: str, *, password: str | None = PASSWORD) -> User:
    return User.objects.create_user(
        username=username, password=password, role=Role.ADMIN, is_staff=True
    )


def take(*rows: str, is_dry_run: bool = False) -> PeopleReport:
    content = "\n".join(["username,last_name,role", *rows]).encode()
    return import_people(content=content, at=NOW, is_dry_run=is_dry_run)


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_a_file_that_would_demote_the_last_administrator_has_that_row_refused(
    is_dry_run: bool,
) -> None:
    administrator("anna")
    administrator("without-password", password=None)

    with translation.override("de"):
        report = take("anna,Bianchi,user", "mario,Rossi,admin", is_dry_run=is_dry_run)

    [refused] = report.refused
    assert (refused.line, refused.column) == (2, "role")
    assert "verwalten" in refused.reason
    assert [person.username for person in report.new] == ["mario"]
    assert User.objects.get(username="anna").role == Role.ADMIN


def test_a_file_that_would_demote_all_administrators_demotes_none() -> None:
    administrator("anna")
    administrator("bruno")

    report = take("anna,Bianchi,user", "bruno,Neri,auditor")

    assert [row.line for row in report.refused] == [2, 3]
    assert User.objects.filter(role=Role.ADMIN).count() == 2


def test_one_of_two_administrators_can_be_demoted() -> None:
    administrator("anna")
    administrator("bruno")

    report = take("anna,Bianchi,user", "bruno,Neri,")

    assert report.is_clean
    assert User.objects.get(username="anna").role == Role.USER


@pytest.fixture
def signed_in() -> Client:
    client = Client()
    client.force_login(administrator("anna"), "django.contrib.auth.backends.ModelBackend")
    return client


def save(client: Client, person: User, **changes: Any) -> str:
    """Save the form of the person with these changes; the page that comes back."""
    page = client.get(f"/admin/directory/user/{person.pk}/change/")
    form = page.context["adminform"].form
    words = {name: form[name].value() for name in form.fields if name != "password"}
    for inline in page.context["inline_admin_formsets"]:
        manager = inline.formset.management_form
        words |= {f"{manager.prefix}-{name}": manager[name].value() for name in manager.fields}
    given = (words | changes).items()
    data = {name: value for name, value in given if value is not None and value is not False}
    answer = client.post(f"/admin/directory/user/{person.pk}/change/", data)
    return answer.content.decode()


@pytest.mark.parametrize("changes", [{"role": "USER"}, {"is_active": False}])
def test_the_administration_refuses_to_take_away_the_last(
    signed_in: Client, changes: dict[str, Any]
) -> None:
    anna = User.objects.get(username="anna")

    page = save(signed_in, anna, **changes)

    assert "one administrator has to stay" in page
    anna.refresh_from_db()
    assert (anna.role, anna.is_active) == (Role.ADMIN, True)
    assert signed_in.post(f"/admin/directory/user/{anna.pk}/delete/").status_code == 403


def test_the_administration_lets_one_of_two_go(signed_in: Client) -> None:
    bruno = administrator("bruno")

    save(signed_in, bruno, role="USER")

    bruno.refresh_from_db()
    assert bruno.role == Role.USER
