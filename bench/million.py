"""A company with a year of calls, for benchmarks of pages: 500 people, 1 million calls.

Rows are written in bulk as the Miner writes them, their totals summed from them, so
that `prove` would find nothing. Three people sign in: see `READERS`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

CALLS = int(os.environ.get("BENCH_CALLS", "1000000"))
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "500"))
CALLS_TODAY = CALLS // 250
"""As many as a working day of a year's million has, whatever the hour of the run."""
DAYS = 365
ZONE = "Europe/London"
DEPARTMENTS = 10
NUMBERS_EACH = 40
READERS = {"user": "user0", "supervisor": "user1", "administrator": "admin"}
"""Who signs in for each role; the supervisor has a department with its two sub-units."""

SHARES = (
    ("OA", 30),
    ("IA", 22),
    ("NA", 22),
    ("IU", 10),
    ("OU", 8),
    ("NU", 5),
    ("FO", 2),
    ("TO", 1),
)
CLASSES = (("national", 45), ("mobile", 35), ("local", 15), ("international", 5))
ANSWERED = frozenset({"OA", "IA", "NA", "FO", "TO"})
PAID = frozenset({"OA", "OU", "FO"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who calls, with what stands on each of his calls."""

    user_id: int
    line_id: int
    extension: str
    department_id: int
    cost_centre_id: int
    office_id: int
    contacts: list[tuple[str, str]]


def build(now: datetime) -> None:
    """The whole company, its calls until `now`, and the sums over them."""
    from django.core.management import call_command
    from django.db import transaction

    from cdr.models import Call, Delivery, Source
    from cdr.operations.storing import bulk_write
    from cdr.queries.pricing import CALL_COLUMNS

    call_command("createcachetable", verbosity=0)
    people = _people()
    source = Source.objects.get()
    delivery = Delivery.objects.create(
        claim="bench",
        source=source,
        name="bench",
        content_hash="0" * 64,
        sequence="1",
        state="MINED",
        received_at=now,
        finished_at=now,
    )
    with transaction.atomic():
        rows = _rows(people, now=now, source=source, delivery_id=delivery.pk)
        bulk_write(Call._meta.db_table, CALL_COLUMNS, rows)
        _advance_ids()
        _sum_up()
    Source.objects.update(last_record_at=now)
    _settle()
    _assign_budgets(now)
    _settle()


def _people() -> list[Person]:
    from cdr.models import Source
    from directory.models import (
        Line,
        LineHolding,
        Membership,
        OrgUnit,
        Role,
        Site,
        Supervision,
        User,
    )

    chance = random.Random(1)  # noqa: S311 - test data
    site = Site.objects.create(name="Bench", country="GB", time_zone=ZONE, currency="GBP")
    Source.objects.create(name="bench", site=site, driver="cucm", folder="drop/bench")
    unit = OrgUnit.objects.create
    offices = [unit(kind="OFFICE", name=f"O{n}", path=f"O{n}", site=site) for n in range(3)]
    centres = [unit(kind="COST_CENTRE", name=f"C{n}", path=f"C{n}") for n in range(20)]
    tops = [unit(kind="DEPARTMENT", name=f"D{n}", path=f"D{n}") for n in range(DEPARTMENTS)]
    halves = [
        unit(kind="DEPARTMENT", name=f"H{half}", path=f"{top.path}/H{half}", parent=top)
        for top in tops
        for half in range(2)
    ]
    people = []
    for number in range(PEOPLE):
        user = User.objects.create(
            username=f"user{number}", first_name=f"First{number}", last_name=f"Last{number}"
        )
        department = halves[number % len(halves)]
        centre, office = centres[number % len(centres)], offices[number % len(offices)]
        Membership.objects.create(
            user=user, department=department, cost_centre=centre, office=office
        )
        line = Line.objects.create(site=site, partition="PT", extension=str(2000 + number))
        LineHolding.objects.create(line=line, user=user)
        contacts = [
            (f"+44{chance.randrange(10**9, 10**10)}", _pick(CLASSES, chance))
            for _ in range(NUMBERS_EACH)
        ]
        people.append(
            Person(user.pk, line.pk, line.extension, department.pk, centre.pk, office.pk, contacts)
        )
    supervisor = User.objects.get(username=READERS["supervisor"])
    supervisor.role = Role.SUPERVISOR
    supervisor.save()
    Supervision.objects.create(user=supervisor, unit=tops[0])
    User.objects.create(username=READERS["administrator"], role=Role.ADMIN)
    return people


def _pick(shares: tuple[tuple[str, int], ...], chance: random.Random) -> str:
    return chance.choices([word for word, _ in shares], [weight for _, weight in shares])[0]


def _rows(
    people: list[Person], *, now: datetime, source: Any, delivery_id: int
) -> Iterator[tuple[Any, ...]]:
    """The calls in the order of their start, as `CALL_COLUMNS` with the id first."""
    from cdr.queries.pricing import CallRow

    chance = random.Random(2)  # noqa: S311 - test data
    zone = ZoneInfo(ZONE)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0).astimezone(UTC)
    before = CALLS - CALLS_TODAY
    types = [kind for kind, weight in SHARES for _ in range(weight)]
    for number in range(CALLS):
        if number < before:
            started = midnight - timedelta(days=DAYS) * (1 - number / before)
        else:
            started = midnight + (now - midnight) * ((number - before) / CALLS_TODAY)
        person = people[chance.randrange(PEOPLE)]
        kind = types[chance.randrange(100)]
        answered = kind in ANSWERED
        ring, talk = chance.randrange(2000, 25_000), chance.randrange(3000, 600_000)
        answered_at = started + timedelta(milliseconds=ring) if answered else None
        talk = talk if answered else 0
        internal = kind in {"NA", "NU"}
        other, number_class = person.contacts[chance.randrange(NUMBERS_EACH)]
        if internal:
            other, number_class = str(2000 + chance.randrange(PEOPLE)), "internal"
        unrated = kind == "OA" and number % 200 == 0
        charge = 0 if kind not in PAID else talk // 60
        local = started.astimezone(zone)
        call_id = f"1-{number}"
        row = CallRow(
            source_id=source.pk,
            call_id=call_id,
            leg=f"{number}a-{number}b",
            delivery_id=delivery_id,
            position=number + 1,
            sequence="1",
            content_hash=f"{number:032}",
            started_at=started,
            answered_at=answered_at,
            ended_at=started + timedelta(milliseconds=ring + talk),
            local_date=local.date(),
            local_hour=local.hour,
            ring_ms=ring,
            talk_ms=talk,
            call_type=kind,
            is_voicemail=False,
            site_id=source.site_id,
            partition="PT",
            extension=person.extension,
            line_id=person.line_id,
            user_id=person.user_id,
            department_id=person.department_id,
            cost_centre_id=person.cost_centre_id,
            office_id=person.office_id,
            number=other,
            number_raw=other,
            number_is_internal=internal,
            number_class=number_class,
            area="" if internal else "Somewhere",
            nation="" if internal else "GB",
            gateway_id=None,
            gateway_name="" if internal else "TRUNK",
            carrier_id=None,
            from_trunk_leg="" if internal or kind in PAID else f"{number}a",
            to_trunk_leg=f"{number}b" if kind in PAID else "",
            is_paid=kind in PAID,
            status="UNRATED" if unrated else "RATED",
            unrated_reason="no_price" if unrated else "",
            billed_ms=talk if kind in PAID else 0,
            cost_micros=None if unrated else charge,
            charge_micros=None if unrated else charge,
            currency="GBP",
            tariff_version_id=None,
            matched_prefix="44" if kind in PAID else "",
            facts=_facts(
                number,
                started,
                answered_at,
                started + timedelta(milliseconds=ring + talk),
                person.extension,
                other,
            ),
        )
        yield (number + 1, *row)


def _facts(
    number: int,
    started: datetime,
    answered: datetime | None,
    ended: datetime,
    extension: str,
    other: str,
) -> str:
    """The standard record behind a call, as the Miner keeps it; every call is told as dialled."""
    at = f',"answered_at":"{answered.isoformat()}"' if answered else ""
    return (
        f'{{"call_id":"1-{number}","leg":"{number}a-{number}b","started_at":"{started.isoformat()}"'
        f'{at},"ended_at":"{ended.isoformat()}","from_number":"{extension}","from_partition":"PT",'
        f'"from_device":"SEP0C1700{extension}","from_kind":"line","from_leg":"{number}a",'
        f'"to_number":"{other}","to_partition":"PT-PSTN","to_device":"TRUNK.bench.example",'
        f'"to_kind":"trunk","to_leg":"{number}b","dialled":"{other}",'
        '"dialled_partition":"PT-PSTN","flags":["split"]}'
    )


def _advance_ids() -> None:
    """PostgreSQL's sequence has not heard of rows with ids of their own."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('cdr_call', 'id'), max(id)) FROM cdr_call"
            )


def _sum_up() -> None:
    """The totals by person and by unit, summed from the calls as `prove` does."""
    from cdr.models import UnitTotal, UsageTotal
    from cdr.models.totals import TOTAL_KEYS, TOTAL_MEASURES, UNIT_KEYS, by_unit
    from cdr.operations.storing import bulk_write
    from cdr.queries.proof import differences, sums_over_calls

    sums = sums_over_calls()
    for table, keys, rows in (
        (UsageTotal, TOTAL_KEYS, sums),
        (UnitTotal, UNIT_KEYS, by_unit(sums)),
    ):
        names = (*keys, *TOTAL_MEASURES)
        bulk_write(table._meta.db_table, names, ((*key, *row) for key, row in rows.items()))
    wrong = differences()
    if wrong:
        raise RuntimeError(f"totals and calls differ: {wrong[0]}")


def _assign_budgets(now: datetime) -> None:
    """A budget for every person, and one that each top department shares."""
    from budgets.engine.terms import Terms
    from budgets.engine.thresholds import default_steps
    from budgets.operations.assignments import assign
    from directory.models import OrgUnit

    mine = Terms(amount=100_000_000, steps=default_steps(with_lock=False))
    shared = Terms(amount=5_000_000_000, steps=default_steps(with_lock=False))
    for unit in OrgUnit.objects.filter(kind="DEPARTMENT", parent=None):
        assign(holder=unit, terms=mine, at=now, by="bench", for_each_member=True)
        assign(holder=unit, terms=shared, at=now, by="bench")


def _settle() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
