"""Questions about long works. A job is its owner's alone; nobody else finds it, whatever his role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils.functional import cached_property

from directory.models import ENDED_JOBS, JOBS_KEPT_FOR, Job, JobState, User

SHOWN_MOST = 200


def jobs_of(owner: User) -> QuerySet[Job]:
    """The jobs that `owner` asked for, the newest first."""
    return Job.objects.filter(owner=owner).order_by("-asked_at", "-pk")


def recent_jobs_of(owner: User, *, at: datetime) -> QuerySet[Job]:
    """His jobs that wait or run, and those that ended within a week."""
    is_recent = ~Q(state__in=ENDED_JOBS) | Q(finished_at__gt=at - JOBS_KEPT_FOR)
    return jobs_of(owner).filter(is_recent)[:SHOWN_MOST]


def mark_seen(owner: User, *, at: datetime, job: Job | None = None) -> None:
    """Note that the owner saw what ended: of one job, or of all."""
    ended = Job.objects.filter(owner=owner, state__in=ENDED_JOBS, seen_at__isnull=True)
    (ended.filter(pk=job.pk) if job else ended).update(seen_at=at)


@dataclass
class JobsBell:
    """What the bell shows; asks the database when it is looked at first."""

    owner: User

    @cached_property
    def _counts(self) -> dict[str, int]:
        unseen = Q(seen_at__isnull=True)
        return Job.objects.filter(owner=self.owner).aggregate(
            running=Count("pk", filter=~Q(state__in=ENDED_JOBS)),
            done=Count("pk", filter=Q(state=JobState.DONE) & unseen),
            failed=Count("pk", filter=Q(state=JobState.FAILED) & unseen),
        )

    @property
    def running(self) -> int:
        """How many wait or run."""
        return self._counts["running"]

    @property
    def done(self) -> int:
        """How many ended well and were not looked at yet."""
        return self._counts["done"]

    @property
    def failed(self) -> int:
        """How many failed and were not looked at yet."""
        return self._counts["failed"]

    @property
    def unseen(self) -> int:
        return self.done + self.failed


def jobs_bell(owner: User) -> JobsBell:
    """The figures of the bell for `owner`, one small query at most."""
    return JobsBell(owner)
