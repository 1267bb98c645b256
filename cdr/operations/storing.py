"""Writing call rows, totals and work rows, fast and together.

Everything here runs inside the caller's transaction. Ids are taken beforehand, so
that outcomes can point at calls that are copied in bulk; PostgreSQL gets COPY,
SQLite executemany, from the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from cdr.models import Call, Outcome, UnitTotal, UsageChange, UsageTotal
from cdr.models.totals import MISSED, TOTAL_KEYS, TOTAL_MEASURES, UNIT_KEYS, by_unit
from cdr.queries.known import joined
from cdr.queries.pricing import CALL_COLUMNS, CallRow


def take_ids(table: str, count: int) -> list[int]:
    """Take `count` fresh primary keys of `table`, which nobody else will get."""
    if count == 0:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, count],
            )
            return [row[0] for row in cursor.fetchall()]
        # SQLite: the IMMEDIATE transaction we are in is the only writer.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        last = row[0] if row else 0
        return list(range(last + 1, last + count + 1))


def sqlite_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(value, date):
        return value.isoformat()
    return value


def bulk_write(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append `rows` to `table`; constraint violations raise IntegrityError as usual."""
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    name = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with (
                connection.wrap_database_errors,
                cursor.cursor.copy(f"COPY {name} ({quoted}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        cursor.executemany(
            f"INSERT INTO {name} ({quoted}) VALUES ({marks})",  # noqa: S608 - our own names
            [tuple(map(sqlite_value, row)) for row in rows],
        )


CALL_TABLE = Call._meta.db_table


def write_calls(ids: Sequence[int], rows: Sequence[CallRow]) -> None:
    """Append new calls under the given ids."""
    bulk_write(CALL_TABLE, CALL_COLUMNS, ((pk, *row) for pk, row in zip(ids, rows, strict=True)))


def rewrite_call(pk: int, row: CallRow) -> None:
    """Put the new content of a call in its row."""
    Call.objects.filter(pk=pk).update(**row._asdict())


MONEY_COLUMNS = (
    "number_class",
    "area",
    "is_paid",
    "status",
    "unrated_reason",
    "billed_ms",
    "cost_micros",
    "charge_micros",
    "currency",
    "carrier_id",
    "tariff_version_id",
    "matched_prefix",
)
MONEY_TYPES = (
    "text[]",
    "text[]",
    "boolean[]",
    "text[]",
    "text[]",
    "bigint[]",
    "bigint[]",
    "bigint[]",
    "text[]",
    "bigint[]",
    "bigint[]",
    "text[]",
)


def rewrite_money(changed: Sequence[tuple[int, CallRow]]) -> None:
    """Put new prices in the rows of many calls with one statement."""
    if not changed:
        return
    values = [tuple(getattr(row, name) for name in MONEY_COLUMNS) for _, row in changed]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sets = ", ".join(f"{name} = v.{name}" for name in MONEY_COLUMNS)
            arrays = ", ".join(f"%s::{kind}" for kind in ("bigint[]", *MONEY_TYPES))
            cursor.execute(
                f"UPDATE {CALL_TABLE} AS c SET {sets} "  # noqa: S608 - our own names
                f"FROM unnest({arrays}) AS v(pk, {', '.join(MONEY_COLUMNS)}) WHERE c.id = v.pk",
                [
                    [pk for pk, _ in changed],
                    *[list(column) for column in zip(*values, strict=True)],
                ],
            )
            return
        sets = ", ".join(f"{name} = %s" for name in MONEY_COLUMNS)
        cursor.executemany(
            f"UPDATE {CALL_TABLE} SET {sets} WHERE id = %s",  # noqa: S608 - our own names
            [(*row, pk) for row, (pk, _) in zip(values, changed, strict=True)],
        )


OUTCOME_TABLE = Outcome._meta.db_table
OUTCOME_COLUMNS = ("delivery_id", "position", "kind", "reason", "content_hash", "call_id")


def write_outcomes(rows: Sequence[tuple[int, int, str, str, str, int | None]]) -> None:
    """Append outcomes: (delivery, position, kind, reason, content hash, call)."""
    bulk_write(OUTCOME_TABLE, OUTCOME_COLUMNS, rows)


CHANGE_TABLE = UsageChange._meta.db_table
CHANGE_COLUMNS = ("user_key", "department_key", "cost_centre_key", "office_key", "local_date")
TOTAL_TABLE = UsageTotal._meta.db_table
UNIT_TABLE = UnitTotal._meta.db_table
KEY_TYPES = {"local_date": "date", "call_type": "text", "number_class": "text", "currency": "text"}
"""What is no number among the keys of totals."""


class TotalsDelta:
    """The change of the usage totals that a batch makes, summed before it is written."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], list[int]] = {}
        self._payers: set[tuple[int, int, int, int, date]] = set()

    def add(self, row: CallRow, *, sign: int = 1) -> None:
        """Count `row` in, or out with `sign` -1. Sums stand in the order of `TOTAL_MEASURES`."""
        user = row.user_id or 0
        department = row.department_id or 0
        cost_centre = row.cost_centre_id or 0
        office = row.office_id or 0
        key = (
            row.local_date,
            user,
            department,
            cost_centre,
            office,
            row.source_id,
            row.call_type,
            row.number_class,
            row.currency,
        )
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = [0] * len(TOTAL_MEASURES)
        sums[0] += sign
        sums[1] += sign * row.talk_ms
        if row.answered_at is not None and row.call_type != MISSED:
            sums[2] += sign
            sums[3] += sign * row.ring_ms
        if row.is_paid:
            sums[4] += sign
            sums[5] += sign * row.talk_ms
            self._payers.add((user, department, cost_centre, office, row.local_date))
        if row.cost_micros is None or row.charge_micros is None:
            sums[6] += sign
        else:
            sums[7] += sign * row.cost_micros
            sums[8] += sign * row.charge_micros

    def write(self) -> None:
        """Add the sums to the totals and leave the work rows for whoever watches them."""
        moved = {key: sums for key, sums in self._sums.items() if any(sums)}
        _add_to(TOTAL_TABLE, TOTAL_KEYS, moved)
        _add_to(UNIT_TABLE, UNIT_KEYS, by_unit(moved))
        bulk_write(CHANGE_TABLE, CHANGE_COLUMNS, sorted(self._payers))


def _add_to(
    table: str, keys: Sequence[str], sums_by_key: Mapping[tuple[Any, ...], Sequence[int]]
) -> None:
    """Add the sums to the rows of their keys, in the order of the keys: nobody waits in a ring."""
    rows = [(*key, *sums) for key, sums in sorted(sums_by_key.items()) if any(sums)]
    if not rows:
        return
    names = (*keys, *TOTAL_MEASURES)
    columns = ", ".join(names)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in TOTAL_MEASURES)
    conflict = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(
                f"string_to_array(%s, chr(31))::{KEY_TYPES.get(name, 'bigint')}[]" for name in names
            )
            cursor.execute(
                f"INSERT INTO {table} ({columns}) "  # noqa: S608 - our own names
                f"SELECT * FROM unnest({arrays}) {conflict}",
                [joined(column) for column in zip(*rows, strict=True)],
            )
            return
        marks = ", ".join(["%s"] * len(names))
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) {conflict}",  # noqa: S608
            [tuple(map(sqlite_value, row)) for row in rows],
        )
