"""Where call records come from, and what became of each of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from directory.models import Site


class FailurePolicy(models.TextChoices):
    """What a switch is told when we cannot decide (reliability A2)."""

    OPEN = "OPEN", _("permit the call")
    CLOSED = "CLOSED", _("refuse the call")
    PBX = "PBX", _("let the switch decide")


class Source(models.Model):
    """One stream of call records: a driver with its settings, at one site."""

    name = models.CharField(max_length=64, unique=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="sources")
    driver = models.CharField(max_length=32)
    folder = models.CharField(
        max_length=500, blank=True, help_text="watched; absolute, or below the data folder"
    )
    options = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    failure_policy = models.CharField(
        max_length=8, choices=FailurePolicy.choices, default=FailurePolicy.OPEN
    )
    callers = models.JSONField(
        default=list, blank=True, help_text="addresses that may ask for routing decisions"
    )
    caller_secret = models.CharField(max_length=128, blank=True)
    last_record_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("source of calls")
        verbose_name_plural = _("sources of calls")

    def __str__(self) -> str:
        return self.name


class DeliveryState(models.TextChoices):
    MINING = "MINING", _("being mined")
    MINED = "MINED", _("mined")
    PARKED = "PARKED", _("parked")


class Delivery(models.Model):
    """One file as it was handed to us once. The same content again is another delivery.

    `claim` names the delivery for ever, so mining it a second time is refused.
    `next_position` and the outcomes of a batch are committed together.
    """

    claim = models.CharField(max_length=64, unique=True)
    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    name = models.CharField(max_length=255)
    content_hash = models.CharField(max_length=64)
    sequence = models.CharField(max_length=40)
    size_bytes = models.BigIntegerField(default=0)
    state = models.CharField(
        max_length=8, choices=DeliveryState.choices, default=DeliveryState.MINING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=500, blank=True, help_text="why it was parked")
    next_line = models.PositiveIntegerField(default=0, help_text="first line not yet mined")
    records_read = models.PositiveIntegerField(default=0)
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates"
    )
    received_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes: ClassVar = [
            models.Index(fields=["source", "content_hash"], name="delivery_by_content"),
            models.Index(fields=["state"], name="delivery_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.source.name if self.source else '?'}:{self.name}"


class OutcomeKind(models.TextChoices):
    STORED = "S", _("stored")
    CORRECTED = "C", _("corrected")
    DUPLICATE = "D", _("duplicate")
    QUARANTINED = "Q", _("quarantined")
    DISCARDED = "X", _("discarded")


class Outcome(models.Model):
    """What became of one record. There is exactly one a record (reliability P1)."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="outcomes", db_index=False
    )
    position = models.PositiveIntegerField(help_text="line in the file the switch wrote")
    kind = models.CharField(max_length=1, choices=OutcomeKind.choices)
    reason = models.CharField(max_length=32, blank=True)
    content_hash = models.CharField(max_length=32, help_text="of the record's content")
    call = models.ForeignKey(
        "cdr.Call",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="outcomes",
        db_index=False,
    )

    class Meta:
        verbose_name = _("outcome of a record")
        verbose_name_plural = _("outcomes of records")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "position"], name="one_outcome_a_record")
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}:{self.position} {self.get_kind_display()}"


class QuarantineState(models.TextChoices):
    OPEN = "OPEN", _("open")
    REPLAYED = "REPLAYED", _("replayed")
    CLOSED = "CLOSED", _("closed")


class QuarantinedRecord(models.Model):
    """A record that could not be used, kept whole until somebody mends or closes it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="quarantined")
    position = models.PositiveIntegerField()
    reason = models.CharField(max_length=32, help_text="stable code, such as implausible")
    detail = models.TextField(help_text="what and where, for people")
    raw = models.TextField(help_text="the record as the switch wrote it")
    record = models.JSONField(default=dict, blank=True, help_text="as a standard record, if so far")
    state = models.CharField(
        max_length=8, choices=QuarantineState.choices, default=QuarantineState.OPEN
    )
    set_aside_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)
    settled_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("record in quarantine")
        verbose_name_plural = _("records in quarantine")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "position"], name="record_quarantined_once")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "reason"], name="quarantine_open")]

    def __str__(self) -> str:
        return f"{self.delivery} line {self.position}: {self.reason}"
