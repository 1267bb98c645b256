"""The forms of the account page."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from directory.models import Preferences, Theme, User
from directory.preferences import EVERY_LIST
from directory.queries.languages import language_of

ROWS = (10, 20, 50, 100, 200)
BY_BROWSER = "browser"


def zones() -> list[str]:
    """The time zones that people know: a place each."""
    places = {name for name in available_timezones() if "/" in name}
    return ["UTC", *sorted(n for n in places if not n.startswith(("Etc/", "SystemV/", "US/")))]


class WordsForm(forms.Form):
    """Language and time zone."""

    language = forms.TypedChoiceField(
        label=_("Language"),
        choices=[(BY_BROWSER, _("As my browser says")), *settings.LANGUAGES],
        coerce=lambda value: "" if value == BY_BROWSER else value,
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=64,
        help_text=_("Type a city to search. Empty: the zone of your office."),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "dir": "ltr"}),
    )

    def __init__(self, data: Any = None, *, reader: User) -> None:
        chosen = {"language": reader.language or BY_BROWSER, "time_zone": reader.time_zone}
        super().__init__(data, initial=chosen)
        without = get_language_info(language_of(User(pk=reader.pk)))["name_translated"]
        self.fields["language"].help_text = _(
            "Of pages, mails and files. If you leave it to the browser, mails and files made in "
            "the background are in %(language)s: they have no browser to ask."
        ) % {"language": without}

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"].strip()
        known = {zone.casefold(): zone for zone in available_timezones()}
        found = known.get(name.replace(" ", "_").casefold(), "")
        if name and not found:
            raise forms.ValidationError(
                _("This is no time zone. Choose one from the list, such as Europe/Rome.")
            )
        return found


class LooksForm(forms.Form):
    """How pages look and behave."""

    theme = forms.ChoiceField(
        label=_("Look"),
        choices=[
            (Theme.AUTO, _("Like the device")),
            (Theme.LIGHT, _("Light")),
            (Theme.DARK, _("Dark")),
        ],
        widget=forms.RadioSelect,
    )
    rows = forms.TypedChoiceField(
        label=_("Rows in lists"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("As in each list")), *((count, str(count)) for count in ROWS)],
        help_text=_("For all lists. What you choose in a list counts for that list."),
    )
    has_shortcuts = forms.BooleanField(
        label=_("Keyboard shortcuts"),
        required=False,
        help_text=_("Single keys such as / for the search. Off is better with speech input."),
    )
    is_live = forms.BooleanField(
        label=_("Pages refresh by themselves"),
        required=False,
        help_text=_("Off: nothing on a page moves until you load it again."),
    )

    @classmethod
    def of(cls, kept: Preferences) -> LooksForm:
        return cls(
            initial={
                "theme": kept.theme,
                "rows": kept.page_sizes.get(EVERY_LIST, ""),
                "has_shortcuts": kept.has_shortcuts,
                "is_live": kept.is_live,
            }
        )


class TokenForm(forms.Form):
    """A new token of the programming interface."""

    name = forms.CharField(
        label=_("What is it for?"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Such as “monthly export”: so that you know it again."),
    )
