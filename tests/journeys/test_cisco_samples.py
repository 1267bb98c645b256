"""Real Cisco call files, end to end: file in, calls, directions, payers and outcomes out."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cdr.models import Call, Gateway, GatewayCarrier, GatewayKind, Outcome, Source
from cdr.operations.miner import MinerReport, mine_waiting
from cdr.operations.recorder import record_files
from cdr.queries.explanations import explain_call
from cdr.queries.proof import differences as total_differences
from cdr.queries.reconciliation import differences as record_differences
from directory.models import User
from tests.support.mining import Company, company, flat_tariff

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "cucm"
NOW = datetime(2026, 11, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not SAMPLES.is_dir() and os.environ.get("CI") != "true",
        reason="the sample call files are not beside the checkout",
    ),
]


@pytest.fixture
def cluster() -> Company:
    found = company(tariff=flat_tariff(name="UK", prefixes=("44", "447")), name="Example")
    found.site.extension_patterns = ["20XX", "6000"]
    found.site.save()
    for device, kind in (
        ("SIPTRK-PSTN", GatewayKind.PSTN),
        ("S0/SU0/DS1-*", GatewayKind.PSTN),
        ("CiscoUM1-*", GatewayKind.VOICEMAIL),
    ):
        gateway = Gateway.objects.create(site=found.site, device=device, kind=kind)
        if kind == GatewayKind.PSTN:
            GatewayCarrier.objects.create(gateway=gateway, carrier=found.carrier)
    return found


def deliver(source: Source, *names: str) -> MinerReport:
    record_files(source=source.name, paths=[SAMPLES / name for name in names], now=NOW)
    return mine_waiting(now=NOW)


def people(cluster: Company) -> dict[str, User]:
    holders = {}
    for extension in ("2001", "2005", "2010"):
        holders[extension] = cluster.person(f"user{extension}", extension)
        line = holders[extension].holdings.get().line
        line.partition = "PT-Internal"
        line.save()
    return holders


def facts(call: Call) -> tuple[Any, ...]:
    return (call.call_id, call.leg, call.call_type, call.extension, call.talk_ms // 1000)


@pytest.mark.feature("F001", "F003", "F016", "F022")
def test_the_composed_file_gives_the_calls_of_the_worked_example(cluster: Company) -> None:
    holders = people(cluster)

    report = deliver(cluster.source, "cdr_ExampleCluster_01_202503101215_17")

    assert report.outcomes == {"S": 8}
    calls = list(Call.objects.order_by("started_at", "call_id", "leg"))
    assert [facts(call) for call in calls] == [
        ("1-5001", "70001-70002", "NA", "2001", 60),
        ("1-5002", "70003-70004", "OA", "2001", 180),
        ("1-5003", "70005-70007", "IU", "2005", 25),
        ("1-5004", "70010-70011", "IA", "2001", 45),
        ("1-5005", "70012-70013", "OA", "2001", 12),
        ("1-5004", "70010-70013", "TD", "2001", 300),
        ("1-5006", "70020-70021", "OU", "2010", 0),
        ("1-5007", "70030-0", "NU", "2010", 0),
    ]
    by_leg = {call.leg: call for call in calls}
    assert by_leg["70005-70007"].is_voicemail
    assert by_leg["70003-70004"].number == "+442079460123"
    assert by_leg["70012-70013"].number == by_leg["70010-70013"].number == "+447700900199"
    assert by_leg["70020-70021"].number == "+12025550143"
    assert by_leg["70010-70013"].user == holders["2001"]
    # 312 s on leg 70013 at 0.10 a minute and one fee: 0.57.
    shared = [by_leg["70012-70013"], by_leg["70010-70013"]]
    assert sum(call.charge_micros or 0 for call in shared) == 570_000
    assert all(explain_call(call).adds_up for call in calls)


@pytest.mark.feature("F003", "F010")
@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("cdr_ExampleCluster_01_202503101215_17", {"S": 8}),
        ("cdr_StandAloneCluster_02_201510091036_254831", {"S": 3}),
        ("cdr_car-export_123col.csv", {"S": 3}),
        ("cdr_cucmOHSUtest_02_v14_133col.txt", {"X": 2, "S": 1}),
        ("cdr_huntpilot_v11_129col_pseudonymised.txt", {"S": 89}),
        ("cmr_StandAloneCluster_02_201510091036_254831", {"X": 6}),
        ("cmr_cucmOHSUtest_02_v14_48col.txt", {"X": 2}),
    ],
)
def test_each_sample_file_loads_once_and_a_second_delivery_changes_nothing(
    cluster: Company, name: str, outcomes: dict[str, int]
) -> None:
    report = deliver(cluster.source, name)
    before = list(Call.objects.order_by("pk").values())
    totals = total_differences()

    again = deliver(cluster.source, name)

    assert report.outcomes == outcomes
    assert again.outcomes.get("S", 0) == again.outcomes.get("C", 0) == 0
    assert again.outcomes.get("D", 0) == outcomes.get("S", 0)
    assert list(Call.objects.order_by("pk").values()) == before
    assert totals == total_differences() == record_differences() == []


def test_directions_of_the_older_clusters(cluster: Company) -> None:
    deliver(cluster.source, "cdr_StandAloneCluster_02_201510091036_254831")

    found = {call.call_id: (call.call_type, call.talk_ms) for call in Call.objects.all()}

    assert found == {
        "2-1202772": ("NA", 20_000),
        "2-1202773": ("TD", 26_000),
        "2-1202212": ("OA", 3_974_000),
    }


def test_recordings_and_quality_records_are_discarded_by_a_named_rule(cluster: Company) -> None:
    deliver(
        cluster.source, "cdr_cucmOHSUtest_02_v14_133col.txt", "cmr_cucmOHSUtest_02_v14_48col.txt"
    )

    rules = Outcome.objects.filter(kind="X").order_by("reason").values_list("reason", flat=True)

    assert list(rules) == ["quality_record"] * 2 + ["recording"] * 2


def test_a_sample_is_never_moved_or_changed(cluster: Company, tmp_path: Path) -> None:
    name = "cdr_ExampleCluster_01_202503101215_17"
    copy = tmp_path / name
    shutil.copyfile(SAMPLES / name, copy)

    record_files(source=cluster.source.name, paths=[copy], now=NOW)

    assert copy.read_bytes() == (SAMPLES / name).read_bytes()
