"""Addresses that refuse mail for good (N7)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from alarms.engine.retries import HARD_BOUNCES_TO_SUPPRESS
from alarms.models import SuppressedAddress


def is_suppressed(address: str) -> bool:
    """Whether nothing is sent to `address` until somebody clears it."""
    return SuppressedAddress.objects.filter(
        address=address.lower(), suppressed_at__isnull=False
    ).exists()


def note_hard_bounce(address: str, *, reason: str, at: datetime) -> None:
    """Count a refusal of the address itself; the third in a row suppresses it."""
    with transaction.atomic():
        row, _ = SuppressedAddress.objects.select_for_update().get_or_create(
            address=address.lower(), defaults={"last_bounced_at": at}
        )
        row.hard_bounces += 1
        row.last_bounced_at = at
        row.last_error = reason[:500]
        if row.hard_bounces >= HARD_BOUNCES_TO_SUPPRESS and row.suppressed_at is None:
            row.suppressed_at = at
        row.save()


def note_accepted(address: str) -> None:
    """The address took mail: what it refused before no longer counts."""
    SuppressedAddress.objects.filter(address=address.lower(), suppressed_at__isnull=True).delete()


def clear_address(address: str) -> bool:
    """Send to `address` again; says whether it was on the list."""
    deleted, _ = SuppressedAddress.objects.filter(address=address.lower()).delete()
    return deleted > 0
