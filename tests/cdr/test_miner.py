"""From standard records to calls: outcomes, transfers, corrections, totals."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import DataError
from django.db.models import Q

from cdr.models import Adjustment, Call, Delivery, Outcome, QuarantinedRecord, UsageTotal
from cdr.operations import batches, storing
from cdr.operations.miner import mine_files, mine_waiting, spool
from cdr.operations.rerating import rerate
from cdr.operations.tariffs import add_version
from cdr.queries.proof import differences as total_differences
from cdr.queries.reconciliation import differences as record_differences
from directory.models import Line
from tests.support.mining import NOON, Company, company, drop, flat_tariff, mine, outgoing

pytestmark = pytest.mark.django_db


@pytest.fixture
def london() -> Company:
    return company()


def assert_all_agrees() -> None:
    assert total_differences() == []
    assert record_differences() == []


@pytest.mark.feature("F003", "F005")
def test_an_outgoing_call_is_attributed_normalised_and_priced(london: Company) -> None:
    user = london.person("ann", "201")

    report = mine(outgoing("1", talk=90))

    call = Call.objects.get()
    assert report.outcomes == {"S": 1}
    assert (call.call_type, call.number, call.user) == ("OA", "+442079460123", user)
    assert call.department is not None
    assert call.department.path == "Sales"
    assert (call.cost_micros, call.charge_micros) == (200_000, 200_000)
    assert (call.status, call.talk_ms, call.billed_ms) == ("RATED", 90_000, 90_000)
    assert call.carrier == london.carrier
    assert_all_agrees()


def test_a_destination_without_price_is_not_rated_and_has_no_amount(london: Company) -> None:
    mine(outgoing("1", number="90033140506070"))

    call = Call.objects.get()
    assert (call.status, call.cost_micros, call.charge_micros) == ("UNRATED", None, None)
    assert call.unrated_reason
    assert UsageTotal.objects.get().unrated_calls == 1


def test_an_unanswered_call_costs_nothing_whatever_the_prefix(london: Company) -> None:
    mine(outgoing("1", number="90033140506070", talk=0))

    call = Call.objects.get()
    assert (call.call_type, call.status, call.cost_micros) == ("OU", "RATED", 0)


@pytest.mark.parametrize("digits", ["112", "9112", "999", "9999"])
def test_an_emergency_call_is_free_and_pays_from_no_budget(london: Company, digits: str) -> None:
    mine(outgoing("1", number=digits))

    call = Call.objects.get()
    assert (call.number_class, call.status, call.cost_micros) == ("emergency", "RATED", 0)
    assert not call.is_paid


@pytest.mark.feature("F003")
def test_the_same_file_again_changes_nothing_but_the_count_of_duplicates(london: Company) -> None:
    records = [outgoing("1"), outgoing("2", talk=30)]
    mine(*records)
    before = list(UsageTotal.objects.order_by("pk").values())

    report = mine(*records, sequence="2")

    assert report.outcomes == {"D": 2}
    assert list(UsageTotal.objects.order_by("pk").values()) == before
    assert Call.objects.count() == 2
    assert_all_agrees()


def test_newer_content_corrects_the_call_and_leaves_an_adjustment(london: Company) -> None:
    mine(outgoing("1", talk=60), sequence="1")

    report = mine(outgoing("1", talk=120), sequence="2")

    assert report.outcomes == {"C": 1}
    assert Call.objects.get().cost_micros == 250_000
    adjustment = Adjustment.objects.get()
    assert (adjustment.old_cost_micros, adjustment.new_cost_micros) == (150_000, 250_000)
    assert_all_agrees()


def test_a_correction_never_goes_backwards(london: Company) -> None:
    mine(outgoing("1", talk=120), sequence="2")

    report = mine(outgoing("1", talk=60), sequence="1")

    assert report.outcomes == {"X": 1}
    assert Call.objects.get().talk_ms == 120_000
    assert Outcome.objects.get(kind="X").reason == "older"
    assert_all_agrees()


def test_ids_used_again_after_a_restart_are_other_calls(london: Company) -> None:
    mine(outgoing("1"))

    report = mine(outgoing("1", off=3 * 86_400), now=NOON + timedelta(days=9))

    assert report.outcomes == {"S": 1}
    assert Call.objects.count() == 2


def transfer() -> list[dict[str, Any]]:
    """Outside calls 201, 201 dials a mobile and joins the two: three records, one paid leg."""

    def at(seconds: int) -> str:
        return (NOON + timedelta(seconds=seconds)).isoformat()

    outside = {"from_number": "07700900151", "from_device": "TRUNK", "from_kind": "trunk"}
    mobile = {"to_number": "902079460199", "to_device": "TRUNK", "to_kind": "trunk"}
    return [
        {
            "call_id": "5004",
            "leg": "10-11",
            "started_at": at(0),
            "answered_at": at(5),
            "ended_at": at(50),
            **outside,
            "from_leg": "10",
            "to_number": "201",
            "to_partition": "PT",
            "to_kind": "line",
            "to_leg": "11",
        },
        {
            "call_id": "5005",
            "leg": "12-13",
            "started_at": at(30),
            "answered_at": at(38),
            "ended_at": at(50),
            "from_number": "201",
            "from_partition": "PT",
            "from_kind": "line",
            "from_leg": "12",
            **mobile,
            "to_leg": "13",
        },
        {
            "call_id": "5004",
            "leg": "10-13",
            "started_at": at(50),
            "answered_at": at(50),
            "ended_at": at(350),
            **outside,
            "from_leg": "10",
            **mobile,
            "to_leg": "13",
            "joined_by": "transfer",
            "redirect": "transfer",
            "redirecting": "5000",
        },
    ]


@pytest.mark.feature("F016", "F022")
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_transferred_leg_is_rated_once_and_paid_by_the_dialler_in_any_order(
    london: Company, order: tuple[int, ...]
) -> None:
    user = london.person("ann", "201")
    records = transfer()

    for index in order:
        mine(records[index], sequence=str(index))

    paid = {c.leg: c for c in Call.objects.filter(is_paid=True)}
    assert sorted(paid) == ["10-13", "12-13"]
    assert {c.user for c in paid.values()} == {user}
    # 312 s at 0.10 a minute and one fee of 0.05: 0.57, in proportion 12 : 300.
    assert [paid["12-13"].charge_micros, paid["10-13"].charge_micros] == [21_923, 548_077]
    assert sum(c.billed_ms for c in paid.values()) == 312_000
    assert [c.call_type for c in Call.objects.order_by("started_at", "leg")] == ["IA", "OA", "TD"]
    assert_all_agrees()


def test_one_record_that_the_database_refuses_costs_its_neighbours_nothing(
    london: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [outgoing(str(n), off=n) for n in range(50)]
    write = storing.write_calls

    def refuse(ids: Any, rows: Any) -> None:
        if any(row.call_id == "25" for row in rows):
            raise DataError("no room for this one")
        write(ids, rows)

    monkeypatch.setattr(batches, "write_calls", refuse)

    report = mine(*records)

    assert report.outcomes == {"S": 49, "Q": 1}
    assert QuarantinedRecord.objects.get().reason == "database"
    assert_all_agrees()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ended_at": (NOON - timedelta(seconds=5)).isoformat()}, "implausible"),
        ({"answered_at": (NOON + timedelta(hours=2)).isoformat()}, "implausible"),
        ({"ended_at": (NOON + timedelta(days=8)).isoformat()}, "implausible"),
        ({"started_at": "yesterday"}, "bad_field"),
        ({"started_at": (NOON + timedelta(days=3)).isoformat()}, "future"),
        ({"call_id": ""}, "missing_field"),
    ],
)
def test_a_record_that_cannot_be_true_is_set_aside_with_its_reason(
    london: Company, change: dict[str, str], reason: str
) -> None:
    report = mine({**outgoing("1"), **change}, outgoing("2"))

    assert report.outcomes == {"Q": 1, "S": 1}
    assert QuarantinedRecord.objects.get().reason == reason
    assert_all_agrees()


def test_a_file_of_an_unknown_source_is_parked_where_it_can_be_seen(london: Company) -> None:
    report = mine(outgoing("1"), source="nobody")

    assert len(report.parked) == 1
    assert "nobody" in Delivery.objects.get().note
    assert list(spool("parked").iterdir())


def test_a_foreign_file_without_header_is_mined_by_the_source_its_records_name(
    london: Company,
) -> None:
    path = spool("ready") / "handmade.jsonl"
    path.write_bytes(
        b'{"source":"london","call_id":"7","started_at":"2026-03-10T12:00:00+00:00",'
        b'"answered_at":"2026-03-10T12:00:05+00:00","ended_at":"2026-03-10T12:01:05+00:00",'
        b'"from_number":"201","to_number":"902079460123"}\n'
    )

    report = mine_waiting(now=NOON + timedelta(days=1))

    assert report.outcomes == {"S": 1}
    assert Call.objects.get().call_type == "OA"


def test_mining_a_file_by_name_leaves_it_where_it_is(london: Company) -> None:
    path = drop([outgoing("1")])
    kept = path.rename(path.parent.parent / "mine-me.jsonl")

    mine_files([kept], now=NOON + timedelta(days=1))
    again = mine_files([kept], now=NOON + timedelta(days=1))

    assert kept.exists()
    assert Call.objects.count() == 1
    assert again.records == 0


@pytest.mark.feature("F005")
def test_rating_again_books_the_difference_once(london: Company) -> None:
    mine(outgoing("1", talk=60), *transfer())
    dearer = flat_tariff(name="Flat London", price="0.20")
    add_version(name="Flat London", document=dearer, origin="test", by="test", at=NOON)

    dry = rerate(where=Q(), at=NOON, by="ann", is_dry_run=True)
    assert Call.objects.get(call_id="1").cost_micros == 150_000
    real = rerate(where=Q(), at=NOON, by="ann")
    again = rerate(where=Q(), at=NOON, by="ann")

    assert (dry.changed, real.changed, again.changed) == (3, 3, 0)
    assert Call.objects.get(call_id="1").cost_micros == 250_000
    assert Adjustment.objects.filter(reason="rerated").count() == 3
    assert sum(c.cost_micros or 0 for c in Call.objects.filter(leg__endswith="13")) == 1_090_000
    assert_all_agrees()


def test_internal_calls_are_discarded_where_the_site_wants_it(london: Company) -> None:
    london.site.keep_internal_calls = False
    london.site.save()
    internal = {**outgoing("1"), "to_number": "202", "to_kind": "line", "to_device": ""}

    report = mine(internal, outgoing("2"))

    assert report.outcomes == {"X": 1, "S": 1}
    assert Outcome.objects.get(kind="X").reason == "internal"


def test_shared_transfers_are_charged_to_the_party_of_each_segment(london: Company) -> None:
    london.site.transfer_payment = "SHARED"
    london.site.save()
    dialler, receiver = london.person("ann", "201"), london.person("ben", "202")
    joined = {
        **outgoing("1", leg="1b-1z", off=70, talk=100),
        "from_number": "02079460123",
        "from_partition": "",
        "from_device": "TRUNK",
        "from_kind": "trunk",
        "from_leg": "1b",
        "to_number": "202",
        "to_partition": "PT",
        "to_device": "",
        "to_kind": "line",
        "to_leg": "1z",
        "joined_by": "transfer",
    }

    mine(outgoing("1", talk=60), joined)

    charged = {c.user: c.talk_ms for c in Call.objects.filter(is_paid=True)}
    assert charged == {dialler: 60_000, receiver: 100_000}


@pytest.mark.feature("F191")
def test_a_record_without_partition_finds_the_line_only_where_one_partition_has_it(
    london: Company,
) -> None:
    user = london.person("ann", "201")
    Line.objects.create(site=london.site, partition="PT", extension="202")
    Line.objects.create(site=london.site, partition="OTHER", extension="202")
    bare: dict[str, Any] = {"from_partition": ""}

    mine(outgoing("1", **bare), outgoing("2", extension="202", **bare))

    assert Call.objects.get(call_id="1").user == user
    assert Call.objects.get(call_id="2").line is None
