"""One entry in the log of changes for a run that writes rows in bulk.

Row by row such a run would write thousands of entries that nobody reads; one entry
says what ran and what it came to. Who asked for it is known from the request or the
job; a command stands there without a name.
"""

from __future__ import annotations

from collections.abc import Mapping

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model


def note_run(
    model: type[Model], *, words: str, figures: Mapping[str, int], is_removal: bool = False
) -> None:
    """Write that rows of `model` were changed (or removed) by the run that `words` name.

    Call it in the transaction of the run. Figures of 0 are left out; with none left
    nothing was changed and nothing is written.
    """
    counted = {name: ["", str(figure)] for name, figure in figures.items() if figure}
    if counted:
        LogEntry.objects.create(
            content_type=ContentType.objects.get_for_model(model),
            object_pk="",
            object_repr=words[:500],
            action=LogEntry.Action.DELETE if is_removal else LogEntry.Action.UPDATE,
            changes=counted,
        )
