"""A people file from a page: seen first, then imported; nobody else's, whatever it is called or holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from directory.engine.people_file import COLUMNS
from directory.forms.imports import PeopleFileForm, shown_name
from directory.models import Job, JobState, Line, Membership, OrgUnit, Site, User
from directory.operations.jobs import cancel_job, run_job
from directory.operations.people_files import preview_people, report_of
from directory.operations.work import folder_of
from directory.views import imports as views
from kernel.clock import now
from tests.support.pages import HOSTILE

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
START = "/administration/people/"


@pytest.fixture
def frank() -> User:
    Site.objects.create(name="Milan", country="IT", time_zone="Europe/Rome")
    return User.objects.create_user("frank", role="ADMIN", first_name="Frank", last_name="Boss")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def client(frank: User) -> Client:
    return client_of(frank)


def send(client: Client, content: bytes | str, name: str = "people.csv") -> HttpResponse:
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, raw, content_type="text/csv")
    return client.post(START, {"file": file})  # type: ignore[return-value]


def look(client: Client, content: bytes | str, **more: str) -> tuple[Job, str]:
    """The job of the looking, and its page."""
    answer = send(client, content, **more)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    return Job.objects.latest("pk"), page.content.decode()


FILE = """username,first_name,last_name,department,extension,role
frank,Frank,Chief,Board,,
anna,Anna,Rossi,Sales/North,201,user
bert,Bert,,Sales,202,emperor
"""


# --- seen first -------------------------------------------------------------------------------------


def test_the_page_shows_what_would_change_and_changes_nothing(client: Client) -> None:
    job, page = look(client, FILE)

    report = report_of(job)
    assert report is not None
    assert dict(report.counts) == {
        "new": 1,
        "changed": 1,
        "unchanged": 0,
        "gone": 0,
        "refused": 1,
        "units": 3,
    }
    assert "&#x27;emperor&#x27; is not one of" in page
    assert "1 row cannot be used" in page
    changed = client.get(f"{START}{job.pk}/?show=changed").content.decode()
    assert "Boss" in changed
    assert "Chief" in changed
    assert list(User.objects.values_list("username", "last_name")) == [("frank", "Boss")]
    assert not OrgUnit.objects.exists()
    assert not Line.objects.exists()


def test_looking_writes_to_no_table_but_the_jobs(frank: User) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        preview = preview_people(FILE.encode(), at=NOW)

    written = [q["sql"] for q in queries if not q["sql"].lstrip().upper().startswith("SELECT")]
    assert preview.counts["new"] == 1
    assert written == []


def test_what_was_foretold_is_what_is_done(client: Client) -> None:
    job, _page = look(client, FILE)
    foretold = report_of(job)

    answer = client.post(f"{START}{job.pk}/import/")
    done_job = Job.objects.latest("pk")
    run_job(done_job.pk, clock=now)

    done = report_of(done_job)
    assert answer.headers["Location"] == f"{START}{done_job.pk}/"
    assert foretold is not None
    assert done is not None
    assert dict(done.counts) == dict(foretold.counts)
    assert [(p["username"], [c["new"] for c in p["changes"]]) for p in done.new] == [
        (p["username"], [c["new"] for c in p["changes"]]) for p in foretold.new
    ]
    assert User.objects.get(username="frank").last_name == "Chief"
    assert Line.objects.get().extension == "201"
    assert Membership.objects.get(user__username="anna").department.path == "Sales/North"  # type: ignore[union-attr]
    page = client.get(f"{START}{done_job.pk}/").content.decode()
    assert "people.csv</bdi> is imported" in page
    assert "1 row was refused and left out" in page


def test_a_file_that_says_nothing_new_offers_no_import(client: Client) -> None:
    job, page = look(client, "username,last_name\nfrank,Boss\n")

    assert "There is nothing to import" in page
    assert f"{START}{job.pk}/import/" not in page


def test_people_who_are_not_in_the_file_are_named_and_stay(client: Client) -> None:
    User.objects.create_user("zoe", first_name="Zoe")
    User.objects.create_user("left", is_active=False)

    job, _page = look(client, "username,last_name\nFRANK,Boss\n")

    page = client.get(f"{START}{job.pk}/?show=gone").content.decode()
    report = report_of(job)
    assert report is not None
    assert [person["username"] for person in report.gone] == ["zoe"]
    assert "They stay as they are" in page


def test_importing_twice_at_once_is_one_import(client: Client) -> None:
    job, _page = look(client, FILE)

    client.post(f"{START}{job.pk}/import/")
    client.post(f"{START}{job.pk}/import/")

    assert Job.objects.filter(kind="people_import").count() == 1


def test_a_cancelled_import_imports_nothing(client: Client, frank: User) -> None:
    job, _page = look(client, FILE)
    client.post(f"{START}{job.pk}/import/")
    waiting = Job.objects.latest("pk")

    cancel_job(waiting, at=now())
    run_job(waiting.pk, clock=now)

    assert User.objects.count() == 1


def test_who_is_no_administrator_any_more_imports_nothing(client: Client, frank: User) -> None:
    job, _page = look(client, FILE)
    client.post(f"{START}{job.pk}/import/")
    waiting = Job.objects.latest("pk")
    cancel_job(waiting, at=now())
    User.objects.filter(pk=frank.pk).update(role="USER", is_staff=False)

    client.post(f"/jobs/{waiting.pk}/retry/")
    run_job(waiting.pk, clock=now)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.error) == (
        JobState.FAILED,
        "Only administrators may do this.",
    )
    assert list(User.objects.values_list("role", flat=True)) == ["USER"]


# --- large files ------------------------------------------------------------------------------------


def test_a_large_file_is_looked_at_by_a_worker_while_the_page_asks(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_BYTES_HERE", 10)

    job, page = look(client, FILE)

    assert job.state == JobState.QUEUED
    assert f'hx-get="{START}{job.pk}/"' in page
    htmx = {"HX-Request": "true"}
    assert "<html" not in client.get(f"{START}{job.pk}/", headers=htmx).content.decode()
    run_job(job.pk, clock=now)
    assert client.get(f"{START}{job.pk}/", headers=htmx).headers["HX-Refresh"] == "true"


def test_two_thousand_people_page_by_page(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = "".join(f"u{number:04},Person {number}\n" for number in range(2_000))
    job, _page = look(client, f"username,first_name\n{rows}")

    with django_assert_max_num_queries(20):
        page = client.get(f"{START}{job.pk}/?show=new&page=2").content.decode()

    assert "u0020" in page
    assert "u0019" not in page
    assert "2,000 items" in page


def test_a_file_over_the_limit_is_refused_with_the_limit(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeopleFileForm.base_fields["file"], "most", 5 * 1024 * 1024)

    answer = send(client, b"username\n" + b"x" * (5 * 1024 * 1024))

    assert answer.status_code == 422
    assert "larger than 5 MB. Split it, or import it on the command line." in (
        answer.content.decode()
    )
    assert not Job.objects.exists()


# --- files that are none ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04 workbook", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0 old", "Excel workbook"),
    ],
)
def test_what_is_no_people_file_is_refused_at_once(
    client: Client, content: bytes, words: str
) -> None:
    answer = send(client, content)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfeu\x00s\x00e", "begins as UTF-16"),
        (b"name,phone\nx,1\n", "name"),
        (b'username,first_name\nanna,"open\n', "line"),
        (b"\x00\x01\x02\x03\x04", ""),
        (b"\n\n\n", ""),
    ],
)
def test_what_cannot_be_read_fails_with_words_and_no_harm(
    client: Client, content: bytes, words: str
) -> None:
    job, page = look(client, content)

    assert job.state == JobState.FAILED
    assert words in job.error
    assert "Why it failed" in page
    assert "our side" not in job.error
    assert User.objects.count() == 1


def test_windows_text_is_read_as_such(client: Client) -> None:
    job, _page = look(client, "username;last_name\nanna;Müller\n".encode("cp1252"))

    assert "Müller" in client.get(f"{START}{job.pk}/?show=new").content.decode()


def test_no_file_chosen(client: Client) -> None:
    answer = client.post(START, {})

    assert answer.status_code == 422
    assert "Choose a file first" in answer.content.decode()


# --- hostile names and cells --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\boot.ini", HOSTILE, "a\x00b.csv", "\u202egpj.csv", "x" * 400],
)
def test_a_hostile_file_name_is_words_and_never_a_path(client: Client, name: str) -> None:
    job, page = look(client, FILE, name=name)

    assert sorted(path.name for path in folder_of(job.pk).iterdir()) == [
        "people.csv",
        "report.json",
    ]
    assert "<svg onload" not in page
    assert "/etc" not in job.parameters["name"]
    assert "\u202e" not in job.title
    assert len(job.parameters["name"]) <= 120


def test_only_the_last_part_of_a_name_is_shown() -> None:
    assert shown_name("C:\\Users\\frank\\people.csv") == "people.csv"
    assert shown_name("\x00") == "file"


def test_hostile_cells_stay_words(client: Client) -> None:
    cell = HOSTILE.replace('"', '""')
    content = f'username,first_name,department,role\nanna,"{cell}","{cell}",\nbert,x,,"{cell}"\n'
    job, _page = look(client, content)

    for part in ("new", "refused", "units"):
        page = client.get(f"{START}{job.pk}/?show={part}").content.decode()

        assert "<svg onload" not in page
        assert "<script>alert" not in page


# --- whose it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["USER", "SUPERVISOR", "AUDITOR"])
def test_others_are_refused(client: Client, role: str) -> None:
    job, _page = look(client, FILE)
    other = client_of(User.objects.create_user("zoe", role=role))

    answers: list[Any] = [
        other.get(START),
        send(other, FILE),
        other.get(f"{START}{job.pk}/"),
        other.post(f"{START}{job.pk}/import/"),
        other.get(f"{START}template.csv"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5


def test_another_administrators_file_is_not_found(client: Client) -> None:
    job, _page = look(client, FILE)
    other = client_of(User.objects.create_user("zoe", role="ADMIN"))

    assert other.get(f"{START}{job.pk}/").status_code == 404
    assert other.post(f"{START}{job.pk}/import/").status_code == 404


def test_a_job_of_another_kind_is_no_people_file(client: Client, frank: User) -> None:
    job = Job.objects.create(
        kind="calls_file", owner=frank, title="x", state="DONE", finished_at=NOW
    )

    assert client.get(f"{START}{job.pk}/").status_code == 404


def test_a_file_that_is_not_kept_any_more_is_said_so(client: Client) -> None:
    job, _page = look(client, FILE)
    for path in folder_of(job.pk).iterdir():
        path.unlink()

    assert "not kept any more" in client.get(f"{START}{job.pk}/").content.decode()
    answer = client.post(f"{START}{job.pk}/import/", follow=True)
    assert "not kept any more" in answer.content.decode()


def test_the_template_is_a_file_that_can_be_imported(client: Client) -> None:
    template = client.get(reverse("directory:people_template"))

    assert template.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    assert template.content.decode("utf-8-sig").splitlines()[0] == ",".join(COLUMNS)
    job, _page = look(client, template.content)
    report = report_of(job)
    assert report is not None
    assert (report.counts["new"], report.counts["refused"]) == (2, 0)
