"""The set-up's steps about calls: where they come from and how numbers read."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from billingsite.models import SetupKey
from billingsite.setup.company import (
    KnownGateway,
    System,
    findings_of,
    known_gateways,
    present_system,
    source_name_for,
    unknown_devices,
)
from billingsite.setup.countries import country_of_zone, defaults_of
from billingsite.setup.drafts import Draft
from billingsite.setup.fields import joined
from billingsite.setup.forms_calls import (
    DELIMITED_EXAMPLE,
    CallsForm,
    GatewayForms,
    NumbersForm,
)
from billingsite.setup.kept_files import BadFile, KeptFile, keep_file, kept_file
from billingsite.setup.pages import StepPage, SystemStep
from billingsite.setup.samples import look_at
from billingsite.setup.steps import memory_of, remember
from billingsite.setup.toml_text import toml_of
from billingsite.setup.trials import try_number, unpriced_words
from cdr.engine.numbers import DialPlan
from cdr.models import Source
from directory.models import Site
from directory.queries.homes import installation_currency, installation_zone
from kernel.errors import DomainError


class CallsPage(StepPage):
    """Step 4."""

    key = SetupKey.CALLS
    template_name = "setup/calls.html"

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        system = present_system()
        data, files = (request.POST, request.FILES) if request else (None, None)
        initial = self._stored(system) if system else self._proposed()
        form = CallsForm(data, files, initial=initial, is_known=system is not None)
        return {"form": form}

    def _proposed(self) -> dict[str, Any]:
        zone = installation_zone()
        return {
            "country": country_of_zone(zone),
            "time_zone": zone,
            "currency": installation_currency(),
            "driver": "cucm",
            "options": "",
        }

    def _stored(self, system: System) -> dict[str, Any]:
        source, site = system.source, system.site
        options = {k: v for k, v in source.options.items() if not k.startswith("lock")}
        return {
            "site": site.name,
            "country": site.country,
            "time_zone": site.time_zone,
            "currency": site.currency,
            "language": site.language,
            "driver": source.driver,
            "source": source.name,
            "folder": source.folder,
            "options": toml_of(options),
        }

    def more_context(self) -> dict[str, Any]:
        return {
            "sample": kept_file("sample"),
            "system": present_system(),
            "example": DELIMITED_EXAMPLE,
            "drop_folder": self._drop_folder(),
        }

    def _drop_folder(self) -> str:
        system = present_system()
        return system.folder if system else str(Path(settings.DATA_DIR, "drop", "…"))

    def _sample(self, form: CallsForm) -> KeptFile | None:
        file = form.cleaned_data.get("sample")
        return keep_file("sample", file) if file else kept_file("sample")

    def test(self, *, form: CallsForm) -> HttpResponse:
        try:
            sample = self._sample(form)
        except BadFile as refusal:
            form.add_error("sample", refusal.message)
            return self.shown_again(form=form)
        if sample is None:
            form.add_error("sample", _("Choose a call file to try with."))
            return self.shown_again(form=form)
        draft, source = self._draft(form)
        look = look_at(sample, source=source, draft=draft, scope=self.scope, now=self.at)
        return self.shown(form=form, look=look, unpriced=unpriced_words(look.unpriced))

    def save(self, *, form: CallsForm) -> HttpResponse:
        try:
            sample = self._sample(form)
        except BadFile as refusal:
            form.add_error("sample", refusal.message)
            return self.shown_again(form=form)
        draft, name = self._draft(form)
        draft.apply(at=self.at, by=self.by)
        source = Source.objects.select_related("site").get(name=name)
        findings: dict[str, Any] = {}
        if sample is not None:
            look = look_at(sample, source=name, draft=Draft(), scope=self.scope, now=self.at)
            findings = findings_of(look, source.site)
        remember(self.key, at=self.at, by=self.by, source=name, **findings)
        return self.gone_on(
            _("Saved. Files in %(folder)s are read from now on.")
            % {"folder": System(source, source.site).folder}
        )

    def _draft(self, form: CallsForm) -> tuple[Draft, str]:
        """The tables of the site and its source, and the source's name."""
        values = form.cleaned_data
        draft, usual = Draft(), defaults_of(values["country"])
        is_new = not Site.objects.filter(name=values["site"]).exists()
        draft.add(
            "site",
            name=values["site"],
            country=values["country"],
            timezone=values["time_zone"],
            currency=values["currency"],
            language=values["language"],
            international_prefix=usual.international_prefix if is_new else None,
            national_prefix=usual.national_prefix if is_new else None,
        )
        name = values["source"] or source_name_for(values["site"])
        stored = Source.objects.filter(name=name).first()
        if stored is not None and "source" not in form.initial:
            raise DomainError(_("A source of the name %(name)s is there already.") % {"name": name})
        draft.add(
            "source",
            name=name,
            site=values["site"],
            driver=values["driver"],
            folder=values["folder"] or f"drop/{name}",
            options=self._options(values, stored),
        )
        return draft, name

    def _options(self, values: dict[str, Any], stored: Source | None) -> dict[str, Any] | None:
        """The driver's options; those that speak of locks stay as they are."""
        if values["driver"] == "cucm" and (stored is None or stored.driver == "cucm"):
            return None
        kept = stored.options if stored is not None else {}
        return {**values["options"], **{k: v for k, v in kept.items() if k.startswith("lock")}}


