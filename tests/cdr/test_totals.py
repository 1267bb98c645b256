"""Usage totals beside money: who answered, how long it rang, and how old rows are filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, Sum

from cdr.models import Call, UnitTotal, UsageTotal
from cdr.models.totals import EVERYBODY
from cdr.operations.rerating import rerate
from cdr.operations.tariffs import add_version
from cdr.queries.calls import calls_in
from cdr.queries.proof import differences
from cdr.queries.usage import Days, usage_of
from directory.models import Membership, OrgUnit, Role, User
from directory.scoping import Scope
from kernel.periods import ONE_DAY
from tests.support.mining import NOON, Company, company, flat_tariff, mine, outgoing

pytestmark = pytest.mark.django_db


@pytest.fixture
def london() -> Company:
    made = company()
    made.person("anna", "201")
    return made


def incoming(call_id: str, *, ring: int = 10, talk: int = 60, **more: Any) -> dict[str, Any]:
    """A call from outside to 201, answered after `ring` seconds if there was talk."""
    answer = NOON + timedelta(seconds=ring)
    return outgoing(call_id, talk=talk) | {
        "answered_at": answer.isoformat() if talk else None,
        "ended_at": (answer + timedelta(seconds=talk)).isoformat(),
        "from_number": "02079460999",
        "from_partition": "",
        "from_device": "TRUNK",
        "from_kind": "trunk",
        "to_number": "201",
        "to_partition": "PT",
        "to_device": "SEP201",
        "to_kind": "line",
        "exit_digits": "",
        **more,
    }


def sums(call_type: str) -> tuple[int, int, int]:
    """Calls, answered calls and ring milliseconds of one type."""
    rows = UsageTotal.objects.filter(call_type=call_type)
    found = rows.aggregate(calls=Sum("calls"), answered=Sum("answered_calls"), ring=Sum("ring_ms"))
    return found["calls"] or 0, found["answered"] or 0, found["ring"] or 0


def test_totals_know_who_answered_and_how_long_it_rang(london: Company) -> None:
    mine(
        incoming("1", ring=4),
        incoming("2", ring=8),
        incoming("3", ring=25, talk=0),
        outgoing("4"),
        outgoing("5", talk=0),
    )

    assert sums("IA") == (2, 2, 12_000)
    assert sums("IU") == (1, 0, 0)
    assert sums("OA") == (1, 1, 10_000)
    assert sums("OU") == (1, 0, 0)
    assert differences() == []


def test_voicemail_is_nobody_who_answered(london: Company) -> None:
    mine(incoming("1", to_kind="voicemail", to_device="VM", to_number="299"))

    call = Call.objects.get()
    assert (call.call_type, call.is_voicemail, call.answered_at is None) == ("IU", True, False)
    assert sums("IU") == (1, 0, 0)
    assert differences() == []


def test_a_correction_moves_the_answered_calls_too(london: Company) -> None:
    mine(incoming("1", ring=20, talk=0), sequence="1")
    mine(incoming("1", ring=5, talk=30), sequence="2")

    assert sums("IU")[:2] == (0, 0)
    assert sums("IA") == (1, 1, 5_000)
    assert differences() == []


def test_rating_again_leaves_them_alone(london: Company) -> None:
    mine(incoming("1", ring=7), outgoing("2"))
    tariff = flat_tariff(name="Flat London", price="0.30")
    add_version(name="Flat London", document=tariff, origin="test", by="test", at=NOON)
    before = sums("IA"), sums("OA")

    report = rerate(where=Q(), at=NOON, by="test")

    assert report.changed == 1
    assert (sums("IA"), sums("OA")) == before
    assert differences() == []


@pytest.mark.parametrize("measure", ["answered_calls", "ring_ms"])
def test_the_proof_names_a_total_that_is_off(london: Company, measure: str) -> None:
    mine(incoming("1"))
    UsageTotal.objects.update(**{measure: 99})

    found = differences()[0]

    assert f"{measure} is 99, calls say" in found


def test_the_migration_fills_what_was_stored_before(london: Company) -> None:
    mine(incoming("1", ring=4), incoming("2", ring=25, talk=0), outgoing("3"), outgoing("4"))
    UsageTotal.objects.update(answered_calls=0, ring_ms=0)
    assert len(differences()) == 2

    import_module("cdr.migrations.0002_answered_calls").fill(None, connection.schema_editor())

    assert differences() == []
    assert sums("OA") == (2, 2, 20_000)


def units() -> dict[tuple[str, str], int]:
    """Calls by unit (empty: everybody) and type."""
    names = {unit.pk: unit.path for unit in OrgUnit.objects.all()} | {EVERYBODY: ""}
    return {
        (names[row.unit_key], row.call_type): row.calls
        for row in UnitTotal.objects.all()
        if row.calls
    }


def test_a_call_counts_once_under_each_of_its_units_and_once_under_everybody(
    london: Company,
) -> None:
    office = OrgUnit.objects.create(kind="OFFICE", name="City", path="City", site=london.site)
    Membership.objects.update(office=office)
    london.person("ben", "202", department="Support")

    mine(outgoing("1"), outgoing("2"), outgoing("3", extension="202"), outgoing("4", talk=0))

    assert units() == {
        ("", "OA"): 3,
        ("", "OU"): 1,
        ("Sales", "OA"): 2,
        ("Sales", "OU"): 1,
        ("City", "OA"): 2,
        ("City", "OU"): 1,
        ("Support", "OA"): 1,
    }
    assert (
        UnitTotal.objects.filter(unit_key=EVERYBODY, call_type="OA").get().charge_micros
        == (UsageTotal.objects.aggregate(charge=Sum("charge_micros"))["charge"])
    )
    assert differences() == []


def test_a_corrected_call_leaves_its_old_row_of_the_unit(london: Company) -> None:
    mine(outgoing("1", talk=60), sequence="1")
    mine(outgoing("1", talk=120), sequence="2")

    assert units() == {("", "OA"): 1, ("Sales", "OA"): 1}
    assert {row.talk_ms for row in UnitTotal.objects.all()} == {120_000}
    assert differences() == []


def test_the_proof_names_a_unit_total_that_is_off(london: Company) -> None:
    mine(outgoing("1"))
    UnitTotal.objects.filter(unit_key=EVERYBODY).update(calls=7)

    (found,) = differences()

    assert found.startswith("unit total (")
    assert "unit_key 0" in found
    assert found.endswith("calls is 7, calls say 1")


def test_the_migration_rolls_up_what_was_stored_before(london: Company) -> None:
    london.person("ben", "202", department="Support")
    mine(incoming("1"), outgoing("2"), outgoing("3", extension="202"))
    UnitTotal.objects.all().delete()
    assert len(differences()) == 5

    import_module("cdr.migrations.0003_unit_totals").fill(None, connection.schema_editor())

    assert differences() == []


DAYS = [Days(NOON.date(), NOON.date()), Days(NOON.date() + ONE_DAY, NOON.date() + ONE_DAY)]


def counted(scope: Scope) -> int:
    """The calls of the first day, by whichever totals answer for `scope`."""
    first, second = usage_of(scope, DAYS)
    assert second == []
    return sum(each.calls for each in first)


def test_every_scope_counts_exactly_the_calls_that_it_reaches(london: Company) -> None:
    office = OrgUnit.objects.create(kind="OFFICE", name="City", path="City", site=london.site)
    Membership.objects.update(office=office)
    ben = london.person("ben", "202", department="Support")
    mine(outgoing("1"), outgoing("2"), outgoing("3", extension="202"))
    sales = frozenset(OrgUnit.objects.filter(path="Sales").values_list("pk", flat=True))
    nobody = Scope(user_id=None, role=None, at=NOON)
    reader = Scope(user_id=ben.pk, role=Role.SUPERVISOR, at=NOON)
    scopes = {
        0: nobody,
        1: reader,
        2: replace(nobody, department_ids=sales),
        3: replace(reader, department_ids=sales),
    }

    for expected, scope in scopes.items():
        assert counted(scope) == calls_in(scope).count() == expected
    both_kinds = replace(scopes[2], office_ids=frozenset({office.pk}))
    assert counted(both_kinds) == calls_in(both_kinds).count() == 2
    assert counted(replace(nobody, sees_everything=True)) == 3


def test_the_supervisor_of_a_unit_counts_his_own_calls_in_it_once(london: Company) -> None:
    anna = User.objects.get(username="anna")
    sales = frozenset(OrgUnit.objects.filter(path="Sales").values_list("pk", flat=True))
    mine(outgoing("1"), outgoing("2"))

    scope = Scope(user_id=anna.pk, role=Role.SUPERVISOR, at=NOON, department_ids=sales)

    assert counted(scope) == 2
