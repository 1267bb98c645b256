"""Is every record accounted for? Records read against outcomes, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count

from cdr.models import Call, Delivery, DeliveryState, Outcome, OutcomeKind

OUTCOME_NAMES = {str(kind.value): kind.name.lower() for kind in OutcomeKind}
"""What machines read of an outcome; people read its label, in their language."""


@dataclass(frozen=True, slots=True)
class FileCount:
    """One delivery: how many records were read, and how many ended how."""

    source: str
    file: str
    claim: str
    state: str
    read: int
    outcomes: dict[str, int]


def no_outcomes() -> dict[str, int]:
    """The five outcomes, all zero, in their usual order."""
    return dict.fromkeys(OUTCOME_NAMES.values(), 0)


def outcomes_by_source() -> dict[str, dict[str, int]]:
    """Outcome counts of every source."""
    counts: dict[str, dict[str, int]] = {}
    rows = (
        Outcome.objects.values_list("delivery__source__name", "kind")
        .annotate(number=Count("pk"))
        .order_by("delivery__source__name", "kind")
    )
    for source, kind, number in rows:
        counts.setdefault(source or "", no_outcomes())[OUTCOME_NAMES[kind]] = number
    return counts


def file_counts() -> Iterator[FileCount]:
    """Every delivery with its counts, oldest first."""
    by_delivery: dict[int, dict[str, int]] = {}
    rows = Outcome.objects.values_list("delivery_id", "kind").annotate(number=Count("pk"))
    for delivery_id, kind, number in rows.order_by("delivery_id", "kind"):
        by_delivery.setdefault(delivery_id, no_outcomes())[OUTCOME_NAMES[kind]] = number
    for delivery in Delivery.objects.select_related("source").order_by("pk").iterator():
        yield FileCount(
            source=delivery.source.name if delivery.source else "",
            file=delivery.name,
            claim=delivery.claim,
            state=delivery.state,
            read=delivery.records_read,
            outcomes=by_delivery.get(delivery.pk, no_outcomes()),
        )


def differences() -> list[str]:
    """Sentences that say where records and outcomes do not agree; empty if all is well."""
    found = []
    for count in file_counts():
        settled = sum(count.outcomes.values())
        if settled != count.read:
            found.append(
                f"{count.source}:{count.file}: {count.read} records read, {settled} outcomes"
            )
        if count.state == DeliveryState.PARKED and not count.source:
            found.append(f"{count.file}: parked, it belongs to no source")
    stored = Outcome.objects.filter(kind=OutcomeKind.STORED)
    stored_count = stored.count()
    call_count = Call.objects.count()
    if stored_count != call_count:
        found.append(f"{stored_count} outcomes say stored, there are {call_count} calls")
    twice = stored.values("call_id").annotate(number=Count("pk")).filter(number__gt=1).count()
    if twice:
        found.append(f"{twice} calls were stored more than once")
    return found
