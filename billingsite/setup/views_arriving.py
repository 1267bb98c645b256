"""The sample file for real: handed to the source, and its records as they arrive."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from billingsite.setup.company import System, present_system
from billingsite.setup.kept_files import kept_file
from billingsite.setup.pages import SetupView, one_at_a_time
from billingsite.setup.samples import LISTED_WITH, hand_over
from cdr.models import Call, CallStatus, Delivery, Outcome, OutcomeKind
from cdr.queries.calls import calls_in, listed
from kernel.errors import DomainError

LATEST = 5


class ImportSample(SetupView):
    """The sample file is put where the source finds it; the next pass takes it."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        system, sample = present_system(), kept_file("sample")
        if system is None or sample is None:
            messages.error(request, _("Set a source up and give a call file in step 4 first."))
            return redirect("setup:checklist")
        try:
            with one_at_a_time():
                hand_over(sample, system.source)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("setup:checklist")
        return redirect("setup:arriving")


class Arriving(SetupView):
    """Records of the source as they arrive, and the first call with a price."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        system = present_system()
        context: dict[str, Any] = {"system": system}
        if system is not None:
            context |= self._arrived(system)
        return render(request, "setup/arriving.html", context)

    def _arrived(self, system: System) -> dict[str, Any]:
        deliveries = list(Delivery.objects.filter(source=system.source).order_by("-pk")[:LATEST])
        outcomes = Outcome.objects.filter(delivery__in=deliveries).values_list("kind")
        counts = dict(outcomes.annotate(Count("pk")).order_by("kind"))
        calls = calls_in(self.scope).filter(source=system.source)
        rows = calls.select_related(*LISTED_WITH)
        latest = [listed(call, self.scope) for call in rows.order_by("-started_at", "-pk")[:LATEST]]
        priced = calls.filter(is_paid=True, status=CallStatus.RATED, charge_micros__gt=0)
        first: Call | None = priced.order_by("-started_at", "-pk").first()
        return {
            "deliveries": deliveries,
            "set_aside": counts.get(OutcomeKind.QUARANTINED.value, 0),
            "duplicates": counts.get(OutcomeKind.DUPLICATE.value, 0),
            "latest": latest,
            "first_priced": first,
            "has_paid": first is not None or calls.filter(is_paid=True).exists(),
        }
