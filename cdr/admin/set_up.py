"""Set-up of sources, gateways and carriers."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cdr.models import Carrier, Gateway, GatewayCarrier, Source
from cdr.queries.drivers import driver_names
from directory.admin import SetUpAdmin, SetUpInline
from directory.fields import SecretField


class SourceForm(forms.ModelForm):
    """The secret in the address of routing requests is written here and never shown."""

    caller_secret = SecretField(
        required=False, help_text=_("Left empty, the present secret stays.")
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["driver"] = forms.ChoiceField(choices=[(name, name) for name in driver_names()])

    def clean_caller_secret(self) -> str:
        typed: str = self.cleaned_data["caller_secret"]
        return typed or self.instance.caller_secret


@admin.register(Source)
class SourceAdmin(SetUpAdmin):
    form = SourceForm
    list_display = ("name", "site", "driver", "folder", "is_active", "last_record_at")
    list_select_related = ("site",)
    search_fields = ("name",)
    autocomplete_fields = ("site",)


class GatewayCarrierInline(SetUpInline):
    model = GatewayCarrier
    autocomplete_fields = ("carrier",)


@admin.register(Gateway)
class GatewayAdmin(SetUpAdmin):
    list_display = ("device", "site", "kind")
    list_filter = ("site", "kind")
    list_select_related = ("site",)
    search_fields = ("device",)
    autocomplete_fields = ("site",)
    inlines: ClassVar = [GatewayCarrierInline]


@admin.register(Carrier)
class CarrierAdmin(SetUpAdmin):
    list_display = ("name", "tariff", "charge_tariff", "markup_percent")
    list_select_related = ("tariff", "charge_tariff")
    search_fields = ("name",)
    autocomplete_fields = ("tariff", "charge_tariff")
