"""Usage totals learn of answered calls and of the time until they were answered."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FILL = """
    UPDATE cdr_usagetotal
    SET answered_calls = found.answered_calls, ring_ms = found.ring_ms
    FROM (
        SELECT local_date, COALESCE(user_id, 0) AS user_key,
            COALESCE(department_id, 0) AS department_key,
            COALESCE(cost_centre_id, 0) AS cost_centre_key,
            COALESCE(office_id, 0) AS office_key, source_id AS source_key,
            call_type, number_class, currency,
            COUNT(*) AS answered_calls, SUM(ring_ms) AS ring_ms
        FROM cdr_call
        WHERE answered_at IS NOT NULL AND call_type <> 'IU'
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) AS found
    WHERE cdr_usagetotal.local_date = found.local_date
        AND cdr_usagetotal.user_key = found.user_key
        AND cdr_usagetotal.department_key = found.department_key
        AND cdr_usagetotal.cost_centre_key = found.cost_centre_key
        AND cdr_usagetotal.office_key = found.office_key
        AND cdr_usagetotal.source_key = found.source_key
        AND cdr_usagetotal.call_type = found.call_type
        AND cdr_usagetotal.number_class = found.number_class
        AND cdr_usagetotal.currency = found.currency
"""
"""One statement for both databases (SQLite knows UPDATE … FROM since 3.33)."""


def fill(_apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count the calls that are stored already."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FILL)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("cdr", "0001_initial")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="usagetotal",
            name="answered_calls",
            field=models.BigIntegerField(
                default=0, help_text="somebody answered; voicemail is not somebody"
            ),
        ),
        migrations.AddField(
            model_name="usagetotal",
            name="ring_ms",
            field=models.BigIntegerField(
                default=0, help_text="of the answered calls, until the answer"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
