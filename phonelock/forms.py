"""What people may type on the phone pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from phonelock.models import SwitchState
from phonelock.queries.people import PeopleFilter


class PeopleForm(forms.Form):
    """Which people to list."""

    username = forms.CharField(label=_("Username"), required=False, max_length=150)
    first_name = forms.CharField(label=_("First name"), required=False, max_length=150)
    last_name = forms.CharField(label=_("Last name"), required=False, max_length=150)
    extension = forms.CharField(label=_("Extension"), required=False, max_length=50)
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("All")),
            (SwitchState.LOCKED.value, _("Locked")),
            (SwitchState.UNLOCKED.value, _("Unlocked")),
        ],
    )

    def wanted(self) -> PeopleFilter:
        """The checked words as a filter; call it on a valid form only."""
        return PeopleFilter(**self.cleaned_data)


class AdminLockForm(forms.Form):
    """An administrative lock always says why."""

    reason = forms.CharField(max_length=255)
