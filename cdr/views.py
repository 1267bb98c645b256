"""Pages of calls and of the records set aside."""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from cdr.forms import CallFilterForm, CloseForm, QuarantineFilterForm, ReplayForm
from cdr.models import Call, QuarantinedRecord, QuarantineState
from cdr.operations import quarantine
from cdr.queries.calls import (
    CallFilter,
    Cursor,
    find_call,
    list_calls,
    listed,
    segments_of,
)
from cdr.queries.explanations import explain_call
from cdr.queries.quarantine import quarantined, reasons_met, source_names
from directory.pace import TooManySearches, count_number_search
from directory.scoping import request_scope
from directory.views import AdministratorsOnly, ScopedPage, chosen, page_of
from kernel.clock import now
from kernel.errors import DomainError

logger = logging.getLogger(__name__)

LIST_SIZES = (10, 20, 50, 100, 200)


def page_zone() -> ZoneInfo:
    """The zone that the page is written in, as the middleware set it."""
    return ZoneInfo(timezone.get_current_timezone_name())


class CallList(ScopedPage):
    """All calls in the reader's scope, filtered, newest first."""

    template_name = "cdr/calls.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        form = CallFilterForm(asked)
        size = chosen(asked.get("size"), among=LIST_SIZES, default=50)
        same_as = asked.get("with", "")
        scope = request_scope(self.request)
        page = model = None
        if form.is_valid() and self._may_search(form):
            wanted = form.wanted(
                zone=page_zone(), same_number_as=int(same_as) if same_as.isdecimal() else None
            )
            model = self._model_call(wanted)
            page = list_calls(
                scope=scope,
                wanted=wanted,
                size=size,
                older_than=Cursor.parse(asked.get("older", "")),
                newer_than=Cursor.parse(asked.get("newer", "")),
            )
        return super().get_context_data(
            form=form, page=page, model=model, size=size, sizes=LIST_SIZES, **kwargs
        )

    def _may_search(self, form: CallFilterForm) -> bool:
        """Whether the reader may ask for one more number this hour."""
        if form.cleaned_data["number"]:
            try:
                count_number_search(request_scope(self.request), at=now())
            except TooManySearches as refusal:
                form.add_error("number", refusal.message)
                return False
        return True

    def _model_call(self, wanted: CallFilter) -> Any:
        """The call whose number the list is about, as the reader may see it."""
        if wanted.same_number_as is None:
            return None
        scope = request_scope(self.request)
        call = find_call(scope=scope, call_id=wanted.same_number_as)
        return listed(call, scope) if call else None


class CallDetail(ScopedPage):
    """One call: its parts in order, and how its price came about."""

    template_name = "cdr/call.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request)
        call = find_call(scope=scope, call_id=kwargs["pk"])
        if call is None:
            raise Http404
        return super().get_context_data(
            call=listed(call, scope),
            segments=segments_of(scope=scope, call=call),
            explanation=explain_call(call, write_number=scope.mask_of_class),
            adjustments=call.adjustments.order_by("made_at", "id")[:50],
            may_reveal=self.reader.may_reveal_numbers,
            **kwargs,
        )


class RevealRecord(AdministratorsOnly):
    """The stored record in clear text: needs the right, and leaves a trace (domain 7)."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        call = find_call(scope=request_scope(request), call_id=kwargs["pk"])
        if call is None:
            raise Http404
        if not self.reader.may_reveal_numbers:
            raise PermissionDenied(_("You have no right to see numbers in clear text."))
        LogEntry.objects.create(
            user=self.reader,
            content_type=ContentType.objects.get_for_model(Call),
            object_id=str(call.pk),
            object_repr=str(call)[:200],
            action_flag=CHANGE,
            change_message="numbers revealed",
        )
        record = json.dumps(json.loads(call.facts or "{}"), indent=2, ensure_ascii=False)
        return render(
            request,
            "cdr/record.html",
            {"call": listed(call, request_scope(request)), "row": call, "record": record},
        )


class QuarantineList(AdministratorsOnly, ScopedPage):
    """Records that could not be used, newest first."""

    template_name = "cdr/quarantine.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = QuarantineFilterForm(self.request.GET, reasons=reasons_met(), sources=source_names())
        words = form.cleaned_data if form.is_valid() else {}
        page = page_of(self.request, quarantined(**words), size=20)
        return super().get_context_data(form=form, page=page, **kwargs)


class QuarantineDetail(AdministratorsOnly, ScopedPage):
    """One record set aside: why, where it stood, its text, and what can be done."""

    template_name = "cdr/quarantined.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        record = _record(kwargs["pk"])
        return super().get_context_data(
            record=record,
            is_open=record.state == QuarantineState.OPEN,
            replay_form=ReplayForm(initial={"raw": record.raw}),
            close_form=CloseForm(),
            **kwargs,
        )


def _record(pk: int) -> QuarantinedRecord:
    return get_object_or_404(QuarantinedRecord.objects.select_related("delivery__source"), pk=pk)


class Settle(AdministratorsOnly):
    """A form about one record set aside; a refusal stays on the record's page."""

    http_method_names = ["post", "options"]
    form_class: ClassVar[type[ReplayForm | CloseForm]]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        record = _record(kwargs["pk"])
        form = self.form_class(request.POST)
        if not form.is_valid():
            for errors in form.errors.values():
                for error in errors:
                    messages.error(request, str(error))
            return redirect("cdr:quarantined", pk=record.pk)
        try:
            words = self.settle(record, form.cleaned_data)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("cdr:quarantined", pk=record.pk)
        messages.success(request, words)
        return redirect("cdr:quarantine")

    def settle(self, record: QuarantinedRecord, words: dict[str, Any]) -> str:
        raise NotImplementedError


class Replay(Settle):
    """Hand the record, mended, to the Miner once more."""

    form_class = ReplayForm

    def settle(self, record: QuarantinedRecord, words: dict[str, Any]) -> str:
        typed = words["raw"].replace("\r\n", "\n")
        raw = None if typed.strip() == record.raw.strip() else typed
        quarantine.replay(record, raw=raw, by=self.reader.username, at=now())
        return _("The record was replayed.")


class Close(Settle):
    """Give the record up, with the reason."""

    form_class = CloseForm

    def settle(self, record: QuarantinedRecord, words: dict[str, Any]) -> str:
        quarantine.close(record, reason=words["reason"], by=self.reader.username, at=now())
        return _("The record was closed.")
