"""Set-up of sources, gateways and carriers."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cdr.engine.records import Party, Segment
from cdr.models import Carrier, Gateway, GatewayCarrier, Source
from cdr.queries.drivers import driver_names, driver_title
from cdr.queries.samples import SampleLine, read_sample
from cdr.queries.sources import is_our_own
from directory.admin import SetUpAdmin, SetUpInline
from directory.fields import ListField, SecretField
from directory.scoping import Scope, request_scope


class SourceForm(forms.ModelForm):
    """The secret in the address of routing requests is written here and never shown."""

    caller_secret = SecretField(
        label=_("Secret in their address"),
        required=False,
        help_text=_("Left empty, the present secret stays."),
    )

    class Meta:
        model = Source
        fields = (
            "name",
            "site",
            "driver",
            "folder",
            "options",
            "is_active",
            "failure_policy",
            "callers",
            "caller_secret",
        )
        field_classes: ClassVar = {"callers": ListField}
        widgets: ClassVar = {
            "options": forms.Textarea(attrs={"rows": 3, "dir": "ltr", "class": "vLargeTextField"})
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["driver"] = forms.ChoiceField(
            label=self.fields["driver"].label,
            choices=[(name, driver_title(name)) for name in driver_names()],
        )

    def clean_folder(self) -> str:
        folder: str = self.cleaned_data["folder"]
        if folder and is_our_own(folder):
            raise forms.ValidationError(_("Tollgate keeps its own files there. Choose another."))
        return folder

    def clean_caller_secret(self) -> str:
        typed: str = self.cleaned_data["caller_secret"]
        return typed or self.instance.caller_secret


@admin.register(Source)
class SourceAdmin(SetUpAdmin):
    form = SourceForm
    list_display = ("name", "site", "driver", "folder", "is_active", "last_record_at")
    list_filter = ("is_active", "driver")
    list_select_related = ("site",)
    search_fields = ("name",)
    ordering = ("name",)
    autocomplete_fields = ("site",)
    change_form_template = "admin/cdr/source/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test)
        return [path("<int:pk>/test/", test, name="cdr_source_test"), *super().get_urls()]

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the driver makes of the newest file: the first records, masked; nothing is kept."""
        source = Source.objects.select_related("site").filter(pk=pk).first()
        if source is None:
            raise Http404
        sample = read_sample(source)
        scope = request_scope(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Test %(source)s") % {"source": source},
            "source": source,
            "sample": sample,
            "words": PROBLEMS.get(sample.problem, ""),
            "rows": [_shown(line, scope) for line in sample.lines],
            "flaws": any(line.segment is None for line in sample.lines),
        }
        return TemplateResponse(request, "admin/cdr/source/test.html", context)


PROBLEMS = {
    "driver": _("The driver cannot be used:"),
    "no_folder": _("The watched folder is not there. The first pass makes it."),
    "no_file": _("There is no file yet. Have the telephone system send one, then test again."),
    "unreadable": _("The file cannot be read:"),
}


def _shown(line: SampleLine, scope: Scope) -> dict[str, Any]:
    """One record for the page; numbers of outsiders are masked as everywhere."""
    segment = line.segment
    if segment is None:
        return {"position": line.position, "reason": line.reason, "detail": line.detail}
    return {
        "position": line.position,
        "segment": segment,
        "origin": _party(segment.origin, scope),
        "target": _party(segment.target, scope),
        "talk_ms": _talk_ms(segment),
    }


def _party(party: Party, scope: Scope) -> str:
    return scope.masked(party.number, is_internal=party.kind == "line") or "—"


def _talk_ms(segment: Segment) -> int | None:
    if segment.answered_at is None:
        return None
    return round((segment.ended_at - segment.answered_at).total_seconds() * 1000)


class GatewayCarrierInline(SetUpInline):
    model = GatewayCarrier
    autocomplete_fields = ("carrier",)


@admin.register(Gateway)
class GatewayAdmin(SetUpAdmin):
    list_display = ("device", "site", "kind")
    list_filter = ("site", "kind")
    list_select_related = ("site",)
    search_fields = ("device",)
    ordering = ("site__name", "device")
    autocomplete_fields = ("site",)
    inlines: ClassVar = [GatewayCarrierInline]


@admin.register(Carrier)
class CarrierAdmin(SetUpAdmin):
    list_display = ("name", "tariff", "charge_tariff", "markup_percent")
    list_select_related = ("tariff", "charge_tariff")
    search_fields = ("name",)
    ordering = ("name",)
    change_form_template = "admin/cdr/carrier/change_form.html"
    autocomplete_fields = ("tariff", "charge_tariff")
