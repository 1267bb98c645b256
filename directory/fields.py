"""Form fields that several pages share."""

from __future__ import annotations

from django import forms


class DayInput(forms.DateInput):
    """A day, by the browser's calendar or typed in ISO form."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SecretField(forms.CharField):
    """A secret: shown never, kept when the field is left empty."""

    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
