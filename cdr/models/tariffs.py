"""Carriers, the gateways they stand behind, and their tariffs."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

import orjson
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from directory.models import Site


class Tariff(models.Model):
    """A named price list; its content lives in immutable versions, the newest counts."""

    name = models.CharField(max_length=200, unique=True)
    currency = models.CharField(max_length=3)

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")

    def __str__(self) -> str:
        return self.name


class TariffVersion(models.Model):
    """One state of a tariff: the whole document of design 6, never edited."""

    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    packed = models.BinaryField(help_text="the tariff document, JSON, zlib-compressed")
    document_hash = models.CharField(max_length=64)
    destinations = models.PositiveIntegerField(default=0)
    origin = models.CharField(max_length=255, blank=True, help_text="file or command it came from")
    made_by = models.CharField(max_length=150, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("version of a tariff")
        verbose_name_plural = _("versions of tariffs")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tariff", "number"], name="tariff_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.tariff.name} v{self.number}"

    @property
    def document(self) -> dict[str, Any]:
        loaded: dict[str, Any] = orjson.loads(zlib.decompress(bytes(self.packed)))
        return loaded


class Carrier(models.Model):
    """A company that carries outside calls; users may be charged more than it costs."""

    name = models.CharField(max_length=100, unique=True)
    tariff = models.ForeignKey(
        Tariff, null=True, blank=True, on_delete=models.PROTECT, related_name="carriers"
    )
    charge_tariff = models.ForeignKey(
        Tariff,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="charged_carriers",
        help_text="prices for users, where they differ from the carrier's",
    )
    markup_percent = models.DecimalField(max_digits=7, decimal_places=3, default=0)
    surcharge_micros = models.BigIntegerField(
        default=0, help_text="per paid call, after the mark-up, in millionths"
    )

    class Meta:
        verbose_name = _("carrier")
        verbose_name_plural = _("carriers")

    def __str__(self) -> str:
        return self.name


class GatewayKind(models.TextChoices):
    PSTN = "PSTN", _("outside lines")
    ONNET = "ONNET", _("private network")
    VOICEMAIL = "VOICEMAIL", _("voicemail")
    OTHER = "OTHER", _("other")


class Gateway(models.Model):
    """A trunk or gateway as the call records name it; `*` stands for any text."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="gateways")
    device = models.CharField(max_length=129)
    kind = models.CharField(max_length=10, choices=GatewayKind.choices, default=GatewayKind.PSTN)

    class Meta:
        verbose_name = _("gateway")
        verbose_name_plural = _("gateways")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "device"], name="gateway_once_a_site")
        ]

    def __str__(self) -> str:
        return self.device


class GatewayCarrier(models.Model):
    """Which carrier stands behind a gateway, from one instant to another."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="carriers")
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="gateways")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("carrier of a gateway")
        verbose_name_plural = _("carriers of gateways")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="carrier_span_ends_after_it_starts",
            ),
            models.UniqueConstraint(
                fields=["gateway"],
                condition=Q(valid_to__isnull=True),
                name="one_open_carrier_a_gateway",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} by {self.carrier}"
