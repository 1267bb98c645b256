"""Long works: asked for on a page, done by a worker, watched by their owner.

    title = sentence("Calls of %(month)s", month="November")
    job = start_job(kind="calls_file", owner=user, title=title, parameters={…})
    return redirect(job)

The kinds are named in `settings.JOB_KINDS`; a kind is a function that takes `Work`.
It runs in its owner's language and time zone, and asks anew what he may see
(`scope_of(work.owner, at=work.at)`): between asking and doing his rights may have
changed. A worker that dies loses nothing: when a job has shown no life for a
minute it is taken up again, from the beginning, at most MOST_ATTEMPTS times.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from auditlog.context import set_actor
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from directory.models import ENDED_JOBS, JOBS_KEPT_FOR, Job, JobState, User
from directory.operations.work import Cancelled, Work, folder_of
from directory.queries.languages import language_of
from directory.reader import zone_of
from directory.said import said
from kernel.errors import DomainError
from kernel.sentences import Sentence

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
MOST_OPEN = 20
DEAD_AFTER = timedelta(seconds=60)
WOKEN_AGAIN_AFTER = timedelta(seconds=120)
REMOVED_AT_ONCE = 50

Doer = Callable[[Work], None]


class TooManyJobs(DomainError):
    """The owner has enough works waiting."""

    code = "too_many_jobs"


class NotNow(DomainError):
    """The job is not in a state for this."""

    code = "not_now"


class UnknownKind(Exception):
    """A programming error: a kind of job that the settings do not name, or name wrongly."""


def doer_of(kind: str) -> Doer:
    """The function that does jobs of this kind.

    Raises:
        UnknownKind: if there is none.
    """
    module, _colon, name = settings.JOB_KINDS.get(kind, "").partition(":")
    try:
        doer: Doer = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownKind(f"no job of kind {kind!r} can be done") from error
    return doer


# --- Asked for --------------------------------------------------------------------------------------


def start_job(
    *,
    kind: str,
    owner: User,
    title: str | Sentence,
    parameters: Mapping[str, Any] | None = None,
    files: Mapping[str, Iterable[bytes]] | None = None,
    is_done_here: bool = False,
) -> Job:
    """Ask for a work: its row, the files that belong to it, and a message to a worker.

    A `title` that is a sentence is said in the language of each page that shows it.

    `files` are written into the job's folder under the names given (ours, never the
    uploader's); an uploaded file's `chunks()` will do. With `is_done_here` no worker
    is woken: the caller does it himself by `run_job`.

    Raises:
        TooManyJobs: if MOST_OPEN of the owner's are waiting already.
    """
    doer_of(kind)
    if Job.objects.filter(owner=owner).exclude(state__in=ENDED_JOBS).count() >= MOST_OPEN:
        raise TooManyJobs(
            _(
                "%(count)s of your jobs are still waiting. Let some of them finish, or cancel them, "
                "and try again."
            )
            % {"count": MOST_OPEN}
        )
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            owner=owner,
            title=str(said(title))[:200],
            sentences={"title": asdict(title)} if isinstance(title, Sentence) else {},
            parameters=dict(parameters or {}),
        )
        for name, chunks in (files or {}).items():
            _keep(folder_of(job.pk) / name, chunks)
        if not is_done_here:
            transaction.on_commit(lambda: wake_worker(job.pk))
    return job


def _keep(path: Path, chunks: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        for chunk in chunks:
            handle.write(chunk)


def wake_worker(job_id: int) -> None:
    """Tell a worker of the job. If that fails the pipeline tells it later."""
    module, _colon, name = settings.JOB_WAKER.partition(":")
    if not module:
        return
    try:
        getattr(import_module(module), name)(job_id)
    except Exception:
        logger.exception("no worker could be told of job %s; the pipeline will", job_id)


def cancel_job(job: Job, *, at: datetime) -> bool:
    """End the job: at once if it waits, else as soon as its worker looks up.

    Returns whether it has ended.

    Raises:
        NotNow: if it had ended before.
    """
    waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED)
    if waiting.update(state=JobState.CANCELLED, cancel_asked_at=at, finished_at=at, seen_at=at):
        return True
    running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
    if not running.update(cancel_asked_at=at, seen_at=at):
        raise NotNow(_("This job had ended already."))
    return False


def retry_job(job: Job, *, at: datetime) -> None:
    """Do a failed or cancelled job again, from the beginning.

    Raises:
        NotNow: if it is neither.
    """
    ended = Job.objects.filter(pk=job.pk, state__in=[JobState.FAILED, JobState.CANCELLED])
    with transaction.atomic():
        if not ended.update(state=JobState.QUEUED, attempts=0, woken_at=at, **_BLANK):
            raise NotNow(_("Only a job that failed or was cancelled can be tried again."))
        transaction.on_commit(lambda: wake_worker(job.pk))


_BLANK: dict[str, Any] = {
    "done": 0,
    "total": None,
    "words": "",
    "error": "",
    "file": "",
    "page": "",
    "started_at": None,
    "heartbeat_at": None,
    "finished_at": None,
    "cancel_asked_at": None,
    "seen_at": None,
}


# --- Done -------------------------------------------------------------------------------------------


def run_job(job_id: int, *, clock: Callable[[], datetime]) -> Job | None:
    """Do the job if it waits; None if somebody else does it or it has ended.

    What goes wrong becomes its end, with words for its owner.
    """
    job = _claim(job_id, at=clock())
    if job is None:
        return None
    work = Work(job, clock=clock)
    language = language_of(job.owner)
    as_owner = set_actor(job.owner)  # what the work changes is logged as his
    with translation.override(language), timezone.override(zone_of(job.owner)), as_owner:
        state, error = _do(work)
    if state is JobState.DONE and work.total:
        work.done = work.total
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts).update(
        state=state,
        error=error,
        finished_at=clock(),
        done=work.done,
        total=work.total,
        words=work.words,
        sentences=work.sentences,
        answer=work.answer,
        page=work.page if state is JobState.DONE else "",
        file=work.file if state is JobState.DONE and (work.folder / work.file).is_file() else "",
    )
    job.refresh_from_db()
    return job


def _claim(job_id: int, *, at: datetime) -> Job | None:
    waiting = Job.objects.filter(pk=job_id, state=JobState.QUEUED)
    is_ours = waiting.update(
        state=JobState.RUNNING,
        attempts=F("attempts") + 1,
        started_at=at,
        heartbeat_at=at,
    )
    return Job.objects.select_related("owner").get(pk=job_id) if is_ours else None


def _do(work: Work) -> tuple[JobState, str]:
    if not work.owner.is_active:
        return JobState.CANCELLED, _("The account of its owner was closed.")
    try:
        with work.beating():
            doer_of(work.job.kind)(work)
    except Cancelled:
        return JobState.CANCELLED, ""
    except DomainError as refusal:
        return JobState.FAILED, str(said(refusal.words))
    except Exception as error:
        logger.exception("job %s (%s) failed", work.job.pk, work.job.kind)
        return JobState.FAILED, _(
            "Something went wrong on our side (%(what)s). Nothing is lost: try again, and if it "
            "happens again tell your administrator the number of this job, %(number)s."
        ) % {"what": type(error).__name__, "number": work.job.pk}
    return JobState.DONE, ""


# --- Looked after -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobsReport:
    """What a look at the jobs found: taken up again, given up, told of anew, removed."""

    taken_up: int = 0
    given_up: int = 0
    woken: int = 0
    removed: int = 0
    running: int = 0


def look_after_jobs(*, at: datetime) -> JobsReport:
    """Take up what a dead worker left, wake workers for what waits, remove what is old.

    Where there is nothing to do, that is one query.
    """
    dead = Q(state=JobState.RUNNING, heartbeat_at__lt=at - DEAD_AFTER)
    waiting = Q(state=JobState.QUEUED, woken_at__lt=at - WOKEN_AGAIN_AFTER)
    old = Q(state__in=ENDED_JOBS, finished_at__lt=at - JOBS_KEPT_FOR)
    found = Job.objects.aggregate(
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        dead=Count("pk", filter=dead),
        waiting=Count("pk", filter=waiting),
        old=Count("pk", filter=old),
    )
    taken_up, given_up = _take_up(dead, at=at) if found["dead"] else (0, 0)
    woken = _wake_for(waiting, at=at) if found["waiting"] else 0
    removed = _remove(old) if found["old"] else 0
    _remove_ownerless(before=at - JOBS_KEPT_FOR)
    return JobsReport(
        taken_up=taken_up,
        given_up=given_up,
        woken=woken,
        removed=removed,
        running=found["running"] - found["dead"],
    )


def _take_up(dead: Q, *, at: datetime) -> tuple[int, int]:
    """Let jobs of dead workers wait again, or give them up: how many of each."""
    taken_up = given_up = 0
    for job in Job.objects.filter(dead).select_related("owner"):
        mine = Job.objects.filter(dead, pk=job.pk, attempts=job.attempts)
        if job.cancel_asked_at is not None:
            mine.update(state=JobState.CANCELLED, finished_at=at)
        elif job.attempts >= MOST_ATTEMPTS:
            given_up += mine.update(
                state=JobState.FAILED, finished_at=at, error=_given_up(language_of(job.owner))
            )
        elif mine.update(state=JobState.QUEUED, woken_at=at, done=0, total=None, words=""):
            taken_up += 1
            wake_worker(job.pk)
    return taken_up, given_up


def _given_up(language: str) -> str:
    with translation.override(language):
        return _(
            "The worker stopped %(count)s times while doing this, perhaps for want of memory. "
            "Ask for less at once, or tell your administrator."
        ) % {"count": MOST_ATTEMPTS}


def _wake_for(waiting: Q, *, at: datetime) -> int:
    """Tell workers anew of jobs whose message seems to be lost."""
    woken = 0
    rows = Job.objects.filter(waiting).order_by("asked_at")
    for pk in list(rows.values_list("pk", flat=True)):
        if Job.objects.filter(waiting, pk=pk).update(woken_at=at):
            wake_worker(pk)
            woken += 1
    return woken


def _remove(old: Q) -> int:
    """Remove jobs that ended long ago, their files first."""
    keys = list(Job.objects.filter(old).values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    for key in keys:
        shutil.rmtree(folder_of(key), ignore_errors=True)
    Job.objects.filter(old, pk__in=keys).delete()
    return len(keys)


def _remove_ownerless(*, before: datetime) -> None:
    """Remove old folders whose job is gone, as when a person was deleted."""
    home = folder_of(0).parent
    if not home.is_dir():
        return
    old = {
        int(folder.name): folder
        for folder in home.iterdir()
        if folder.name.isdecimal() and datetime.fromtimestamp(folder.stat().st_mtime, UTC) < before
    }
    if old:
        known = set(Job.objects.filter(pk__in=old).values_list("pk", flat=True))
        for key in old.keys() - known:
            shutil.rmtree(old[key], ignore_errors=True)
