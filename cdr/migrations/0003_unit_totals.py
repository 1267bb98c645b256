"""Totals by unit, rolled up from the usage totals that are there."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

MEASURES = (
    "calls",
    "talk_ms",
    "answered_calls",
    "ring_ms",
    "paid_calls",
    "paid_talk_ms",
    "unrated_calls",
    "cost_micros",
    "charge_micros",
)
UNITS = ("0", "department_key", "cost_centre_key", "office_key")
"""Everybody, then the units of a call; one it has not (0) is not counted again."""


def fill(_apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Roll the usage totals up, one statement for each kind of unit."""
    sums = ", ".join(f"SUM({name})" for name in MEASURES)
    with schema_editor.connection.cursor() as cursor:
        for unit in UNITS:
            where = "" if unit == "0" else f"WHERE {unit} <> 0"
            cursor.execute(
                "INSERT INTO cdr_unittotal (local_date, unit_key, source_key, call_type,"  # noqa: S608
                f" currency, {', '.join(MEASURES)})"
                f" SELECT local_date, {unit}, source_key, call_type, currency, {sums}"
                f" FROM cdr_usagetotal {where}"
                f" GROUP BY local_date, {'' if unit == '0' else unit + ','}"
                " source_key, call_type, currency"
            )


def numbers() -> list[tuple[str, models.Field]]:
    return [(name, models.BigIntegerField(default=0)) for name in MEASURES]


class Migration(migrations.Migration):
    dependencies: ClassVar = [("cdr", "0002_answered_calls")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="UnitTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("local_date", models.DateField()),
                ("unit_key", models.BigIntegerField()),
                ("source_key", models.BigIntegerField(default=0)),
                ("call_type", models.CharField(max_length=2)),
                ("currency", models.CharField(max_length=3)),
                *numbers(),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("unit_key", "local_date", "source_key", "call_type", "currency"),
                        name="unit_total_once_a_key",
                    )
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
