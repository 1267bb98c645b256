"""Writing many rows, or only pretending to: a preview goes the same way as the import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Model, QuerySet

BATCH = 500


class Pen:
    """Writes rows of one model at a time."""

    is_real = True

    def hold(self, rows: QuerySet[Any]) -> None:
        """Keep others who change these rows waiting; whoever only refers to them does not wait."""
        list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))

    def create(self, rows: Iterable[Model]) -> None:
        """Store new rows; each gets its key."""
        new = list(rows)
        if new:
            type(new[0])._default_manager.bulk_create(new, batch_size=BATCH)

    def update(self, rows: Sequence[Model], columns: Collection[str]) -> None:
        """Store these columns of known rows."""
        if rows and columns:
            type(rows[0])._default_manager.bulk_update(rows, sorted(columns), batch_size=BATCH)

    def delete(self, rows: QuerySet[Any]) -> None:
        rows.delete()


class DryPen(Pen):
    """Writes nothing, holds no lock. New rows get keys that no stored row has."""

    is_real = False

    def __init__(self) -> None:
        self._last = 0

    def hold(self, rows: QuerySet[Any]) -> None:
        """Nothing."""

    def create(self, rows: Iterable[Model]) -> None:
        for row in rows:
            self._last -= 1
            row.pk = self._last

    def update(self, rows: Sequence[Model], columns: Collection[str]) -> None:
        """Nothing: the rows in memory have changed already."""

    def delete(self, rows: QuerySet[Any]) -> None:
        """Nothing."""
