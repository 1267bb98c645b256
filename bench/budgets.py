"""T7, T8, T9: evaluating the budgets that new calls touch, among 100,000.

The floor of T7 is one `UPDATE … FROM` that adds the same 2,000 amounts to bare
counters: what a design with stored sums would have to write at least. T8 holds the
tick against itself with a hundred times the history. T9 is a whole pass of the pipeline
that finds nothing to do, with a source, a switch, a line and a mail server. Each run
checks that exactly the budgets that should have fired did, and that no tick reads a call.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, show
from bench.scratch import django_on, each_in_its_process, has_postgres

BUDGETS = int(os.environ.get("BENCH_BUDGETS", "100000"))
CALLS = 2_000
FIRING = 20
"""So many of the touched budgets cross a threshold in each run."""

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
RUNS = 5
PASSES = 20
MONTHS_OF_HISTORY = 24
ROWS_A_MONTH = 2
ROWS_THIS_MONTH = 5
CALLS_A_ROW = 2
"""24 months of two rows of two calls are 10 million; five rows a month are 1 million calls."""
TOTAL = "cdr_usagetotal"


def set_up() -> int:
    """A department of `BUDGETS` people with a budget for each; gives the first user's id."""
    from budgets.engine.terms import Terms
    from budgets.engine.thresholds import default_steps
    from budgets.operations.assignments import assign
    from cdr.models import Source
    from directory.models import Line, Membership, OrgUnit, Site, User

    site = Site.objects.create(name="Bench", country="IT", time_zone="Europe/Rome", currency="EUR")
    Source.objects.create(
        name="bench", site=site, driver="cucm", folder="drop", options={"lock": "simulated"}
    )
    Line.objects.create(site=site, partition="PT", extension="200")
    unit = OrgUnit.objects.create(kind="DEPARTMENT", name="All", path="All")
    users = User.objects.bulk_create(
        [User(username=f"user{number}") for number in range(BUDGETS)], batch_size=1000
    )
    Membership.objects.bulk_create(
        [Membership(user=user, department=unit) for user in users], batch_size=1000
    )
    terms = Terms(amount=100_000_000, steps=default_steps(with_lock=True))
    assign(holder=unit, terms=terms, at=NOW, by="bench", for_each_member=True)
    return users[0].pk


