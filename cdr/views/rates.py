"""Bring a rate deck: choose it, see what it would change, try a number, import it.

The looking changes nothing. A small deck is looked at while the browser waits, a large
one by a worker; the page is the same and asks for itself each second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.deck_words import even_prices, increment_words
from cdr.engine.rating import Unpriced
from cdr.forms.rates import DeckFileForm, DeckOptionsForm, TrialForm, options_of
from cdr.models import GatewayCarrier
from cdr.operations.rate_files import RatesPreview
from cdr.operations.rate_jobs import (
    IMPORT,
    PREVIEW,
    deck_of,
    look_again,
    price_by,
    report_of,
    start_rates_import,
    start_rates_preview,
)
from cdr.receipt_words import exact_money, receipt_rows
from cdr.words import why_unrated
from directory.models import Job, JobState
from directory.operations.jobs import run_job
from directory.said import said
from directory.templatetags.figures import percent, whole
from directory.views.base import page_of
from directory.views.imports import (
    ChooseFile,
    FileAction,
    ImportFile,
    JobStepPage,
    is_quick,
)
from kernel.clock import now
from kernel.errors import DomainError
from kernel.sentences import recalled

NOON = time(12)
MEANINGS: dict[str, Promise] = {
    "prefix": gettext_lazy("Prefix"),
    "country_code": gettext_lazy("Country code"),
    "name": gettext_lazy("Destination"),
    "country": gettext_lazy("Country"),
    "class": gettext_lazy("Class"),
    "price": gettext_lazy("Price"),
    "fee": gettext_lazy("Connect fee"),
    "first": gettext_lazy("First seconds"),
    "next": gettext_lazy("Next seconds"),
    "increments": gettext_lazy("Charged by"),
    "free": gettext_lazy("Free seconds"),
    "grace": gettext_lazy("Seconds that cost nothing"),
    "minimum": gettext_lazy("Least price of a call"),
    "valid_from": gettext_lazy("Valid from"),
    "valid_to": gettext_lazy("Valid until"),
    "change": gettext_lazy("New, changed or ended"),
    "blocked": gettext_lazy("Barred"),
    "exact": gettext_lazy("The number itself only"),
    "origin": gettext_lazy("Caller's prefixes"),
    "plan": gettext_lazy("Which tariff"),
    "application": gettext_lazy("Calls or something else"),
    "incoming_fee": gettext_lazy("Connect fee of incoming calls"),
    "incoming_price": gettext_lazy("Price of incoming calls"),
}


class ImportRates(ChooseFile):
    """Choose a rate deck, and say how it is to be read."""

    template_name = "cdr/import_rates.html"
    kinds = (PREVIEW, IMPORT)
    form_class = DeckFileForm
    shown_at = "cdr:rate_file"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = {"carrier": self.request.GET.get("carrier", "")[:100]}
        kwargs.setdefault("form", DeckFileForm(initial=asked))
        return super().get_context_data(**kwargs)

    def look_at(self, form: Any, **file: Any) -> Job:
        return start_rates_preview(wishes=form.wishes(), **file)


class RateFile(JobStepPage):
    """What a deck would change, or what its import changed; a number can be tried."""

    template_name = "cdr/rate_file.html"
    kinds = (PREVIEW, IMPORT)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        job: Job = context["job"]
        is_import = job.kind == IMPORT
        context |= {"is_import": is_import, "name": job.parameters.get("name", "")}
        if not is_import and job.has_ended:
            context.setdefault("form", DeckOptionsForm(initial=options_of(job.parameters)))
        report = report_of(job) if job.state == JobState.DONE else None
        if report is None:
            return context
        context |= {
            "report": report,
            "starts_at": datetime.fromisoformat(report.starts_at),
            "columns": [
                column | {"words": str(MEANINGS.get(column["meaning"], column["meaning"]))}
                for column in report.columns
            ],
            "rows": _rows(report),
            "tiles": _tiles(report),
            "page": _refusals(self.request, report) if report.refused else None,
            "busy": _priced(report.busy, report.currency),
            "moves": [
                move | {"change": _change(move)}
                for move in _priced(report.moves[:10], report.currency)
            ],
            "warnings": [said(recalled(warning)) for warning in report.warnings],
            "has_no_gateway": not GatewayCarrier.objects.filter(
                carrier__name=report.carrier
            ).exists(),
            "notes": [said(recalled(note)) for note in report.notes],
        }
        if not is_import:
            context |= self._trial(job, report)
        return context

    def _trial(self, job: Job, report: RatesPreview) -> dict[str, Any]:
        """The number that is tried, with its receipt by the tariff as it would be."""
        is_asked = "number" in self.request.GET
        day = max(now(), datetime.fromisoformat(report.last_start)).astimezone(
            ZoneInfo(report.zone)
        )
        form = TrialForm(
            self.request.GET if is_asked else None, initial={"answered_on": day.date()}
        )
        if not is_asked or not form.is_valid():
            return {"trial": form}
        asked = form.cleaned_data["answered_on"]
        at = datetime.combine(asked, NOON, day.tzinfo) if asked else day
        answer = price_by(
            job,
            number=form.cleaned_data["number"],
            seconds=form.cleaned_data["seconds"],
            at=at,
        )
        if answer is None:
            return {"trial": form}
        if isinstance(answer, Unpriced):
            return {
                "trial": form,
                "tried_at": at,
                "unpriced": why_unrated(answer.reason),
            }
        return {
            "trial": form,
            "tried_at": at,
            "receipt": receipt_rows(answer.lines, report.currency),
            "price": exact_money(answer.cost, report.currency),
        }


def _tiles(report: RatesPreview) -> list[dict[str, str]]:
    counts = report.counts
    words = (
        (_("New prefixes"), counts.get("new", 0) + counts.get("barred", 0)),
        (_("Dearer"), counts.get("raised", 0)),
        (_("Cheaper"), counts.get("lowered", 0)),
        (_("Other changes"), counts.get("changed", 0) + counts.get("named", 0)),
        (_("As they are"), counts.get("unchanged", 0)),
        (_("Ended"), counts.get("ended", 0)),
        (_("Refused rows"), report.refused_count),
    )
    return [{"label": label, "value": whole(count)} for label, count in words]


def _rows(report: RatesPreview) -> list[dict[str, Any]]:
    """The first rows in the reader's words, the amounts of a column with as many places."""
    prices = even_prices((row.get("price", "") for row in report.rows), report.currency)
    fees = even_prices((row.get("fee", "") for row in report.rows), report.currency)
    return [
        row
        | {
            "price": price,
            "fee": fee,
            "increments": increment_words(row["increments"]) if row.get("increments") else "",
            "valid_from": datetime.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
        }
        for row, price, fee in zip(report.rows, prices, fees, strict=True)
    ]


