"""A people file from a page: looked at first, then imported, both as jobs that may take their time.

    preview = preview_people(content, at=now)      # writes nothing
    preview.counts["changed"], preview.refused …

The uploaded file lies in the folder of its job and nowhere else, the report beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from directory.models import Job, User
from directory.operations.jobs import start_job
from directory.operations.people import Watch, import_people
from directory.operations.people_report import PeopleReport, PersonReport
from directory.operations.previews import keep_report, kept_report, start_import
from directory.operations.work import Work
from kernel.errors import DomainError
from kernel.sentences import Sentence

PREVIEW = "people_preview"
IMPORT = "people_import"
FILE = "people.csv"


class ChangedMeanwhile(DomainError):
    """Somebody else changed people during the import; nothing was stored."""

    code = "changed_meanwhile"


@dataclass(frozen=True, slots=True)
class PeoplePreview:
    """What a people file changes, or has changed, ready for a page.

    `new` and `changed` are people: username, name, line in the file, and their changes
    (what, old, new, since). `gone` are those Tollgate knows and the file does not name:
    an import leaves them as they are. `refused` are cells: line, column, reason.
    """

    counts: Mapping[str, int]
    new: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    gone: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    units: list[str]
    is_dry_run: bool

    @property
    def is_idle(self) -> bool:
        """Nothing would change."""
        return not (self.counts["new"] or self.counts["changed"] or self.counts["units"])


def preview_people(content: bytes, *, at: datetime, watch: Watch | None = None) -> PeoplePreview:
    """What importing the people file `content` would do. Nothing is written, nothing locked.

    Raises:
        InvalidPeopleFile: if the file as a whole cannot be read.
    """
    return _for_people(import_people(content=content, at=at, is_dry_run=True, watch=watch))


def import_people_file(
    content: bytes, *, at: datetime, watch: Watch | None = None
) -> PeoplePreview:
    """Import the people file `content` in one transaction and tell what was done.

    Raises:
        InvalidPeopleFile: if the file as a whole cannot be read.
        ChangedMeanwhile: if somebody changed the same people at the same time.
    """
    try:
        return _for_people(import_people(content=content, at=at, watch=watch))
    except IntegrityError as error:
        raise ChangedMeanwhile(
            _("Somebody changed people at the same time. Nothing was imported; try again.")
        ) from error


def _for_people(report: PeopleReport) -> PeoplePreview:
    people = {
        username: (f"{first} {last}".strip(), is_active)
        for username, first, last, is_active in User.objects.values_list(
            "username", "first_name", "last_name", "is_active"
        )
    }
    gone = [
        {"username": username, "name": name}
        for username, (name, is_active) in sorted(people.items())
        if is_active and username.casefold() not in report.named
    ]
    new = [_person(person, people) for person in report.new]
    changed = [_person(person, people) for person in report.changed]
    refused = [asdict(row) for row in report.refused]
    return PeoplePreview(
        counts={
            "new": len(new),
            "changed": len(changed),
            "unchanged": len(report.unchanged),
            "gone": len(gone),
            "refused": len({row.line for row in report.refused}),
            "units": len(report.units_made),
        },
        new=new,
        changed=changed,
        gone=gone,
        refused=refused,
        units=list(report.units_made),
        is_dry_run=report.is_dry_run,
    )


def _person(person: PersonReport, known: Mapping[str, tuple[str, bool]]) -> dict[str, Any]:
    stored = known.get(person.username, ("", True))[0]
    told = {change.what: change.new for change in person.changes}
    name = stored or f"{told.get('first_name', '')} {told.get('last_name', '')}".strip()
    return {**person.as_document(), "name": name}


# --- As jobs -------------------------------------------------------------------------------------


def start_people_preview(
    *, owner: User, name: str, chunks: Iterable[bytes], is_done_here: bool = False
) -> Job:
    """Look at an uploaded file called `name`.

    Raises:
        TooManyJobs: if too many jobs of the owner wait.
    """
    return start_job(
        kind=PREVIEW,
        owner=owner,
        title=Sentence(gettext_noop("Look at the people in %(name)s"), {"name": name}),
        parameters={"name": name},
        files={FILE: chunks},
        is_done_here=is_done_here,
    )


def start_people_import(preview: Job) -> Job:
    """Import the file that was looked at. Asked twice it is one import while that runs.

    Raises:
        FileGone: if the file is not kept any more.
        TooManyJobs: if too many jobs of the owner wait.
    """
    name = preview.parameters.get("name", FILE)
    title = Sentence(gettext_noop("Import the people in %(name)s"), {"name": name})
    return start_import(preview, kind=IMPORT, title=title, file=FILE)


def do_preview(work: Work) -> None:
    """The job of kind `people_preview`."""
    work.for_administrators()
    work.leads_to(_page_of(work))
    content = (work.folder / FILE).read_bytes()
    _keep(work, preview_people(content, at=work.at, watch=work.progress))


def do_import(work: Work) -> None:
    """The job of kind `people_import`."""
    work.for_administrators()
    work.leads_to(_page_of(work))
    work.say(Sentence(gettext_noop("Importing; until it is finished nothing is changed.")))
    work.beat()
    content = (work.folder / FILE).read_bytes()
    done = import_people_file(content, at=work.at, watch=work.progress)
    _keep(work, done)
    work.say(
        Sentence(
            gettext_noop("%(new)s new, %(changed)s changed, %(refused)s rows refused."),
            {name: done.counts[name] for name in ("new", "changed", "refused")},
        )
    )


def _page_of(work: Work) -> str:
    return reverse("directory:people_file", args=[work.job.pk])


def _keep(work: Work, preview: PeoplePreview) -> None:
    work.answer = {"counts": dict(preview.counts)}
    keep_report(work, preview)


def report_of(job: Job) -> PeoplePreview | None:
    """The report of a job that is done; none if it is not kept any more."""
    return kept_report(job, PeoplePreview)
