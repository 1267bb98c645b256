"""The pages of long works: only their owner's, with progress, cancel, retry and a safe download."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from directory.models import Job, JobState, User
from directory.operations.work import folder_of
from directory.queries.jobs import jobs_bell
from tests.support.pages import HOSTILE

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna")


def client_of(user: User, **headers: str) -> Client:
    client = Client(headers=headers)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def job_of(owner: User, state: str = JobState.RUNNING, **more: object) -> Job:
    ended = state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    values = {
        "kind": "calls_file",
        "title": "Calls of November",
        "started_at": NOW,
        "heartbeat_at": NOW,
        "attempts": 1,
        "finished_at": NOW if ended else None,
    } | more
    return Job.objects.create(owner=owner, state=state, **values)


def with_file(job: Job, name: str = "calls.csv", content: bytes = b"a;b\n") -> Job:
    path = folder_of(job.pk) / "1" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    job.file = f"1/{name}"
    job.save()
    return job


# --- progress -----------------------------------------------------------------------------------------


def test_a_running_job_shows_how_far_it_is_and_asks_again_each_second(anna: User) -> None:
    job = job_of(anna, done=12_000, total=48_000)

    page = client_of(anna).get(job.get_absolute_url()).content.decode()

    assert re.search(r"<progress[^>]* max=\"48000\" value=\"12000\"", page)
    assert "12,000" in page
    assert "48,000" in page
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_htmx_gets_the_progress_alone_and_stops_when_the_job_has_ended(anna: User) -> None:
    running, done = job_of(anna), job_of(anna, JobState.DONE, words="3 calls")
    client = client_of(anna, **{"HX-Request": "true"})

    first = client.get(running.get_absolute_url()).content.decode()
    last = client.get(done.get_absolute_url()).content.decode()

    assert "<html" not in first
    assert f'id="job-{running.pk}"' in first
    assert 'hx-trigger="every 1s"' in first
    assert "hx-trigger" not in last
    assert "3 calls" in last
    assert 'role="status" hx-swap-oob="true"' in last


def test_a_job_without_a_known_end_says_what_it_has_done_so_far(anna: User) -> None:
    job = job_of(anna, done=700)

    page = client_of(anna).get(job.get_absolute_url()).content.decode()

    assert not re.search(r"<progress[^>]* value", page)
    assert "700</bdi> so far" in page


def test_hostile_words_stay_words(anna: User) -> None:
    job = job_of(anna, JobState.FAILED, title=HOSTILE, words=HOSTILE, error=HOSTILE)

    for address in (job.get_absolute_url(), reverse("directory:jobs")):
        page = client_of(anna).get(address).content.decode()

        assert "<svg onload" not in page
        assert "<script>alert" not in page
        assert "{{7*7}}" in page


# --- mine alone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["USER", "SUPERVISOR", "AUDITOR", "ADMIN"])
def test_nobody_else_finds_a_job_whatever_his_role(anna: User, role: str) -> None:
    job = with_file(job_of(anna, JobState.DONE))
    stranger = client_of(User.objects.create_user("zoe", role=role))

    answers = [
        stranger.get(reverse("directory:job", args=[job.pk])),
        stranger.get(reverse("directory:job_file", args=[job.pk])),
        stranger.post(reverse("directory:job_cancel", args=[job.pk])),
        stranger.post(reverse("directory:job_retry", args=[job.pk])),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert job.title not in stranger.get(reverse("directory:jobs")).content.decode()


def test_the_list_shows_a_week_and_takes_few_queries(
    anna: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        job_of(anna, JobState.DONE, title=f"Export number {number}")
    job_of(anna, JobState.DONE, title="Long ago", finished_at=NOW - timedelta(days=8))
    client = client_of(anna)

    with django_assert_max_num_queries(20):
        page = client.get(reverse("directory:jobs")).content.decode()

    assert page.count("Export number") >= 30
    assert "Long ago" not in page


def test_the_bell_counts_what_runs_and_what_was_not_looked_at(
    anna: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job_of(anna)
    job_of(anna, JobState.QUEUED)
    done = job_of(anna, JobState.DONE)
    job_of(anna, JobState.FAILED)
    job_of(User.objects.create_user("zoe"), JobState.DONE)

    bell = jobs_bell(anna)
    with django_assert_num_queries(1):
        assert (bell.running, bell.done, bell.failed, bell.unseen) == (2, 1, 1, 2)

    client = client_of(anna)
    client.get(done.get_absolute_url())
    assert jobs_bell(anna).done == 0
    client.get(reverse("directory:jobs"))
    assert (jobs_bell(anna).unseen, jobs_bell(anna).running) == (0, 2)


def test_a_bell_nobody_looks_at_asks_nothing(
    anna: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        jobs_bell(anna)


# --- cancel, retry, download -------------------------------------------------------------------------


def test_cancel_and_retry_from_the_page(anna: User) -> None:
    job = job_of(anna, JobState.QUEUED)
    client = client_of(anna)

    cancelled = client.post(reverse("directory:job_cancel", args=[job.pk]))
    job.refresh_from_db()
    assert (cancelled.status_code, cancelled.headers["Location"]) == (302, job.get_absolute_url())
    assert job.state == JobState.CANCELLED

    client.post(reverse("directory:job_retry", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_a_running_job_is_asked_to_stop_and_says_so(anna: User) -> None:
    job = job_of(anna)
    client = client_of(anna)

    client.post(reverse("directory:job_cancel", args=[job.pk]))

    page = client.get(job.get_absolute_url()).content.decode()
    assert "Stopping" in page
    assert reverse("directory:job_cancel", args=[job.pk]) not in page


def test_what_cannot_be_cancelled_or_tried_again_is_a_message(anna: User) -> None:
    job = job_of(anna, JobState.DONE)
    client = client_of(anna)

    for name in ("directory:job_cancel", "directory:job_retry"):
        answer = client.post(reverse(name, args=[job.pk]))
        assert [message.level_tag for message in get_messages(answer.wsgi_request)][-1] == "error"

    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_buttons_need_the_forms_token(anna: User) -> None:
    job = job_of(anna)
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna, "django.contrib.auth.backends.ModelBackend")

    answer = client.post(reverse("directory:job_cancel", args=[job.pk]))

    assert answer.status_code == 403
    assert Job.objects.get(pk=job.pk).cancel_asked_at is None


@pytest.mark.parametrize("name", ["calls.csv", "page.html", "Gespräche_Mai.csv", "picture.svg"])
def test_a_download_is_never_shown_as_a_page(anna: User, name: str) -> None:
    job = with_file(job_of(anna, JobState.DONE), name, b"<script>alert(1)</script>")

    answer = client_of(anna).get(reverse("directory:job_file", args=[job.pk]))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.getvalue() == b"<script>alert(1)</script>"


def test_a_file_that_is_gone_is_said_so(anna: User) -> None:
    job = job_of(anna, JobState.DONE, file="1/gone.csv")

    answer = client_of(anna).get(reverse("directory:job_file", args=[job.pk]), follow=True)

    assert "The file is gone" in answer.content.decode()


def test_strangers_are_sent_to_sign_in(anna: User, client: Client) -> None:
    job = job_of(anna)

    assert client.get(job.get_absolute_url()).headers["Location"].startswith("/accounts/login/")
