"""A file of contacts from a page: looked at first, then imported, both as jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.urls import reverse

from cdr.queries.contact_numbers import number_reader
from directory.engine.contact_file import read_contact_file
from directory.models import Job, User
from directory.operations.contacts import ContactsReport, plan_contacts, write_contacts
from directory.operations.jobs import start_job
from directory.operations.previews import keep_report, kept_report, start_import
from directory.operations.work import Work
from directory.scoping import scope_of
from kernel.sentences import sentence as _

PREVIEW: Final = "contacts_preview"
IMPORT: Final = "contacts_import"
FILE: Final = "contacts.csv"
COMPANY: Final = "company"


def start_contacts_preview(
    *, owner: User, name: str, chunks: Iterable[bytes], book: str, is_done_here: bool = False
) -> Job:
    """Look at an uploaded file called `name` for the book `mine` or `company`.

    Raises:
        TooManyJobs: if too many jobs of the owner wait.
    """
    return start_job(
        kind=PREVIEW,
        owner=owner,
        title=_("Look at the contacts in %(name)s", name=name),
        parameters={"name": name, "book": book},
        files={FILE: chunks},
        is_done_here=is_done_here,
    )


def start_contacts_import(preview: Job) -> Job:
    """Import the file that was looked at. Asked twice it is one import while that runs.

    Raises:
        FileGone: if the file is not kept any more.
        TooManyJobs: if too many jobs of the owner wait.
    """
    name = preview.parameters.get("name", FILE)
    title = _("Import the contacts in %(name)s", name=name)
    return start_import(preview, kind=IMPORT, title=title, file=FILE)


def do_preview(work: Work) -> None:
    """The job of kind `contacts_preview`: nothing is written but what would be."""
    _keep(work, _planned(work)[1])


def do_import(work: Work) -> None:
    """The job of kind `contacts_import`."""
    owner_id, report = _planned(work)
    work.beat()
    write_contacts(owner_id, report)
    _keep(work, report)
    work.say(
        _(
            "%(new)s new, %(changed)s changed, %(refused)s rows refused.",
            **{name: report.counts[name] for name in ("new", "changed", "refused")},
        )
    )


def _planned(work: Work) -> tuple[int | None, ContactsReport]:
    """Whose book, and what the file would do to it now."""
    work.leads_to(reverse("cdr:contact_file", args=[work.job.pk]))
    owner_id: int | None = work.owner.pk
    if work.parameters.get("book") == COMPANY:
        work.for_administrators()
        owner_id = None
    file = read_contact_file((work.folder / FILE).read_bytes())
    understood = number_reader(work.owner, scope_of(work.owner, at=work.at))
    return owner_id, plan_contacts(owner_id, file.entries, file.refused, understood=understood)


def _keep(work: Work, report: ContactsReport) -> None:
    work.answer = {"counts": report.counts}
    keep_report(work, report)


def report_of(job: Job) -> ContactsReport | None:
    """The report of a job that is done; none if it is not kept any more."""
    return kept_report(job, ContactsReport)
