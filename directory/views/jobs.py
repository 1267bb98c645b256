"""A reader's long works: the list behind the bell, one job with its progress, its file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _

from directory.models import Job
from directory.operations.jobs import cancel_job, retry_job
from directory.operations.work import folder_of
from directory.queries.jobs import jobs_of, mark_seen, recent_jobs_of
from directory.views.base import ScopedAction, ScopedPage, SignedIn
from kernel.clock import now


def asks_for_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page only."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted


class JobPage(ScopedPage):
    """One job. Asked by htmx it is its progress alone, and stops asking once the job has ended."""

    template_name = "directory/job.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        job = get_object_or_404(jobs_of(self.reader), pk=kwargs["pk"])
        if job.has_ended and job.seen_at is None:
            mark_seen(self.reader, at=now(), job=job)
        if asks_for_part(request):
            return render(request, "directory/job_progress.html", {"job": job})
        return self.render_to_response({"job": job})


class JobsPage(ScopedPage):
    """All jobs of the reader that run, and those of the last week."""

    template_name = "directory/jobs.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(recent_jobs_of(self.reader, at=now()))
        if any(job.has_ended and job.seen_at is None for job in rows):
            mark_seen(self.reader, at=now())
        return super().get_context_data(
            jobs=rows, is_waiting=any(not job.has_ended for job in rows), **kwargs
        )


class JobAction(ScopedAction):
    """What the owner does with one of his jobs."""

    back_to = reverse_lazy("directory:jobs")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        self.job = get_object_or_404(jobs_of(self.reader), pk=kwargs["pk"])
        return self.do(self.job)

    def do(self, job: Job) -> str:
        """Do it and say what was done."""
        raise NotImplementedError

    def way_back(self, request: HttpRequest) -> str:
        if request.POST.get("next"):
            return super().way_back(request)
        return self.job.get_absolute_url()


class CancelJob(JobAction):
    def do(self, job: Job) -> str:
        if cancel_job(job, at=now()):
            return _("“%(title)s” was cancelled.") % {"title": job.title_said}
        return _("“%(title)s” stops as soon as it can.") % {"title": job.title_said}


class RetryJob(JobAction):
    def do(self, job: Job) -> str:
        retry_job(job, at=now())
        return _("“%(title)s” starts again from the beginning.") % {"title": job.title_said}


class JobFile(SignedIn):
    """The file that a job made, as a download and never as a page."""

    http_method_names = ["get", "head", "options"]

    def get(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> FileResponse | HttpResponseRedirect:
        job = get_object_or_404(jobs_of(self.reader), pk=kwargs["pk"])
        if not job.file:
            raise Http404
        try:
            handle = (folder_of(job.pk) / job.file).open("rb")
        except FileNotFoundError:
            messages.error(
                request, _("The file is gone: files are kept for seven days. Try again.")
            )
            return HttpResponseRedirect(reverse("directory:jobs"))
        mark_seen(self.reader, at=now(), job=job)
        response = FileResponse(
            handle,
            as_attachment=True,
            filename=job.file_name,
            content_type="application/octet-stream",
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
