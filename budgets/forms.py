"""What people may type on the budget pages."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from budgets.models import EventKind
from budgets.queries.shown import HistoryFilter
from directory.fields import DayInput


class HistoryForm(forms.Form):
    """Which events to list."""

    start = forms.DateField(label=_("From"), required=False, widget=DayInput)
    end = forms.DateField(label=_("To"), required=False, widget=DayInput)
    kind = forms.ChoiceField(label=_("Action"), required=False)
    text = forms.CharField(label=_("Budget for"), required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [("", _("All")), *EventKind.choices]

    def wanted(self, *, zone: ZoneInfo, oldest_first: bool) -> HistoryFilter:
        """The checked words as a filter; call it on a valid form only."""
        words = self.cleaned_data
        return HistoryFilter(
            zone=zone,
            from_day=words["start"],
            to_day=words["end"],
            kind=words["kind"],
            text=words["text"],
            oldest_first=oldest_first,
        )
