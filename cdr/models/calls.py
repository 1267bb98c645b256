"""The call segment: what happened, who pays, what it cost, and what was changed later."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cdr.models.sources import Delivery, Source
from cdr.models.tariffs import Carrier, Gateway, TariffVersion
from directory.models import Line, OrgUnit, Site
from directory.scoping import ScopedQuerySet


class CallStatus(models.TextChoices):
    RATED = "RATED", _("rated")
    UNRATED = "UNRATED", _("not rated")


class CallType(models.TextChoices):
    """Direction and kind of a segment (domain 2)."""

    INCOMING_ANSWERED = "IA", _("incoming answered")
    INCOMING_UNANSWERED = "IU", _("incoming unanswered")
    OUTGOING_ANSWERED = "OA", _("outgoing answered")
    OUTGOING_UNANSWERED = "OU", _("outgoing unanswered")
    INTERNAL_ANSWERED = "NA", _("internal answered")
    INTERNAL_UNANSWERED = "NU", _("internal unanswered")
    TANDEM = "TD", _("tandem")
    TRANSFER_RECEIVED = "TI", _("received by transfer")
    TRANSFER_HANDED_OVER = "TO", _("handed over by transfer")
    FORWARDED = "FO", _("forwarded outside")


class CallQuerySet(ScopedQuerySet["Call"]):
    """Calls belong to who paid them and to the units of that day (domain 14)."""

    person_path = "user_id"
    department_path = "department_id"
    cost_centre_path = "cost_centre_id"
    office_path = "office_id"


class Call(models.Model):
    """One segment of a call: talk between two fixed parties, attributed and priced.

    Its natural key is (source, call_id, leg, started_at): a switch may use its
    ids again after a restart, then the start tells the calls apart. The row
    follows its source; each change of money leaves an Adjustment.
    """

    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    call_id = models.CharField(max_length=64)
    leg = models.CharField(max_length=96)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    position = models.PositiveIntegerField(help_text="line in the file the switch wrote")
    sequence = models.CharField(max_length=40, help_text="order of the content among corrections")
    content_hash = models.CharField(max_length=32)

    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField()
    local_date = models.DateField(help_text="day of the start in the zone of the payer's office")
    local_hour = models.PositiveSmallIntegerField()
    ring_ms = models.BigIntegerField()
    talk_ms = models.BigIntegerField()

    call_type = models.CharField(max_length=2, choices=CallType.choices)
    is_voicemail = models.BooleanField(default=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="calls", db_index=False)
    partition = models.CharField(max_length=100, blank=True)
    extension = models.CharField(max_length=50, blank=True)
    line = models.ForeignKey(
        Line,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="calls",
        db_index=False,
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="calls",
        db_index=False,
    )
    department = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    cost_centre = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    office = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    number = models.CharField(max_length=64, blank=True, help_text="other party, E.164 if outside")
    number_raw = models.CharField(max_length=64, blank=True)
    number_is_internal = models.BooleanField(default=False)
    number_class = models.CharField(max_length=16)
    area = models.CharField(max_length=120, blank=True)
    nation = models.CharField(max_length=2, blank=True)

    gateway = models.ForeignKey(
        Gateway, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    gateway_name = models.CharField(max_length=129, blank=True)
    carrier = models.ForeignKey(
        Carrier, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_trunk_leg = models.CharField(max_length=48, blank=True)
    to_trunk_leg = models.CharField(max_length=48, blank=True)

    is_paid = models.BooleanField(default=False, help_text="has an outside leg that we dialled")
    status = models.CharField(max_length=8, choices=CallStatus.choices, default=CallStatus.RATED)
    unrated_reason = models.CharField(max_length=32, blank=True)
    billed_ms = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(null=True, blank=True)
    charge_micros = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    tariff_version = models.ForeignKey(
        TariffVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    matched_prefix = models.CharField(max_length=32, blank=True)
    facts = models.TextField(help_text="the standard record without its raw text, JSON")

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "call_id", "leg", "started_at"], name="call_seen_once"
            ),
            models.CheckConstraint(
                condition=Q(status="RATED", cost_micros__isnull=False, charge_micros__isnull=False)
                | Q(status="UNRATED", cost_micros__isnull=True, charge_micros__isnull=True),
                name="unrated_calls_have_no_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "started_at"], name="call_by_user"),
            models.Index(fields=["started_at"], name="call_by_start"),
            models.Index(fields=["number", "started_at"], name="calls_of_a_number"),
            models.Index(
                fields=["source", "from_trunk_leg"],
                condition=~Q(from_trunk_leg=""),
                name="call_by_from_trunk_leg",
            ),
            models.Index(
                fields=["source", "to_trunk_leg"],
                condition=~Q(to_trunk_leg=""),
                name="call_by_to_trunk_leg",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_id}/{self.leg}"


class Adjustment(models.Model):
    """A change of a stored call's money: old, new, why and by whom. Written once."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="adjustments")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=32, help_text="corrected, leg_completed, rerated, …")
    old_cost_micros = models.BigIntegerField(null=True)
    new_cost_micros = models.BigIntegerField(null=True)
    old_charge_micros = models.BigIntegerField(null=True)
    new_charge_micros = models.BigIntegerField(null=True)
    note = models.CharField(max_length=255, blank=True)

    class Meta:
        verbose_name = _("change of an amount")
        verbose_name_plural = _("changes of amounts")

    def __str__(self) -> str:
        return f"{self.call}: {self.old_charge_micros} to {self.new_charge_micros}"
