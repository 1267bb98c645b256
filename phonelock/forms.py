"""What people may type on the phone pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator
from django.http import QueryDict
from django.urls import reverse_lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from kernel.periods import YEARS
from phonelock.engine.pins import LONGEST, SHORTEST
from phonelock.queries.people import SORTS, PeopleFilter, PhoneFilter

LIVE: Final = {
    "hx-get": reverse_lazy("phonelock:users"),
    "hx-include": "[form='filter']",
    "hx-target": "#rows",
    "hx-select": "#rows",
    "hx-select-oob": "#under-rows,#chips,#heads,#many",
    "hx-swap": "outerHTML",
    "hx-push-url": "true",
    "form": "filter",
    "autocomplete": "off",
}
"""A filter under a column takes effect while it is typed; without script the button does it."""
TYPED: Final = {**LIVE, "hx-trigger": "input changed delay:350ms, search"}
CHOSEN: Final = {**LIVE, "hx-trigger": "change"}


class PeopleForm(forms.Form):
    """Which people to list, and in which order."""

    username = forms.CharField(
        label=_("User name"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={**TYPED, "type": "search"}),
    )
    first_name = forms.CharField(
        label=_("First name"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={**TYPED, "type": "search"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={**TYPED, "type": "search"}),
    )
    extension = forms.CharField(
        label=_("Extension number"),
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={**TYPED, "type": "search", "inputmode": "tel", "dir": "ltr"}),
    )
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("All")),
            (PhoneFilter.LOCKED.value, _("Locked")),
            (PhoneFilter.ADMIN.value, _("Locked by the administrator")),
            (PhoneFilter.BUDGET.value, _("Locked by the budget")),
            (PhoneFilter.USER.value, _("Locked by the user")),
            (PhoneFilter.SESSION.value, _("Locked with the computer")),
            (PhoneFilter.UNLOCKED.value, _("Unlocked")),
            (PhoneFilter.UNCONFIRMED.value, _("Not confirmed")),
            (PhoneFilter.NO_LINE.value, _("No extension")),
        ],
        widget=forms.Select(attrs=CHOSEN),
    )
    sort = forms.ChoiceField(
        required=False,
        choices=[("", ""), *((sign + name, name) for name in SORTS for sign in ("", "-"))],
        widget=forms.HiddenInput,
    )

    def wanted(self) -> PeopleFilter:
        """The checked words as a filter; call it on a valid form only."""
        return PeopleFilter(**self.cleaned_data)


class NarrowPeopleForm(PeopleForm):
    """The same above the list, where columns have no room of their own."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="narrow_%s")
        for field in self.fields.values():
            given = field.widget.attrs
            field.widget.attrs = {k: v for k, v in given.items() if k in ("inputmode", "dir")}


def _until() -> forms.DateTimeField:
    return forms.DateTimeField(
        label=_("Unlock automatically on"),
        required=False,
        validators=[MaxValueValidator(datetime(YEARS.stop, 1, 1, tzinfo=UTC))],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Leave it empty, and the lock stays until somebody lifts it."),
    )


class AdminLockForm(forms.Form):
    """An administrative lock always says why, and perhaps until when."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=255,
        error_messages={"required": _("A lock by the administrator needs a reason.")},
        help_text=_("The person reads it on their page, and it stays in the history."),
    )
    until = _until()


class ManyUnlockForm(forms.Form):
    """Why many locks are lifted at once."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=255,
        error_messages={"required": _("Say why: it stays in the history of each phone.")},
    )


class PinField(forms.CharField):
    """A PIN as it is typed: hidden, digits, kept nowhere and never written back into a page."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "numeric", "dir": "ltr", "autocomplete": "off", "maxlength": "24"}
        widget = forms.PasswordInput(attrs=attrs, render_value=False)
        super().__init__(widget=widget, strip=True, max_length=24, **kwargs)


class NewPinForm(forms.Form):
    """A new PIN, twice."""

    pin = PinField(
        label=_("New PIN"),
        help_text=format_lazy(
            _("{shortest} to {longest} digits; not the extension, not 0000, 1234 and the like."),
            shortest=SHORTEST,
            longest=LONGEST,
        ),
    )
    again = PinField(label=_("New PIN again"))

    def clean(self) -> dict[str, Any]:
        """Typed twice alike."""
        cleaned = super().clean() or self.cleaned_data
        if {"pin", "again"} <= set(cleaned) and cleaned["pin"] != cleaned["again"]:
            self.add_error("again", _("The two new PINs are not the same."))
        return cleaned


class ChangePinForm(NewPinForm):
    """The old PIN, and a new one twice."""

    old = PinField(label=_("Present PIN"))
    field_order = ("old", "pin", "again")
