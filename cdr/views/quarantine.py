"""Pages of the records set aside: the list, one record, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cdr.forms.quarantine import (
    CLOSE,
    REPLAY,
    CloseForm,
    ManyForm,
    QuarantineFilterForm,
    ReplayForm,
)
from cdr.models import QuarantinedRecord, QuarantineState
from cdr.operations import quarantine
from cdr.operations.quarantine import SettledMany
from cdr.operations.traces import note_reveal
from cdr.queries.quarantine import outcome_of, quarantined, reasons_met, source_names
from cdr.queries.raw_fields import RawField, can_be_mended_by_field, raw_fields, with_fields
from directory.preferences import remembered_size
from directory.templatetags.figures import whole
from directory.views.base import PAGE_SIZES, AdministratorsOnly, ScopedPage, page_of
from kernel.clock import now
from kernel.errors import DomainError

MOODS = {
    QuarantineState.OPEN: "warn",
    QuarantineState.REPLAYED: "good",
    QuarantineState.CLOSED: "quiet",
}
FIELD = "field-"


class QuarantineList(AdministratorsOnly, ScopedPage):
    """Records that could not be used, newest first."""

    template_name = "cdr/quarantine.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = QuarantineFilterForm(self.request.GET, reasons=reasons_met(), sources=source_names())
        words = form.cleaned_data if form.is_valid() else {}
        size = remembered_size(self.request, "quarantine", among=PAGE_SIZES, default=20)
        page = page_of(self.request, quarantined(**words), size=size)
        rows = [{"record": record, "mood": MOODS[QuarantineState(record.state)]} for record in page]
        return super().get_context_data(
            form=form,
            page=page,
            rows=rows,
            sizes=PAGE_SIZES,
            size=size,
            is_narrowed=any(words.values()),
            can_settle=any(row["record"].state == QuarantineState.OPEN for row in rows),
            **kwargs,
        )


class QuarantineDetail(AdministratorsOnly, ScopedPage):
    """One record set aside: why, where it stood, its fields, and what can be done."""

    template_name = "cdr/quarantined.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().get(request, *args, **kwargs)
        note_reveal(_record(kwargs["pk"]), by=self.reader)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        record = _record(kwargs["pk"])
        fields = raw_fields(record)
        is_open = record.state == QuarantineState.OPEN
        return super().get_context_data(
            record=record,
            mood=MOODS[QuarantineState(record.state)],
            is_open=is_open,
            outcome=outcome_of(record),
            fields=[field for field in fields if _matters(field)],
            other_fields=[field for field in fields if field.value and not _matters(field)],
            faulty=[field for field in fields if field.is_at_fault],
            by_field=is_open and can_be_mended_by_field(record),
            replay_form=ReplayForm(initial={"raw": record.raw}),
            close_form=CloseForm(),
            **kwargs,
        )


def _matters(field: RawField) -> bool:
    """What is at fault, and what the driver reads and the switch wrote."""
    return field.is_at_fault or bool(field.is_read and field.value)


def _record(pk: int) -> QuarantinedRecord:
    rows = QuarantinedRecord.objects.select_related("delivery__source__site")
    return get_object_or_404(rows, pk=pk)


class Settle(AdministratorsOnly):
    """A form about one record set aside; what it came to is shown on the record's page."""

    http_method_names = ["post", "options"]
    form_class: ClassVar[type[ReplayForm | CloseForm]]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        record = _record(kwargs["pk"])
        form = self.form_class(self.words_of(record, request.POST))
        if not form.is_valid():
            for errors in form.errors.values():
                for error in errors:
                    messages.error(request, str(error))
            return redirect("cdr:quarantined", pk=record.pk)
        try:
            words = self.settle(record, form.cleaned_data)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, words)
        return redirect("cdr:quarantined", pk=record.pk)

    def words_of(self, record: QuarantinedRecord, posted: Any) -> Mapping[str, Any]:
        """What was typed."""
        del record
        found: Mapping[str, Any] = posted
        return found

    def settle(self, record: QuarantinedRecord, words: dict[str, Any]) -> str:
        raise NotImplementedError


