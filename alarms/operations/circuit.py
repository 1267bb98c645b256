"""The mail server's circuit: open while it does not answer, with one probe every 30 s (N4)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from alarms.engine.retries import PROBE_EVERY
from alarms.models import MailCircuit

CHANNEL = "mail"


def may_try(*, now: datetime) -> bool:
    """Whether the server may be tried now; while open, one caller every 30 s wins the probe.

    A probe due further ahead than one interval is a clock that was set back: it is due.
    """
    circuit = MailCircuit.objects.filter(name=CHANNEL).first()
    if circuit is None or circuit.probe_due_at is None:
        return True
    if now < circuit.probe_due_at <= now + PROBE_EVERY:
        return False
    won = MailCircuit.objects.filter(pk=circuit.pk, probe_due_at=circuit.probe_due_at)
    return won.update(probe_due_at=now + PROBE_EVERY) == 1


@transaction.atomic
def open_circuit(*, reason: str, now: datetime) -> None:
    """The server does not answer: nothing more is tried before the next probe."""
    circuit, is_new = MailCircuit.objects.select_for_update().get_or_create(
        name=CHANNEL,
        defaults={
            "opened_at": now,
            "probe_due_at": now + PROBE_EVERY,
            "last_error": reason[:500],
        },
    )
    if not is_new:
        circuit.opened_at = circuit.opened_at or now
        circuit.probe_due_at = now + PROBE_EVERY
        circuit.last_error = reason[:500]
        circuit.save()


def close_circuit() -> None:
    """The server answers again."""
    MailCircuit.objects.filter(name=CHANNEL, opened_at__isnull=False).update(
        opened_at=None, probe_due_at=None, last_error=""
    )
