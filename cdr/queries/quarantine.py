"""Records that were set aside: which there are, and what can be asked about them."""

from __future__ import annotations

from django.db.models import QuerySet

from cdr.models import QuarantinedRecord, QuarantineState, Source

REASONS_OFFERED = 100


def quarantined(
    *, state: str = "", reason: str = "", source: str = ""
) -> QuerySet[QuarantinedRecord]:
    """Records set aside, newest first. `state` empty means the open ones, `ALL` all."""
    rows = QuarantinedRecord.objects.select_related("delivery__source")
    if state != "ALL":
        rows = rows.filter(state=state or QuarantineState.OPEN)
    if reason:
        rows = rows.filter(reason=reason)
    if source:
        rows = rows.filter(delivery__source__name=source)
    return rows.order_by("-set_aside_at", "-id")


def reasons_met() -> list[str]:
    """The reasons that any record was ever set aside for."""
    reasons = QuarantinedRecord.objects.values_list("reason", flat=True)
    return list(reasons.distinct().order_by("reason")[:REASONS_OFFERED])


def source_names() -> list[str]:
    """The names of all sources."""
    return list(Source.objects.values_list("name", flat=True).order_by("name"))


def open_count() -> int:
    """How many records wait for somebody to mend or close them."""
    return QuarantinedRecord.objects.filter(state=QuarantineState.OPEN).count()
