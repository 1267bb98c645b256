"""All calls with one number are found by an index, in their order, whoever asks."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("cdr", "0003_unit_totals")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=~models.Q(number=""),
                fields=["number", "started_at"],
                name="call_by_number",
            ),
        ),
    ]
