"""Who is at work: leases that keep two from doing one thing, and signs of life."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Lease(models.Model):
    """A right to do `name` until an instant, taken by compare-and-set."""

    name = models.CharField(max_length=64, unique=True)
    holder = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.until:%H:%M:%S}"


class Heartbeat(models.Model):
    """The last sign of life of a part of the product, and what it said."""

    name = models.CharField(max_length=64, unique=True)
    beaten_at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")

    def __str__(self) -> str:
        return self.name
