"""People, sites, lines and org units: who may pay for a call, and where.

Facts that change over time (who holds a line, which units a person belongs to)
are rows with a half-open span `[valid_from, valid_to)`; null means since ever
and until further notice. Old calls keep the snapshot taken on their day.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

CUSTOM_FIELDS = tuple(f"custom_{number}" for number in range(1, 11))


def valid_at(instant: datetime) -> Q:
    """The rows whose half-open span holds `instant`."""
    return (Q(valid_from__isnull=True) | Q(valid_from__lte=instant)) & (
        Q(valid_to__isnull=True) | Q(valid_to__gt=instant)
    )


class TransferPayment(models.TextChoices):
    """Who pays an outside leg that several people talked on."""

    WHOLE = "WHOLE", "the line that dialled or handed out pays all"
    SHARED = "SHARED", "each party pays by talk seconds"


class Site(models.Model):
    """One telephone system's place: its dial plan, country, zone and currency."""

    name = models.CharField(max_length=100, unique=True)
    country = models.CharField(max_length=2, help_text="ISO 3166 code, such as IT")
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")
    exit_code = models.CharField(max_length=8, blank=True)
    international_prefix = models.CharField(max_length=8, default="00", blank=True)
    national_prefix = models.CharField(max_length=8, blank=True)
    area_code = models.CharField(max_length=8, blank=True)
    extension_patterns = models.JSONField(default=list, blank=True)
    local_lengths = models.JSONField(default=list, blank=True)
    emergency_numbers = models.JSONField(default=list, blank=True)
    allowed_while_locked = models.JSONField(
        default=list,
        blank=True,
        help_text="numbers and prefixes (ending in *) open to locked phones",
    )
    transfer_payment = models.CharField(
        max_length=8, choices=TransferPayment.choices, default=TransferPayment.WHOLE
    )
    keep_internal_calls = models.BooleanField(default=True)
    mask_digits = models.PositiveSmallIntegerField(default=4)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class UnitKind(models.TextChoices):
    DEPARTMENT = "DEPARTMENT", "department"
    COST_CENTRE = "COST_CENTRE", "cost centre"
    OFFICE = "OFFICE", "office"


class OrgUnit(models.Model):
    """A department, cost centre or office; `path` holds the whole branch, `Sales/North`."""

    kind = models.CharField(max_length=12, choices=UnitKind.choices)
    name = models.CharField(max_length=100)
    path = models.CharField(max_length=500)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    site = models.ForeignKey(
        Site,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="offices",
        help_text="gives an office its zone and currency",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "path"], name="unit_path_once_per_kind")
        ]

    def __str__(self) -> str:
        return self.path


class Role(models.TextChoices):
    USER = "USER", "user"
    SUPERVISOR = "SUPERVISOR", "supervisor"
    ADMIN = "ADMIN", "administrator"
    AUDITOR = "AUDITOR", "auditor"


class User(AbstractUser):
    """A person (or a place) that calls are charged to, and perhaps signs in."""

    role = models.CharField(max_length=12, choices=Role.choices, default=Role.USER)
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, default="en")
    time_zone = models.CharField(max_length=64, blank=True)
    manager = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reports_to_me"
    )
    mask_digits = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="digits hidden from this viewer; the stricter rule wins"
    )
    may_reveal_numbers = models.BooleanField(default=False)
    custom_1 = models.CharField(max_length=200, blank=True)
    custom_2 = models.CharField(max_length=200, blank=True)
    custom_3 = models.CharField(max_length=200, blank=True)
    custom_4 = models.CharField(max_length=200, blank=True)
    custom_5 = models.CharField(max_length=200, blank=True)
    custom_6 = models.CharField(max_length=200, blank=True)
    custom_7 = models.CharField(max_length=200, blank=True)
    custom_8 = models.CharField(max_length=200, blank=True)
    custom_9 = models.CharField(max_length=200, blank=True)
    custom_10 = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Membership(models.Model):
    """The units a person belongs to, from one instant to another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    department = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="department_members"
    )
    cost_centre = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="cost_centre_members"
    )
    office = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="office_members"
    )
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(valid_to__isnull=True), name="one_open_membership"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="membership_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.department or '-'}"


class Line(models.Model):
    """An extension. Its key is (site, partition, extension), never the number alone."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="lines")
    partition = models.CharField(max_length=100, blank=True)
    extension = models.CharField(max_length=50)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "partition", "extension"], name="line_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.site.name}/{self.partition}/{self.extension}"


class LineHolding(models.Model):
    """Who holds a line, from one instant to another."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="holdings")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="holdings")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line"], condition=Q(valid_to__isnull=True), name="one_open_holder_a_line"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="holding_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} held by {self.user}"


class Supervision(models.Model):
    """A grant: this person may see the unit and everything below it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="supervisions")
    unit = models.ForeignKey(OrgUnit, on_delete=models.CASCADE, related_name="supervisions")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "unit"], name="unit_supervised_once_a_user")
        ]

    def __str__(self) -> str:
        return f"{self.user} supervises {self.unit}"
