"""Set-up in the administration: what it writes, and what it never shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cdr.models import Source, Tariff, TariffVersion
from directory.models import OrgUnit, Site, User
from tests.support.mining import flat_tariff
from tests.support.pages import PASSWORD

pytestmark = pytest.mark.django_db
SECRET = "s3cr3t-in-address"  # noqa: S105 - of a test


@pytest.fixture
def client() -> Client:
    admin = User.objects.create_user(username="root", role="ADMIN")
    client = Client()
    client.force_login(admin, "django.contrib.auth.backends.ModelBackend")
    return client


def upload(client: Client, document: object) -> Any:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    file = SimpleUploadedFile("acme.json", content)
    return client.post("/admin/cdr/tariff/import/", {"file": file}, follow=True)


@pytest.mark.feature("F005")
def test_a_tariff_file_comes_in_as_a_version_and_goes_out_the_same(client: Client) -> None:
    document = flat_tariff(name="Flat", currency="EUR")

    upload(client, document)
    upload(client, document)
    version = TariffVersion.objects.get()
    answer = client.get(f"/admin/cdr/tariff/version/{version.pk}/")

    assert (version.origin, version.made_by) == ("acme.json", "root")
    assert json.loads(answer.content)["destinations"][0]["prefix"] == "44"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="flat-1.json"'


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"name": "X", "currency": "EUR"}'])
def test_a_file_that_is_no_tariff_is_refused_in_words(client: Client, content: bytes) -> None:
    answer = upload(client, content)

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Tariff.objects.count() == 0


def test_a_number_is_tried_on_a_tariff(client: Client) -> None:
    upload(client, flat_tariff(name="Flat", currency="EUR"))
    tariff = Tariff.objects.get()

    rated = client.get(f"/admin/cdr/tariff/{tariff.pk}/try/", {"number": "+4420", "seconds": "60"})
    unrated = client.get(f"/admin/cdr/tariff/{tariff.pk}/try/", {"number": "39", "seconds": "60"})
    wrong = client.get(f"/admin/cdr/tariff/{tariff.pk}/try/", {"number": "x", "seconds": "-1"})

    assert "€0.15" in rated.content.decode()
    assert "no_prefix" in unrated.content.decode()
    assert "errorlist" in wrong.content.decode()


def test_a_source_keeps_its_secret_and_never_shows_it(client: Client) -> None:
    site = Site.objects.create(name="Milan", country="IT")
    source = Source.objects.create(name="milan", site=site, driver="cucm", caller_secret=SECRET)
    path = f"/admin/cdr/source/{source.pk}/change/"
    form = {
        "name": "milan",
        "site": site.pk,
        "driver": "cucm",
        "folder": "drop/milan",
        "options": "{}",
        "callers": "[]",
        "failure_policy": "OPEN",
        "is_active": "on",
    }

    shown = client.get(path).content.decode()
    client.post(path, form | {"caller_secret": ""})
    source.refresh_from_db()
    kept = source.caller_secret
    client.post(path, form | {"caller_secret": "another"})
    source.refresh_from_db()

    assert SECRET not in shown
    assert (kept, source.caller_secret, source.folder) == (
        SECRET,
        "another",
        "drop/milan",
    )


def test_a_unit_is_placed_by_its_parent_and_bad_places_are_refused(client: Client) -> None:
    parent = OrgUnit.objects.create(kind="DEPARTMENT", name="Sales", path="Sales")

    form = {"kind": "DEPARTMENT", "name": "North", "parent": parent.pk, "site": ""}

    client.post("/admin/directory/orgunit/add/", form)
    twice = client.post("/admin/directory/orgunit/add/", form)

    assert OrgUnit.objects.get(name="North").path == "Sales/North"
    assert "already" in twice.content.decode()


def person_form(user: User, **changes: Any) -> dict[str, Any]:
    inlines = ("holdings", "memberships", "supervisions")
    management = {
        f"{name}-{part}": value
        for name in inlines
        for part, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))
    }
    return {
        "username": user.username,
        "role": user.role,
        "language": "en",
        "is_active": "on",
        **management,
        **changes,
    }


@pytest.mark.feature("F038")
def test_the_role_decides_and_djangos_flags_follow_it(client: Client) -> None:
    user = User.objects.create_user(username="mary", is_superuser=True, role="ADMIN")
    path = f"/admin/directory/user/{user.pk}/change/"

    client.post(path, person_form(user, role="SUPERVISOR"))
    user.refresh_from_db()
    demoted = (user.role, user.is_staff, user.is_superuser)
    client.post(path, person_form(user, role="ADMIN"))
    user.refresh_from_db()

    assert demoted == ("SUPERVISOR", False, False)
    assert (user.role, user.is_staff, user.is_superuser) == ("ADMIN", True, False)


def test_a_password_hash_is_never_handed_out_whole(client: Client) -> None:
    user = User.objects.create_user(username="mary", password=PASSWORD)

    text = client.get(f"/admin/directory/user/{user.pk}/change/").content.decode()

    assert user.password not in text
