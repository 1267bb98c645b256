"""Signs of life of the product's parts (reliability B7)."""

from __future__ import annotations

from datetime import datetime

from cdr.models import Heartbeat


def beat(*, name: str, now: datetime, note: str = "") -> None:
    """Say that the part `name` is alive; `note` is what it has to say, on one line."""
    Heartbeat.objects.update_or_create(
        name=name, defaults={"beaten_at": now, "note": " ".join(note.split())[:500]}
    )
