"""An entry of a phone book, and a file of entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.engine.contact_file import LONGEST_NAME, LONGEST_NUMBER
from directory.engine.people_file import control_sign
from directory.forms.imports import LinesField

MOST_BYTES: Final = 4 * 1024 * 1024


class ContactForm(forms.Form):
    """A name and a number. Without `understood` the number is settled and the name is asked alone."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    number = forms.CharField(
        label=gettext_lazy("Number"),
        max_length=LONGEST_NUMBER,
        help_text=gettext_lazy("As you dial it, or with + and the country code."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel", "dir": "ltr"}),
    )

    def __init__(
        self, *args: Any, understood: Callable[[str], str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._understood = understood
        if understood is None:
            del self.fields["number"]

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if control_sign(name):
            raise forms.ValidationError(_("The name holds a sign that cannot be read."))
        return name

    def clean_number(self) -> str:
        number = self._understood(self.cleaned_data["number"]) if self._understood else ""
        if not number:
            raise forms.ValidationError(
                _("This is not an outside number. Write it as you dial it, or as +390255550117.")
            )
        return number


class ContactFileForm(forms.Form):
    """A file of contacts."""

    file = LinesField(
        label=gettext_lazy("File of contacts (CSV)"),
        help_text=gettext_lazy(
            "Commas, semicolons or tabs; UTF-8, UTF-16 or Windows text; 4 MB at most."
        ),
        most=MOST_BYTES,
    )
