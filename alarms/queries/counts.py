"""The outbox counted."""

from __future__ import annotations

from django.db.models import Count

from alarms.models import OutboxMessage


def outbox_counts() -> dict[str, int]:
    """Rows per state, states without rows left out; for `digest` and the outbox page."""
    counted = OutboxMessage.objects.values("state").annotate(rows=Count("pk")).order_by("state")
    return {row["state"]: row["rows"] for row in counted}
