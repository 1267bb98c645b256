"""A person in the administration pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import UserChangeForm

from directory.models import Role
from directory.queries.administrators import ONE_HAS_TO_STAY, is_last_administrator


class PersonForm(UserChangeForm):
    """The last administrator stays one: nobody could undo it."""

    def clean(self) -> dict[str, Any] | None:
        words = super().clean()
        taken = {"role": self.cleaned_data.get("role") != Role.ADMIN}
        taken["is_active"] = not self.cleaned_data.get("is_active")
        lost = [name for name in self.changed_data if taken.get(name)]
        if lost and is_last_administrator(self.instance, is_held=True):
            self.add_error(lost[0], ONE_HAS_TO_STAY)
        return words
