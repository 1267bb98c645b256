"""Any order of files, any file again, many at once: the same digest (P6, P8, B3, F16)."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from billingsite import pipeline
from billingsite.digest import digest
from budgets.models import BudgetNotice, Crossing, LockWish
from budgets.operations.applying import apply_budget
from cdr.operations.miner import mine_waiting
from tests.support.mining import Company, company, drop, outgoing
from tests.support.runs import ROOT, Installation, busy_hour, copy_of, forget, install

pytestmark = [pytest.mark.fault, pytest.mark.feature("F004")]

SHUFFLES = 200
START = datetime(2026, 3, 10, 12, tzinfo=UTC)
NOW = START + timedelta(hours=6)


def people_and_budgets() -> Company:
    london = company()
    for name, extension in (("ann", "201"), ("ben", "202"), ("cyd", "203")):
        london.person(name, extension)
    spec: dict[str, Any] = {
        "for": "user:ann",
        "amount": "1.00",
        "period": "month",
        "thresholds": [
            {"percent": 50, "notify": ["user"]},
            {"percent": 100, "notify": ["user", "manager"], "lock": True},
        ],
    }
    apply_budget(spec, at=START, by="test")
    apply_budget({"for": "department:Sales", "minutes": 60, "period": "week"}, at=START, by="test")
    return london


def files_of_an_hour() -> list[list[dict[str, Any]]]:
    """Six files; the records of the transfer stand in three of them."""
    consult = outgoing("20", extension="202", off=30, talk=12)
    mobile_leg = consult["to_leg"]
    incoming = {
        "call_id": "19",
        "leg": "x1-x2",
        "started_at": START.isoformat(),
        "answered_at": (START + timedelta(seconds=5)).isoformat(),
        "ended_at": (START + timedelta(seconds=52)).isoformat(),
        "from_number": "02079460001",
        "from_device": "TRUNK",
        "from_kind": "trunk",
        "from_leg": "x1",
        "to_number": "202",
        "to_partition": "PT",
        "to_kind": "line",
        "to_leg": "x2",
    }
    joined = incoming | {
        "leg": f"x1-{mobile_leg}",
        "started_at": (START + timedelta(seconds=52)).isoformat(),
        "answered_at": (START + timedelta(seconds=52)).isoformat(),
        "ended_at": (START + timedelta(seconds=352)).isoformat(),
        "to_number": consult["to_number"],
        "to_partition": "",
        "to_device": "TRUNK",
        "to_kind": "trunk",
        "to_leg": mobile_leg,
        "joined_by": "transfer",
    }
    ann = [outgoing(str(n), off=60 * n, talk=90 + n) for n in range(1, 7)]
    others = [outgoing(str(30 + n), extension="203", off=45 * n, talk=7 * n) for n in range(5)]
    unrated = outgoing("50", extension="203", number="90033140506070", talk=40)
    return [
        ann[:2],
        [*ann[2:4], incoming],
        [joined, *others[:2]],
        [consult, unrated],
        ann[4:],
        others[2:],
    ]


def settle() -> None:
    """Everything after mining, once."""
    for stage in pipeline.stages()[2:]:
        stage.run(NOW)


def evaluate() -> None:
    """Periods, budgets and notices: what only the database knows."""
    for stage in pipeline.stages():
        if stage.name in {"periods", "budgets", "notices"}:
            stage.run(NOW)


def outcome_of(files: list[list[dict[str, Any]]], order: list[int]) -> dict[str, Any]:
    """The digest after mining `files` in `order`, on a database that forgets it afterwards."""
    with transaction.atomic():
        for place, index in enumerate(order):
            drop(files[index], sequence=f"{place:03d}")
            mine_waiting(now=NOW)
        evaluate()
        figures = digest()
        transaction.set_rollback(True)
    for counts in figures["outcomes"].values():
        counts["duplicate"] = 0
    figures.pop("digest")
    return figures


@pytest.mark.django_db
def test_files_in_any_order_and_again_come_to_the_same() -> None:
    people_and_budgets()
    files = files_of_an_hour()
    settle()  # the switch keeps its state when the database forgets
    chance = random.Random(2026)  # noqa: S311 - a fixed shuffle
    expected = outcome_of(files, list(range(len(files))))
    assert expected["outcomes"]["london"]["stored"] == sum(len(records) for records in files)
    assert [row for row in expected["budgets"] if row["events"]]

    for _ in range(SHUFFLES):
        order = [*range(len(files)), *chance.choices(range(len(files)), k=chance.randrange(3))]
        chance.shuffle(order)
        assert outcome_of(files, order) == expected, order


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_twenty_passes_at_once_make_one_event_one_notice_and_one_lock() -> None:
    people_and_budgets()
    for place, records in enumerate(files_of_an_hour()):
        drop(records, sequence=f"{place:03d}")
    failures: list[BaseException] = []
    gate = threading.Barrier(20)

    def one_pass() -> None:
        gate.wait()
        try:
            for stage in pipeline.stages()[1:]:
                stage.run(NOW)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one_pass) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    for stage in pipeline.stages()[1:]:
        stage.run(NOW)

    assert failures == []
    figures = digest()
    assert figures["outcomes"]["london"]["stored"] == sum(len(r) for r in files_of_an_hour())
    assert figures["outcomes"]["london"]["duplicate"] == 0
    assert sorted(Crossing.objects.values_list("percent", flat=True)) == [50, 100]
    assert LockWish.objects.filter(lifted_at__isnull=True).count() == 1
    assert BudgetNotice.objects.filter(kind="over_budget").count() <= 1
    assert BudgetNotice.objects.values("key").distinct().count() == BudgetNotice.objects.count()


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = install(tmp_path_factory.mktemp("ticks") / "data", name="runs_ticks")
    busy_hour(made)
    yield made
    forget(made)


def test_several_commands_at_once_come_to_what_one_does(
    waiting: Installation, tmp_path: Path
) -> None:
    alone = copy_of(waiting, tmp_path / "alone", name="runs_alone")
    alone.run("tick")
    crowd = copy_of(waiting, tmp_path / "crowd", name="runs_crowd")

    commands = [
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, str(ROOT / "manage.py"), "tick"],
            cwd=ROOT,
            env=crowd.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(4)
    ]
    told = [process.communicate(timeout=180)[0] for process in commands]

    assert [process.returncode for process in commands] == [0] * 4, told
    assert crowd.digest()["digest"] == alone.digest()["digest"]
    forget(alone)
    forget(crowd)
