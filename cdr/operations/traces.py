"""Traces of who looked at numbers in clear and who took calls out of the house (domain 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from cdr.models import Call, QuarantinedRecord
from directory.models import User

REVEALED: Final = "numbers revealed"
EXPORTED: Final = "calls exported as"
LONGEST: Final = 200


def note_reveal(row: Call | QuarantinedRecord, *, by: User) -> None:
    """`by` is shown the record of a call, or one set aside, as the switch wrote it."""
    _note(by, type(row), what=str(row), message=REVEALED, object_id=str(row.pk))


def note_export(words: Sequence[str], *, form: str, by: User) -> None:
    """`by` takes the calls narrowed to `words` along, as a file of the kind `form`."""
    _note(by, Call, what=" · ".join(words), message=f"{EXPORTED} {form}")


def _note(by: User, kind: type[Model], *, what: str, message: str, object_id: str = "") -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(kind),
        object_id=object_id,
        object_repr=what[:LONGEST],
        action_flag=CHANGE,
        change_message=message,
    )
