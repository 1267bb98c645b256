"""The log of changes, for whoever audits: read only, filtered, a page at a time."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from billingsite.queries.audit import (
    CHANGED,
    CREATED,
    DELETED,
    LOOKED,
    TAKEN,
    Wanted,
    audit_page,
    kinds,
)
from directory.fields import DayField
from directory.models import Role
from directory.reader import page_zone
from directory.views.base import ScopedPage

ACTION_WORDS = {
    CREATED: _("created"),
    CHANGED: _("changed"),
    DELETED: _("deleted"),
    LOOKED: _("looked at clear numbers"),
    TAKEN: _("took calls as a file"),
}
MOODS = {CREATED: "good", CHANGED: "info", DELETED: "bad", LOOKED: "warn", TAKEN: "info"}


class AuditFilterForm(forms.Form):
    """Which entries to list; everything is optional."""

    person = forms.CharField(label=_("User name"), required=False, max_length=150)
    kind = forms.ChoiceField(label=_("What"), required=False)
    action = forms.ChoiceField(
        label=_("Action"), required=False, choices=[("", _("All")), *ACTION_WORDS.items()]
    )
    start = DayField(label=_("From"), required=False)
    end = DayField(label=_("To"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [("", _("All")), *kinds()]

    def wanted(self, *, zone: ZoneInfo) -> Wanted:
        """The checked words; those that are wrong are left out."""
        words = getattr(self, "cleaned_data", {})
        return Wanted(
            person=(words.get("person") or "").strip(),
            kind=words.get("kind") or "",
            action=words.get("action") or "",
            from_day=words.get("start"),
            to_day=words.get("end"),
            zone=zone,
        )


class AuditLog(ScopedPage):
    """Who changed what in the set-up, and who looked at numbers in clear (domain 14)."""

    template_name = "billingsite/audit.html"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ADMIN, Role.AUDITOR})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = AuditFilterForm(self.request.GET)
        form.is_valid()
        older = self.request.GET.get("older", "")
        page = audit_page(form.wanted(zone=page_zone()), older=older)
        rows = [
            {"entry": entry, "words": ACTION_WORDS[entry.action], "mood": MOODS[entry.action]}
            for entry in page.entries
        ]
        return super().get_context_data(form=form, page=page, rows=rows, older=older, **kwargs)
