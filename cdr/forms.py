"""What people may type on the pages of calls and of the quarantine."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from cdr.models import CallType, QuarantineState
from cdr.queries.calls import CallFilter
from directory.fields import DayInput


class CallFilterForm(forms.Form):
    """Which calls to list. Everything is optional, the number is matched whole."""

    start = forms.DateField(label=_("From"), required=False, widget=DayInput)
    end = forms.DateField(label=_("To"), required=False, widget=DayInput)
    type = forms.ChoiceField(label=_("Type"), required=False)
    extension = forms.CharField(label=_("Extension"), required=False, max_length=50)
    number = forms.CharField(
        label=_("Number, typed in full"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["type"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - for the type checker
        kind.choices = [("", _("All")), *CallType.choices]

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it starts."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end < start:
            self.add_error("end", _("The end lies before the start."))
        return cleaned

    def wanted(self, *, zone: ZoneInfo, same_number_as: int | None) -> CallFilter:
        """The checked words as a filter; call it on a valid form only."""
        words = self.cleaned_data
        return CallFilter(
            zone=zone,
            from_day=words["start"],
            to_day=words["end"],
            call_type=words["type"],
            extension=words["extension"].strip(),
            number=words["number"].strip(),
            same_number_as=same_number_as,
        )


class QuarantineFilterForm(forms.Form):
    """Which records set aside to list."""

    state = forms.ChoiceField(label=_("State"), required=False)
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    source = forms.ChoiceField(label=_("Source"), required=False)

    def __init__(self, *args: Any, reasons: list[str], sources: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {
            "state": [("", _("Open")), ("ALL", _("All")), *QuarantineState.choices[1:]],
            "reason": [("", _("All")), *((reason, reason) for reason in reasons)],
            "source": [("", _("All")), *((name, name) for name in sources)],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
            field.choices = choices


class ReplayForm(forms.Form):
    """The mended text of a record, exactly as the switch should have written it."""

    raw = forms.CharField(
        label=_("Record"),
        max_length=65_536,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "dir": "ltr"}),
    )


class CloseForm(forms.Form):
    """Why a record is given up for good."""

    reason = forms.CharField(label=_("Reason"), max_length=500)
