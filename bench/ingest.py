"""T1, T2, T3, T15, T18: from call files on disk to committed, priced calls.

Run without arguments it does both databases; with one, that one. The floor is the
bare bulk write of the very rows that came out.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, show
from bench.scratch import django_on, each_in_its_process, has_postgres

RECORDS = 20_000
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
PEOPLE = 200
NUMBERS = 3000


def set_up() -> None:
    """A site with a gateway, a stepped tariff, people and their budgets."""
    from budgets.operations.applying import apply_budget
    from cdr.models import Carrier, Gateway, GatewayCarrier, Source
    from cdr.operations.tariffs import add_version
    from directory.models import Line, LineHolding, Membership, OrgUnit, Site, User

    site = Site.objects.create(
        name="Bench",
        country="GB",
        time_zone="Europe/London",
        currency="GBP",
        exit_code="9",
        national_prefix="0",
        area_code="20",
        extension_patterns=["2XXX"],
    )
    Source.objects.create(name="bench", site=site, driver="cucm", folder="drop/bench")
    version = add_version(name="Bench", document=tariff(), origin="bench", by="bench", at=START)
    carrier = Carrier.objects.create(name="Bench", tariff=version.tariff)
    gateway = Gateway.objects.create(site=site, device="SIPTRK-BENCH")
    GatewayCarrier.objects.create(gateway=gateway, carrier=carrier)
    units = [
        OrgUnit.objects.create(kind="DEPARTMENT", name=f"D{n}", path=f"D{n}") for n in range(12)
    ]
    for number in range(PEOPLE):
        user = User.objects.create(username=f"user{number}")
        Membership.objects.create(user=user, department=units[number % len(units)])
        line = Line.objects.create(site=site, partition="PT", extension=str(2000 + number))
        LineHolding.objects.create(line=line, user=user)
    for number in range(0, PEOPLE, 4):
        apply_budget(
            {"for": f"user:user{number}", "amount": "50.00", "period": "month"},
            at=START,
            by="bench",
        )


def tariff() -> dict[str, Any]:
    """Bands by the hour, two steps, a fee and a minimum, some prefixes."""

    def band(first: str, last: str, price: str) -> dict[str, Any]:
        step = {"per_seconds": 60, "increment_seconds": 30}
        return {
            "from": first,
            "to": last,
            "connect_fee": "0.03",
            "minimum_charge": "0.05",
            "steps": [
                {"from_second": 0, "price": price, **step},
                {"from_second": 120, "price": "0.02", **step, "increment_seconds": 6},
            ],
        }

    bands = [band("08:00", "18:00", "0.08"), band("18:00", "08:00", "0.04")]
    prefixes = ["44", "442", "4420", "447", "4477", "1", "33", "49", "39"]
    return {
        "name": "Bench",
        "currency": "GBP",
        "timezone": "Europe/London",
        "holidays": "GB",
        "rounding": {"mode": "half_up", "decimals": 4},
        "band_rule": "answer",
        "destinations": [
            {"prefix": prefix, "area": f"Area {prefix}", "class": "national", "bands": bands}
            for prefix in prefixes
        ],
    }


def write_calls(folder: Path, *, records: int, first_id: int) -> Path:
    """One 129-column file: outgoing, incoming, internal and unanswered calls."""
    from cdr.drivers.cucm_columns import COLUMNS
    from cdr.drivers.cucm_writer import Dialect, file_name, head_lines, record_line

    dialect = Dialect(columns=COLUMNS[:129])
    chance = random.Random(first_id)  # noqa: S311 - test data
    numbers = [f"9020{chance.randrange(70_000_000, 79_999_999)}" for _ in range(NUMBERS)]
    path = folder / file_name(cluster="Bench", node=1, at=START, number=first_id)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("\n".join(head_lines(dialect)))
        for number in range(records):
            stream.write("\n" + record_line(_record(number, first_id, numbers, chance), dialect))
    return path


def _record(
    number: int, first_id: int, numbers: list[str], chance: random.Random
) -> dict[str, str | int]:
    begun = int((START + timedelta(seconds=number * 20_000 // RECORDS)).timestamp())
    answered = begun + 8 if chance.random() < 0.8 else 0
    extension = str(2000 + chance.randrange(PEOPLE))
    outside = chance.choice(numbers)
    kind = chance.random()
    ident = first_id + number
    record: dict[str, str | int] = {
        "cdrRecordType": 1,
        "globalCallID_callManagerId": 1,
        "globalCallID_callId": ident,
        "origLegCallIdentifier": 10_000_000 + 2 * ident,
        "destLegIdentifier": 10_000_001 + 2 * ident,
        "dateTimeOrigination": begun,
        "dateTimeConnect": answered,
        "dateTimeDisconnect": (answered or begun) + chance.randrange(1, 600),
        "pkid": f"00000000-0000-0000-0000-{ident:012d}",
        "globalCallId_ClusterID": "Bench",
    }
    if kind < 0.6:
        record |= {
            "callingPartyNumber": extension,
            "callingPartyNumberPartition": "PT",
            "origDeviceName": f"SEP{extension}",
            "originalCalledPartyNumber": outside,
            "finalCalledPartyNumber": outside,
            "destDeviceName": "SIPTRK-BENCH",
            "destSpan": 10_000_001 + 2 * ident,
            "OutgoingProtocolID": 1,
            "finalCalledPartyPattern": "9.0!",
        }
    else:
        inside = kind < 0.8
        record |= {
            "callingPartyNumber": "2001" if inside else outside[1:],
            "callingPartyNumberPartition": "PT" if inside else "",
            "origDeviceName": "SEP2001" if inside else "SIPTRK-BENCH",
            "origSpan": 0 if inside else 10_000_000 + 2 * ident,
            "IncomingProtocolID": 0 if inside else 1,
            "originalCalledPartyNumber": extension,
            "finalCalledPartyNumber": extension,
            "finalCalledPartyNumberPartition": "PT",
            "destDeviceName": f"SEP{extension}",
        }
    return record


def ingest(folder: Path, *, records: int, first_id: int) -> float:
    """Seconds from the file in the drop folder to everything committed."""
    from cdr.operations.miner import mine_waiting
    from cdr.operations.recorder import record_waiting

    drop = folder / "drop" / "bench"
    drop.mkdir(parents=True, exist_ok=True)
    write_calls(drop, records=records, first_id=first_id)
    start = time.perf_counter()
    record_waiting(now=NOW, limit=10)
    report = mine_waiting(now=NOW)
    spent = time.perf_counter() - start
    assert report.records == records, report
    return spent


def floor() -> float:
    """Seconds for the bare bulk write of the stored call rows into an empty like table."""
    from django.db import connection, transaction

    from cdr.models import Call
    from cdr.operations.storing import sqlite_value
    from cdr.queries.pricing import CALL_COLUMNS

    rows = list(Call.objects.order_by("pk").values_list(*CALL_COLUMNS)[:RECORDS])
    table = "floor_call"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TABLE {table} (LIKE cdr_call INCLUDING ALL)")
            ready = _copied_text(cursor)
            start = time.perf_counter()
            with (
                transaction.atomic(),
                cursor.cursor.copy(f"COPY {table} ({', '.join(CALL_COLUMNS)}) FROM STDIN") as copy,
            ):
                copy.write(ready)
            return time.perf_counter() - start
        _like_in_sqlite(cursor, table)
        marks = ", ".join(["?"] * len(CALL_COLUMNS))
        values = [tuple(map(sqlite_value, row)) for row in rows]
        raw = connection.connection
        start = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(
            f"INSERT INTO {table} ({', '.join(CALL_COLUMNS)}) VALUES ({marks})",  # noqa: S608
            values,
        )
        raw.execute("COMMIT")
        return time.perf_counter() - start


def _copied_text(cursor: Any) -> bytes:
    """The rows as PostgreSQL itself writes them for COPY."""
    from cdr.queries.pricing import CALL_COLUMNS

    query = f"SELECT {', '.join(CALL_COLUMNS)} FROM cdr_call ORDER BY id LIMIT {RECORDS}"  # noqa: S608
    with cursor.cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        return b"".join(bytes(part) for part in copy)


def _like_in_sqlite(cursor: Any, table: str) -> None:
    cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'cdr_call' AND sql IS NOT NULL")
    for (sql,) in cursor.fetchall():
        copied = sql.replace('"cdr_call"', f'"{table}"')
        for name in ("call_by_", "call_seen_"):
            copied = copied.replace(f'"{name}', f'"floor_{name}')
        cursor.execute(copied)


def prove() -> None:
    """The figures are worth nothing if the sums are wrong."""
    from cdr.queries.proof import differences
    from cdr.queries.reconciliation import differences as record_differences

    wrong = [*differences(), *record_differences()]
    assert not wrong, wrong[:3]


def measure(vendor: str) -> list[Figure]:
    with django_on(vendor) as folder:
        set_up()
        ingest(folder, records=500, first_id=1)  # warm
        spent = ingest(folder, records=RECORDS, first_id=100_000)
        bare = floor()
        again = ingest(folder, records=RECORDS, first_id=100_000)
        prove()
        share = bare / spent
        target = 0.35 if vendor == "postgresql" else 0.30
        ident = "T1" if vendor == "postgresql" else "T2"
        found = [
            Figure(
                ident,
                f"file to committed calls, {vendor}",
                f"{RECORDS / spent:,.0f} records/s",
                f"{RECORDS / bare:,.0f} rows/s",
                f"{share:.0%}",
                f"≥ {target:.0%}",
                share >= target,
            )
        ]
        if vendor == "postgresql":
            found.append(
                Figure(
                    "T3",
                    "the same file again",
                    f"{again:.1f} s",
                    f"{spent:.1f} s",
                    f"{again / spent:.2f}x",
                    "≤ 0.5x, 0 rows",
                    again <= 0.5 * spent,
                )
            )
        found += rerating(vendor)
        return found


def rerating(vendor: str) -> list[Figure]:
    """T18: every call at a new price, against a bare UPDATE of the same columns."""
    if vendor != "postgresql":
        return []
    from django.db import connection
    from django.db.models import Q

    from cdr.operations.rerating import rerate
    from cdr.operations.tariffs import add_version

    dearer = tariff()
    for destination in dearer["destinations"]:
        for band in destination["bands"]:
            band["connect_fee"] = "0.04"
    add_version(name="Bench", document=dearer, origin="bench", by="bench", at=NOW)
    start = time.perf_counter()
    report = rerate(where=Q(), at=NOW, by="bench")
    spent = time.perf_counter() - start
    prove()
    with connection.cursor() as cursor:
        start = time.perf_counter()
        cursor.execute(
            "UPDATE cdr_call AS c SET cost_micros = v.cost_micros, charge_micros = "
            "v.charge_micros, billed_ms = v.billed_ms, tariff_version_id = v.tariff_version_id "
            "FROM (SELECT id, cost_micros + 0 AS cost_micros, charge_micros, billed_ms, "
            "tariff_version_id FROM cdr_call WHERE is_paid) AS v WHERE c.id = v.id"
        )
        bare = time.perf_counter() - start
    return [
        Figure(
            "T18",
            f"re-rating of {report.seen:,} calls",
            f"{report.seen / spent:,.0f} calls/s",
            f"{report.seen / bare:,.0f} rows/s",
            f"{spent / bare:.1f}x",
            "≤ 6x",
            spent <= 6 * bare,
        )
    ]


def memory(records: int) -> None:
    """Print the peak memory in MB of recording and mining one file of `records`."""
    with django_on("sqlite") as folder:
        set_up()
        ingest(folder, records=records, first_id=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{peak:.1f}\n")


def memory_figure() -> Figure:
    peaks = []
    for records in (RECORDS, 10 * RECORDS):
        command = [sys.executable, __file__, "memory", str(records)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        peaks.append(float(done.stdout.split()[-1]))
    small, large = peaks
    return Figure(
        "T15",
        f"peak memory, {10 * RECORDS:,} records against {RECORDS:,}",
        f"{large:.0f} MB",
        f"{small:.0f} MB",
        f"{large / small:.2f}x",
        "≤ 1.2x",
        large <= 1.2 * small,
    )


def main(arguments: list[str]) -> int:
    match arguments:
        case ["memory", records]:
            memory(int(records))
        case ["t15"]:
            show([memory_figure()])
        case [vendor]:
            show(measure(vendor))
        case _:
            vendors = [("postgresql",)] if has_postgres() else []
            return each_in_its_process(__file__, *vendors, ("sqlite",), ("t15",))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
