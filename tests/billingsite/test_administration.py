"""Set-up in the administration: what it writes, and what it never shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billingsite.auditing import AUDITED
from cdr.models import Call, Carrier, Source, Tariff, TariffVersion
from directory.admin import MOST_COUNTED, BoundedPaginator
from directory.models import Line, OrgUnit, Site, User
from tests.support.mining import flat_tariff
from tests.support.pages import HOSTILE, PASSWORD, PagesWorld, pages_world
from tests.support.source_tree import APPS

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
    assert "no prefix of the tariff fits" in unrated.content.decode()
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


# --- every registered model has a decision --------------------------------------------------------

SET_UP = {
    *("directory.Site", "directory.OrgUnit", "directory.User", "directory.Line"),
    *("directory.LineHolding", "directory.Membership", "directory.Supervision"),
    "directory.CompanyContact",
    *("cdr.Source", "cdr.Carrier", "cdr.Gateway"),
}
"""Rows that administrators add, change and delete; every change of them is logged."""

DELETABLE = {"alarms.SuppressedAddress", "directory.ApiToken"}
"""Rows to look at, of which one may be taken away: that is how it is lifted or revoked."""

LOOKED_AT = {
    *("alarms.MailCircuit", "alarms.OutboxMessage"),
    *("budgets.Budget", "budgets.BudgetEvent", "budgets.BudgetNotice", "budgets.BudgetPeriod"),
    *("budgets.Crossing", "budgets.LockWish", "budgets.PeriodOverride"),
    *("cdr.Adjustment", "cdr.Call", "cdr.Delivery", "cdr.Heartbeat", "cdr.Outcome"),
    *("cdr.QuarantinedRecord", "cdr.Tariff", "cdr.UsageTotal"),
    *(
        "budgets.BudgetRequest",
        "directory.Job",
        "phonelock.Decision",
        "phonelock.LineLock",
        "phonelock.LockEvent",
    ),
    *("phonelock.PinEvent", "phonelock.SwitchCircuit"),
}
"""Facts, and states that operations keep: nobody adds, changes or deletes them here."""

NOT_SHOWN = {
    "alarms.MailEvent": "shown with its mail",
    "billingsite.SetupStep": "the set-up pages show it",
    "budgets.BudgetException": "shown with its budget",
    "budgets.Threshold": "shown with its budget",
    "cdr.GatewayCarrier": "edited with its gateway",
    "cdr.Lease": "of no use to anybody",
    "cdr.TariffVersion": "shown with its tariff",
    "cdr.UnitTotal": "follows from the calls; UsageTotal shows the same by person",
    "cdr.UsageChange": "of no use to anybody",
    "directory.Preferences": "one person's taste",
    "directory.NumberSearches": "a brake, of no use to anybody",
    "directory.Contact": "one person's own, and nobody else's",
    "phonelock.Pin": "a secret",
}
"""Models without a page of their own, each with the reason."""


def decided() -> set[str]:
    return SET_UP | DELETABLE | LOOKED_AT | set(NOT_SHOWN)


def test_every_model_of_ours_has_a_decision() -> None:
    ours = {model._meta.label for app in APPS for model in apps.get_app_config(app).get_models()}
    shown = {model._meta.label for model in admin.site._registry}

    assert ours - decided() == set(), "decide here: set-up, looked at, or not shown"
    assert shown == SET_UP | DELETABLE | LOOKED_AT


def permissions(rf: Any, user: User) -> dict[str, tuple[bool, bool, bool, bool]]:
    request = rf.get("/")
    request.user = user
    return {
        model._meta.label: (
            page.has_view_permission(request),
            page.has_add_permission(request),
            page.has_change_permission(request),
            page.has_delete_permission(request),
        )
        for model, page in admin.site._registry.items()
    }


@pytest.mark.feature("F038")
def test_each_registered_model_stands_as_decided(rf: Any) -> None:
    found = permissions(rf, User(username="root", role="ADMIN"))

    for label, (view, add, change, delete) in found.items():
        is_set_up = label in SET_UP
        assert view, label
        assert (add, change) == (is_set_up, is_set_up), label
        assert delete is (is_set_up or label in DELETABLE), label


@pytest.mark.parametrize("role", ["USER", "SUPERVISOR", "AUDITOR"])
def test_no_other_role_has_any_permission(rf: Any, role: str) -> None:
    user = User(username="x", role=role, is_staff=True)

    assert not any(any(given) for given in permissions(rf, user).values())


def test_what_can_be_changed_is_logged(rf: Any) -> None:
    assert set(AUDITED) >= SET_UP | DELETABLE


def test_nothing_is_deleted_in_bulk(rf: Any) -> None:
    request = rf.get("/")
    request.user = User(username="root", role="ADMIN")

    for page in admin.site._registry.values():
        assert "delete_selected" not in page.get_actions(request), page


def test_inlines_of_facts_are_facts_too(rf: Any) -> None:
    request = rf.get("/")
    request.user = User(username="root", role="ADMIN")
    for model, page in admin.site._registry.items():
        if model._meta.label in SET_UP:
            continue
        for inline in page.get_inline_instances(request):
            assert not inline.has_add_permission(request, None)
            assert not inline.has_change_permission(request, None)
            assert not inline.has_delete_permission(request, None)


# --- quick and harmless ---------------------------------------------------------------------------


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def administrator(world: PagesWorld) -> Client:
    client = Client()
    client.force_login(world.people["frank"], "django.contrib.auth.backends.ModelBackend")
    return client


def test_lists_count_to_a_bound_and_no_further(world: PagesWorld) -> None:
    with CaptureQueriesContext(connection) as asked:
        counted = BoundedPaginator(Call.objects.order_by("pk"), 50).count

    assert counted == Call.objects.count()
    assert f"LIMIT {MOST_COUNTED}" in asked[0]["sql"]
    assert all(
        page.paginator is BoundedPaginator and not page.show_full_result_count
        for page in admin.site._registry.values()
    )


def test_a_list_counts_in_words_and_says_what_a_search_found_only_after_one(
    client: Client,
) -> None:
    for name in ("Milan", "London", "Rome"):
        Site.objects.create(name=name, country="IT", time_zone="Europe/Rome", currency="EUR")

    whole = client.get("/admin/directory/site/").content.decode()
    found = client.get("/admin/directory/site/", {"q": "Mil"}).content.decode()

    assert whole.count("3 items in 1 page") == 1
    assert found.count("1 item in 1 page") == 2
    assert ("Show all" in whole, "Show all" in found) == (False, True)


def test_no_page_of_the_administration_asks_more_the_more_rows_there_are(
    world: PagesWorld,
) -> None:
    client = administrator(world)
    paths = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]

    def asked() -> dict[str, int]:
        found = {}
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            found[path] = len(queries)
        return found

    asked()
    few = asked()
    for number in range(9):
        world.call("anna", f"+3902667{number:05}", "OA", charge=1)
        Line.objects.create(site=world.site, extension=f"9{number}")
    for who in ("ben", "cleo", "dora"):
        world.budget(who=who)

    assert asked() == few
    assert max(few.values()) <= 20


def test_calls_are_listed_by_a_week_unless_more_is_asked_for(world: PagesWorld) -> None:
    world.call("anna", "+390266771234", "OA", charge=1, ago=timedelta(days=40))
    client = administrator(world)

    week = client.get("/admin/cdr/call/").context["cl"].result_count
    everything = client.get("/admin/cdr/call/?within=all").context["cl"].result_count

    assert everything == week + 1


def pages_of_the_admin(world: PagesWorld) -> Iterator[str]:
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        row = model._default_manager.first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
            if model._meta.label in SET_UP | DELETABLE:
                yield reverse(f"{name}_delete", args=[row.pk])
    yield reverse("admin:index")
    yield reverse("admin:cdr_source_test", args=[world.source.pk])
    yield reverse("admin:phonelock_switchcircuit_ask")


@pytest.mark.parametrize(
    "address",
    [
        "cdr/call/?number__startswith=%2B39026677",
        "cdr/call/?number_raw__contains=6",
        "cdr/call/?facts__contains=0266771234",
        "cdr/source/?caller_secret__startswith=s",
        "cdr/quarantinedrecord/?raw__contains=1",
        "directory/user/?password__startswith=md5",
        "directory/apitoken/?digest__startswith=0",
    ],
)
def test_what_is_not_shown_cannot_be_guessed_by_filtering(
    world: PagesWorld, client: Client, address: str
) -> None:
    refused = client.get(f"/admin/{address}")
    offered = client.get("/admin/cdr/call/?call_type__exact=OA&within=all")

    assert refused.status_code == 400
    assert offered.status_code == 200


def test_hostile_names_stay_text_in_the_administration(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    client = administrator(world)
    shown = 0

    for path in pages_of_the_admin(world):
        answer = client.get(path)
        text = answer.content.decode()
        assert answer.status_code == 200, path
        assert "<svg onload" not in text, path
        assert "<script>alert" not in text, path
        assert ">49<" not in text, path
        shown += "&lt;svg onload" in text

    assert shown > 20


def test_the_administration_wears_the_sites_colours_and_leads_back(world: PagesWorld) -> None:
    text = administrator(world).get("/admin/").content.decode()

    assert "admin.css" in text
    assert '<meta name="tg-theme" content="auto">' in text
    assert 'href="/system/"' in text
    assert 'href="/audit/"' in text
    assert "style=" not in text


def form_of(client: Client, path: str) -> dict[str, Any]:
    """What the browser sends of an unchanged form."""
    page = client.get(path)
    form = page.context["adminform"].form
    words = {name: form[name].value() for name in form.fields if name != "password"}
    for inline in page.context["inline_admin_formsets"]:
        manager = inline.formset.management_form
        words |= {f"{manager.prefix}-{name}": manager[name].value() for name in manager.fields}
        for row in inline.formset.initial_forms:
            words |= {f"{row.prefix}-{name}": row[name].value() for name in row.fields}
    words["_seen"] = re.findall(r'name="_seen" value="(\w+)"', page.content.decode())[0]
    said = words.items()
    return {name: value for name, value in said if value is not None and value is not False}


@pytest.mark.feature("F192")
def test_whoever_saves_last_is_told_before_he_undoes_the_others_work(world: PagesWorld) -> None:
    ben = world.people["ben"]
    path = f"/admin/directory/user/{ben.pk}/change/"
    first, second = administrator(world), administrator(world)
    mine, theirs = form_of(first, path), form_of(second, path)

    second.post(path, theirs | {"email": "ben@example.org"})
    refused = first.post(path, mine | {"first_name": "Benedict"})
    told = "Somebody has changed this since you loaded the page." in refused.content.decode()
    ben.refresh_from_db()
    kept = (ben.first_name, ben.email)
    again = re.findall(r'name="_seen" value="(\w+)"', refused.content.decode())[0]
    saved = first.post(path, mine | {"first_name": "Benedict", "_seen": again})
    ben.refresh_from_db()

    assert (refused.status_code, told) == (200, True)
    assert kept == ("Ben", "ben@example.org")
    assert saved.status_code == 302
    assert (ben.first_name, ben.email) == ("Benedict", "ben@example.com")


def test_a_row_edited_with_another_counts_as_changed_too(world: PagesWorld) -> None:
    path = f"/admin/directory/user/{world.people['ben'].pk}/change/"
    client = administrator(world)
    words = form_of(client, path)
    world.people["ben"].memberships.update(department=world.support)

    page = client.post(path, words).content.decode()

    assert "Somebody has changed this since you loaded the page." in page
    assert world.people["ben"].memberships.get().department == world.support


def test_nobody_is_told_who_changes_a_row_alone(world: PagesWorld) -> None:
    client = administrator(world)
    for path in (
        f"/admin/directory/user/{world.people['ben'].pk}/change/",
        f"/admin/directory/site/{world.site.pk}/change/",
        f"/admin/cdr/source/{world.source.pk}/change/",
    ):
        answer = client.post(path, form_of(client, path))
        assert answer.status_code == 302, path


# --- tests that answer ----------------------------------------------------------------------------

CUCM = (
    '"cdrRecordType","globalCallID_callManagerId","globalCallID_callId","origLegCallIdentifier",'
    '"destLegIdentifier","dateTimeOrigination","dateTimeConnect","dateTimeDisconnect",'
    '"callingPartyNumber","originalCalledPartyNumber","finalCalledPartyNumber","origDeviceName",'
    '"destDeviceName"\n'
    "1,1,42,100,101,1790000000,1790000005,1790000065,201,0390266771234,0390266771234,SEP1,GW\n"
    "1,1,43,102,103,soon,1790000005,1790000065,201,202,202,SEP1,SEP2\n"
)


def test_a_source_is_tested_on_its_newest_file(
    world: PagesWorld, tmp_path: Any, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    Source.objects.update(folder="drop/milan")
    client = administrator(world)
    path = f"/admin/cdr/source/{world.source.pk}/test/"
    nowhere = client.get(path).content.decode()
    folder = tmp_path / "drop/milan"
    folder.mkdir(parents=True)
    empty = client.get(path).content.decode()
    (folder / "cdr_1").write_text(CUCM)
    before = Call.objects.count()

    text = client.get(path).content.decode()

    assert "The watched folder is not there" in nowhere
    assert "There is no file yet" in empty
    assert "cdr_1" in text
    assert "00:01:00" in text
    assert "66771234" not in text
    assert "039026677****" in text
    assert "dateTimeOrigination" in text
    assert (folder / "cdr_1").read_text() == CUCM
    assert Call.objects.count() == before


def test_a_source_whose_driver_cannot_be_used_says_so(world: PagesWorld) -> None:
    Source.objects.update(options={"columns": "nonsense"})

    text = administrator(world).get(f"/admin/cdr/source/{world.source.pk}/test/").content.decode()

    assert "The driver cannot be used" in text


def test_telephone_systems_are_asked_by_a_button_only(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    client = administrator(world)
    path = "/admin/phonelock/switchcircuit/ask/"

    looked = client.get(path).content.decode()
    asked = client.post(path).content.decode()

    assert "not asked yet" in looked
    assert "not asked yet" not in asked
    assert "it answers, within" in asked or "no answer:" in asked


def test_a_carriers_page_leads_to_trying_a_number(client: Client) -> None:
    upload(client, flat_tariff(name="Flat", currency="EUR"))
    carrier = Carrier.objects.create(name="Acme", tariff=Tariff.objects.get())

    text = client.get(f"/admin/cdr/carrier/{carrier.pk}/change/").content.decode()

    assert f"/admin/cdr/tariff/{carrier.tariff_id}/try/" in text
