"""What people may type on the budget pages; the wizard has a room of its own."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from budgets.engine.terms import MS_PER_MINUTE
from budgets.models import EventKind, Measure, PeriodKind
from budgets.queries.listing import BudgetFilter
from budgets.queries.shown import HistoryFilter
from directory.fields import DayField
from directory.models import User
from kernel.money import MICROS_PER_UNIT, BadAmount, to_micros

ALL = ("", _("All"))
KIND_WORDS = {
    "personal": _("Personal"),
    "cumulative": _("Cumulative"),
    "each": _("Personal, for each member"),
    "member": _("Personal, from a unit"),
}
STATE_WORDS = {
    "ok": _("within the budget"),
    "warning": _("nearly used up"),
    "over": _("used up"),
    "locked": _("phones locked"),
    "kept_open": _("kept open"),
}
PERIOD_WORDS = {
    PeriodKind.DAY: _("Daily"),
    PeriodKind.WEEK: _("Weekly"),
    PeriodKind.MONTH: _("Monthly"),
}


class HistoryForm(forms.Form):
    """Which events to list."""

    start = DayField(label=_("From"), required=False)
    end = DayField(label=_("To"), required=False)
    kind = forms.ChoiceField(label=_("Action"), required=False)
    text = forms.CharField(label=_("Budget for"), required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [ALL, *EventKind.choices]

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


class ListForm(forms.Form):
    """Which budgets to list."""

    text = forms.CharField(label=_("For"), required=False, max_length=100)
    kind = forms.ChoiceField(label=_("Type"), required=False, choices=[ALL, *KIND_WORDS.items()])
    period = forms.ChoiceField(
        label=_("Period"), required=False, choices=[ALL, *PERIOD_WORDS.items()]
    )
    state = forms.ChoiceField(label=_("State"), required=False, choices=[ALL, *STATE_WORDS.items()])

    def wanted(self, *, sort: str) -> BudgetFilter:
        """The checked words as a filter; call it on a valid form only."""
        words = self.cleaned_data
        return BudgetFilter(
            text=words["text"],
            kind=words["kind"],
            period=words["period"],
            state=words["state"],
            sort=sort,
        )


class AmountField(forms.CharField):
    """A decimal amount as people write it; the value is its text with a decimal point."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal"}))
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value).strip().replace(",", ".")
        if not text and not self.required:
            return ""
        try:
            to_micros(text)
        except BadAmount as refusal:
            raise forms.ValidationError(_("This is not an amount.")) from refusal
        return text


def in_measure(text: str, measure: str) -> int:
    """The checked text of an amount as micro-units, or as milliseconds for minutes."""
    micros = to_micros(text)
    return micros * MS_PER_MINUTE // MICROS_PER_UNIT if measure == Measure.MINUTES else micros


def with_unit(form: forms.Form, *, measure: str, currency: str) -> forms.Form:
    """The form, its amount named with what it is counted in."""
    unit = gettext("minutes") if measure == Measure.MINUTES else currency
    field = form.fields["amount"]
    field.label = gettext("%(amount)s (%(unit)s)") % {"amount": field.label, "unit": unit}
    return form


def reason_field(**more: Any) -> forms.CharField:
    """Why: one line, kept in the history."""
    return forms.CharField(label=_("Reason"), max_length=500, **more)


def seen_field() -> forms.CharField:
    """What the page showed of the thing to be changed: a second click has seen the same."""
    hidden = forms.HiddenInput(attrs={"id": False})  # several forms of a page have one
    return forms.CharField(required=False, max_length=50, widget=hidden)


class ChangeAmountForm(forms.Form):
    """What may be spent from now on, in the budget's own measure."""

    amount = AmountField(label=_("New amount"))
    seen = seen_field()

    def clean_seen(self) -> int | None:
        """The amount that stood there when the page was made; none if it was not told."""
        text: str = self.cleaned_data["seen"]
        return int(text) if text.isdecimal() else None


class AdjustForm(forms.Form):
    """More or less for the running period alone."""

    amount = AmountField(
        label=_("Add to this period"), help_text=_("With a minus sign it is taken away.")
    )
    reason = reason_field(help_text=_("The people of this budget can read it in the history."))
    seen = seen_field()


class OverrideForm(forms.Form):
    """Why the phones stay open although the budget is used up."""

    member = forms.ModelChoiceField(
        queryset=User.objects.all(), required=False, widget=forms.HiddenInput
    )
    reason = reason_field()


class DeleteForm(forms.Form):
    """Giving a budget up is confirmed."""

    sure = forms.BooleanField(label=_("Yes, end this budget"))


class ExceptionForm(forms.Form):
    """Whom to leave out of a unit's budget, and why."""

    username = forms.CharField(label=_("User name"), max_length=150)
    reason = reason_field(required=False)

    def clean_username(self) -> User:
        """The person of that name."""
        user = User.objects.filter(username=self.cleaned_data["username"].strip()).first()
        if user is None:
            raise forms.ValidationError(_("There is no user of that name."))
        return user


class AskForm(forms.Form):
    """How much more, and what for."""

    amount = AmountField(
        label=_("How much more"),
        required=False,
        help_text=_("Leave it empty to ask for “more”; whoever answers decides how much."),
    )
    reason = forms.CharField(
        label=_("What you need it for"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class GrantForm(forms.Form):
    """How much is granted, and a word to go with it."""

    amount = AmountField(label=_("Amount"))
    answer = forms.CharField(label=_("Reason"), required=False, max_length=500)


class RefuseForm(forms.Form):
    """Why not."""

    answer = forms.CharField(label=_("Reason"), max_length=500)


class BulkForm(forms.Form):
    """What to do with many budgets at once."""

    action = forms.ChoiceField(
        choices=[("raise", ""), ("override", ""), ("delete", "")], widget=forms.HiddenInput
    )
    percent = forms.IntegerField(
        label=_("Raise by percent"), min_value=-90, max_value=1000, required=False
    )
    reason = reason_field(required=False)
    seen = seen_field()

    def clean(self) -> dict[str, Any]:
        """Each action needs its own words."""
        words = super().clean() or self.cleaned_data
        if words.get("action") == "raise" and not words.get("percent"):
            self.add_error("percent", _("Say by how many percent."))
        if words.get("action") == "override" and not words.get("reason"):
            self.add_error("reason", _("Say why: it stands in the history."))
        return words
