"""Several sites in one installation, and questions that stay quick when calls are many."""

from __future__ import annotations

from copy import copy
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


def many_calls(*, people: int, days: int, a_day: int) -> None:
    """So many calls, and the database's own count of them, that its plan is that of a full table.

    An empty table's plan hangs on what the planner last heard of it, which is another test's."""
    london = company()
    payers = [london.person(f"person{n}", f"{3000 + n}") for n in range(people)]
    mine(outgoing("1"), source="london")
    pattern = Call.objects.get()
    Call.objects.bulk_create(
        replaced(
            pattern,
            pk=None,
            user=payers[n % people],
            call_id=f"many-{day}-{n}",
            started_at=NOON - timedelta(days=day, seconds=n),
        )
        for day in range(days)
        for n in range(a_day)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Call._meta.db_table}")


def replaced(call: Call, **changes: Any) -> Call:
    """Another call like this one but for the changes."""
    other = copy(call)
    other._state = copy(call._state)
    other._state.adding = True
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def plan_of(sql: str, parameters: Any) -> str:
    """The database's own plan for a statement."""
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.feature("F006")
def test_the_usual_questions_are_answered_from_an_index() -> None:
    many_calls(people=40, days=40, a_day=100)
    one = Call.objects.exclude(user=None)[:1].get()
    questions: list[tuple[dict[str, Any], str]] = [
        ({"user_id": one.user_id, "started_at__lt": NOON}, "call_by_user"),
        ({"started_at__range": (NOON - timedelta(days=9), NOON)}, "call_by_start"),
        (
            {"source_id": one.source_id, "call_id": "1-1"},
            "(source_id=? AND call_id=?)|call_seen_once",
        ),
    ]
    calls = Call.objects.order_by("-started_at", "-pk").values_list("pk")

    for where, index in questions:
        plan = plan_of(*calls.filter(**where)[:50].query.sql_with_params())

        assert any(name in plan for name in index.split("|")), f"{where}: {plan}"