def _refusals(request: HttpRequest, report: RatesPreview) -> Page[dict[str, Any]]:
    """One page of the rows that were not taken, each with its reason in words."""
    page = page_of(request, report.refused, size=10)
    page.object_list = [row | {"said": said(recalled(row["reason"]))} for row in page.object_list]
    return page


def _priced(moves: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """Prices before and after, all with as many places."""
    shown = even_prices([move[when] for move in moves for when in ("before", "after")], currency)
    return [
        dict(move) | {"before": before, "after": after}
        for move, before, after in zip(moves, shown[::2], shown[1::2], strict=True)
    ]


def _change(move: Mapping[str, Any]) -> str:
    """By how much a price changes, a rise with its sign."""
    sign = "+" if move["is_rise"] else ""
    return f"{sign}{percent(move['percent'])}"


class ImportRateFile(ImportFile):
    """Import the deck that was looked at."""

    kinds = (PREVIEW,)
    back_to = reverse_lazy("cdr:import_rates")
    shown_at = "cdr:rate_file"

    def begin(self, preview: Job) -> Job:
        return start_rates_import(preview)


class ReadAgain(FileAction):
    """Look at the same deck once more, read otherwise."""

    kinds = (PREVIEW,)
    back_to = reverse_lazy("cdr:import_rates")
    shown_at = "cdr:rate_file"

    def jobs(self) -> QuerySet[Job]:
        return super().jobs().exclude(state__in=[JobState.QUEUED, JobState.RUNNING])

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        preview = get_object_or_404(self.jobs(), pk=kwargs["pk"])
        self.go_to(preview)
        form = DeckOptionsForm(request.POST)
        if not form.is_valid():
            label, errors = next(
                (form.fields[name].label if name in form.fields else "", errors)
                for name, errors in form.errors.items()
            )
            raise NotReadable(f"{label}: {errors[0]}")
        deck = deck_of(preview)
        with deck.open("rb") as file:
            is_small = is_quick(file, size=deck.stat().st_size)
        job = look_again(preview, wishes=form.wishes(), is_done_here=is_small)
        if is_small:
            run_job(job.pk, clock=now)
        self.go_to(job)
        return _("The file was read again.")


class NotReadable(DomainError):
    """The form says something that cannot be."""

    code = "not_readable"
