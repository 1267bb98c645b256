"""What people may type on the budget pages."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from budgets.engine.carry import CarryRule
from budgets.engine.terms import MS_PER_MINUTE, Terms
from budgets.engine.thresholds import default_steps
from budgets.models import EventKind, Measure, PeriodKind
from budgets.queries.shown import HistoryFilter
from directory.fields import DayInput
from directory.models import OrgUnit, User
from kernel.money import MICROS_PER_UNIT, BadAmount, to_micros


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


class AmountField(forms.CharField):
    """A decimal amount as people write it; the value is its text with a decimal point."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value).strip().replace(",", ".")
        try:
            to_micros(text)
        except BadAmount as refusal:
            raise forms.ValidationError(_("This is not an amount.")) from refusal
        return text


def in_measure(text: str, measure: str) -> int:
    """The checked text of an amount as micro-units, or as milliseconds for minutes."""
    micros = to_micros(text)
    return micros * MS_PER_MINUTE // MICROS_PER_UNIT if measure == Measure.MINUTES else micros


class ChangeAmountForm(forms.Form):
    """What may be spent from now on, in the budget's own measure."""

    amount = AmountField(label=_("New amount"))


class OverrideForm(forms.Form):
    """Why the phones stay open although the budget is used up."""

    reason = forms.CharField(label=_("Reason"), max_length=500)


class DeleteForm(forms.Form):
    """Giving a budget up is confirmed."""

    sure = forms.BooleanField(label=_("Yes, give this budget up"))


class AssignForm(forms.Form):
    """A new budget: for whom, how much, in which rhythm, and what happens at which percent."""

    username = forms.CharField(
        label=_("Username"), required=False, max_length=150, help_text=_("or choose a unit")
    )
    unit = forms.ModelChoiceField(
        label=_("Unit"), queryset=OrgUnit.objects.order_by("kind", "path"), required=False
    )
    for_each_member = forms.BooleanField(label=_("One for each member of the unit"), required=False)
    measure = forms.ChoiceField(label=_("Counts"), choices=Measure.choices)
    amount = AmountField(label=_("Amount"), help_text=_("in the currency, or in minutes"))
    period = forms.ChoiceField(
        label=_("Period"), choices=PeriodKind.choices, initial=PeriodKind.MONTH
    )
    starts_on = forms.IntegerField(label=_("Starts on day"), min_value=1, max_value=31, initial=1)
    carry_over = forms.BooleanField(label=_("What is left is carried over"), required=False)
    lock = forms.BooleanField(label=_("Lock the phones at 100 %"), required=False)

    def clean_username(self) -> User | None:
        """The person of that name."""
        name = self.cleaned_data["username"].strip()
        if not name:
            return None
        user = User.objects.filter(username=name).first()
        if user is None:
            raise forms.ValidationError(_("There is no user of that name."))
        return user

    def clean(self) -> dict[str, Any]:
        """Refuse a budget for nobody, or for two."""
        words = super().clean() or self.cleaned_data
        if not self.errors and bool(words["username"]) == bool(words["unit"]):
            self.add_error("username", _("Say a username or a unit, one of the two."))
        return words

    @property
    def holder(self) -> User | OrgUnit:
        """Whom the budget is for; call it on a valid form only."""
        chosen: User | OrgUnit = self.cleaned_data["username"] or self.cleaned_data["unit"]
        return chosen

    def terms(self) -> Terms:
        """The checked words as terms, with the usual thresholds."""
        words = self.cleaned_data
        return Terms(
            amount=in_measure(words["amount"], words["measure"]),
            steps=default_steps(with_lock=words["lock"]),
            measure=words["measure"],
            period=words["period"],
            starts_on=words["starts_on"],
            carry=CarryRule() if words["carry_over"] else None,
        )
