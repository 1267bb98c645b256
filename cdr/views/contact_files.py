"""Bring a file of contacts: choose it, look at what it would change, import it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.forms.contacts import ContactFileForm
from cdr.operations.contact_files import (
    IMPORT,
    PREVIEW,
    report_of,
    start_contacts_import,
    start_contacts_preview,
)
from cdr.views.contacts import COMPANY, MINE, book_asked, book_page
from directory.models import Job, JobState, Role
from directory.scoping import may_write_contact, request_scope
from directory.templatetags.figures import whole
from directory.views.base import page_of
from directory.views.imports import ChooseFile, ImportFile, JobStepPage

WHY_REFUSED: dict[str, Promise] = {
    "cells": gettext_lazy("The row has too few cells."),
    "empty": gettext_lazy("The cell is empty."),
    "long": gettext_lazy("The cell is too long."),
    "signs": gettext_lazy("The cell holds a sign that cannot be read."),
    "number": gettext_lazy("This is not an outside number."),
    "twice": gettext_lazy("The number stands in line %(line)s already."),
}


class ImportContacts(ChooseFile):
    """Choose a file for one of the books."""

    roles = frozenset(Role)
    template_name = "cdr/import_contacts.html"
    kinds = (PREVIEW, IMPORT)
    form_class = ContactFileForm
    shown_at = "cdr:contact_file"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        is_for_company = request.user.is_authenticated and book_asked(request) == COMPANY
        if is_for_company and not may_write_contact(request_scope(request), None):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def jobs(self) -> QuerySet[Job]:
        return super().jobs().filter(parameters__book=book_asked(self.request))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        book = book_asked(self.request)
        return super().get_context_data(book=book, back=book_page(book), **kwargs)

    def look_at(self, form: Any, **file: Any) -> Job:
        return start_contacts_preview(book=book_asked(self.request), **file)


class ContactFile(JobStepPage):
    """What a file would change, or what its import changed."""

    roles = frozenset(Role)
    template_name = "cdr/contact_file.html"
    kinds = (PREVIEW, IMPORT)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        job: Job = context["job"]
        book = COMPANY if job.parameters.get("book") == COMPANY else MINE
        query = f"?book={COMPANY}" if book == COMPANY else ""
        context |= {
            "is_import": job.kind == IMPORT,
            "name": job.parameters.get("name", ""),
            "back": book_page(book),
            "another": reverse("cdr:import_contacts") + query,
        }
        report = report_of(job) if job.state == JobState.DONE else None
        if report is None:
            return context
        counts = report.counts
        words = {
            "new": _("New"),
            "changed": _("Changed"),
            "unchanged": _("As they are"),
            "refused": _("Refused rows"),
        }
        parts = [(name, words[name], counts[name]) for name in ("new", "changed", "refused")]
        wanted = self.request.GET.get("show")
        shown = next((name for name, _words, count in parts if name == wanted and count), "")
        first = next((name for name in ("refused", "changed", "new") if counts[name]), "new")
        page = page_of(self.request, getattr(report, shown or first), size=20)
        if (shown or first) == "refused":
            page.object_list = [_in_words(row) for row in page.object_list]
        return context | {
            "report": report,
            "parts": parts,
            "tiles": [{"label": words[name], "value": whole(counts[name])} for name in words],
            "shown": shown or first,
            "page": page,
        }


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    """A refused row with its reason in the reader's language."""
    return row | {"reason": str(WHY_REFUSED[row["reason"]]) % {"line": row["first"]}}


class ImportContactFile(ImportFile):
    """Import the file that was looked at."""

    roles = frozenset(Role)
    kinds = (PREVIEW,)
    back_to = reverse_lazy("cdr:contacts")
    shown_at = "cdr:contact_file"

    def begin(self, preview: Job) -> Job:
        return start_contacts_import(preview)
