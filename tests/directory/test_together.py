"""Two people, two tabs, two workers: what they do to people and units at the same moment."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from directory.models import Job, Membership, OrgUnit, Preferences, Role, User
from directory.operations import people, runs
from directory.operations.branches import put_unit
from directory.operations.people import import_people
from directory.operations.people_files import start_people_import
from directory.preferences import keep_preferences, remembered_size
from directory.views.base import PAGE_SIZES
from tests.support.people import NOW
from tests.support.together import all_at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
CLICKS = 6


def administrator(username: str) -> User:
    return User.objects.create_user(username, password="x" * 12, role=Role.ADMIN, is_staff=True)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def rows_of(prefix: str, count: int) -> bytes:
    rows = [f"{prefix}{number},{prefix.title()},Sales" for number in range(count)]
    return "\n".join(["username,last_name,department", *rows]).encode()


def looked_at(owner: User, data_dir: Any) -> Job:
    """A people file that was looked at, waiting for its import."""
    job = Job.objects.create(
        kind="people_preview", owner=owner, title="x", state="DONE", finished_at=NOW
    )
    folder = data_dir / "jobs" / str(job.pk)
    folder.mkdir(parents=True)
    (folder / "people.csv").write_bytes(rows_of("new", 3))
    return job


def test_an_import_that_is_clicked_several_times_is_one(data_dir: Any) -> None:
    preview = looked_at(administrator("anna"), data_dir)

    jobs = all_at_once(*[lambda: start_people_import(preview).pk] * CLICKS)

    assert len(set(jobs)) == 1
    assert Job.objects.filter(kind="people_import").count() == 1


def test_two_imports_of_new_people_at_once_are_both_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    administrator("anna")
    import_of = runs.note_run

    def slowly(*words: Any, **more: Any) -> None:
        time.sleep(0.3)  # while the other one has begun, and waits
        import_of(*words, **more)

    monkeypatch.setattr(people, "note_run", slowly)

    reports = all_at_once(
        *[
            lambda prefix=prefix: import_people(content=rows_of(prefix, 40), at=NOW)
            for prefix in "ab"
        ]
    )

    assert [len(report.new) for report in reports] == [40, 40]
    assert Membership.objects.count() == 80
    assert list(OrgUnit.objects.values_list("path", flat=True)) == ["Sales"]


def test_who_asks_for_something_does_not_wait_for_an_import() -> None:
    anna = administrator("anna")
    has_begun, may_end = Event(), Event()

    def watch(done: int, of: int) -> None:
        has_begun.set()
        assert may_end.wait(timeout=30)

    def importing() -> None:
        import_people(content=rows_of("new", 3), at=NOW, watch=watch)

    def asking() -> None:
        try:
            assert has_begun.wait(timeout=30)
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            Job.objects.create(kind="calls_file", owner=anna, title="x")
        finally:
            may_end.set()

    all_at_once(importing, asking)

    assert Job.objects.count() == 1
    assert User.objects.count() == 4


def test_of_two_units_moved_below_each_other_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    anna, bruno = client_of(administrator("anna")), client_of(administrator("bruno"))
    for _ in range(5):
        OrgUnit.objects.update(parent=None)
        OrgUnit.objects.all().delete()
        north, south = (
            put_unit(OrgUnit(kind="DEPARTMENT", name=name)) for name in ("North", "South")
        )

        def below(client: Client, unit: OrgUnit, parent: OrgUnit) -> int:
            words = {"kind": "DEPARTMENT", "name": unit.name, "parent": parent.pk, "site": ""}
            path = f"/admin/directory/orgunit/{unit.pk}/change/"
            return client.post(path, words).status_code

        answers = all_at_once(
            lambda: below(anna, north, south),  # noqa: B023 - run within the round
            lambda: below(bruno, south, north),  # noqa: B023
        )

        assert sorted(answers) == [200, 302]
        paths = set(OrgUnit.objects.values_list("path", flat=True))
        assert paths in ({"North", "North/South"}, {"South", "South/North"})


def demotion(client: Client, other: User) -> tuple[str, dict[str, Any]]:
    """Where the form goes that takes an administrator's role away, and what it says."""
    path = f"/admin/directory/user/{other.pk}/change/"
    page = client.get(path)
    form = page.context["adminform"].form
    words = {name: form[name].value() for name in form.fields if name != "password"}
    for inline in page.context["inline_admin_formsets"]:
        manager = inline.formset.management_form
        words |= {f"{manager.prefix}-{name}": manager[name].value() for name in manager.fields}
    words |= {"role": "USER", "_seen": page.context["seen"]}
    said = words.items()
    return path, {name: value for name, value in said if value is not None and value is not False}


def test_two_administrators_who_demote_each_other_leave_one() -> None:
    anna, bruno = administrator("anna"), administrator("bruno")
    for _ in range(3):
        User.objects.update(role=Role.ADMIN, is_staff=True)
        clients = client_of(anna), client_of(bruno)
        forms = demotion(clients[0], bruno), demotion(clients[1], anna)

        all_at_once(
            lambda: clients[0].post(*forms[0]).status_code,  # noqa: B023 - run within the round
            lambda: clients[1].post(*forms[1]).status_code,  # noqa: B023
        )

        assert User.objects.filter(role=Role.ADMIN).count() == 1


def test_the_first_choices_of_several_tabs_are_all_answered() -> None:
    anna = administrator("anna")
    tabs = [client_of(anna) for _ in range(CLICKS)]

    answers = all_at_once(
        *[
            lambda tab=tab, size=size: tab.get(f"/outbox/?size={size}").status_code
            for tab, size in zip(tabs, [10, 20, 50, 100, 10, 50], strict=True)
        ]
    )

    assert set(answers) == {200}
    assert Preferences.objects.get(user=anna).page_sizes["outbox"] in (10, 20, 50, 100)


def test_a_size_that_is_remembered_leaves_the_look_alone_that_another_tab_chose() -> None:
    request = RequestFactory().get("/outbox/?size=50")
    request.user = administrator("anna")
    keep_preferences(request, Preferences.objects.create(user=request.user))
    Preferences.objects.update(theme="dark")

    remembered_size(request, "outbox", among=PAGE_SIZES, default=20)

    kept = Preferences.objects.get()
    assert (kept.theme, kept.page_sizes) == ("dark", {"outbox": 50})