class NumbersPage(SystemStep):
    """Step 5."""

    key = SetupKey.NUMBERS
    template_name = "setup/numbers.html"

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        site = self.system.site
        data = request.POST if request else None
        found = memory_of(SetupKey.CALLS)
        initial = {
            "exit_code": site.exit_code or found.get("exit_code", ""),
            "international_prefix": site.international_prefix,
            "national_prefix": site.national_prefix,
            "area_code": site.area_code,
            "extensions": joined(site.extension_patterns or found.get("patterns", [])),
            "local_lengths": joined(site.local_lengths),
            "emergency": joined(site.emergency_numbers),
        }
        return {
            "form": NumbersForm(data, initial=initial),
            "gateways": GatewayForms(data, prefix="gateway", initial=self._gateways()),
        }

    @cached_property
    def known(self) -> list[KnownGateway]:
        return known_gateways(self.system.site)

    @cached_property
    def unknown(self) -> list[str]:
        return unknown_devices(self.known)

    def _gateways(self) -> list[dict[str, str]]:
        """The gateways known, then the devices of the sample that are none yet."""
        known = [each for each in self.known if not each.is_dated]
        carriers = [each.carrier for each in known if each.carrier]
        usual = carriers[0] if carriers else ""
        return [
            *({"device": e.device, "kind": e.kind, "carrier": e.carrier} for e in known),
            *({"device": device, "kind": "pstn", "carrier": usual} for device in self.unknown),
        ]

    def more_context(self) -> dict[str, Any]:
        if not hasattr(self, "system"):
            return {}
        site = self.system.site
        usual = defaults_of(site.country)
        return {
            "system": self.system,
            "sample": kept_file("sample"),
            "unknown": self.unknown,
            "dated": [each for each in self.known if each.is_dated],
            "country_emergency": usual.emergency,
        }

    def test(self, *, form: NumbersForm, gateways: Any) -> HttpResponse:
        values = form.cleaned_data
        context: dict[str, Any] = {}
        if values["try_number"]:
            plan = DialPlan(
                country=self.system.site.country,
                exit_code=values["exit_code"],
                international_prefix=values["international_prefix"],
                national_prefix=values["national_prefix"],
                area_code=values["area_code"],
                extension_patterns=tuple(values["extensions"]),
                local_lengths=tuple(values["local_lengths"]),
                emergency_numbers=tuple(values["emergency"]),
            )
            context["tried"] = try_number(values["try_number"], plan=plan)
            context["tried_as"] = values["try_number"]
        look = self.look(self._draft(form, gateways))
        if look is not None:
            context |= {"look": look, "unpriced": unpriced_words(look.unpriced)}
        elif not values["try_number"]:
            form.add_error("try_number", _("Write a number to try."))
            return self.shown_again(form=form, gateways=gateways)
        return self.shown(form=form, gateways=gateways, **context)

    def save(self, *, form: NumbersForm, gateways: Any) -> HttpResponse:
        self._draft(form, gateways).apply(at=self.at, by=self.by)
        remember(self.key, at=self.at, by=self.by)
        return self.gone_on(_("Saved."))

    def _draft(self, form: NumbersForm, gateways: Any) -> Draft:
        values, site, draft = form.cleaned_data, self.system.site, Draft()
        draft.add(
            "site",
            name=site.name,
            **{
                name: values[name]
                for name in (
                    "exit_code",
                    "international_prefix",
                    "national_prefix",
                    "area_code",
                    "extensions",
                    "local_lengths",
                    "emergency",
                )
            },
        )
        known = {each.device.lower(): each for each in self.known}
        carriers: set[str] = set()
        for row in gateways.cleaned_data:
            device, kind = row.get("device"), row.get("kind")
            if not device or not kind:
                continue
            carrier = (row.get("carrier") or None) if kind in ("pstn", "onnet") else None
            before = known.get(device.lower())
            if before is not None and (before.kind, before.carrier) == (kind, carrier or ""):
                continue
            if carrier and carrier not in carriers:
                carriers.add(carrier)
                draft.add("carrier", name=carrier)
            draft.add("gateway", site=site.name, device=device, kind=kind, carrier=carrier)
        return draft
