"""One hash over all that must be equal after faults (reliability 9).

No row ids and no times of processing go in. A record that replaced an older one
and an older one that came too late are one kind here, `revised`: which of the two
it was depends only on the order of arrival.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from alarms.queries.counts import outbox_counts
from budgets.queries.proof import digest_rows
from cdr.models import Call
from cdr.queries.reconciliation import outcomes_by_source
from cdr.queries.usage import by_source, by_unit, by_user
from phonelock.queries import line_states

CALL_FACTS = (
    "source__name",
    "call_id",
    "leg",
    "started_at",
    "content_hash",
    "call_type",
    "partition",
    "extension",
    "user__username",
    "number",
    "number_class",
    "talk_ms",
    "status",
    "unrated_reason",
    "billed_ms",
    "cost_micros",
    "charge_micros",
    "currency",
)


def parts() -> dict[str, Any]:
    """The figures of the digest, as `digest --json` prints them."""
    return {
        "outcomes": outcomes_by_source(),
        "users": by_user(),
        "units": by_unit(),
        "sources": by_source(),
        "budgets": digest_rows(),
        "lines": line_states(),
        "outbox": outbox_counts(),
    }


def _calls_hash() -> str:
    digest = hashlib.sha256()
    rows = Call.objects.order_by("source__name", "call_id", "leg", "started_at")
    for row in rows.values_list(*CALL_FACTS).iterator(chunk_size=5000):
        digest.update(orjson.dumps([str(value) for value in row]))
    return digest.hexdigest()


def _order_free(figures: dict[str, Any]) -> dict[str, Any]:
    revised = {}
    for source, outcomes in figures["outcomes"].items():
        counts = dict(outcomes)
        counts["revised"] = counts.pop("corrected") + counts["discarded"]
        del counts["discarded"]
        revised[source] = counts
    return {**figures, "outcomes": revised}


def digest() -> dict[str, Any]:
    """The parts and, first, the hash over them and over every call."""
    figures = parts()
    hashed = orjson.dumps(
        {**_order_free(figures), "calls": _calls_hash()}, option=orjson.OPT_SORT_KEYS
    )
    return {"digest": f"sha256{hashlib.sha256(hashed).hexdigest()}", **figures}