def run(sql: str, *values: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def add_totals(first_user: int, *, months: range, rows_a_month: int) -> None:
    """Usage of every user: some rows of two calls in each month, counted back from this one."""
    days = [_day(back, 1 + row) for back in months for row in range(rows_a_month)]
    for day in days:
        run(
            f"INSERT INTO {TOTAL} (local_date, user_key, department_key, cost_centre_key,"  # noqa: S608
            " office_key, source_key, call_type, number_class, currency, calls, talk_ms,"
            " answered_calls, ring_ms, paid_calls, paid_talk_ms, unrated_calls, cost_micros,"
            " charge_micros)"
            " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
            " SELECT %s, %s + i, 1, 0, 0, 1, 'OA', 'national', 'EUR', 2, 120000, 2, 16000, 2,"
            " 120000, 0, 200000, 200000 FROM n WHERE true"  # SQLite takes ON for a join's without it
            " ON CONFLICT DO NOTHING",
            BUDGETS - 1,
            day,
            first_user,
        )


def _day(months_back: int, day: int) -> date:
    months = TODAY.year * 12 + TODAY.month - 1 - months_back
    return date(months // 12, months % 12 + 1, day)


def new_calls(first_user: int, *, round_number: int) -> None:
    """2,000 calls of as many users, stored as the Miner stores them; some cross a threshold."""
    from cdr.models import UsageChange, UsageTotal

    step = BUDGETS // CALLS
    users = [first_user + (number * step + round_number) % BUDGETS for number in range(CALLS)]
    UsageTotal.objects.bulk_create(
        [
            UsageTotal(
                local_date=TODAY,
                user_key=user,
                department_key=1,
                source_key=1,
                call_type="OA",
                number_class="mobile",
                currency="EUR",
                calls=1,
                paid_calls=1,
                talk_ms=60_000,
                paid_talk_ms=60_000,
                charge_micros=60_000_000 if number < FIRING else 100_000,
            )
            for number, user in enumerate(users)
        ],
        batch_size=500,
    )
    UsageChange.objects.bulk_create(
        [
            UsageChange(
                user_key=user, department_key=0, cost_centre_key=0, office_key=0, local_date=TODAY
            )
            for user in users
        ],
        batch_size=500,
    )


def settle() -> None:
    """What a server does by itself between ticks."""
    from django.db import connection

    run("ANALYZE")
    if connection.vendor == "postgresql":
        run(f"VACUUM {TOTAL}")
        run("CHECKPOINT")


def ticks(first_user: int, *, first_round: int) -> float:
    """The median time of evaluating 2,000 new calls."""
    from budgets.models import Crossing
    from budgets.operations.evaluation import evaluate_waiting

    spent = []
    for number in range(RUNS):
        new_calls(first_user, round_number=first_round + number)
        before = Crossing.objects.count()
        start = time.perf_counter()
        report = evaluate_waiting(now=NOW)
        spent.append(time.perf_counter() - start)
        fired = Crossing.objects.count() - before
        if (report.changes, report.looks.looked, fired) != (CALLS, FIRING, FIRING):
            raise AssertionError(f"wrong: {report}, {fired} fired")
    return statistics.median(spent)


def floor(first_user: int) -> float:
    """The bare counters: one UPDATE … FROM of the same 2,000, committed."""
    from django.db import connection, transaction

    run("CREATE TABLE bench_counter (id bigint PRIMARY KEY, spent bigint NOT NULL)")
    run("CREATE TEMPORARY TABLE bench_delta (id bigint, amount bigint)")
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bench_counter VALUES (%s, 0)",
            [(first_user + number,) for number in range(BUDGETS)],
        )
        cursor.executemany(
            "INSERT INTO bench_delta VALUES (%s, 100000)",
            [(first_user + number * (BUDGETS // CALLS),) for number in range(CALLS)],
        )
    run("ANALYZE")

    def update() -> None:
        with transaction.atomic():
            run(
                "UPDATE bench_counter SET spent = bench_counter.spent + d.amount"
                " FROM bench_delta d WHERE d.id = bench_counter.id"
            )

    return statistics.median([_time(update) for _ in range(RUNS)])


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def idle() -> tuple[float, float, int]:
    """The median time of a pass with nothing to do, its CPU time, and its queries.

    The passes are all of one moment: none looks after what is looked after now and then.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext, override_settings

    from billingsite import lease, pipeline

    def one_pass() -> pipeline.PassReport:
        held = lease.take(clock=lambda: NOW, ignore_cooldown=True)
        if held is None:
            raise AssertionError("somebody else holds the lease")
        return pipeline.run(held, clock=lambda: NOW)

    with override_settings(MAIL_CONFIGURED=True):
        one_pass()
        with CaptureQueriesContext(connection) as asked:
            report = one_pass()
        began = time.process_time()
        spent = [_time(one_pass) for _ in range(PASSES)]
        of_cpu = (time.process_time() - began) / PASSES
    if not report.is_idle or report.passes != 1 or report.errors:
        raise AssertionError(f"not idle: {report}")
    if any("cdr_call" in query["sql"] for query in asked):
        raise AssertionError("a tick reads calls")
    return statistics.median(spent), of_cpu, len(asked)


def empty_select() -> float:
    return statistics.median([_time(lambda: run("SELECT 1 WHERE 1 = 0")) for _ in range(50)])


def measure(vendor: str) -> list[Figure]:
    """All figures on a fresh database of `vendor`."""
    from budgets.operations.evaluation import evaluate_waiting

    first_user = set_up()
    evaluate_waiting(now=NOW)
    add_totals(first_user, months=range(1), rows_a_month=1)
    settle()
    small = ticks(first_user, first_round=0)
    idle_seconds, idle_cpu, queries = idle()
    bare = empty_select()
    add_totals(first_user, months=range(1, MONTHS_OF_HISTORY), rows_a_month=ROWS_A_MONTH)
    settle()
    large = ticks(first_user, first_round=RUNS)
    add_totals(first_user, months=range(1), rows_a_month=ROWS_THIS_MONTH)
    settle()
    month_full = ticks(first_user, first_round=2 * RUNS)
    least = floor(first_user)
    calls = BUDGETS * MONTHS_OF_HISTORY * ROWS_A_MONTH * CALLS_A_ROW
    return [
        Figure(
            f"T7 {vendor}",
            f"tick over {CALLS:,} new calls, {FIRING} firing, {BUDGETS:,} budgets",
            f"{month_full * 1000:.1f} ms",
            f"{least * 1000:.1f} ms",
            f"{month_full / least:.2f}x",
            "≤ 2x",
            month_full <= 2 * least,
        ),
        Figure(
            f"T8 {vendor}",
            f"the same with {calls / 1e6:.0f} million calls behind it, against {BUDGETS:,}",
            f"{large * 1000:.1f} ms",
            f"{small * 1000:.1f} ms",
            f"{large / small:.2f}x",
            "≤ 1.3x",
            large <= 1.3 * small,
        ),
        Figure(
            f"T9 {vendor}",
            f"idle pass of the whole pipeline, {queries} queries, {BUDGETS:,} budgets",
            f"{idle_seconds * 1000:.1f} ms ({idle_cpu * 1000:.1f} ms of them CPU)",
            f"{bare * 1000:.2f} ms",
            f"{idle_seconds / bare:.0f}x",
            "≤ 10 queries, ≤ 50 ms",
            queries <= 10 and idle_seconds <= 0.05,
        ),
    ]


def main(arguments: list[str]) -> int:
    if arguments:
        with django_on(arguments[0]):
            show(measure(arguments[0]))
        return 0
    vendors = [("postgresql",)] if has_postgres() else []
    return each_in_its_process(__file__, *vendors, ("sqlite",))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
