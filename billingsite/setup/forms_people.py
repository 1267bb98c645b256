"""The forms of the set-up: people, budgets, locks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billingsite.setup.fields import DialledNumber, Price, Words, network, one_line
from cdr.models import FailurePolicy


class PeopleForm(forms.Form):
    """Step 7."""

    EXTENSIONS, FILE = "extensions", "file"
    how = forms.ChoiceField(
        label=_("Where the people come from"), widget=forms.RadioSelect, choices=()
    )
    file = forms.FileField(label=_("People file (CSV)"), required=False)

    def __init__(
        self, *args: Any, extensions: int, has_kept_file: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.has_kept_file = has_kept_file
        choices = [(self.FILE, _("A file from your staff list"))]
        if extensions:
            choices.insert(0, (self.EXTENSIONS, _("One person for each extension seen in calls")))
        self.fields["how"].choices = choices  # type: ignore[attr-defined]
        self.fields["how"].initial = choices[0][0]
        if len(choices) == 1:
            self.fields["how"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("how") == self.FILE and not found.get("file") and not self.has_kept_file:
            self.add_error("file", _("Choose a file."))
        return found


class BudgetsForm(forms.Form):
    """Step 8. Without an amount no budget is made; locks are set all the same."""

    LOCKS = (
        ("cucm", _("Cisco asks Tollgate before each call (external call control)")),
        ("simulated", _("Simulated: nothing is locked, but all looks as if it were")),
        ("none", _("No locks")),
    )
    PERIODS = (("month", _("Month")), ("week", _("Week")), ("day", _("Day")))
    unit = forms.ChoiceField(label=_("For everybody in"), required=False)
    amount = Price(
        label=_("Each person may spend"),
        help_text=_("Left empty: no budget for now."),
        required=False,
    )
    period = forms.ChoiceField(label=_("Per"), choices=PERIODS, initial="month")
    warn_percent = forms.IntegerField(
        label=_("Warn by mail at (percent)"),
        required=False,
        min_value=1,
        max_value=99,
        initial=80,
    )
    is_locking = forms.BooleanField(
        label=_("Lock the person's phones when the budget is spent"), required=False
    )
    lock = forms.ChoiceField(
        label=_("How phones are locked"), choices=LOCKS, widget=forms.RadioSelect, initial="none"
    )
    callers = Words(
        label=_("Addresses of the call managers"),
        help_text=_("All nodes that route calls; blanks between them. Empty: this machine only."),
        check=network,
        required=False,
    )
    failure_policy = forms.ChoiceField(
        label=_("When a question cannot be decided"),
        choices=[
            (FailurePolicy.OPEN.value.lower(), _("Let it through (recommended)")),
            (FailurePolicy.CLOSED.value.lower(), _("Refuse it")),
            (FailurePolicy.PBX.value.lower(), _("Leave it to the telephone system")),
        ],
    )
    try_number = DialledNumber(label=_("An outside number to try, as it is dialled"))

    def __init__(
        self, *args: Any, units: list[tuple[str, str]], currency: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].choices = units  # type: ignore[attr-defined]
        self.fields["amount"].label = gettext("%(amount)s (%(unit)s)") % {
            "amount": self.fields["amount"].label,
            "unit": currency,
        }
        if not units:
            for name in ("unit", "amount", "period", "warn_percent", "is_locking"):
                del self.fields[name]


class SkipForm(forms.Form):
    """Leaving a step out for now."""

    note = forms.CharField(
        label=_("Why (so that the next person knows)"),
        required=False,
        max_length=300,
        validators=[one_line],
    )
