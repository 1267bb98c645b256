"""Bring a file: choose it, look at what it would change, import it, read what it did.

The looking changes nothing. A small file is looked at while the browser waits, a large
one by a worker; the page is the same and asks for itself each second. What all files
have in common stands first, then the people file.
"""

from __future__ import annotations

import csv
import io
import zipfile
from typing import IO, Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from directory.engine.people_file import COLUMNS
from directory.forms.imports import PeopleFileForm, shown_name
from directory.models import Job, JobState, Site
from directory.operations.jobs import run_job
from directory.operations.people_files import (
    IMPORT,
    PREVIEW,
    report_of,
    start_people_import,
    start_people_preview,
)
from directory.queries.jobs import jobs_of, mark_seen
from directory.templatetags.figures import whole
from directory.views.base import AdministratorsOnly, ScopedAction, page_of
from directory.views.jobs import asks_for_part
from kernel.clock import now
from kernel.errors import DomainError

MOST_BYTES_HERE = 200_000
MOST_UNPACKED_HERE = 2_000_000
RECENT = 8
STEPS = (
    gettext_lazy("Choose the file"),
    gettext_lazy("See what would change"),
    gettext_lazy("Import"),
)
LABELS: dict[str, Promise] = {
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "email": gettext_lazy("Mail address"),
    "language": gettext_lazy("Language"),
    "time_zone": gettext_lazy("Time zone"),
    "role": gettext_lazy("Role"),
    "supervises": gettext_lazy("Supervises"),
    "manager": gettext_lazy("Manager"),
    "department": gettext_lazy("Department"),
    "cost_centre": gettext_lazy("Cost centre"),
    "office": gettext_lazy("Office"),
}
EXAMPLES = (
    {
        "username": "mario.rossi",
        "first_name": "Mario",
        "last_name": "Rossi",
        "email": "mario.rossi@example.com",
        "language": "it",
        "role": "user",
        "manager": "lucia.bianchi",
        "department": "Sales/North",
        "cost_centre": "4711",
        "office": "Milan",
        "extension": "201",
    },
    {
        "username": "lucia.bianchi",
        "first_name": "Lucia",
        "last_name": "Bianchi",
        "email": "lucia.bianchi@example.com",
        "language": "it",
        "role": "supervisor",
        "supervises": "department:Sales",
        "department": "Sales",
        "cost_centre": "4711",
        "office": "Milan",
        "extension": "200",
    },
)


def is_quick(file: IO[bytes], *, size: int) -> bool:
    """Whether a file is read while the browser waits; a small workbook may be a large one packed."""
    try:
        with zipfile.ZipFile(file) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError):
        unpacked = 0
    finally:
        file.seek(0)
    return size <= MOST_BYTES_HERE and unpacked <= MOST_UNPACKED_HERE


class JobOfMine(AdministratorsOnly):
    """Something about one job of the reader, of the kinds that belong to the page."""

    kinds: ClassVar[tuple[str, ...]] = ()

    def jobs(self) -> QuerySet[Job]:
        return jobs_of(self.reader).filter(kind__in=self.kinds)

    def job(self) -> Job:
        return get_object_or_404(self.jobs(), pk=self.kwargs["pk"])


class JobStepPage(JobOfMine, TemplateView):
    """A step of an import: its job's progress, and once that is done what came of it.

    Asked by htmx it is the progress alone; when the job ends the browser is told to
    load the page anew.
    """

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        job = self.job()
        if job.has_ended and job.seen_at is None:
            mark_seen(self.reader, at=now(), job=job)
        if asks_for_part(request):
            if job.has_ended:
                return HttpResponse(headers={"HX-Refresh": "true"})
            context = {"job": job, "poll": request.path}
            return render(request, "directory/job_progress.html", context)
        context = self.get_context_data(job=job, poll=request.path, steps=STEPS, **kwargs)
        return self.render_to_response(context)


class ChooseFile(JobOfMine, TemplateView):
    """Choose a file to bring; those of the last days below.

    A small one is looked at while the browser waits, a large one by a worker.
    """

    form_class: ClassVar[type[Form]]
    shown_at: ClassVar[str]
    """The page of a job, by its route."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", self.form_class())
        return super().get_context_data(recent=self.jobs()[:RECENT], steps=STEPS, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form_class(request.POST, request.FILES)
        if form.is_valid():
            try:
                return redirect(self.shown_at, pk=self._looked_at(form).pk)
            except DomainError as refusal:
                form.add_error("file", refusal.message)
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _looked_at(self, form: Form) -> Job:
        file: UploadedFile = form.cleaned_data["file"]
        is_small = is_quick(file, size=file.size or 0)
        job = self.look_at(
            form,
            owner=self.reader,
            name=shown_name(file.name or ""),
            chunks=file.chunks(),
            is_done_here=is_small,
        )
        if is_small:
            run_job(job.pk, clock=now)
        return job

    def look_at(self, form: Any, **file: Any) -> Job:
        """Begin the job that looks at `file`: its owner, its name, its content.

        Raises:
            DomainError: if it cannot be begun; the text is shown at the file.
        """
        raise NotImplementedError


class FileAction(JobOfMine, ScopedAction):
    """Something done with a file that was looked at; the answer is on the page of a job."""

    shown_at: ClassVar[str]
    _way = ""

    def go_to(self, job: Job) -> None:
        """Show `job` afterwards, however this ends."""
        self._way = reverse(self.shown_at, args=[job.pk])

    def way_back(self, request: HttpRequest) -> str:
        return self._way or str(self.back_to)


class ImportFile(FileAction):
    """Import the file that was looked at."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        preview = get_object_or_404(self.jobs(), pk=kwargs["pk"], state=JobState.DONE)
        self.go_to(preview)
        self.go_to(self.begin(preview))
        return _("The import has begun. You may leave this page; it goes on without you.")

    def begin(self, preview: Job) -> Job:
        """Begin the job that imports what `preview` has looked at.

        Raises:
            DomainError: if it cannot be begun.
        """
        raise NotImplementedError