class Replay(Settle):
    """Hand the record, mended as a text or by its fields, to the Miner once more."""

    form_class = ReplayForm

    def words_of(self, record: QuarantinedRecord, posted: Any) -> Mapping[str, Any]:
        typed = {
            int(name.removeprefix(FIELD)): value
            for name, value in posted.items()
            if name.startswith(FIELD) and name.removeprefix(FIELD).isdecimal()
        }
        if not typed:
            return super().words_of(record, posted)
        return {"raw": with_fields(record, typed)}

    def settle(self, record: QuarantinedRecord, words: dict[str, Any]) -> str:
        typed = words["raw"].replace("\r\n", "\n")
        raw = None if typed.strip() == record.raw.strip() else typed
        quarantine.replay(record, raw=raw, by=self.reader.username, at=now())
        return _("The record was replayed. What it became stands below.")


class Close(Settle):
    """Give the record up, with the reason."""

    form_class = CloseForm

    def settle(self, record: QuarantinedRecord, words: dict[str, Any]) -> str:
        quarantine.close(record, reason=words["reason"], by=self.reader.username, at=now())
        return _("The record was closed.")


class SettleMany(AdministratorsOnly):
    """Replay or close the records that were ticked, after a page that says how many."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = ManyForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Tick at least one record first."))
            return redirect("cdr:quarantine")
        action, ids = form.cleaned_data["action"], form.cleaned_data["record"]
        reason_form = CloseForm(request.POST if "confirmed" in request.POST else None)
        is_closing = action == CLOSE
        if "confirmed" not in request.POST or (is_closing and not reason_form.is_valid()):
            return self.ask(request, action, ids, reason_form if is_closing else None)
        if is_closing:
            reason = reason_form.cleaned_data["reason"]
            report = quarantine.close_many(ids, reason=reason, by=self.reader.username, at=now())
        else:
            report = quarantine.replay_many(ids, by=self.reader.username, at=now())
        self.tell(request, action, report)
        return redirect("cdr:quarantine")

    def ask(
        self, request: HttpRequest, action: str, ids: list[int], form: CloseForm | None
    ) -> HttpResponse:
        """The page that names the number and the effect."""
        count = len(ids)
        context = {
            "question": _question(action, count),
            "effect": _(
                "The Miner takes each of them as it is. Those that still cannot be used stay."
            )
            if action == REPLAY
            else _("They are kept with your reason, and nobody is asked about them again."),
            "action": _("Replay them") if action == REPLAY else _("Close them"),
            "form": form,
            "kept": [
                ("action", action),
                ("confirmed", "1"),
                *(("record", key) for key in ids),
            ],
            "back": reverse("cdr:quarantine"),
            "is_harmless": action == REPLAY,
        }
        return render(request, "cdr/quarantine_many.html", context)

    def tell(self, request: HttpRequest, action: str, report: SettledMany) -> None:
        """What it came to, and why some were left."""
        if report.settled:
            words = (
                ngettext(
                    "%(count)s record was replayed.",
                    "%(count)s records were replayed.",
                    report.settled,
                )
                if action == REPLAY
                else ngettext(
                    "%(count)s record was closed.", "%(count)s records were closed.", report.settled
                )
            )
            messages.success(request, words % {"count": whole(report.settled)})
        if report.left:
            words = ngettext(
                "%(count)s record stays as it was: %(why)s",
                "%(count)s records stay as they were, most for this: %(why)s",
                report.left,
            )
            why = report.refused.most_common(1)[0][0]
            messages.warning(request, words % {"count": whole(report.left), "why": why})


def _question(action: str, count: int) -> str:
    words = (
        ngettext("Replay %(count)s record?", "Replay %(count)s records?", count)
        if action == REPLAY
        else ngettext("Close %(count)s record?", "Close %(count)s records?", count)
    )
    return words % {"count": whole(count)}
