"""The page that shows every component with made-up figures: for whoever builds or reviews pages.

It knows how components look and nothing of anybody's data.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.utils.translation import gettext_lazy as _

from cdr.models import CallStatus, CallType
from cdr.queries.calls import KINDS, ListedCall
from directory.views.base import PAGE_SIZES, AdministratorsOnly, ScopedPage
from kernel.clock import now


class ExampleForm(forms.Form):
    """One field of every sort, one of them filled in wrongly."""

    name = forms.CharField(label=_("Name"), help_text=_("As it stands on the door."))
    amount = forms.DecimalField(label=_("Amount"), required=False)
    period = forms.ChoiceField(
        label=_("Period"), choices=[("day", _("day")), ("month", _("month"))]
    )
    carry = forms.BooleanField(label=_("Carry over what is left"), required=False)


def example_call(call_type: CallType, **changes: Any) -> ListedCall:
    """A call that never was, of numbers kept for fiction."""
    started = now() - timedelta(minutes=12)
    is_answered = call_type.value[1] != "U"
    values: dict[str, Any] = {
        "id": 0,
        "call_type": call_type,
        "kind": KINDS[call_type],
        "is_voicemail": False,
        "site": "Milan",
        "partition": "PT-Milan",
        "extension": "221",
        "name": "Anna Example",
        "number": "+3902555****",
        "number_key": "",
        "number_class": "national",
        "area": "Milan",
        "started_at": started,
        "answered_at": started + timedelta(seconds=7) if is_answered else None,
        "ended_at": started + timedelta(seconds=100),
        "ring_ms": 7_000,
        "talk_ms": 93_000 if is_answered else 0,
        "billed_ms": 120_000 if is_answered else 0,
        "status": CallStatus.RATED,
        "unrated_reason": "",
        "cost_micros": 182_500 if is_answered else 0,
        "charge_micros": 182_500 if is_answered else 0,
        "currency": "EUR",
        "gateway": "GW-MILAN",
        "carrier": "Acme",
        "tariff": "Acme national",
        "matched_prefix": "39",
        "department": "Sales",
        "department_id": None,
        "cost_centre": "4711",
        "cost_centre_id": None,
        "office": "Milan",
        "office_id": None,
    }
    return ListedCall(**{**values, **changes})


TILES = (
    {
        "label": _("Cost this month"),
        "value": "€1,234.56",
        "change": _("more than by this day last month"),
        "mood": "bad",
        "definition": "cost",
        "href": "/calls/",
    },
    {"label": _("Answered calls"), "value": "5,077", "change": _("as many as last month")},
    {
        "label": _("Average conversation"),
        "value": "00:02:16",
        "change": _("shorter than last month"),
        "mood": "good",
        "definition": "duration",
    },
    {"label": _("Missed today"), "value": "0", "note": _("no missed calls today")},
)
MOODS = ("good", "warn", "bad", "info", "violet", "quiet")


class Components(AdministratorsOnly, ScopedPage):
    """Every component of `templates/components/`, each with what it takes."""

    template_name = "components_page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = ExampleForm({"amount": "a lot", "period": "month"})
        at = now()
        return super().get_context_data(
            tiles=TILES,
            moods=MOODS,
            calls=[example_call(call_type) for call_type in KINDS],
            chips=[(_("This month"), "?"), (_("Outgoing"), "?"), (_("Number 0039 02 …"), "?")],
            form=form,
            filter_form=ExampleForm(),
            page=Paginator(range(58), 10).page(3),
            sizes=PAGE_SIZES,
            size=10,
            timeline=[
                {"moment": at, "words": _("Phone locked"), "by": "ada.rinaldi", "mood": "bad"},
                {
                    "moment": at - timedelta(hours=1),
                    "words": _("A threshold was reached"),
                    "detail": _("80.40 of 100.00 spent"),
                    "mood": "warn",
                },
                {"moment": at - timedelta(days=1), "words": _("Budget assigned"), "mood": "info"},
            ],
            **kwargs,
        )
