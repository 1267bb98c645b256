"""What people may type on the pages of the quarantine."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cdr.models import QuarantineState
from cdr.words import SET_ASIDE, word

REPLAY, CLOSE = "replay", "close"


class QuarantineFilterForm(forms.Form):
    """Which records set aside to list."""

    state = forms.ChoiceField(label=_("State"), required=False)
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    source = forms.ChoiceField(label=_("Source"), required=False)
    file = forms.CharField(label=_("File name"), required=False, max_length=255)

    def __init__(self, *args: Any, reasons: list[str], sources: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: dict[str, list[tuple[str, Any]]] = {
            "state": [("", _("Open")), ("ALL", _("All")), *QuarantineState.choices[1:]],
            "reason": [
                ("", _("All")),
                *((reason, capfirst(word(SET_ASIDE, reason))) for reason in reasons),
            ],
            "source": [("", _("All")), *((name, name) for name in sources)],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
            field.choices = choices


class ReplayForm(forms.Form):
    """The mended text of a record, exactly as the switch should have written it."""

    raw = forms.CharField(
        label=_("Record"),
        max_length=65_536,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 10, "spellcheck": "false", "dir": "ltr", "class": "font-monospace"}
        ),
    )


class CloseForm(forms.Form):
    """Why a record is given up for good."""

    reason = forms.CharField(label=_("Reason"), max_length=500)


class ManyForm(forms.Form):
    """What to do with many records: those that were ticked."""

    action = forms.ChoiceField(choices=[(REPLAY, REPLAY), (CLOSE, CLOSE)])
    record = forms.TypedMultipleChoiceField(coerce=int, choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ticked = self.data.getlist("record") if hasattr(self.data, "getlist") else []
        field = self.fields["record"]
        assert isinstance(field, forms.TypedMultipleChoiceField)  # noqa: S101 - for the type checker
        field.choices = [(key, key) for key in ticked if key.isdecimal() and len(key) < 19]
