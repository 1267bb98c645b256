"""A file that is looked at before it is imported.

The job that looked keeps the file, the job that imports gets a copy of it; beside the
file lies the report of what would change, or has. What is in the two is the business
of the jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from directory.models import Job
from directory.operations.jobs import start_job
from directory.operations.work import Work, folder_of
from kernel.errors import DomainError
from kernel.sentences import Sentence

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PIECE: Final = 1024 * 1024
REPORT: Final = "report.json"

Report = TypeVar("Report", bound="DataclassInstance")


class FileGone(DomainError):
    """The looked-at file is not kept any more."""

    code = "file_gone"


def kept_file(job: Job, name: str) -> Path:
    """The file that a job was given under `name`.

    Raises:
        FileGone: if it is not kept any more.
    """
    path = folder_of(job.pk) / name
    if not path.is_file():
        raise FileGone(_("The file is not kept any more. Please choose it again."))
    return path


def pieces_of(path: Path) -> Iterator[bytes]:
    """The content of a file, piece by piece."""
    with path.open("rb") as handle:
        while piece := handle.read(PIECE):
            yield piece


def start_import(preview: Job, *, kind: str, title: Sentence, file: str) -> Job:
    """Import the `file` that `preview` looked at. Asked twice it is one import while that runs.

    Raises:
        FileGone: if the file is not kept any more.
        TooManyJobs: if too many jobs of the owner wait.
    """
    with transaction.atomic():
        # Two clicks wait for each other here: the second finds the job of the first.
        Job.objects.select_for_update(no_key=True).filter(pk=preview.pk).first()
        mine = Job.objects.filter(owner=preview.owner, kind=kind, finished_at__isnull=True)
        running = mine.filter(parameters__preview=preview.pk).first()
        return running or start_job(
            kind=kind,
            owner=preview.owner,
            title=title,
            parameters={**preview.parameters, "preview": preview.pk},
            files={file: pieces_of(kept_file(preview, file))},
        )


def put_beside(work: Work, name: str, content: bytes) -> None:
    """Lay `content` beside the file of a job, whole or not at all."""
    path = work.folder / name
    partial = path.with_name(f"{name}.{work.job.attempts}")
    partial.write_bytes(content)
    partial.replace(path)


def keep_report(work: Work, report: DataclassInstance) -> None:
    """Keep what a job has to tell until its files go."""
    put_beside(work, REPORT, orjson.dumps(asdict(report)))


def kept_report(job: Job, kind: type[Report]) -> Report | None:
    """The report of a job that is done; none if it is not kept any more."""
    try:
        return kind(**orjson.loads((folder_of(job.pk) / REPORT).read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None
