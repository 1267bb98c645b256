"""Tariffs: looked at, taken in as a file, handed out as a file, and tried on a number.

A version is never edited; a changed tariff file makes the next one.
"""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.engine.rating import Unpriced
from cdr.engine.receipts import Receipt, explain
from cdr.models import Tariff, TariffVersion
from cdr.operations.tariffs import add_version
from cdr.queries.tariffs import compiled_version, newest_version_id
from cdr.words import why_unrated
from directory.admin import ReadOnlyAdmin, ReadOnlyInline
from kernel.clock import now
from kernel.errors import DomainError

MOST_BYTES = 32 * 1024 * 1024
MOST_SECONDS = 86_400


class TariffFileForm(forms.Form):
    """A tariff file (the JSON document of docs/tariffs.md)."""

    file = forms.FileField(label=gettext_lazy("Tariff file (JSON)"))

    @property
    def origin(self) -> str:
        """The name of the file, for the version's history."""
        return str(getattr(self.files.get("file"), "name", "") or "")[:255]

    def clean_file(self) -> dict[str, Any]:
        """The document, read; its rules are checked by the operation."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is too large."))
        try:
            document = orjson.loads(file.read())
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(_("Not a JSON document: %s") % error) from error
        if not isinstance(document, dict):
            raise forms.ValidationError(_("A tariff file is one JSON object."))
        return document


class TrialForm(forms.Form):
    """A call that has not been made."""

    number = forms.RegexField(
        r"^\+?[0-9]{1,32}$", label=gettext_lazy("Number, international form"), strip=True
    )
    seconds = forms.IntegerField(
        label=gettext_lazy("Seconds"), min_value=0, max_value=MOST_SECONDS, initial=60
    )
    at = forms.DateTimeField(label=gettext_lazy("Answered at"), required=False)


class VersionInline(ReadOnlyInline):
    model = TariffVersion
    fields = ("number", "destinations", "origin", "made_by", "made_at", "document_link")
    readonly_fields = fields
    ordering = ("-number",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("packed")

    @admin.display(description=gettext_lazy("document"))
    def document_link(self, row: TariffVersion) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:cdr_tariff_document", args=[row.pk]),
            _("Download"),
        )


@admin.register(Tariff)
class TariffAdmin(ReadOnlyAdmin):
    """Tariffs with all their versions."""

    list_display = ("name", "currency")
    search_fields = ("name",)
    ordering = ("name",)
    inlines: ClassVar = [VersionInline]
    change_list_template = "admin/cdr/tariff/change_list.html"
    change_form_template = "admin/cdr/tariff/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("import/", view(self.take_in), name="cdr_tariff_import"),
            path("<int:pk>/try/", view(self.try_number), name="cdr_tariff_try"),
            path("version/<int:pk>/", view(self.hand_out), name="cdr_tariff_document"),
        ]
        return own + super().get_urls()

    def take_in(self, request: HttpRequest) -> HttpResponse:
        """Make a version of an uploaded file; the same content again changes nothing."""
        form = TariffFileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                version = self._take_in(request, form)
            except DomainError as refusal:
                form.add_error("file", refusal.message)
            else:
                messages.success(request, _("%(version)s is in force.") % {"version": version})
                return HttpResponseRedirect(
                    reverse("admin:cdr_tariff_change", args=[version.tariff_id])
                )
        return self._page(request, "import.html", {"form": form, "title": _("Import a tariff")})

    def _take_in(self, request: HttpRequest, form: TariffFileForm) -> TariffVersion:
        document = form.cleaned_data["file"]
        return add_version(
            name=str(document.get("name", "")),
            document=document,
            origin=form.origin,
            by=request.user.get_username(),
            at=now(),
        )

    def hand_out(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document of one version, as a file."""
        version = TariffVersion.objects.select_related("tariff").filter(pk=pk).first()
        if version is None:
            raise Http404
        name = f"{slugify(version.tariff.name) or 'tariff'}-{version.number}.json"
        return HttpResponse(
            orjson.dumps(version.document, option=orjson.OPT_INDENT_2),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def try_number(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What a call would cost by the newest version, with every line of the way there."""
        tariff = Tariff.objects.filter(pk=pk).first()
        if tariff is None:
            raise Http404
        form = TrialForm(request.GET if "number" in request.GET else None)
        receipt = refusal = None
        if form.is_valid():
            answer = self._price(tariff, form.cleaned_data)
            if isinstance(answer, Unpriced):
                refusal = why_unrated(answer.reason)
            else:
                receipt = answer
        context = {
            "form": form,
            "tariff": tariff,
            "receipt": receipt,
            "refusal": refusal,
            "title": _("Try a number: %(tariff)s") % {"tariff": tariff},
        }
        return self._page(request, "try.html", context)

    def _price(self, tariff: Tariff, words: dict[str, Any]) -> Receipt | Unpriced:
        version_id = newest_version_id(tariff.pk)
        if version_id is None:
            return Unpriced(reason="no_tariff_version")
        return explain(
            compiled_version(version_id),
            digits=words["number"].lstrip("+"),
            answered_ms=int((words["at"] or now()).timestamp() * 1000),
            talk_ms=words["seconds"] * 1000,
        )

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everything = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/cdr/tariff/{name}", everything)
