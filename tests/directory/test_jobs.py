"""Long works: claimed once, taken up after a kill, cancelled, kept from strangers, removed in time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.conf import settings as live_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from directory.models import JOBS_KEPT_FOR, Job, JobState, User
from directory.operations import jobs as operations
from directory.operations.jobs import (
    DEAD_AFTER,
    MOST_ATTEMPTS,
    NotNow,
    TooManyJobs,
    UnknownKind,
    cancel_job,
    look_after_jobs,
    retry_job,
    run_job,
    start_job,
)
from directory.operations.work import Work, folder_of
from kernel.errors import DomainError
from tests.support.pages import HOSTILE

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def go(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna", language="de", time_zone="Europe/Rome")


@pytest.fixture
def dora(db: None) -> User:
    return User.objects.create_user("dora", role="ADMIN")


Does = Callable[[Callable[[Work], None]], None]


@pytest.fixture
def does(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Does:
    """Make a function the one that does jobs of the kind `test`."""
    settings.JOB_KINDS = {"test": f"{__name__}:nothing"}
    chosen: list[Callable[[Work], None]] = [lambda work: None]
    monkeypatch.setattr(operations, "doer_of", lambda kind: chosen[-1])
    return chosen.append


def new_job(owner: User, **more: object) -> Job:
    job = start_job(kind="test", owner=owner, title="Calls of November", **more)  # type: ignore[arg-type]
    Job.objects.filter(pk=job.pk).update(asked_at=START, woken_at=START)
    return job


def state_of(job: Job) -> str:
    return Job.objects.values_list("state", flat=True).get(pk=job.pk)


# --- asked for and done ---------------------------------------------------------------------------


def test_a_job_is_done_with_its_parameters_and_leaves_its_file(
    anna: User, does: Does, watch: Watch
) -> None:
    def write(work: Work) -> None:
        path = work.new_file("calls.csv")
        path.write_text(f"for {work.owner}: {work.parameters['month']}", encoding="utf-8")
        work.progress(3, 3)
        work.say("3 calls")
        work.answer = {"calls": 3}

    does(write)
    job = new_job(anna, parameters={"month": "2026-11"})

    done = run_job(job.pk, clock=watch)

    assert done is not None
    assert (done.state, done.done, done.total, done.words) == ("DONE", 3, 3, "3 calls")
    assert done.answer == {"calls": 3}
    assert (folder_of(job.pk) / done.file).read_text(encoding="utf-8") == "for anna: 2026-11"
    assert done.file_name == "calls.csv"


def test_the_work_speaks_its_owners_language_and_knows_his_zone(
    anna: User, does: Does, watch: Watch
) -> None:
    heard: list[str] = []

    def listen(work: Work) -> None:
        heard.extend([translation.get_language(), timezone.get_current_timezone_name()])

    does(listen)
    with translation.override("ar"):
        run_job(new_job(anna).pk, clock=watch)

        assert heard == ["de", "Europe/Rome"]
        assert translation.get_language() == "ar"


def test_files_that_come_with_it_lie_in_its_folder(anna: User, does: Does, watch: Watch) -> None:
    upload = SimpleUploadedFile("../../etc/passwd", b"username\nanna\n")
    read: list[bytes] = []
    does(lambda work: read.append((work.folder / "people.csv").read_bytes()))

    job = new_job(anna, files={"people.csv": upload.chunks()})
    run_job(job.pk, clock=watch)

    assert read == [b"username\nanna\n"]
    assert [path.name for path in folder_of(job.pk).iterdir()] == ["people.csv"]


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("../../evil.csv", "....evil.csv"),
        ("/etc/passwd", "etcpasswd"),
        ("Gespräche - Mai.csv", "Gespräche_-_Mai.csv"),
        (HOSTILE + ".csv", None),
        (".", None),
        ("", None),
        ("a\r\nSet-Cookie: x=1.csv", None),
        ("x" * 500 + ".csv", None),
    ],
)
def test_a_files_name_never_leaves_its_folder(
    anna: User, does: Does, watch: Watch, asked: str, got: str | None
) -> None:
    does(lambda work: work.new_file(asked).touch())
    job = new_job(anna)

    done = run_job(job.pk, clock=watch)

    assert done is not None
    assert done.file
    path = folder_of(job.pk) / done.file
    assert path.resolve().parent == (folder_of(job.pk) / "1").resolve()
    assert path.is_file()
    assert not set(done.file_name) & set('/\\<>"\r\n{}')
    assert len(done.file_name) < 150
    if got is not None:
        assert done.file_name == got.lstrip(".")


def test_a_kind_that_is_not_named_is_a_mistake(anna: User) -> None:
    with pytest.raises(UnknownKind):
        start_job(kind="none_such", owner=anna, title="x")

    assert not Job.objects.exists()


@pytest.mark.parametrize("kind", sorted(live_settings.JOB_KINDS))
def test_every_kind_that_settings_name_can_be_done(kind: str) -> None:
    assert callable(operations.doer_of(kind))


@pytest.mark.parametrize(
    "kind",
    [
        *("people_preview", "people_import", "rates_preview", "rates_import"),
        *("demo_data", "demo_removal"),
    ],
)
def test_what_administrators_do_is_done_by_administrators_only(
    kind: str, anna: User, watch: Watch
) -> None:
    job = start_job(kind=kind, owner=anna, title="Mine again")

    run_job(job.pk, clock=watch)

    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.FAILED, "Nur Administratoren dürfen das tun.")


def test_a_worker_is_told_after_commit_and_a_dead_broker_does_not_matter(
    anna: User,
    does: Does,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[int] = []

    def tell(job_id: int) -> None:
        told.append(job_id)
        raise ConnectionError("no broker")

    settings.JOB_WAKER = "billingsite.tasks:wake_for_job"
    monkeypatch.setattr(import_module("billingsite.tasks"), "wake_for_job", tell)

    with django_capture_on_commit_callbacks(execute=True):
        job = new_job(anna)
        assert told == []

    assert told == [job.pk]
    assert state_of(job) == JobState.QUEUED


def test_the_task_for_jobs_goes_to_the_slow_worker() -> None:
    app = import_module("billingsite.celery").app

    route = app.amqp.router.route({}, "billingsite.tasks.slow_job")

    assert route["queue"].name == "reports"


def test_somebody_with_enough_jobs_waiting_is_refused(anna: User, dora: User, does: Does) -> None:
    for _ in range(operations.MOST_OPEN):
        new_job(anna)

    with pytest.raises(TooManyJobs):
        new_job(anna)

    assert new_job(dora).pk


# --- claimed once -----------------------------------------------------------------------------------


def test_a_job_is_done_once_however_often_workers_are_told(
    anna: User, does: Does, watch: Watch
) -> None:
    runs: list[int] = []
    does(lambda work: runs.append(work.job.pk))
    job = new_job(anna)

    first, second = run_job(job.pk, clock=watch), run_job(job.pk, clock=watch)

    assert first is not None
    assert second is None
    assert runs == [job.pk]
    assert run_job(999_999, clock=watch) is None


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_four_workers_at_once_one_does_it(anna: User, does: Does, watch: Watch) -> None:
    runs: list[str] = []
    does(lambda work: runs.append(threading.current_thread().name))
    job = new_job(anna)
    at_once = threading.Barrier(4)

    def worker() -> None:
        at_once.wait()
        try:
            run_job(job.pk, clock=watch)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runs) == 1
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 1)


# --- a worker that dies -----------------------------------------------------------------------------


def left_behind(job: Job, *, attempts: int = 1, silent: timedelta = DEAD_AFTER) -> None:
    """The row as a killed worker leaves it."""
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING,
        attempts=attempts,
        started_at=START - silent,
        heartbeat_at=START - silent - timedelta(seconds=1),
        done=5,
        total=9,
    )


def test_a_killed_workers_job_is_taken_up_again(anna: User, does: Does, watch: Watch) -> None:
    job = new_job(anna)
    left_behind(job)

    report = look_after_jobs(at=watch())

    job.refresh_from_db()
    assert (report.taken_up, job.state, job.done, job.total) == (1, JobState.QUEUED, 0, None)
    done = run_job(job.pk, clock=watch)
    assert done is not None
    assert (done.state, done.attempts) == (JobState.DONE, 2)


def test_a_job_that_shows_life_is_left_alone(anna: User, does: Does, watch: Watch) -> None:
    job = new_job(anna)
    left_behind(job, silent=timedelta(seconds=30))

    report = look_after_jobs(at=watch())

    assert (report.taken_up, report.running, state_of(job)) == (0, 1, JobState.RUNNING)


def test_a_job_that_kills_its_workers_is_given_up_with_words(
    anna: User, does: Does, watch: Watch
) -> None:
    job = new_job(anna)
    left_behind(job, attempts=MOST_ATTEMPTS)

    report = look_after_jobs(at=watch())

    job.refresh_from_db()
    assert (report.given_up, job.state, job.finished_at) == (1, JobState.FAILED, START)
    assert str(MOST_ATTEMPTS) in job.error


def test_a_cancelled_job_whose_worker_died_is_over(anna: User, does: Does, watch: Watch) -> None:
    job = new_job(anna)
    left_behind(job)
    Job.objects.filter(pk=job.pk).update(cancel_asked_at=START)

    look_after_jobs(at=watch())

    assert state_of(job) == JobState.CANCELLED


def test_a_worker_thought_dead_stops_and_changes_nothing(
    anna: User, does: Does, watch: Watch
) -> None:
    def slow(work: Work) -> None:
        work.new_file("mine.csv").write_text("first", encoding="utf-8")
        Job.objects.filter(pk=work.job.pk).update(attempts=2)  # another took it up meanwhile
        watch.go(2)
        work.progress(1, 2)
        raise AssertionError("it should have stopped")

    does(slow)
    job = new_job(anna)

    run_job(job.pk, clock=watch)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.file) == (JobState.RUNNING, 2, "")


def test_a_lost_message_is_sent_again(
    anna: User, does: Does, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(operations, "wake_worker", told.append)
    job = new_job(anna)

    early = look_after_jobs(at=START + timedelta(seconds=100))
    late = look_after_jobs(at=START + timedelta(seconds=130))
    later = look_after_jobs(at=START + timedelta(seconds=140))

    assert (early.woken, late.woken, later.woken) == (0, 1, 0)
    assert told == [job.pk]


# --- progress and cancelling ------------------------------------------------------------------------


def test_progress_is_written_once_a_second_at_most(
    anna: User, does: Does, watch: Watch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    seen: list[int] = []

    def steps(work: Work) -> None:
        for step in range(1, 3_001):
            watch.go(0.001)
            work.progress(step, 3_000)
            if step % 500 == 0:
                seen.append(Job.objects.values_list("done", flat=True).get(pk=work.job.pk))

    does(steps)
    job = new_job(anna)

    with django_assert_max_num_queries(30):
        run_job(job.pk, clock=watch)

    assert seen == [0, 1000, 1000, 2000, 2000, 3000]


def test_a_running_job_stops_midway_when_its_owner_cancels(
    anna: User, does: Does, watch: Watch
) -> None:
    steps: list[int] = []

    def work_on(work: Work) -> None:
        work.new_file("half.csv").write_text("half", encoding="utf-8")
        for step in range(10):
            steps.append(step)
            if step == 3:
                cancel_job(work.job, at=watch())
            watch.go(2)
            work.progress(step, 10)

    does(work_on)
    job = new_job(anna)

    ended = run_job(job.pk, clock=watch)

    assert ended is not None
    assert steps == [0, 1, 2, 3]
    assert (ended.state, ended.file, ended.error) == (JobState.CANCELLED, "", "")


@pytest.mark.django_db(transaction=True)
def test_what_a_cancelled_work_did_in_one_transaction_is_taken_back(
    anna: User, does: Does, watch: Watch
) -> None:
    def rename(work: Work) -> None:
        with transaction.atomic():
            User.objects.filter(pk=work.owner.pk).update(first_name="halfway")
            work._is_over = True  # as the beating thread sets it
            work.progress(1, 2)

    does(rename)
    job = new_job(anna)

    run_job(job.pk, clock=watch)

    anna.refresh_from_db()
    assert (anna.first_name, state_of(job)) == ("", JobState.CANCELLED)


@pytest.mark.django_db(transaction=True)
def test_a_work_inside_its_own_transaction_writes_no_progress_into_it(
    anna: User, does: Does, watch: Watch
) -> None:
    def hold(work: Work) -> None:
        with transaction.atomic():
            watch.go(5)
            work.progress(4, 8)
            transaction.set_rollback(True)
        assert state_of(work.job) == JobState.RUNNING
        watch.go(5)
        work.progress(5, 8)

    does(hold)
    job = new_job(anna)

    done = run_job(job.pk, clock=watch)

    assert done is not None
    assert (done.state, done.done) == (JobState.DONE, 8)


def test_a_silent_work_beats_beside_itself(
    anna: User, does: Does, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory.operations.work.BEATS_EVERY_SECONDS", 0.01)
    beats: list[str] = []
    enough = threading.Event()

    def beat(work: Work) -> None:
        beats.append(threading.current_thread().name)
        if len(beats) == 3:
            enough.set()

    monkeypatch.setattr(Work, "beat", beat)

    def wait(work: Work) -> None:
        enough.wait(20)

    does(wait)
    job = new_job(anna)

    run_job(job.pk, clock=watch)

    assert len(beats) >= 3
    assert threading.current_thread().name not in beats
    assert state_of(job) == JobState.DONE


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_silent_work_is_kept_alive_and_hears_of_its_end(
    anna: User, does: Does, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory.operations.work.BEATS_EVERY_SECONDS", 0.05)
    beaten: list[datetime] = []
    patience = threading.Event()

    def silent(work: Work) -> None:
        first = Job.objects.get(pk=work.job.pk).heartbeat_at
        for _ in range(200):
            patience.wait(0.05)
            now = Job.objects.get(pk=work.job.pk).heartbeat_at
            if now != first:
                assert now is not None
                beaten.append(now)
                break
        cancel_job(work.job, at=datetime.now(UTC))
        for _ in range(200):
            patience.wait(0.05)
            work.progress(1)

    does(silent)
    job = new_job(anna)

    run_job(job.pk, clock=lambda: datetime.now(UTC))

    assert beaten
    assert state_of(job) == JobState.CANCELLED


def test_a_waiting_job_is_cancelled_at_once_and_never_done(
    anna: User, does: Does, watch: Watch
) -> None:
    job = new_job(anna)

    assert cancel_job(job, at=watch()) is True

    assert run_job(job.pk, clock=watch) is None
    with pytest.raises(NotNow):
        cancel_job(job, at=watch())


def test_a_closed_accounts_job_is_not_done(anna: User, does: Does, watch: Watch) -> None:
    runs: list[int] = []
    does(lambda work: runs.append(1))
    job = new_job(anna)
    User.objects.filter(pk=anna.pk).update(is_active=False)

    run_job(job.pk, clock=watch)

    assert (runs, state_of(job)) == ([], JobState.CANCELLED)


# --- failing and trying again -----------------------------------------------------------------------


def test_a_refusal_ends_the_job_with_its_words_and_it_can_be_tried_again(
    anna: User, does: Does, watch: Watch
) -> None:
    def refuse(work: Work) -> None:
        raise DomainError("There are no calls in November.")

    does(refuse)
    job = new_job(anna)
    run_job(job.pk, clock=watch)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.FAILED, "There are no calls in November.")

    does(lambda work: None)
    retry_job(job, at=watch())
    done = run_job(job.pk, clock=watch)

    assert done is not None
    assert (done.state, done.error, done.attempts) == (JobState.DONE, "", 1)
    with pytest.raises(NotNow):
        retry_job(job, at=watch())


def test_a_mistake_of_ours_shows_no_inside_of_ours(
    anna: User, does: Does, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(work: Work) -> None:
        raise ValueError("secret path /srv/key")

    does(stumble)
    job = new_job(anna)

    run_job(job.pk, clock=watch)

    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "secret" not in job.error
    assert str(job.pk) in job.error
    assert "secret path" in caplog.text


# --- removed in time --------------------------------------------------------------------------------


def test_after_a_week_row_and_files_go_and_nothing_else(
    anna: User, does: Does, watch: Watch
) -> None:
    does(lambda work: work.new_file("x.csv").touch())
    old, young, waiting = (new_job(anna) for _ in range(3))
    run_job(old.pk, clock=watch)
    watch.go(3_600)
    run_job(young.pk, clock=watch)

    report = look_after_jobs(at=START + JOBS_KEPT_FOR + timedelta(minutes=30))

    assert report.removed == 1
    assert set(Job.objects.all()) == {young, waiting}
    assert not folder_of(old.pk).exists()
    assert folder_of(young.pk).exists()


def test_the_folder_of_a_deleted_persons_job_goes_too(anna: User, does: Does, watch: Watch) -> None:
    job = new_job(anna, files={"people.csv": [b"x"]})
    folder = folder_of(job.pk)
    anna.delete()
    week_ago = (datetime.now(UTC) - JOBS_KEPT_FOR - timedelta(hours=1)).timestamp()
    os.utime(folder, (week_ago, week_ago))

    look_after_jobs(at=datetime.now(UTC))

    assert not folder.exists()
