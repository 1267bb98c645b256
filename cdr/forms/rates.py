"""A rate deck: the file, whose it is, and what it does not say of itself."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.models import Carrier
from cdr.operations.rate_files import DeckWishes
from directory.fields import DayField
from directory.forms.imports import OLD_EXCEL, beginning_of, check_size

MOST_DECK_BYTES = 64 * 1024 * 1024
MOST_SECONDS = 86_400
COLUMNS = {"column_prefix": "prefix", "column_price": "price", "column_name": "name"}


class DeckOptionsForm(forms.Form):
    """Whose prices they are, and how the file is to be read."""

    carrier = forms.CharField(
        label=gettext_lazy("Carrier"),
        max_length=100,
        help_text=gettext_lazy("Whose prices these are. A new name makes a new carrier."),
        widget=forms.TextInput(attrs={"list": "carriers", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=3,
        min_length=3,
        required=False,
        help_text=gettext_lazy("Such as EUR. Empty: as the file or the carrier's tariff says."),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "size": 4}),
    )
    valid_from = DayField(
        label=gettext_lazy("Valid from"),
        required=False,
        help_text=gettext_lazy(
            "For prices without a date of their own. Empty: a carrier's first list holds for all "
            "calls, a later one from the moment of its import."
        ),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Destinations that the file leaves out"),
        choices=(
            ("update", gettext_lazy("stay as they are")),
            ("replace", gettext_lazy("end: the file is the whole price list")),
            ("discontinue", gettext_lazy("stay; those the file lists end")),
        ),
        initial="update",
    )
    tariff = forms.CharField(
        label=gettext_lazy("Tariff"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty: the carrier's own."),
    )
    price_unit = forms.ChoiceField(
        label=gettext_lazy("Prices are for"),
        choices=(
            ("", gettext_lazy("as the file says")),
            ("minute", gettext_lazy("a minute")),
            ("second", gettext_lazy("a second")),
        ),
        required=False,
    )
    increment = forms.RegexField(
        r"^[1-9]\d{0,4}/[1-9]\d{0,4}$",
        label=gettext_lazy("Charged by"),
        required=False,
        help_text=gettext_lazy(
            "First and next seconds, such as 60/1, where the file names none. Empty: 1/1."
        ),
    )
    decimal = forms.ChoiceField(
        label=gettext_lazy("Decimal sign"),
        choices=(
            ("", gettext_lazy("found out")),
            ("point", gettext_lazy("point: 1.25")),
            ("comma", gettext_lazy("comma: 1,25")),
        ),
        required=False,
    )
    dates = forms.ChoiceField(
        label=gettext_lazy("Dates"),
        choices=(
            ("", gettext_lazy("found out")),
            ("dmy", gettext_lazy("day first: 31/12/2026")),
            ("mdy", gettext_lazy("month first: 12/31/2026")),
        ),
        required=False,
    )
    country_code = forms.RegexField(
        r"^(\+|00)?[1-9]\d{0,3}$",
        label=gettext_lazy("Country code"),
        required=False,
        help_text=gettext_lazy("Where the prefixes are national, such as 44."),
    )
    column_prefix = forms.CharField(
        label=gettext_lazy("Column of prefixes"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Its title, or its number from 1. Empty: found out."),
    )
    column_price = forms.CharField(
        label=gettext_lazy("Column of prices"), max_length=100, required=False
    )
    column_name = forms.CharField(
        label=gettext_lazy("Column of names"), max_length=100, required=False
    )
    plan = forms.CharField(
        label=gettext_lazy("Which tariff"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Only where the file holds several."),
    )

    main: ClassVar = ("file", "carrier", "currency", "valid_from")
    more: ClassVar = (
        *("mode", "tariff", "price_unit", "increment", "decimal", "dates", "country_code"),
        *("column_prefix", "column_price", "column_name", "plan"),
    )

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).upper()
        if code and not re.fullmatch(r"[A-Z]{3}", code):
            raise forms.ValidationError(_("A currency is three letters, such as EUR."))
        return code

    def clean_country_code(self) -> str:
        return str(self.cleaned_data["country_code"]).removeprefix("+").removeprefix("00")

    def wishes(self) -> DeckWishes:
        """What was said of the deck."""
        given = self.cleaned_data
        first, _slash, following = (given["increment"] or "1/1").partition("/")
        return DeckWishes(
            carrier=given["carrier"],
            tariff=given["tariff"],
            currency=given["currency"],
            valid_from=given["valid_from"].isoformat() if given["valid_from"] else "",
            mode=given["mode"],
            decimal=given["decimal"],
            dates=given["dates"],
            price_unit=given["price_unit"],
            increments=(int(first), int(following)),
            country_code=given["country_code"],
            columns={
                meaning: given[name] for name, meaning in COLUMNS.items() if given[name].strip()
            },
            plan=given["plan"],
        )

    def main_fields(self) -> list[forms.BoundField]:
        """What everybody is asked."""
        return [self[name] for name in self.main if name in self.fields]

    def more_fields(self) -> list[forms.BoundField]:
        """What few files need."""
        return [self[name] for name in self.more]

    @property
    def has_more(self) -> bool:
        """Whether something in the second part was filled in, or is wrong."""
        return any(
            field.errors or field.value() not in ("", None, "update")
            for field in self.more_fields()
        )

    @property
    def carriers(self) -> list[str]:
        return list(Carrier.objects.order_by("name").values_list("name", flat=True)[:200])


def options_of(parameters: dict[str, Any]) -> dict[str, Any]:
    """A job's wishes as the form's beginning."""
    kept = DeckWishes.of(parameters)
    first, following = kept.increments
    return {
        "carrier": kept.carrier,
        "tariff": kept.tariff,
        "currency": kept.currency,
        "valid_from": kept.valid_from,
        "mode": kept.mode,
        "decimal": kept.decimal,
        "dates": kept.dates,
        "price_unit": kept.price_unit,
        "increment": "" if (first, following) == (1, 1) else f"{first}/{following}",
        "country_code": kept.country_code,
        "plan": kept.plan,
        **{name: kept.columns.get(meaning, "") for name, meaning in COLUMNS.items()},
    }


class DeckFileForm(DeckOptionsForm):
    """A deck with its file."""

    file = forms.FileField(
        label=gettext_lazy("Rate deck (CSV or XLSX)"),
        help_text=gettext_lazy("As the carrier sends it; columns are recognised. 64 MB at most."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,text/csv,text/plain"}),
        error_messages={
            "required": gettext_lazy("Choose a file first."),
            "empty": gettext_lazy("The file is empty. Ask the carrier to send it again."),
        },
    )
    field_order = ["file"]

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        check_size(file, most=MOST_DECK_BYTES, has_command=True)
        if beginning_of(file).startswith(OLD_EXCEL):
            raise forms.ValidationError(
                _("This is the old Excel format (.xls). Save it as .xlsx or CSV and choose that.")
            )
        return file


class TrialForm(forms.Form):
    """A call that has not been made."""

    number = forms.RegexField(
        r"^[+0-9][0-9 ()./\-]{1,40}$",
        label=gettext_lazy("Number"),
        strip=True,
        widget=forms.TextInput(
            attrs={"inputmode": "tel", "dir": "ltr", "placeholder": "+442071234567"}
        ),
        error_messages={"invalid": gettext_lazy("This is no telephone number.")},
    )
    seconds = forms.IntegerField(
        label=gettext_lazy("Seconds of talk"), min_value=0, max_value=MOST_SECONDS, initial=60
    )
    answered_on = DayField(
        label=gettext_lazy("Answered on"),
        required=False,
    )
