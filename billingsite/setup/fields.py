"""Form fields that check as the set-up file does, so that page and file agree."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from email.utils import formataddr, parseaddr
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.numbers import list_currencies
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from billingsite.setup.countries import country_choices
from cdr.engine.extensions import BadPattern, check_pattern
from kernel.money import BadAmount, to_micros

_BETWEEN = re.compile(r"[,;\s]+")

digits_only = RegexValidator(r"^[0-9]*$", gettext_lazy("Only digits may stand here."))


def no_slash(value: str) -> None:
    """Names stand in addresses of the installation and in paths of units."""
    if "/" in value:
        raise ValidationError(_("A name may not hold a slash."))


def one_line(value: str) -> None:
    """Refuse control characters, line ends among them."""
    if any(not sign.isprintable() for sign in value):
        raise ValidationError(_("Control characters and line ends may not stand here."))


def zone_choices() -> list[tuple[str, str]]:
    """Every time zone that a person may live in, by name."""
    names = (name for name in available_timezones() if "/" in name or name == "UTC")
    return [
        (name, name.replace("_", " "))
        for name in sorted(names)
        if not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    ]


@cache
def _currency_names(language: str) -> list[tuple[str, str]]:
    known = list_currencies()
    names = Locale.parse(language, sep="-").currencies
    found = [(code, f"{code} ({names[code]})") for code in sorted(known) if code in names]
    # Old and test currencies have years or odd names; in use are those a country has.
    return [(code, words) for code, words in found if code in _in_use()]


@cache
def _in_use() -> frozenset[str]:
    table: Any = get_global("territory_currencies")
    return frozenset(
        code
        for currencies in table.values()
        for code, _start, end, tender in currencies
        if tender and end is None
    )


def currency_choices() -> list[tuple[str, str]]:
    """Currencies in use, with their names in the active language."""
    return _currency_names(get_language() or "en")


def countries() -> list[tuple[str, str]]:
    """Every country with a calling code, with its name in the active language."""
    return country_choices(get_language() or "en")


class Words(forms.CharField):
    """Several words in one line, separated by blanks or commas; each is checked."""

    def __init__(self, *, check: Callable[[str], Any] = str, **options: Any) -> None:
        widget = forms.TextInput(attrs={"dir": "ltr"})
        super().__init__(max_length=2000, **{"widget": widget, **options})
        self.check_word = check

    def prepare_value(self, value: Any) -> Any:
        return " ".join(str(each) for each in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[Any]:
        text = super().clean(value)
        found = []
        for word in filter(None, _BETWEEN.split(text)):
            try:
                found.append(self.check_word(word))
            except ValueError as refusal:
                raise ValidationError(
                    _("“%(word)s” cannot be used: %(reason)s")
                    % {"word": word[:40], "reason": refusal}
                ) from refusal
        return found


def extension_pattern(word: str) -> str:
    """A pattern such as 2XX."""
    try:
        check_pattern(word)
    except BadPattern as refusal:
        raise ValueError(str(refusal)) from refusal
    return word


def emergency_number(word: str) -> str:
    """A number of 2 to 8 digits."""
    if not (word.isascii() and word.isdecimal() and 2 <= len(word) <= 8):
        raise ValueError(_("an emergency number has 2 to 8 digits"))
    return word


def local_length(word: str) -> int:
    """A length from 2 to 15."""
    if not (word.isascii() and word.isdecimal() and 2 <= int(word) <= 15):
        raise ValueError(_("a length is a number from 2 to 15"))
    return int(word)


def network(word: str) -> str:
    """An address, or a network with its mask."""
    try:
        return str(
            ipaddress.ip_network(word, strict=False) if "/" in word else ipaddress.ip_address(word)
        )
    except ValueError as refusal:
        raise ValueError(_("it is no address such as 10.1.2.3 or 10.1.2.0/24")) from refusal


class DialledNumber(forms.CharField):
    """A number as somebody dials it; nothing is asked of it but one line."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"dir": "ltr", "inputmode": "tel", "autocomplete": "off"})
        super().__init__(
            required=False, max_length=64, validators=[one_line], widget=widget, **options
        )


class Price(forms.DecimalField):
    """An amount of money with at most six places, not negative; comma or point."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(
            min_value=0, max_digits=12, decimal_places=6, **{"widget": widget, **options}
        )

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.count(",") == 1 and "." not in value:
            value = value.replace(",", ".")
        found = super().to_python(value)
        if found is not None:
            try:
                to_micros(found)
            except BadAmount as refusal:
                raise ValidationError(str(refusal)) from refusal
        return found


class Sender(forms.CharField):
    """A mail address, perhaps with a name: `Tollgate <tollgate@example.com>`."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        one_line(text)
        if not text:
            return ""
        name, address = parseaddr(text)
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(
                _("Write an address such as Tollgate <tollgate@example.com>.")
            ) from None
        return formataddr((name, address)) if name else address


def joined(values: Iterable[object]) -> str:
    """Words as one line of a form."""
    return " ".join(map(str, values))
