"""Usage totals: small additive rows by local day, and the work they leave to others."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

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
    "paid_calls",
    "paid_talk_ms",
    "unrated_calls",
    "cost_micros",
    "charge_micros",
)


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
    paid_calls = models.BigIntegerField(default=0)
    paid_talk_ms = models.BigIntegerField(
        default=0, help_text="of calls with a paid leg, rated or not"
    )
    unrated_calls = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)
    charge_micros = models.BigIntegerField(default=0)

    class Meta:
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
