"""What people may type on the outbox page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from alarms.models import MailState
from alarms.queries.texts import KINDS
from budgets.models import EventKind

AGAIN, CANCEL = "again", "cancel"
GATHERED = ("digest", _("several in one"))
GROUPS = [("WAITING", _("All that wait")), ("GIVEN_UP", _("All that did not arrive"))]


class OutboxFilterForm(forms.Form):
    """Which mails to list."""

    state = forms.ChoiceField(label=_("State"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    text = forms.CharField(label=_("Address, person or subject"), required=False, max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {
            "state": [("", _("All")), *GROUPS, *MailState.choices],
            "kind": [("", _("All")), *kind_choices()],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
            field.choices = choices


def kind_choices() -> list[tuple[str, Any]]:
    """What mails can be about, with the words of the budgets' history."""
    return [*((kind.value, kind.label) for kind in EventKind if kind in KINDS), GATHERED]


class ManyForm(forms.Form):
    """What to do with many mails: those that were ticked."""

    action = forms.ChoiceField(choices=[(AGAIN, AGAIN), (CANCEL, CANCEL)])
    mail = forms.TypedMultipleChoiceField(coerce=int, choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ticked = self.data.getlist("mail") if hasattr(self.data, "getlist") else []
        field = self.fields["mail"]
        assert isinstance(field, forms.TypedMultipleChoiceField)  # noqa: S101 - for the type checker
        field.choices = [(key, key) for key in ticked if key.isdecimal() and len(key) < 19]
