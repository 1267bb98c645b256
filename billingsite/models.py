"""How far the guided set-up has come. Whether a step is done, the rows it made say."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SetupKey(models.TextChoices):
    """The steps of the set-up in their order, and the banner that speaks of them."""

    LANGUAGE = "language", "language, time zone and currency"
    ADMINISTRATOR = "administrator", "administrator"
    MAIL = "mail", "mail"
    CALLS = "calls", "phone system and calls"
    NUMBERS = "numbers", "numbers and gateways"
    PRICES = "prices", "prices"
    PEOPLE = "people", "people"
    BUDGETS = "budgets", "budgets and locks"
    BANNER = "banner", "the reminder on every page"


class SetupStep(models.Model):
    """What somebody said of one step: left out for now and why, and what it should remember.

    `memory` holds what the step's form does not find in other rows, such as the name
    of the sample file; never a secret.
    """

    key = models.CharField(max_length=16, choices=SetupKey.choices, unique=True)
    is_skipped = models.BooleanField(default=False)
    note = models.CharField(max_length=300, blank=True)
    memory = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(is_skipped=True) | models.Q(note=""),
                name="note_only_of_a_skipped_step",
            )
        ]

    def __str__(self) -> str:
        return self.get_key_display()
