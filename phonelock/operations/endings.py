"""Lifting the administrator's locks whose end date has come."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from phonelock.engine.flags import LockFlag
from phonelock.models import LineLock
from phonelock.operations.rows import ROWS_A_QUERY, change_flags, locked_rows, write_rows

MAX_BATCHES: Final = 50
END_DATE: Final = "end_date"
RECONCILER: Final = "reconciler"


def ended(*, now: datetime) -> QuerySet[LineLock]:
    """Lines whose lock by the administrator has come to its end."""
    return LineLock.objects.filter(admin_until__lte=now)


def lift_ended(*, now: datetime) -> int:
    """Clear the administrator's flag where its time is over; how many lines that were.

    Looked at again under the row's lock: whoever has just given it a later end wins.
    """
    lifted = 0
    for _ in range(MAX_BATCHES):
        due = ended(now=now).order_by("line_id")
        line_ids = list(due.values_list("line_id", flat=True)[:ROWS_A_QUERY])
        if not line_ids:
            break
        with transaction.atomic():
            held = locked_rows(line_ids, at=now)
            over = [lock for lock in held if lock.admin_until and lock.admin_until <= now]
            events = [
                event
                for lock in over
                for event in change_flags(
                    lock, take_off=[LockFlag.ADMIN], by=RECONCILER, reason=END_DATE, at=now
                )
            ]
            write_rows(over, events)
        lifted += len(events)
    return lifted
