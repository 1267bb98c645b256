"""What is not well: parts without a sign of life, mail that does not go out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from alarms.models import MailCircuit
from cdr.models import Heartbeat

STALE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class StalePart:
    """A part that was last heard of at `beaten_at`, None = never."""

    name: str
    beaten_at: datetime | None
    note: str = ""


def stale_parts(
    *, now: datetime, expected: Collection[str] = (), after: timedelta = STALE_AFTER
) -> list[StalePart]:
    """Parts that were not heard of for `after`, by name, and `expected` ones that never were."""
    beats = {beat.name: beat for beat in Heartbeat.objects.order_by("name")}
    stale = [
        StalePart(name=beat.name, beaten_at=beat.beaten_at, note=beat.note)
        for beat in beats.values()
        if beat.beaten_at <= now - after
    ]
    never = [StalePart(name=name, beaten_at=None) for name in expected if name not in beats]
    return sorted([*stale, *never], key=lambda part: part.name)


def mail_server_away_since() -> tuple[datetime, str] | None:
    """Since when the mail server does not answer, and what it said; None while it does."""
    circuit = MailCircuit.objects.filter(opened_at__isnull=False).first()
    if circuit is None or circuit.opened_at is None:
        return None
    return circuit.opened_at, circuit.last_error
