"""The forms of the set-up: the telephone system, its numbers and ways out, its prices."""

from __future__ import annotations

import tomllib
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from billingsite.setup.countries import defaults_of
from billingsite.setup.fields import (
    DialledNumber,
    Price,
    Words,
    countries,
    currency_choices,
    digits_only,
    emergency_number,
    extension_pattern,
    local_length,
    no_slash,
    one_line,
    zone_choices,
)
from cdr.models import GatewayKind
from cdr.queries.drivers import driver_names, driver_title
from cdr.queries.sources import is_our_own

DELIMITED_EXAMPLE = """\
time_formats = ["%Y-%m-%d %H:%M:%S"]
delimiter = ","

[columns]                  # our field = your column
started_at = "start"
talk_seconds = "billsec"
from_number = "caller"
to_number = "called"
"""


class CallsForm(forms.Form):
    """Step 4."""

    site = forms.CharField(
        label=_("Name of the site"),
        help_text=_("One telephone system stands there: Milan, Head office."),
        max_length=100,
        validators=[no_slash, one_line],
    )
    country = forms.ChoiceField(
        label=_("Country"),
        help_text=_("Gives zone, currency, prefixes and emergency numbers where you say nothing."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    language = forms.ChoiceField(
        label=_("Language"),
        help_text=_("Of people there who have not chosen one, in mails and files."),
        required=False,
        choices=[("", _("As the installation")), *settings.LANGUAGES],
    )
    driver = forms.ChoiceField(label=_("What writes the call records"))
    source = forms.CharField(
        label=_("Short name of the source"),
        help_text=_("It stands in lists and names the folder. Left empty: from the site."),
        max_length=64,
        required=False,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9_-]*$", _("Small letters, digits, - and _ may stand here.")
            )
        ],
    )
    folder = forms.CharField(
        label=_("Folder where the files arrive"),
        help_text=_("Left empty: drop/ and the short name, below the data folder. It is made."),
        max_length=500,
        required=False,
        validators=[one_line],
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    options = forms.CharField(
        label=_("How the lines are to be read"),
        help_text=_("Only for text files. A Cisco system needs nothing here."),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(
            attrs={"rows": 8, "dir": "ltr", "spellcheck": "false", "class": "font-monospace"}
        ),
    )
    sample = forms.FileField(
        label=_("A call file to try with"),
        help_text=_("A few minutes of real calls are enough. It is only looked at."),
        required=False,
    )

    def __init__(self, *args: Any, is_known: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_country = _("As usual in the country")
        self.fields["country"].choices = [("", _("Choose")), *countries()]  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = [("", by_country), *zone_choices()]  # type: ignore[attr-defined]
        self.fields["currency"].choices = [("", by_country), *currency_choices()]  # type: ignore[attr-defined]
        self.fields["driver"].choices = [  # type: ignore[attr-defined]
            (name, driver_title(name)) for name in driver_names()
        ]
        if is_known:
            for name in ("site", "source"):
                self.fields[name].disabled = True
                self.fields[name].help_text = _("It is in use and stays as it is.")

    def clean_folder(self) -> str:
        folder: str = self.cleaned_data["folder"]
        if folder and is_our_own(folder):
            raise forms.ValidationError(_("Tollgate keeps its own files there. Choose another."))
        return folder

    def clean_options(self) -> dict[str, Any]:
        text = self.cleaned_data["options"]
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise forms.ValidationError(
                _("This cannot be read: %(reason)s") % {"reason": error}
            ) from error

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("country"):
            usual = defaults_of(found["country"])
            found["time_zone"] = found.get("time_zone") or usual.zone
            found["currency"] = found.get("currency") or usual.currency
        is_untold = found.get("driver") == "delimited" and not found.get("options")
        if is_untold and "options" not in self.errors:
            self.add_error("options", _("A text file needs to be told which column is what."))
        if found.get("driver") == "cucm":
            found["options"] = {}
        return found


class NumbersForm(forms.Form):
    """Step 5, how people dial."""

    exit_code = forms.CharField(
        label=_("Exit code"),
        help_text=_("What people press to get an outside line: 0 or 9. Empty if nothing."),
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr", "inputmode": "numeric"}),
        max_length=8,
        validators=[digits_only],
    )
    international_prefix = forms.CharField(
        label=_("International prefix"),
        help_text=_("Before a country code: 00, 011."),
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr", "inputmode": "numeric"}),
        max_length=8,
        validators=[digits_only],
    )
    national_prefix = forms.CharField(
        label=_("National prefix"),
        help_text=_("Before an area code: 0 in Germany, 1 in the United States, none in Italy."),
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr", "inputmode": "numeric"}),
        max_length=8,
        validators=[digits_only],
    )
    area_code = forms.CharField(
        label=_("Own area code"),
        help_text=_("Without the national prefix: 20 for London, 02 for Milan."),
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr", "inputmode": "numeric"}),
        max_length=8,
        validators=[digits_only],
    )
    extensions = Words(
        label=_("Extensions"),
        help_text=_("Which numbers are inside: 2XX 7XXX. X is any digit."),
        check=extension_pattern,
        required=False,
    )
    local_lengths = Words(
        label=_("Lengths of local numbers"),
        help_text=_("How many digits people dial inside their own area, if that is allowed: 7 8."),
        check=local_length,
        required=False,
    )
    emergency = Words(
        label=_("Emergency numbers of your own"),
        help_text=_("A first-aid room, a gate. The country's numbers are known already."),
        check=emergency_number,
        required=False,
    )
    try_number = DialledNumber(label=_("Try a number as somebody dials it"))


class GatewayForm(forms.Form):
    """Step 5, one gateway or trunk. An empty device is no row."""

    LEAVE_OUT = ""
    device = forms.CharField(
        label=_("Device in the call records"),
        required=False,
        max_length=129,
        validators=[one_line],
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    kind = forms.ChoiceField(
        label=_("What it is"),
        required=False,
        choices=[
            (GatewayKind.PSTN.value.lower(), _("Outside lines (paid calls)")),
            (GatewayKind.ONNET.value.lower(), _("Private lines to another site")),
            (GatewayKind.VOICEMAIL.value.lower(), _("Voicemail")),
            (GatewayKind.OTHER.value.lower(), _("A phone or something else inside")),
            (LEAVE_OUT, _("Leave it out for now")),
        ],
    )
    carrier = forms.CharField(
        label=_("Carrier"), required=False, max_length=100, validators=[no_slash, one_line]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial.get("device"):
            self.initial.setdefault("kind", GatewayKind.PSTN.value.lower())

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        is_outside = found.get("device") and found.get("kind") == "pstn"
        if is_outside and not found.get("carrier") and "carrier" not in self.errors:
            self.add_error("carrier", _("Name the company behind these lines; it gets the prices."))
        return found


GatewayForms = forms.formset_factory(GatewayForm, extra=1, max_num=60, absolute_max=60)


class PricesForm(forms.Form):
    """Step 6. `how` says which of the two ways counts."""

    SIMPLE, FILE = "simple", "file"
    INCREMENTS = (("1", _("By the second")), ("60", _("By the minute begun")))

    carrier = forms.ChoiceField(label=_("Prices of"))
    how = forms.ChoiceField(
        label=_("Where the prices come from"),
        choices=((SIMPLE, _("A few prices a minute")), (FILE, _("A tariff file (JSON)"))),
        widget=forms.RadioSelect,
        initial=SIMPLE,
    )
    national = Price(label=_("To fixed lines in the country"), required=False)
    mobile = Price(label=_("To mobile phones in the country"), required=False)
    international = Price(label=_("To other countries"), required=False)
    premium = Price(
        label=_("To premium numbers"),
        help_text=_("Left empty, such calls are shown as “not rated”, never as 0."),
        required=False,
    )
    connect_fee = Price(label=_("For each connected call"), required=False)
    increment = forms.ChoiceField(label=_("Time is billed"), choices=INCREMENTS, initial="1")
    file = forms.FileField(label=_("Tariff file (JSON)"), required=False)
    try_number = DialledNumber(label=_("Number, as somebody dials it"))
    try_seconds = forms.IntegerField(
        label=_("Length in seconds"), required=False, min_value=1, max_value=86_400, initial=150
    )

    NEEDED = ("national", "mobile", "international")

    def __init__(
        self,
        *args: Any,
        carriers: list[str],
        has_tariff: bool = False,
        has_kept_file: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.has_tariff = has_tariff
        self.has_kept_file = has_kept_file
        self.fields["carrier"].choices = [(name, name) for name in carriers]  # type: ignore[attr-defined]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was filled in that could make a tariff."""
        values = self.cleaned_data
        return not values.get("file") and all(values.get(name) is None for name in self.NEEDED)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("how") == self.SIMPLE and not (self.has_tariff and self.is_empty):
            for name in self.NEEDED:
                if found.get(name) is None and name not in self.errors:
                    self.add_error(name, _("A price is needed; 0 is one."))
        has_file = found.get("file") or self.has_kept_file or self.has_tariff
        if found.get("how") == self.FILE and not has_file and "file" not in self.errors:
            self.add_error("file", _("Choose a file."))
        if found.get("how") == self.FILE:  # what was begun in the other way does not count
            for name in (*self.NEEDED, "premium", "connect_fee"):
                self.errors.pop(name, None)
                found.setdefault(name, None)
        return found
