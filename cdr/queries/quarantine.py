"""Records that were set aside: which there are, and what can be asked about them."""

from __future__ import annotations

from django.db.models import QuerySet

from cdr.models import Outcome, QuarantinedRecord, QuarantineState, Source

REASONS_OFFERED = 100


def quarantined(
    *, state: str = "", reason: str = "", source: str = "", file: str = ""
) -> QuerySet[QuarantinedRecord]:
    """Records set aside, newest first. `state` empty means the open ones, `ALL` all.

    `file` is looked for in the names of the files they stood in.
    """
    rows = QuarantinedRecord.objects.select_related("delivery__source")
    if state != "ALL":
        rows = rows.filter(state=state or QuarantineState.OPEN)
    if reason:
        rows = rows.filter(reason=reason)
    if source:
        rows = rows.filter(delivery__source__name=source)
    if file:
        rows = rows.filter(delivery__name__icontains=file)
    return rows.order_by("-set_aside_at", "-id")


def outcome_of(record: QuarantinedRecord) -> Outcome | None:
    """What the record has become, with its call if there is one."""
    return (
        Outcome.objects.select_related("call")
        .filter(delivery_id=record.delivery_id, position=record.position)
        .first()
    )


def reasons_met() -> list[str]:
    """The reasons that any record was ever set aside for."""
    reasons = QuarantinedRecord.objects.values_list("reason", flat=True)
    return list(reasons.distinct().order_by("reason")[:REASONS_OFFERED])


def source_names() -> list[str]:
    """The names of all sources."""
    return list(Source.objects.values_list("name", flat=True).order_by("name"))