class ImportPeople(ChooseFile):
    """Choose a people file."""

    template_name = "directory/import_people.html"
    kinds = (PREVIEW, IMPORT)
    form_class = PeopleFileForm
    shown_at = "directory:people_file"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(columns=COLUMNS, **kwargs)

    def look_at(self, form: Any, **file: Any) -> Job:
        return start_people_preview(**file)


class PeopleFile(JobStepPage):
    """What a file would change, or what its import changed."""

    template_name = "directory/people_file.html"
    kinds = (PREVIEW, IMPORT)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        job: Job = context["job"]
        context |= {"is_import": job.kind == IMPORT, "name": job.parameters.get("name", "")}
        report = report_of(job) if job.state == JobState.DONE else None
        if report is None:
            return context
        parts = self._parts(report.counts)
        wanted = self.request.GET.get("show")
        shown = next((name for name, _words, count in parts if name == wanted and count), "")
        first = next((name for name in ("refused", "changed", "new") if report.counts[name]), "")
        shown = shown or first or "new"
        rows = getattr(report, shown)
        if shown == "units":
            rows = [
                {"kind": unit.partition(":")[0], "path": unit.partition(":")[2]} for unit in rows
            ]
        page = page_of(self.request, rows, size=20)
        if shown in ("new", "changed"):
            page.object_list = [_readable(person) for person in page.object_list]
        return context | {
            "report": report,
            "parts": parts,
            "tiles": self._tiles(report.counts),
            "shown": shown,
            "page": page,
        }

    def _tiles(self, counts: Any) -> list[dict[str, str]]:
        words = {
            "new": _("New people"),
            "changed": _("Changed"),
            "unchanged": _("As they are"),
            "gone": _("Not in the file"),
            "refused": _("Refused rows"),
        }
        return [{"label": text, "value": whole(counts[name])} for name, text in words.items()]

    def _parts(self, counts: Any) -> list[tuple[str, str, int]]:
        words = {
            "changed": _("Changed"),
            "new": _("New"),
            "refused": _("Refused rows"),
            "gone": _("Not in the file"),
            "units": _("New units"),
        }
        return [(name, text, counts[name]) for name, text in words.items()]


def _readable(person: dict[str, Any]) -> dict[str, Any]:
    """A person's changes with words for what changed, and instants to be written."""
    changes = [
        _line(change, person["username"]) | {"since": parse_datetime(change["since"] or "")}
        for change in person["changes"]
    ]
    return person | {"changes": changes}


def _line(change: dict[str, Any], username: str) -> dict[str, Any]:
    """One change with words; a line that nobody held before is simply his extension."""
    what = change["what"]
    if not what.startswith("line "):
        return change | {"label": _label(what)}
    site, _slash, rest = what.removeprefix("line ").partition("/")
    extension = rest.rpartition("/")[2]
    words = {"extension": extension, "site": site}
    if not change["old"] and change["new"] == username:
        name = _("%(extension)s (%(site)s)") % words
        return change | {"label": _("Extension"), "new": name}
    return change | {"label": _("Extension %(extension)s (%(site)s)") % words}


def _label(what: str) -> str:
    if what.startswith("custom_"):
        return _("Custom field %(number)s") % {"number": what.removeprefix("custom_")}
    return str(LABELS.get(what, what))


class ImportPeopleFile(ImportFile):
    """Import the people file that was looked at."""

    kinds = (PREVIEW,)
    back_to = reverse_lazy("directory:import_people")
    shown_at = "directory:people_file"

    def begin(self, preview: Job) -> Job:
        return start_people_import(preview)


class PeopleTemplate(AdministratorsOnly):
    """A people file to begin with: every column, two people."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="")
        writer.writeheader()
        site = Site.objects.order_by("pk").values_list("name", flat=True).first() or ""
        writer.writerows(example | {"site": site} for example in EXAMPLES)
        return HttpResponse(
            "\ufeff" + text.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="people.csv"'},
        )
