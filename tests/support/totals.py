"""Totals for calls that a test has written straight into the table."""

from __future__ import annotations

from cdr.models import UnitTotal, UsageTotal
from cdr.models.totals import TOTAL_KEYS, TOTAL_MEASURES, UNIT_KEYS, by_unit
from cdr.queries.proof import sums_over_calls


def sum_up() -> None:
    """Both tables of totals, as the Miner would have left them."""
    UsageTotal.objects.all().delete()
    UnitTotal.objects.all().delete()
    sums = sums_over_calls()
    UsageTotal.objects.bulk_create(
        UsageTotal(**dict(zip((*TOTAL_KEYS, *TOTAL_MEASURES), (*key, *values), strict=True)))
        for key, values in sums.items()
    )
    UnitTotal.objects.bulk_create(
        UnitTotal(**dict(zip((*UNIT_KEYS, *TOTAL_MEASURES), (*key, *values), strict=True)))
        for key, values in by_unit(sums).items()
    )
