"""Several sites in one installation, and questions that stay quick when calls are many."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from cdr.models import Call, UsageTotal
from cdr.queries.proof import differences as total_differences
from cdr.queries.usage import by_source
from directory.models import Line
from tests.support.mining import NOON, company, flat_tariff, mine, outgoing

pytestmark = pytest.mark.django_db


@pytest.mark.feature("F008", "F009")
def test_each_site_keeps_its_zone_currency_dial_plan_and_carrier() -> None:
    london = company()
    newyork = company(
        tariff=flat_tariff(name="US", price="0.30", currency="USD", prefixes=("1",)),
        name="New York",
    )
    newyork.site.country, newyork.site.time_zone = "US", "America/New_York"
    newyork.site.currency, newyork.site.international_prefix = "USD", "011"
    newyork.site.national_prefix, newyork.site.area_code = "1", "212"
    newyork.site.save()
    # The same extension at both sites is two lines.
    ann = london.person("ann", "201")
    bob = newyork.person("bob", "201")
    night = 14 * 3600  # 02:00 UTC: already tomorrow in London, still today in New York

    mine(outgoing("1", off=night), source="london")
    mine(outgoing("1", off=night, number="912125550143"), source="new york")

    here, there = Call.objects.get(user=ann), Call.objects.get(user=bob)
    assert Line.objects.filter(extension="201").count() == 2
    assert (here.currency, there.currency) == ("GBP", "USD")
    assert (here.cost_micros, there.cost_micros) == (150_000, 350_000)
    assert (here.local_date, there.local_date) == (date(2026, 3, 11), date(2026, 3, 10))
    assert there.number == "+12125550143"
    assert {name: entry["charge"] for name, entry in by_source().items()} == {
        "london": "0.1500",
        "new york": "0.3500",
    }


@pytest.mark.feature("F007")
def test_statistics_are_written_with_the_calls_and_agree_with_the_list() -> None:
    london = company()
    london.person("ann", "201")

    records = [outgoing(str(n), off=3600 * n, talk=60 * n) for n in range(1, 30)]
    mine(*records, now=NOON + timedelta(days=3))

    days = UsageTotal.objects.filter(number_class="national").order_by("local_date")
    assert [row.calls for row in days] == [11, 18]
    assert sum(row.charge_micros for row in days) == sum(
        call.charge_micros or 0 for call in Call.objects.all()
    )
    assert total_differences() == []


def plan_of(sql: str, parameters: Any) -> str:
    """The database's own plan for a statement, where scans of all rows are dear."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}", parameters)
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.feature("F006")
@pytest.mark.parametrize(
    ("where", "index"),
    [
        ({"user_id": 1, "started_at__lt": NOON}, "call_by_user"),
        ({"started_at__range": (NOON, NOON + timedelta(days=1))}, "call_by_start"),
        ({"source_id": 1, "call_id": "1-1"}, "(source_id=? AND call_id=?)|call_seen_once"),
    ],
)
def test_the_usual_questions_are_answered_from_an_index(
    where: dict[str, object], index: str
) -> None:
    calls = Call.objects.filter(**where).order_by("-started_at", "-pk").values_list("pk")[:50]

    plan = plan_of(*calls.query.sql_with_params())

    assert any(name in plan for name in index.split("|"))
