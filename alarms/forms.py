"""What people may type on the outbox page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from alarms.models import MailState


class OutboxFilterForm(forms.Form):
    """Which mails to list."""

    state = forms.ChoiceField(label=_("State"), required=False)
    text = forms.CharField(label=_("Address, person or subject"), required=False, max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["state"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [("", _("All")), *MailState.choices]
