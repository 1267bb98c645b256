"""Which calls of a source are stored already: by call id, and by outside leg.

Asked for every batch of the Miner, mostly to hear "none". PostgreSQL gets one array
a question and not five hundred parameters; the second half of each condition lets
it use the partial indexes, which it cannot prove from a long list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection

from cdr.models import Call

TABLE = Call._meta.db_table
SLICE = 900
SEPARATOR = "\x1f"
KNOWN_COLUMNS = ("id", "call_id", "leg", "started_at", "sequence", "position", "content_hash")


def joined(values: Iterable[object]) -> str:
    """Many values as one parameter, for ``string_to_array(%s, chr(31))``.

    Adapting a list costs more than the question; texts here hold no control
    characters (reliability P12), so the separator cannot occur in them.
    """
    return SEPARATOR.join(map(str, values))


def _ids_where(column: str, source_id: int, values: Sequence[str]) -> list[int]:
    """Primary keys of the source's calls whose `column` is one of `values`."""
    found: list[int] = []
    for start in range(0, len(values), SLICE):
        part = values[start : start + SLICE]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # OFFSET 0 keeps the inner query whole: an index probe a value, never a scan.
                cursor.execute(
                    "SELECT found.id "  # noqa: S608 - our own names
                    "FROM unnest(string_to_array(%s, chr(31))) AS v(value) "
                    f"CROSS JOIN LATERAL (SELECT c.id FROM {TABLE} AS c WHERE c.source_id = %s "
                    f"AND c.{column} = v.value AND c.{column} <> '' OFFSET 0) AS found",
                    [joined(part), source_id],
                )
            else:
                marks = ", ".join(["%s"] * len(part))
                cursor.execute(
                    f"SELECT id FROM {TABLE} WHERE source_id = %s "  # noqa: S608 - our own names
                    f"AND {column} IN ({marks}) AND NOT ({column} = '')",
                    [source_id, *part],
                )
            found += [row[0] for row in cursor.fetchall()]
    return found


def calls_with_ids(source_id: int, call_ids: Collection[str]) -> Sequence[tuple[Any, ...]]:
    """(id, call_id, leg, started_at, sequence, position, content_hash) of calls by call id."""
    pks = _ids_where("call_id", source_id, sorted(call_ids))
    if not pks:
        return []
    return list(Call.objects.filter(pk__in=pks).values_list(*KNOWN_COLUMNS))


def calls_with_legs(source_id: int, legs: Collection[str]) -> list[int]:
    """Primary keys of the source's calls in which one of the outside `legs` takes part."""
    wanted = sorted(legs)
    return sorted(
        {
            *_ids_where("from_trunk_leg", source_id, wanted),
            *_ids_where("to_trunk_leg", source_id, wanted),
        }
    )
