"""Form fields that several pages share."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from kernel.periods import YEARS


class DayInput(forms.DateInput):
    """A day, by the browser's calendar or typed in ISO form."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


SENSIBLE_DAYS: Final = (
    MinValueValidator(date(YEARS[0], 1, 1)),
    MaxValueValidator(date(YEARS[-1], 12, 31)),
)


class DayField(forms.DateField):
    """A day of those years that people may ask for."""

    widget = DayInput
    default_validators = list(SENSIBLE_DAYS)


class SecretField(forms.CharField):
    """A secret: shown never, kept when the field is left empty."""

    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})


class ListField(forms.JSONField):
    """A stored list as people write it: its words with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = forms.TextInput(attrs={"dir": "ltr", "class": "vTextField"})
        if not kwargs.get("help_text"):
            kwargs["help_text"] = _("Several with commas between them.")
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data

    def to_python(self, value: Any) -> Any:
        return [self.word(each) for each in re.split(r"[,;\s]+", value or "") if each]

    def word(self, text: str) -> Any:
        """One word as it is stored."""
        return text

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except forms.ValidationError:
            return True


class WholesField(ListField):
    """The same of whole numbers."""

    def word(self, text: str) -> Any:
        return forms.IntegerField(min_value=0).clean(text)
