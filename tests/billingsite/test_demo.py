"""The demo company: believable, always the same, and loaded like anybody else's."""

from __future__ import annotations

import csv
import io
import tomllib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from alarms.models import OutboxMessage
from billingsite import lease, pipeline
from billingsite.demo import history, load
from billingsite.demo.cluster import HEADER, TYPES, line
from billingsite.demo.company import ASSETS, MILAN, OFFICES, Office, people, person
from billingsite.demo.decks import CARRIERS, MERIDIAN, Carrier, document
from billingsite.demo.history import write_history
from billingsite.demo.memory import Memory
from billingsite.demo.numbers import contacts, dialled
from billingsite.demo.schedule import PlannedCall, calls_between, day_of
from billingsite.demo.stars import STARS, Star
from billingsite.demo.traffic import LiveTraffic
from cdr.drivers.base import DriverConfig
from cdr.drivers.cucm import CucmDriver
from cdr.engine.numbers import DialPlan, normalise
from cdr.engine.rating import Priced, compile_tariff
from cdr.engine.records import SegmentLine
from cdr.engine.tariffs import parse_tariff
from cdr.models import Call, Outcome, QuarantinedRecord
from directory.models import Role, Site, User
from kernel import clock
from kernel.money import to_micros
from phonelock.models import LineLock, SwitchState

WEDNESDAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SET_UP = tomllib.loads((ASSETS / "setup.toml").read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as dictionaries; of a call file without the line of types."""
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    return rows[1:] if path.name.startswith("cdr_") else rows


def text_of(calls: list[PlannedCall] | tuple[PlannedCall, ...]) -> bytes:
    records = [record for call in calls for record in call.records]
    return (HEADER + TYPES + "".join(line(record) for record in records)).encode()


# --- the company on paper -------------------------------------------------------------------------


def test_the_company_has_sixty_people_in_three_countries_and_zones() -> None:
    staff = Counter(person.office.name for person in people())

    assert staff.total() == 60
    assert (
        len(staff) == len({o.country for o in OFFICES}) == len({o.time_zone for o in OFFICES}) == 3
    )
    roles = {row["role"] for row in rows_of(ASSETS / "people.csv")}
    assert roles == {"user", "supervisor", "admin", "auditor"}


def test_the_set_up_file_and_the_telephone_systems_speak_of_the_same_offices() -> None:
    sites = {site["name"]: site for site in SET_UP["site"]}
    gateways = {(gateway["site"], gateway["device"]) for gateway in SET_UP["gateway"]}

    for office in OFFICES:
        site = sites[office.name]
        assert site["timezone"] == office.time_zone
        assert site["currency"] == office.currency
        assert site["exit_code"] == office.exit_code
        assert site["international_prefix"] == office.international_prefix
        assert site["national_prefix"] == office.national_prefix
        assert {(office.name, office.primary), (office.name, office.second)} <= gateways


def test_there_is_a_budget_of_every_kind() -> None:
    budgets = SET_UP["budget"]

    assert {budget["period"] for budget in budgets} == {"day", "week", "month"}
    assert {b["for"].partition(":")[0] for b in budgets} >= {"user", "department", "cost_centre"}
    assert any("minutes" in budget for budget in budgets)
    assert any(budget.get("members") for budget in budgets)
    assert any(budget.get("carry_over") for budget in budgets)


@pytest.mark.parametrize("star", STARS, ids=lambda star: star.username)
def test_the_nearly_spent_budgets_are_those_of_the_set_up_file(star: Star) -> None:
    budget = next(b for b in SET_UP["budget"] if b["for"] == f"user:{star.username}")

    assert budget["amount"] == str(star.amount)
    assert budget["period"] == star.period
    assert any(threshold.get("lock") for threshold in budget["thresholds"])


@pytest.mark.parametrize("star", STARS, ids=lambda star: star.username)
def test_the_calls_to_ships_cost_what_the_demo_reckons_with(star: Star) -> None:
    tariff = compile_tariff(parse_tariff(document(MERIDIAN, star.person.office)))
    talk_ms = star.minutes * 60_000

    priced = tariff.price(
        digits="870776512340", answered_ms=int(NOON.timestamp() * 1000), talk_ms=talk_ms
    )

    assert isinstance(priced, Priced)
    assert priced.cost == to_micros(star.price)
    assert star.price * star.calls_to_spend >= star.amount
    assert star.price * (star.calls_to_spend - 1) < star.amount


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.key)
@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.code)
def test_every_number_the_company_calls_has_a_price(carrier: Carrier, office: Office) -> None:
    tariff = compile_tariff(parse_tariff(document(carrier, office)))
    rng = Random(1)  # noqa: S311 - play, not secrets

    for one in people():
        for number in contacts(rng, office=office, department=one.department):
            priced = tariff.price(
                digits=number[1:], answered_ms=int(NOON.timestamp() * 1000), talk_ms=61_000
            )
            assert isinstance(priced, Priced), number


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.code)
def test_what_people_dial_is_understood_as_the_number_they_mean(office: Office) -> None:
    site = next(s for s in SET_UP["site"] if s["name"] == office.name)
    plan = DialPlan(
        country=site["country"],
        exit_code=site["exit_code"],
        international_prefix=site["international_prefix"],
        national_prefix=site["national_prefix"],
        area_code=site["area_code"],
        extension_patterns=tuple(site["extensions"]),
        local_lengths=tuple(site["local_lengths"]),
    )

    rng = Random(2)  # noqa: S311 - play, not secrets
    for number in contacts(rng, office=office, department="Operations/Fleet"):
        pressed = dialled(office, number)
        assert normalise(pressed, plan=plan, dialled=True).text == number


# --- the calls on paper -----------------------------------------------------------------------------


def test_a_day_is_always_the_same() -> None:
    first = text_of(day_of(MILAN, WEDNESDAY))
    day_of.cache_clear()

    assert text_of(day_of(MILAN, WEDNESDAY)) == first
    assert text_of(day_of(MILAN, WEDNESDAY + timedelta(days=1))) != first


def test_the_records_are_read_by_the_driver_without_a_complaint() -> None:
    driver = CucmDriver(DriverConfig(source="milan", zone=ZoneInfo("Europe/Rome")))
    content = text_of(day_of(MILAN, WEDNESDAY))

    lines = list(driver.read(io.BytesIO(content), trust_tail=False))

    assert len(lines) == content.count(b"\n") - 2 > 100
    assert all(isinstance(read, SegmentLine) for read in lines)
    assert all(row.count(b",") == 132 for row in content.splitlines()[:2])


def test_calls_and_legs_are_never_numbered_twice() -> None:
    calls = [call for day in range(30) for call in day_of(MILAN, WEDNESDAY - timedelta(days=day))]

    keys = Counter(
        (r["globalCallID_callId"], r["origLegCallIdentifier"], r["destLegIdentifier"])
        for call in calls
        for r in call.records
    )

    assert keys.most_common(1)[0][1] == 1


def test_a_month_holds_every_kind_of_call() -> None:
    calls = list(calls_between(MILAN, after=NOON - timedelta(days=30), until=NOON))
    records = [record for call in calls for record in call.records]

    joins = Counter(record.get("joinOnBehalfOf", 0) for record in records)
    causes = Counter(record.get("destCause_value", 0) for record in records)
    assert joins[10] > 5
    assert joins[4] > 5
    assert joins[5] > 5
    assert causes[17] > 5
    assert sum(not record["dateTimeConnect"] for record in records) > 100
    assert any(str(r["destDeviceName"]).startswith("CiscoUM") for r in records)
    assert sum(record["finalCalledPartyNumber"] == "0112" for record in records) == 1


def test_one_half_of_a_span_and_the_other_make_the_whole() -> None:
    start, middle, end = NOON - timedelta(days=3), NOON - timedelta(hours=25), NOON

    whole = Counter(c.ended for c in calls_between(MILAN, after=start, until=end))
    halves = Counter(c.ended for c in calls_between(MILAN, after=start, until=middle))
    halves += Counter(c.ended for c in calls_between(MILAN, after=middle, until=end))

    assert whole == halves


def test_history_is_written_once_and_then_from_where_it_was_left(tmp_path: Path) -> None:
    first = sum(write_history(tmp_path, Memory.load(tmp_path), now=NOON))
    again = sum(write_history(tmp_path, Memory.load(tmp_path), now=NOON))
    later = sum(write_history(tmp_path, Memory.load(tmp_path), now=NOON + timedelta(hours=3)))

    assert first > 10_000
    assert again == 0
    assert 10 < later < 300
    assert not list(tmp_path.rglob("_cdr*"))


# --- live calls -------------------------------------------------------------------------------------


def live(folder: Path, *, permitted: bool = True) -> LiveTraffic:
    memory = Memory.load(folder)
    memory.written_until = memory.written_until or NOON.isoformat()
    memory.save()
    rng = Random(3)  # noqa: S311 - play, not secrets
    return LiveTraffic(folder, started=NOON, permitted=lambda call: permitted, rng=rng)


def callers_in(paths: list[Path]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in paths:
        found.update(row["callingPartyUnicodeLoginUserID"] for row in rows_of(path))
    return found


def test_the_nearly_spent_budget_is_spent_by_the_first_live_calls(tmp_path: Path) -> None:
    star = STARS[0]
    missing = star.calls_to_spend - star.planned_before(NOON + timedelta(seconds=5))

    paths = live(tmp_path).step(NOON + timedelta(seconds=5))

    assert missing > 0
    assert callers_in(paths)[star.username] >= missing


def test_a_second_start_does_not_spend_the_budget_again(tmp_path: Path) -> None:
    star = STARS[0]
    live(tmp_path).step(NOON + timedelta(seconds=5))

    traffic = live(tmp_path)

    assert list(traffic._star_calls(star, NOON + timedelta(seconds=9))) == []


def test_right_after_midnight_no_call_is_dated_into_the_last_period(tmp_path: Path) -> None:
    star = next(star for star in STARS if star.period == "day")
    midnight = star.current_period(NOON).starts_at
    traffic = live(tmp_path)
    traffic.started = midnight - timedelta(minutes=10)

    early = list(traffic._star_calls(star, midnight + timedelta(seconds=30)))
    later = list(traffic._star_calls(star, midnight + timedelta(minutes=5)))

    assert early == []
    assert len(later) == star.calls_to_spend
    starts = [int(call.records[0]["dateTimeOrigination"]) for call in later]
    assert min(starts) >= midnight.timestamp()


def test_a_call_that_tollgate_refuses_becomes_a_refused_record(tmp_path: Path) -> None:
    paths = live(tmp_path, permitted=False).step(NOON + timedelta(seconds=5))

    rows = [row for path in paths for row in rows_of(path)]
    star_rows = [r for r in rows if r["callingPartyUnicodeLoginUserID"] == STARS[0].username]
    assert {row["currentRoutingReason"] for row in star_rows} == {"7"}
    assert {row["duration"] for row in star_rows} == {"0"}


def test_live_calls_have_ended_when_they_are_written(tmp_path: Path) -> None:
    traffic = live(tmp_path)
    now = NOON
    for _ in range(20):
        now += timedelta(seconds=4)
        for path in traffic.step(now):
            for row in rows_of(path):
                assert int(row["dateTimeDisconnect"]) <= now.timestamp()


# --- the whole, through the commands ------------------------------------------------------------------


@pytest.mark.django_db
def test_the_demo_refuses_another_companys_installation(data_dir: Path) -> None:
    Site.objects.create(name="Springfield", country="US")

    with pytest.raises(CommandError, match=r"holds a company of its own \(site Springfield\)"):
        call_command("demo", "--no-serve")

    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_demo_goes_from_files_to_a_locked_phone_and_a_mail(
    data_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    settings.SETTLE_SECONDS = 0
    settings.STATIC_ROOT = data_dir / "static"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(history, "LENGTH", timedelta(days=18))
    with time_machine.travel(NOON, tick=False):
        call_command("demo", "--no-serve")
        stored = Call.objects.count()
        call_command("demo", "--no-serve")

        assert Call.objects.count() == stored == Outcome.objects.count() > 2_000
        assert not QuarantinedRecord.objects.exists()
        assert not Call.objects.filter(status="UNRATED").exists()
        assert not Call.objects.filter(user=None).exists()
        assert User.objects.get(username="ada.rinaldi").role == Role.ADMIN
        assert client.login(username="giulia.ferri", password=load.password(data_dir))
        assert not LineLock.objects.filter(confirmed=SwitchState.LOCKED).exists()

        live(data_dir).step(NOON + timedelta(seconds=5))
        held = lease.take(clock=clock.now, ignore_cooldown=True)
        assert held is not None
        report = pipeline.run(held, clock=clock.now)

    assert report.errors == {}
    lock = LineLock.objects.get(line__extension=person("giulia.ferri").extension)
    assert lock.confirmed == SwitchState.LOCKED
    mails = OutboxMessage.objects.values_list("recipient", flat=True)
    assert "giulia.ferri@caldervoss.example" in set(mails)
    call_command("reconcile")
    call_command("prove")
