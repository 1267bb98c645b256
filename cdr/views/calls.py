"""Pages of calls: the list and its files, one call, its record."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from cdr.columns import COLUMNS, DEFAULT, Column, columns_named
from cdr.forms.calls import FIELD_OF, ORDERS, RANGE, WIDER, CallFilterForm, Chip, chips_of
from cdr.models import Call
from cdr.operations.calls_file import (
    FORMATS,
    Spreadsheet,
    about,
    csv_lines,
    file_name,
    parameters_of,
    title_of,
)
from cdr.operations.traces import note_export, note_reveal
from cdr.queries.call_filters import CallFilter
from cdr.queries.call_order import (
    NEWEST_FIRST,
    Order,
    Sorting,
    sorted_calls,
    sorting_of,
    walk_in_order,
)
from cdr.queries.call_places import Cursor, Place
from cdr.queries.call_totals import CallTotals, call_totals, calls_of, stands_in_the_way
from cdr.queries.calls import (
    CallPage,
    ListedCall,
    find_call,
    list_calls,
    listed,
    neighbours_of,
    segments_of,
)
from cdr.queries.explanations import explain_call
from cdr.receipt_words import receipt_of, timeline_of
from directory.models import Role
from directory.operations.jobs import start_job
from directory.pace import TooManySearches, count_number_search
from directory.preferences import remembered_columns, remembered_size
from directory.reader import page_zone
from directory.scoping import Scope, narrowed, request_scope
from directory.spreadsheets import CONTENT_TYPES, separator
from directory.templatetags.figures import day
from directory.views.base import AdministratorsOnly, ScopedPage, SignedIn
from kernel.clock import now
from kernel.errors import DomainError
from kernel.periods import ONE_DAY, local_date

logger = logging.getLogger(__name__)

LIST_SIZES: Final = (10, 20, 50, 100, 200)
USUAL_SIZE: Final = 50
WRITTEN_AT_ONCE: Final = 5_000
SUSPECTS: Final = 6
"""So many filters at most are tried out one by one when nothing matches."""
PLACES: Final = ("older", "newer", "after", "before")
"""The names in the address of a place in the list to go on from."""


class CallsAsked(SignedIn):
    """What the address asks for, for the list, its files and the way from call to call."""

    @cached_property
    def form(self) -> CallFilterForm:
        return CallFilterForm(self.request.GET, scope=self.scope, zone=page_zone())

    @cached_property
    def scope(self) -> Scope:
        return request_scope(self.request)

    @cached_property
    def columns(self) -> Sequence[Column]:
        keys = tuple(column.key for column in COLUMNS)
        named = remembered_columns(self.request, "calls", among=keys, default=DEFAULT)
        return columns_named(named)

    def sorting(self, scope: Scope, wanted: CallFilter) -> Sorting:
        """The order of the list; the same for its page and its file."""
        return sorting_of(scope, wanted, self.form.order())

    def may_search(self) -> bool:
        """Whether the reader may ask for one more number this hour."""
        if self.form.cleaned_data.get("number"):
            try:
                count_number_search(self.scope, at=now())
            except TooManySearches as refusal:
                self.form.add_error("number", refusal.message)
                return False
        return True

    def filter_in_address(self, page: CallPage | None = None) -> str:
        """The filter alone, to be carried on; a typed number goes on as its key."""
        words = self.request.GET.copy()
        for name in (*PLACES, "size", "columns", "totals"):
            words.pop(name, None)
        if words.pop("number", None) and page is not None and page.calls:
            words["same"] = page.calls[0].number_key
        return _said(words)


class CallList(CallsAsked, ScopedPage):
    """All calls in the reader's scope, filtered, in the order asked for."""

    template_name = "cdr/calls.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = self.form
        size = remembered_size(self.request, "calls", among=LIST_SIZES, default=USUAL_SIZE)
        more: dict[str, Any] = {}
        if form.is_valid() and self.may_search():
            more = self._found(form.wanted(), size)
        return super().get_context_data(
            form=form,
            size=size,
            sizes=LIST_SIZES,
            columns=self.columns,
            all_columns=COLUMNS,
            chosen_columns={column.key for column in self.columns},
            csv_separator=separator(),
            kept=self._kept(),
            **more,
            **kwargs,
        )

    def _kept(self) -> list[tuple[str, str]]:
        """What the column chooser carries on unchanged."""
        gone = {"columns", "totals", *PLACES}
        return [
            (name, value)
            for name, values in self.request.GET.lists()
            if name not in gone
            for value in values
        ]

    def _found(self, wanted: CallFilter, size: int) -> dict[str, Any]:
        scope = narrowed(self.scope, wanted.whose)
        sorting = self.sorting(scope, wanted)
        order = sorting.order
        page = self._page(scope, wanted, size, order)
        number = page.calls[0].number if page.calls else ""
        chips = chips_of(self.form, number=number)
        found_nothing = not page.calls and page.looked_until is None
        return {
            "page": page,
            "sort": str(order),
            "order_words": ORDERS["" if order == NEWEST_FIRST else str(order)],
            "oldest_first": order.is_by_time and not order.falls,
            "is_too_much": sorting.one_too_many is not None,
            "instead": self._instead(wanted, sorting),
            "mixes_currencies": order.by == "cost" and len({c.currency for c in page.calls}) > 1,
            "chips": [(chip.words, _address(self.request.GET, chip)) for chip in chips],
            "totals": self._totals(scope, wanted, page) if page.calls else None,
            "in_the_way": self._in_the_way(scope, wanted, chips) if found_nothing else [],
            "widen": self._widen() if found_nothing else "",
            "onward": self.filter_in_address(page),
        }

    def _page(self, scope: Scope, wanted: CallFilter, size: int, order: Order) -> CallPage:
        places = {name: self.request.GET.get(name, "") for name in PLACES}
        if not order.is_by_time:
            return sorted_calls(
                scope=scope,
                wanted=wanted,
                size=size,
                order=order,
                after=Place.parse(places["after"]),
                before=Place.parse(places["before"]),
            )
        return list_calls(
            scope=scope,
            wanted=wanted,
            size=size,
            older_than=Cursor.parse(places["older"]),
            newer_than=Cursor.parse(places["newer"]),
            oldest_first=not order.falls,
        )

    def _instead(self, wanted: CallFilter, sorting: Sorting) -> list[tuple[str, str]]:
        """Ways to a list that can be put in order: the latest days that can, or one's own calls."""
        if sorting.one_too_many is None:
            return []
        ways = []
        first = local_date(sorting.one_too_many, wanted.zone) + ONE_DAY
        last = wanted.to_day
        if first <= min(last or self.form.today, self.form.today):
            days = {
                "period": RANGE,
                "start": first.isoformat(),
                "end": last.isoformat() if last else "",
            }
            words = _("Sort the calls from %(day)s on") % {"day": day(first)}
            ways.append((words, Chip("period", "", days)))
        if "whose" in self.form.fields and wanted.whose != "mine":
            ways.append((_("Sort only mine"), Chip("whose", "", {"whose": "mine"})))
        return [(words, _address(self.request.GET, chip)) for words, chip in ways]

    def _totals(self, scope: Scope, wanted: CallFilter, page: CallPage) -> CallTotals | None:
        return call_totals(
            scope=scope,
            wanted=wanted,
            all_you_can="totals" in self.request.GET,
            is_whole=page.is_whole,
        )

    def _in_the_way(
        self, scope: Scope, wanted: CallFilter, chips: Sequence[Chip]
    ) -> list[tuple[str, str]]:
        """The filters that alone exclude everything, with the address without each."""
        asked = [chip for chip in chips if chip.field in FIELD_OF][:SUSPECTS]
        guilty = set(stands_in_the_way(scope, wanted, [FIELD_OF[chip.field] for chip in asked]))
        return [
            (chip.words, _address(self.request.GET, chip))
            for chip in asked
            if FIELD_OF[chip.field] in guilty
        ]

    def _widen(self) -> str:
        """The address with the next wider period."""
        wider = WIDER.get(self.form.cleaned_data["period"])
        if wider is None:
            return ""
        chip = Chip("period", "", {"period": wider, "start": "", "end": ""})
        return _address(self.request.GET, chip)


