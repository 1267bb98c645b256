"""Rate decks from a page as jobs: looked at, tried with a number, imported.

    job = start_rates_preview(owner=…, name="acme.csv", chunks=upload.chunks(), wishes=DeckWishes(…))
    report_of(job)                                          # RatesPreview, once it is done
    price_by(job, number="+442071234567", seconds=60, at=now)   # Receipt
    start_rates_import(job)

The uploaded file lies in the folder of its job and nowhere else; beside it the report,
and the tariff as it would be, so that a number can be tried before anything is stored.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import orjson
from django.urls import reverse

from cdr.engine.rating import CompiledTariff, Unpriced, compile_tariff
from cdr.engine.receipts import Receipt, explain
from cdr.engine.tariffs import epoch_ms, parse_tariff
from cdr.operations.rate_files import (
    DeckWishes,
    RatesPreview,
    import_rates_file,
    preview_rates,
    with_page_words,
)
from directory.models import Job, User
from directory.operations.jobs import start_job
from directory.operations.previews import (
    keep_report,
    kept_file,
    kept_report,
    pieces_of,
    put_beside,
    start_import,
)
from directory.operations.work import Work, folder_of
from kernel.sentences import sentence as _

PREVIEW = "rates_preview"
IMPORT = "rates_import"
FILE = "deck"
TARIFF = "tariff.json.z"
STEPS_OF_PREVIEW = 5


# --- Try a number --------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _compiled(path: Path, _changed_ns: int) -> CompiledTariff:
    return compile_tariff(parse_tariff(orjson.loads(zlib.decompress(path.read_bytes()))))


def price_by(preview: Job, *, number: str, seconds: int, at: datetime) -> Receipt | Unpriced | None:
    """What a call would cost by the tariff as the looked-at deck makes it; none if it is gone.

    `number` is E.164, with or without + or 00.
    """
    path = folder_of(preview.pk) / TARIFF
    try:
        tariff = _compiled(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    digits = re.sub(r"\D", "", number)
    if number.strip().startswith("00"):
        digits = digits[2:]
    return explain(tariff, digits=digits, answered_ms=epoch_ms(at), talk_ms=seconds * 1000)


# --- As jobs -------------------------------------------------------------------------------------


def start_rates_preview(
    *,
    owner: User,
    name: str,
    chunks: Iterable[bytes],
    wishes: DeckWishes,
    is_done_here: bool = False,
) -> Job:
    """Look at an uploaded deck called `name`.

    Raises:
        TooManyJobs: if too many jobs of the owner wait.
    """
    return start_job(
        kind=PREVIEW,
        owner=owner,
        title=_("Look at the rates in %(name)s", name=name),
        parameters={"name": name, **asdict(wishes)},
        files={FILE: chunks},
        is_done_here=is_done_here,
    )


def look_again(preview: Job, *, wishes: DeckWishes, is_done_here: bool) -> Job:
    """Look at the same file once more, read as `wishes` say.

    Raises:
        FileGone: if the file is not kept any more.
        TooManyJobs: if too many jobs of the owner wait.
    """
    return start_rates_preview(
        owner=preview.owner,
        name=preview.parameters.get("name", FILE),
        chunks=pieces_of(deck_of(preview)),
        wishes=wishes,
        is_done_here=is_done_here,
    )


def start_rates_import(preview: Job) -> Job:
    """Import the deck that was looked at. Asked twice it is one import while that runs.

    Raises:
        FileGone: if the file is not kept any more.
        TooManyJobs: if too many jobs of the owner wait.
    """
    name = preview.parameters.get("name", FILE)
    title = _("Import the rates in %(name)s", name=name)
    return start_import(preview, kind=IMPORT, title=title, file=FILE)


def deck_of(job: Job) -> Path:
    """The file that a job was given.

    Raises:
        FileGone: if it is not kept any more.
    """
    return kept_file(job, FILE)


def do_preview(work: Work) -> None:
    """The job of kind `rates_preview`."""
    work.for_administrators()
    work.leads_to(_page_of(work))
    work.progress(1, STEPS_OF_PREVIEW)
    report, document = with_page_words(
        preview_rates,
        work.folder / FILE,
        wishes=DeckWishes.of(work.parameters),
        name=work.parameters["name"],
        at=work.at,
    )
    work.progress(STEPS_OF_PREVIEW - 1, STEPS_OF_PREVIEW)
    put_beside(work, TARIFF, zlib.compress(orjson.dumps(document), 3))
    keep_report(work, report)
    work.answer = {"counts": report.counts}


def do_import(work: Work) -> None:
    """The job of kind `rates_import`."""
    work.for_administrators()
    work.leads_to(_page_of(work))
    work.say(_("Importing; until it is finished nothing is changed."))
    work.beat()
    work.progress(1, STEPS_OF_PREVIEW)
    report = with_page_words(
        import_rates_file,
        work.folder / FILE,
        wishes=DeckWishes.of(work.parameters),
        name=work.parameters["name"],
        by=work.owner.username,
        at=work.at,
    )
    keep_report(work, report)
    work.answer = {"counts": report.counts}
    work.say(
        _(
            "Tariff %(tariff)s is now version %(version)s; %(taken)s rows taken, %(refused)s refused.",
            tariff=report.tariff,
            version=report.version,
            taken=report.taken,
            refused=report.refused_count,
        )
    )


def _page_of(work: Work) -> str:
    return reverse("cdr:rate_file", args=[work.job.pk])


def report_of(job: Job) -> RatesPreview | None:
    """The report of a job that is done; none if it is not kept any more."""
    return kept_report(job, RatesPreview)
