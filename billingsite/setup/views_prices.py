"""The set-up's step about what calls cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from billingsite.models import SetupKey
from billingsite.setup.company import carriers_of
from billingsite.setup.drafts import Draft
from billingsite.setup.forms_calls import PricesForm
from billingsite.setup.kept_files import BadFile, keep_file, kept_file, note_flaw
from billingsite.setup.number_ranges import special_prefixes
from billingsite.setup.pages import SystemStep, problems_on
from billingsite.setup.simple_tariff import SimplePrices, simple_document
from billingsite.setup.steps import memory_of, remember
from billingsite.setup.trials import try_price, unpriced_words
from cdr.engine import classes
from cdr.engine.rating import CompiledTariff, compile_tariff
from cdr.engine.tariff_files import read_document
from cdr.engine.tariffs import InvalidTariff, parse_tariff
from cdr.models import Carrier
from cdr.queries.sites import plan_of
from cdr.queries.tariffs import compiled_version, newest_version_id
from directory.templatetags.navigation import address

SHOWN_PROBLEMS = 5
NO_TRIAL_SECONDS = 60


class PricesPage(SystemStep):
    """Step 6."""

    key = SetupKey.PRICES
    template_name = "setup/prices.html"

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        names = [carrier.name for carrier in self._carriers()]
        data, files = (request.POST, request.FILES) if request else (None, None)
        wanted = (request or self.request).POST.get("carrier") or self.request.GET.get("carrier")
        carrier = self._carrier(wanted or "") or next(iter(self._carriers()), None)
        carriers = memory_of(self.key).get("carriers", {})
        typed = carriers.get(carrier.name, {}) if carrier is not None else {}
        form = PricesForm(
            data,
            files,
            carriers=names,
            has_kept_file=kept_file("tariff") is not None,
            has_tariff=carrier is not None and carrier.tariff_id is not None,
            initial={"carrier": carrier.name if carrier else "", "try_seconds": 150, **typed},
        )
        return {"form": form}

    def _carriers(self) -> list[Carrier]:
        return carriers_of(self.system.site) or list(
            Carrier.objects.select_related("tariff").order_by("name")
        )

    def _carrier(self, name: str) -> Carrier | None:
        return next((each for each in self._carriers() if each.name == name), None)

    def more_context(self) -> dict[str, Any]:
        if not hasattr(self, "system"):
            return {}
        carriers = self._carriers()
        versions = {
            each.name: newest_version_id(each.tariff_id) is not None
            for each in carriers
            if each.tariff_id is not None
        }
        return {
            "system": self.system,
            "carriers": [
                {"name": each.name, "tariff": each.tariff, "has_prices": versions.get(each.name)}
                for each in carriers
            ],
            "sample": kept_file("sample"),
            "tariff_file": kept_file("tariff"),
            "rates_href": address("cdr:import_rates"),
            "has_mobile": bool(special_prefixes(self.system.site.country, classes.MOBILE)),
        }

    def test(self, *, form: PricesForm) -> HttpResponse:
        context: dict[str, Any] = {}
        compiled = self._compiled(form)
        if compiled is None:
            return self.shown_again(form=form)
        values = form.cleaned_data
        if values["try_number"]:
            context["trial"] = try_price(
                values["try_number"],
                talk_ms=(values["try_seconds"] or NO_TRIAL_SECONDS) * 1000,
                plan=plan_of(self.system.site),
                tariff=compiled,
                at=self.at,
            )
        look = self.look(self._draft(form))
        if look is not None:
            context |= {"look": look, "unpriced": unpriced_words(look.unpriced)}
        elif not values["try_number"]:
            form.add_error("try_number", _("Write a number to try."))
            return self.shown_again(form=form)
        return self.shown(form=form, **context)

    def save(self, *, form: PricesForm) -> HttpResponse:
        if self._compiled(form) is None:
            return self.shown_again(form=form)
        values, carrier = form.cleaned_data, form.cleaned_data["carrier"]
        self._draft(form).apply(at=self.at, by=self.by)
        typed = {
            name: f"{values[name]:f}"
            for name in ("national", "mobile", "international", "premium", "connect_fee")
            if values[name] is not None
        }
        typed |= {"increment": values["increment"], "how": values["how"]}
        known = memory_of(self.key).get("carriers", {})
        remember(self.key, at=self.at, by=self.by, carriers={**known, carrier: typed})
        bare = [
            each.name
            for each in carriers_of(self.system.site)
            if each.tariff_id is None and each.name != carrier
        ]
        if bare:
            messages.success(
                self.request, _("Saved. %(name)s has no prices yet.") % {"name": bare[0]}
            )
            return redirect(f"{self.request.path}?{urlencode({'carrier': bare[0]})}")
        return self.gone_on(_("Saved. Calls of %(name)s have prices now.") % {"name": carrier})

    def _compiled(self, form: PricesForm) -> CompiledTariff | None:
        """The tariff that the form describes, ready for rating; None with its flaws noted."""
        is_file = form.cleaned_data["how"] == PricesForm.FILE
        try:
            document = self._document(form)
            if document is not None:
                compiled = compile_tariff(parse_tariff(document))
                if is_file:
                    note_flaw("tariff", "")
                return compiled
        except InvalidTariff as refusal:
            problems = list(refusal.problems[:SHOWN_PROBLEMS])
            if problems[0].startswith("document: not "):
                problems = [_("This is no tariff file. A table comes in by Import rates.")]
            if is_file:
                note_flaw("tariff", problems[0])
            problems_on(form, "file", problems)
            return None
        except BadFile as refusal:
            form.add_error("file", refusal.message)
            return None
        carrier = self._carrier(form.cleaned_data["carrier"])
        version = newest_version_id(carrier.tariff_id) if carrier and carrier.tariff_id else None
        if version is None:
            form.add_error("national", _("Write prices, or give a tariff file."))
            return None
        return compiled_version(version)

    def _document(self, form: PricesForm) -> dict[str, Any] | None:
        """The tariff document; None where what is stored is meant."""
        values, site = form.cleaned_data, self.system.site
        if values["how"] == PricesForm.FILE:
            file = values.get("file")
            kept = keep_file("tariff", file) if file else kept_file("tariff")
            return None if kept is None else read_document(kept.read())
        if form.is_empty:
            return None
        return simple_document(
            SimplePrices(
                name=f"{values['carrier']} {site.currency}"[:200],
                country=site.country,
                currency=site.currency,
                time_zone=site.time_zone,
                national=values["national"],
                mobile=values["mobile"],
                international=values["international"],
                premium=values["premium"],
                connect_fee=values["connect_fee"] or Decimal(0),
                increment_seconds=int(values["increment"]),
            )
        )

    def _draft(self, form: PricesForm) -> Draft:
        draft, carrier = Draft(), form.cleaned_data["carrier"]
        document = self._document(form)
        if document is not None:
            file = draft.add_tariff("tariff", document)
            draft.add("carrier", name=carrier, tariff=file)
        return draft