def _address(asked: QueryDict, chip: Chip) -> str:
    """The list's address with a chip's changes; an empty value takes the key away."""
    words = asked.copy()
    for name in (*PLACES, "totals"):
        words.pop(name, None)
    for name, value in chip.changes.items():
        if value:
            words[name] = value
        else:
            words.pop(name, None)
    return f"{reverse('cdr:calls')}?{_said(words)}"


def _said(words: QueryDict) -> str:
    """The query without what was left empty, so that an address can be read."""
    said = [(name, value) for name, values in words.lists() for value in values if value]
    return urlencode(said)


class CallsFile(CallsAsked):
    """The list as a file: at once while it is short, as a job when it is long."""

    http_method_names: Final = ["post", "options"]  # type: ignore[misc]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = request.POST.get("format", "")
        back = f"{reverse('cdr:calls')}?{request.GET.urlencode()}"
        if form not in FORMATS or not self.form.is_valid() or not self.may_search():
            messages.error(request, _("The filter cannot be used. Mend it and try again."))
            return redirect(back)
        wanted = self.form.wanted()
        scope = narrowed(self.scope, wanted.whose)
        words = [chip.words for chip in chips_of(self.form)]
        count = calls_of(scope, wanted)
        order = self.sorting(scope, wanted).order
        note_export(words, form=form, by=self.reader)
        if count is not None and count <= WRITTEN_AT_ONCE:
            return self._at_once(scope, wanted, order, form, words)
        return self._as_job(wanted, order, form, words, back)

    def _at_once(
        self, scope: Scope, wanted: CallFilter, order: Order, form: str, words: Sequence[str]
    ) -> HttpResponse:
        zone, at = page_zone(), now()
        handfuls = walk_in_order(scope=scope, wanted=wanted, order=order)
        calls = (call for handful in handfuls for call in handful)
        if form == "csv":
            content = "".join(csv_lines(calls, self.columns, zone)).encode()
        else:
            target = io.BytesIO()
            book = Spreadsheet(target, self.columns, zone)
            for call in calls:
                book.add(call)
            book.write_about(about(scope, words=words, reader=str(self.reader), at=at, zone=zone))
            book.close()
            content = target.getvalue()
        response = HttpResponse(content, content_type=CONTENT_TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="{file_name(form, at, zone)}"'
        return response

    def _as_job(
        self, wanted: CallFilter, order: Order, form: str, words: Sequence[str], back: str
    ) -> HttpResponse:
        parameters = parameters_of(
            wanted=_without_clear_number(wanted, self.scope),
            columns=self.columns,
            form=form,
            order=order,
            words=words,
        )
        title = title_of(form, words)
        try:
            job = start_job(
                kind="calls_file", owner=self.reader, title=title, parameters=parameters
            )
        except DomainError as refusal:
            messages.error(self.request, refusal.message)
            return redirect(back)
        return redirect(job)


def _without_clear_number(wanted: CallFilter, scope: Scope) -> CallFilter:
    """The same calls, with the key of a number that was typed: a job's row keeps no number."""
    if not wanted.number:
        return wanted
    found = list_calls(scope=scope, wanted=wanted, size=1).calls
    same = found[0].number_key if found else wanted.same
    return replace(wanted, number="", same=same)


class CallDetail(CallsAsked, ScopedPage):
    """One call: its parts in order, how its price came about, and what was changed."""

    template_name = "cdr/call.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = self.scope
        call = find_call(scope=scope, call_id=kwargs["pk"])
        if call is None:
            raise Http404
        segments = segments_of(scope=scope, call=call)
        shown = next((part for part in segments if part.id == call.pk), listed(call, scope))
        explanation = explain_call(call, write_number=scope.mask_of_class)
        onward = self.filter_in_address()
        return super().get_context_data(
            call=shown,
            row=call,
            segments=segments,
            may_name=self._may_name(call, shown),
            receipt=receipt_of(explanation, call),
            entries=timeline_of(call, call.adjustments.order_by("made_at", "id")[:50]),
            neighbours=neighbours_of(scope=scope, wanted=self._list(), call=call),
            may_reveal=self.reader.may_reveal_numbers,
            is_administrator=scope.role is Role.ADMIN,
            onward=onward,
            back=f"{reverse('cdr:calls')}?{onward}" if onward else reverse("cdr:calls"),
            **kwargs,
        )

    def _may_name(self, call: Call, shown: ListedCall) -> bool:
        """Whether the reader may give the number a name: on his own call, if he has not yet."""
        is_own = call.user_id == self.reader.pk
        return is_own and call.number.startswith("+") and not shown.is_own_contact

    def _list(self) -> CallFilter:
        """The list that the reader came from; all calls if he came from none."""
        asked = self.request.GET.copy()
        asked.pop("number", None)
        if not asked:
            return CallFilter(zone=page_zone())
        form = CallFilterForm(asked, scope=self.scope, zone=page_zone())
        return form.wanted() if form.is_valid() else CallFilter(zone=page_zone())


class RevealRecord(AdministratorsOnly):
    """The stored record in clear text: needs the right, and leaves a trace (domain 7)."""

    http_method_names: Final = ["post", "options"]  # type: ignore[misc]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        call = find_call(scope=request_scope(request), call_id=kwargs["pk"])
        if call is None:
            raise Http404
        if not self.reader.may_reveal_numbers:
            raise PermissionDenied(_("You have no right to see numbers in clear text."))
        note_reveal(call, by=self.reader)
        record = json.dumps(json.loads(call.facts or "{}"), indent=2, ensure_ascii=False)
        return render(
            request,
            "cdr/record.html",
            {"call": listed(call, request_scope(request)), "row": call, "record": record},
        )
