"""Signs of life: rows that say when a part was last at work, written sparingly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from cdr.models import Heartbeat

EVERY = timedelta(seconds=20)
NOTE_LENGTH = 500

_written: dict[str, tuple[datetime, str]] = {}


def give(notes: Mapping[str, str], *, now: datetime) -> None:
    """Say that each part in `notes` is alive, with what it has to say, on one line.

    Nothing is written for a part that said the same a moment ago: an idle pass
    should cost the database nothing.
    """
    due = {
        name: " ".join(note.split())[:NOTE_LENGTH]
        for name, note in notes.items()
        if _is_due(name, note, now=now)
    }
    if not due:
        return
    rows = [Heartbeat(name=name, beaten_at=now, note=note) for name, note in due.items()]
    Heartbeat.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["name"], update_fields=["beaten_at", "note"]
    )
    _written.update({name: (now, notes[name]) for name in due})


def forget() -> None:
    """Write every sign anew from now on, as a new process does."""
    _written.clear()


def _is_due(name: str, note: str, *, now: datetime) -> bool:
    if name not in _written:
        return True
    written_at, before = _written[name]
    return note != before or not timedelta(0) <= now - written_at < EVERY
