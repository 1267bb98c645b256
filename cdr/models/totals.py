"""Usage totals: small additive rows by local day, and the work they leave to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

TOTAL_KEYS = (
    "local_date",
    "user_key",
    "department_key",
    "cost_centre_key",
    "office_key",
    "source_key",
    "call_type",
    "number_class",
    "currency",
)
TOTAL_MEASURES = (
    "calls",
    "talk_ms",
    "answered_calls",
    "ring_ms",
    "paid_calls",
    "paid_talk_ms",
    "unrated_calls",
    "cost_micros",
    "charge_micros",
)
UNIT_KEYS = ("local_date", "unit_key", "source_key", "call_type", "currency")
EVERYBODY = 0
"""The `unit_key` under which the calls of the whole installation are summed."""
MISSED = "IU"
"""A call that nobody took; voicemail may have answered it, so it never counts as answered."""


def by_unit(
    sums_by_key: Mapping[tuple[Any, ...], Sequence[int]],
) -> dict[tuple[Any, ...], list[int]]:
    """Sums keyed as usage totals, rolled up to each of their units and to everybody."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for key, sums in sums_by_key.items():
        day, _, department, cost_centre, office, source, call_type, _, currency = key
        for unit in {EVERYBODY, department, cost_centre, office}:
            unit_key = (day, unit, source, call_type, currency)
            rolled = found.get(unit_key)
            if rolled is None:
                found[unit_key] = list(sums)
            else:
                found[unit_key] = [one + more for one, more in zip(rolled, sums, strict=True)]
    return found


class UsageTotal(models.Model):
    """Sums over the calls of one local day, payer, snapshot of units, type and class.

    Written in the transaction of the calls themselves, so it is right at every
    commit; `prove` compares it with the calls. A key of 0 stands for none: a
    unique key over nulls would not hold.
    """

    local_date = models.DateField()
    user_key = models.BigIntegerField(default=0)
    department_key = models.BigIntegerField(default=0)
    cost_centre_key = models.BigIntegerField(default=0)
    office_key = models.BigIntegerField(default=0)
    source_key = models.BigIntegerField(default=0)
    call_type = models.CharField(max_length=2)
    number_class = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    calls = models.BigIntegerField(default=0)
    talk_ms = models.BigIntegerField(default=0)
    answered_calls = models.BigIntegerField(
        default=0, help_text="somebody answered; voicemail is not somebody"
    )
    ring_ms = models.BigIntegerField(default=0, help_text="of the answered calls, until the answer")
    paid_calls = models.BigIntegerField(default=0)
    paid_talk_ms = models.BigIntegerField(
        default=0, help_text="of calls with a paid leg, rated or not"
    )
    unrated_calls = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)
    charge_micros = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("total of use")
        verbose_name_plural = _("totals of use")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=list(TOTAL_KEYS), name="usage_total_once_a_key")
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_key", "local_date"], name="usage_by_user"),
            models.Index(fields=["department_key", "local_date"], name="usage_by_department"),
            models.Index(fields=["cost_centre_key", "local_date"], name="usage_by_cost_centre"),
            models.Index(fields=["office_key", "local_date"], name="usage_by_office"),
        ]

    def __str__(self) -> str:
        return f"{self.local_date} user {self.user_key}: {self.calls} calls"


class UnitTotal(models.Model):
    """The same sums by unit: some rows a day, so that a whole company is read at a glance.

    Written with the usage totals, from the same batch. A call counts once under each
    of its units and once under `EVERYBODY`; units do not hold their sub-units' calls.
    The source is a key so that sources mined side by side never wait for one row.
    """

    local_date = models.DateField()
    unit_key = models.BigIntegerField()
    source_key = models.BigIntegerField(default=0)
    call_type = models.CharField(max_length=2)
    currency = models.CharField(max_length=3)
    calls = models.BigIntegerField(default=0)
    talk_ms = models.BigIntegerField(default=0)
    answered_calls = models.BigIntegerField(default=0)
    ring_ms = models.BigIntegerField(default=0)
    paid_calls = models.BigIntegerField(default=0)
    paid_talk_ms = models.BigIntegerField(default=0)
    unrated_calls = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)
    charge_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["unit_key", "local_date", "source_key", "call_type", "currency"],
                name="unit_total_once_a_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.local_date} unit {self.unit_key}: {self.calls} calls"


class UsageChange(models.Model):
    """Work: the totals of this payer and day have moved; whoever watches them looks.

    Written with the totals, removed by the reader in its own transaction.
    """

    user_key = models.BigIntegerField()
    department_key = models.BigIntegerField()
    cost_centre_key = models.BigIntegerField()
    office_key = models.BigIntegerField()
    local_date = models.DateField()

    def __str__(self) -> str:
        return f"{self.local_date} user {self.user_key}"
