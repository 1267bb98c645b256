"""T20: how soon a page answers over a year of a million calls, for each role.

The floor is a signed-in page without rows of ours (the change of one's password), asked
in the same run. What counts are the queries and the milliseconds of SQL, which are
measured at the cursor, fetching included; the first byte is given beside its floor.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, show
from bench.million import CALLS, PEOPLE, READERS, build
from bench.scratch import django_on, each_in_its_process, has_postgres

MOST_QUERIES = 20
MOST_SQL_MS = 100
TIMES = 5
FLOOR = "/accounts/password/change/"
FETCHED = frozenset({"/glance/"})
"""Parts that a page fetches by itself, without the frame around them."""


class Meter:
    """Counts statements and the time they take, fetching included."""

    def __init__(self) -> None:
        self.queries = 0
        self.seconds = 0.0
        self.slowest: tuple[float, str] = (0.0, "")

    def timed(self, work: Any, *arguments: Any, sql: str = "") -> Any:
        start = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            spent = time.perf_counter() - start
            self.seconds += spent
            if sql and spent > self.slowest[0]:
                self.slowest = (spent, sql)


class TimedCursor:
    """A database cursor that reports to a meter."""

    def __init__(self, cursor: Any, meter: Meter) -> None:
        self._cursor, self._meter = cursor, meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def __enter__(self) -> TimedCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()

    def execute(self, sql: str, params: Any = None) -> Any:
        self._meter.queries += 1
        return self._meter.timed(self._cursor.execute, sql, params, sql=sql)

    def executemany(self, sql: str, params: Any) -> Any:
        self._meter.queries += 1
        return self._meter.timed(self._cursor.executemany, sql, params, sql=sql)

    def fetchone(self) -> Any:
        return self._meter.timed(self._cursor.fetchone)

    def fetchmany(self, *size: int) -> Any:
        return self._meter.timed(self._cursor.fetchmany, *size)

    def fetchall(self) -> Any:
        return self._meter.timed(self._cursor.fetchall)


@contextmanager
def metered() -> Iterator[Meter]:
    """Everything the default connection is asked within."""
    from django.db import connection

    meter, cursor = Meter(), connection.cursor
    connection.cursor = lambda *given, **more: TimedCursor(cursor(*given, **more), meter)  # type: ignore[method-assign,assignment]
    try:
        yield meter
    finally:
        del connection.cursor


@dataclass(frozen=True, slots=True)
class Measured:
    """One page for one reader: the median first byte, and the least SQL of some runs.

    What others do on the machine only ever adds to the time of a statement.
    """

    reader: str
    first_byte_ms: float
    queries: int
    sql_ms: float
    slowest: str

    @property
    def is_good(self) -> bool:
        return self.queries <= MOST_QUERIES and self.sql_ms <= MOST_SQL_MS


def measured(client: Any, reader: str, address: str) -> Measured | None:
    """The page as `reader` gets it; none where he may not go."""
    headers = {"HX-Request": "true"} if address in FETCHED else {}
    answer = client.get(address, headers=headers)
    if answer.status_code == 403:
        return None
    if answer.status_code != 200:
        raise AssertionError(f"{reader} asked for {address} and got {answer.status_code}")
    first_bytes: list[float] = []
    sql: list[float] = []
    for _ in range(TIMES):
        with metered() as meter:
            start = time.perf_counter()
            client.get(address, headers=headers)
            first_bytes.append(time.perf_counter() - start)
        sql.append(meter.seconds)
    return Measured(
        reader,
        1000 * statistics.median(first_bytes),
        meter.queries,
        1000 * statistics.median(sql),
        f"{1000 * meter.slowest[0]:.0f} ms: {meter.slowest[1]}",
    )


def pages(client: Any) -> dict[str, str]:
    """The pages by name, with the addresses that lie deep or are filtered."""
    from budgets.models import Budget
    from cdr.models import Call
    from directory.number_keys import number_key

    deep = Call.objects.order_by("-started_at")[CALLS // 2]
    own = Call.objects.filter(user__username=READERS["user"], call_type="OA").latest("started_at")
    older = urlencode({"period": "all", "older": f"{deep.started_at.isoformat()}~{deep.pk}"})
    number = urlencode({"same": number_key(own.number)})
    shared = Budget.objects.filter(unit__isnull=False, for_each_member=False).earliest("pk")
    return {
        "home": "/",
        "home, own calls": "/?whose=mine",
        "budgets and phone at a glance": "/glance/",
        "missed today": "/missed/",
        "calls": "/calls/",
        "calls, half a million deep": f"/calls/?{older}",
        "calls, filtered by kind": "/calls/?period=last_30_days&kind=missed",
        "calls, filtered by cost": "/calls/?period=all&min_cost=1000",
        "calls, one number": f"/calls/?{number}",
        "calls, dearest first": "/calls/?period=last_week&sort=-cost",
        "calls, too many to sort": "/calls/?period=all&sort=-cost",
        "a call": f"/calls/{own.pk}/",
        "my budgets": "/budgets/",
        "budgets": "/budgets/all/",
        "a unit's budget": f"/budgets/{shared.pk}/",
        "users": "/phone/users/",
        "the state of the works": "/system/",
    }


def readers() -> dict[str, Any]:
    """A signed-in client for each role."""
    from django.test import Client

    from directory.models import User

    found = {}
    for role, username in READERS.items():
        client = Client()
        client.force_login(User.objects.get(username=username))
        found[role] = client
    return found


def figures(vendor: str) -> list[Figure]:
    """Each page with the reader for whom it is slowest."""
    clients = readers()
    bare = [measured(client, role, FLOOR) for role, client in clients.items()]
    floor = statistics.median(each.first_byte_ms for each in bare if each)
    found = []
    for name, address in pages(clients["administrator"]).items():
        tried = [measured(client, role, address) for role, client in clients.items()]
        seen = [each for each in tried if each]
        for each in seen:
            sys.stderr.write(
                f"{vendor:11}{name:28}{each.reader:14} {each.first_byte_ms:6.1f} ms"
                f" {each.queries:3} queries {each.sql_ms:6.1f} ms SQL\n"
            )
            if not each.is_good:
                sys.stderr.write(f"    slowest {each.slowest[:600]}\n")
        found.append(_figure(vendor, name, seen, floor))
    return found


def _figure(vendor: str, name: str, seen: list[Measured], floor: float) -> Figure:
    slowest = max(seen, key=lambda each: each.sql_ms)
    queries = max(each.queries for each in seen)
    return Figure(
        f"T20 {vendor} {name}",
        f"{name}, over {CALLS:,} calls of {PEOPLE:,} people, for the slowest role"
        f" ({slowest.reader})",
        f"{slowest.first_byte_ms:.0f} ms, {queries} queries, {slowest.sql_ms:.0f} ms SQL",
        f"{floor:.0f} ms empty page",
        f"{slowest.first_byte_ms / floor:.1f}x",
        f"≤ {MOST_QUERIES} queries, ≤ {MOST_SQL_MS} ms SQL",
        all(each.is_good for each in seen),
    )


def main(arguments: list[str]) -> int:
    if arguments:
        with django_on(arguments[0]):
            from django.conf import settings

            from kernel.clock import now

            settings.ALLOWED_HOSTS = ["testserver"]
            # A page that a role does not have is refused, and left out.
            logging.getLogger("django.request").setLevel(logging.CRITICAL)
            build(now())
            show(figures(arguments[0]))
        return 0
    vendors = [("postgresql",)] if has_postgres() else []
    return each_in_its_process(__file__, *vendors, ("sqlite",))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
