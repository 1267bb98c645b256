"""The sample company taken out again: all of it, nothing else, and only by whom and when it may be."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from billingsite.demo import history, load, presence
from billingsite.demo.cluster import file_name, write_file
from billingsite.demo.company import MILAN
from billingsite.demo.history import drop_folder
from billingsite.demo.stars import STARS
from billingsite.demo.traffic import LiveTraffic
from billingsite.digest import digest
from billingsite.operations import demo_removal
from billingsite.operations.demo_removal import RemovalDisturbed, remove_demo
from billingsite.queries import demo_rows
from billingsite.setup.steps import DONE, standings
from budgets.models import Budget, PeriodKind
from budgets.operations.requests import ask
from cdr.models import Call, Delivery, Source, Tariff
from cdr.operations.recorder import record_files
from cdr.operations.tariffs import add_version
from directory.installation import stored_installation
from directory.models import (
    CompanyContact,
    Contact,
    Job,
    JobState,
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    UnitKind,
    User,
)
from directory.operations.jobs import run_job, start_job
from kernel import clock
from phonelock.models import Decision, PinEvent, PinEventKind
from tests.support.first_setup import FILE_NAME, PASSWORD, NewAdministrator, cucm_file
from tests.support.mining import flat_tariff

pytestmark = pytest.mark.django_db(transaction=True)

STAYS = {"directory.User", "directory.Job", "directory.Preferences", "directory.Contact"}
STAYS |= {"billingsite.SetupStep", "cdr.Heartbeat", "cdr.Lease", "alarms.MailCircuit"}
STAYS |= {"directory.CompanyContact"}  # the same rows as directory.Contact
SHIP = "+870776512340"
APPS = ("directory", "cdr", "budgets", "phonelock", "alarms", "reports", "billingsite")


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days of calls, read at once; passwords without the toil."""
    settings.SETTLE_SECONDS = 0
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(history, "LENGTH", timedelta(days=2))


@pytest.fixture
def ada() -> NewAdministrator:
    """An administrator of one's own, behind step 1 and 2."""
    ada = NewAdministrator()
    ada.become_administrator()
    return ada


@pytest.fixture
def company(ada: NewAdministrator) -> NewAdministrator:
    """The same with the sample company, its files not read yet."""
    ada.client.post("/setup/demo/")
    done = work_off()
    assert done.state == JobState.DONE, done.error
    return ada


@pytest.fixture
def with_demo(company: NewAdministrator, data_dir: Path) -> NewAdministrator:
    """The same with its calls priced, phones locked and mails waiting."""
    moment_of_traffic(data_dir)
    for _ in range(2):
        call_command("tick", stdout=io.StringIO())
    return company


def moment_of_traffic(data_dir: Path) -> None:
    """The live calls of now, and as many calls to ships as spend three budgets."""
    present = datetime.now(UTC)
    traffic = LiveTraffic(
        data_dir,
        started=present,
        permitted=lambda _: True,
        rng=Random(7),  # noqa: S311 - play, not secrets
    )
    traffic.step(present)
    for star in STARS:
        office = star.person.office
        began = int(present.timestamp()) - 60 * star.minutes - 20
        records = [
            record
            for _ in range(star.calls_to_spend)
            for record in traffic.desks[office.code].outgoing(
                star.person, SHIP, start=began, ring=9, talk=60 * star.minutes, second=False
            )
        ]
        name = file_name(office, node=3, at=present, sequence=int(present.timestamp() * 1000))
        write_file(drop_folder(data_dir, office), name, records)


def work_off() -> Job:
    """Do the newest job, as the slow worker would."""
    job = Job.objects.latest("pk")
    done = run_job(job.pk, clock=clock.now)
    assert done is not None
    return done


def sign_in_again(ada: NewAdministrator) -> None:
    ada.client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def removed(ada: NewAdministrator) -> Job:
    """Take the sample company out by the pages; the job that did it."""
    sign_in_again(ada)
    answer = ada.client.post("/setup/demo/remove/")
    assert answer.headers["Location"].startswith("/jobs/")
    return work_off()


def rows() -> dict[str, int]:
    """How many rows each of our tables has; empty ones are left out."""
    found = {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in APPS and not model._meta.proxy
    }
    return {label: count for label, count in found.items() if count}


def files_below(folder: Path) -> set[str]:
    """Call files, standard files, exports: everything but what the machine keeps for itself."""
    own = ("static", "queue", "queue-control", "tmp", "setup")
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in own
    }


# --- All of it ------------------------------------------------------------------------------------


def test_the_demo_goes_and_leaves_the_installation_as_it_was_behind_step_two(
    ada: NewAdministrator, data_dir: Path
) -> None:
    call_command("tick", stdout=io.StringIO())
    before = (rows(), digest(), files_below(data_dir))
    ada.client.post("/setup/demo/")
    work_off()
    call_command("tick", stdout=io.StringIO())
    moment_of_traffic(data_dir)
    for _ in range(2):
        call_command("tick", stdout=io.StringIO())
    moment_of_traffic(data_dir)  # files that still wait
    play(data_dir)
    busy = rows()
    chosen = stored_installation()

    done = removed(ada)

    assert busy["cdr.Call"] > 20
    assert {"alarms.OutboxMessage", "phonelock.LockEvent", "budgets.LockWish"} <= set(busy)
    assert {"phonelock.Decision", "phonelock.PinEvent", "budgets.BudgetRequest"} <= set(busy)
    assert done.state == JobState.DONE, done.error
    assert done.words.startswith("The sample company is gone, with ")
    assert done.page == "/setup/"
    after = rows()
    after["directory.Job"] -= 2  # the loading and the removal, which are ada's
    assert {k: v for k, v in after.items() if v and k != "cdr.Heartbeat"} == {
        k: v for k, v in before[0].items() if k != "cdr.Heartbeat"
    }
    assert set(after) <= STAYS
    assert digest() == before[1]
    assert files_below(data_dir) - {"demo.lock"} == before[2]
    assert not (data_dir / "demo").exists()
    assert stored_installation() == chosen
    call_command("reconcile", stdout=io.StringIO())
    call_command("prove", stdout=io.StringIO())


def play(data_dir: Path) -> None:
    """What people do while they look around."""
    charlotte = User.objects.get(username="charlotte.ellis")
    ask(
        budget=Budget.objects.get(user=charlotte),
        user=charlotte,
        asked=15_000_000,
        reason="the fair",
        at=clock.now(),
    )
    PinEvent.objects.create(
        user=charlotte, kind=PinEventKind.SET, made_by="charlotte.ellis", made_at=clock.now()
    )
    Decision.objects.create(
        key="k", decided_at=clock.now(), site="Milan", effect="Deny", reason="budget", micros=9
    )
    notes = data_dir / "admission" / "decisions"
    notes.mkdir(parents=True, exist_ok=True)
    (notes / "2026-11-22-1-0.jsonl").write_text('{"key": "l", "site": "Milan"}\n')
    Contact.objects.create(owner=charlotte, number="+390266771234", name="Dentist")
    job = start_job(kind="calls_file", owner=charlotte, title="Mine")
    (data_dir / "jobs" / str(job.pk)).mkdir(parents=True)
    (data_dir / "jobs" / str(job.pk) / "calls.csv").write_text("a,b\n")
    client = Client()
    client.force_login(charlotte, "django.contrib.auth.backends.ModelBackend")
    client.post("/account/theme/", {"theme": "dark"})


def test_the_log_says_who_took_it_out_and_how_much(with_demo: NewAdministrator) -> None:
    of_before = set(LogEntry.objects.values_list("pk", flat=True))

    removed(with_demo)

    entry = LogEntry.objects.exclude(pk__in=of_before).get()
    assert (entry.object_repr, entry.actor.username) == ("removal of the sample company", "ada")
    assert entry.action == LogEntry.Action.DELETE
    assert entry.changes["person"] == ["", "60"]
    page = with_demo.client.get("/audit/?action=deleted").content.decode()
    assert "removal of the sample company" in page
    assert of_before <= set(LogEntry.objects.values_list("pk", flat=True))


def test_afterwards_the_set_up_leads_to_a_priced_call_of_ones_own(
    with_demo: NewAdministrator, data_dir: Path
) -> None:
    sites, calls = (set(m.objects.values_list("pk", flat=True)) for m in (Site, Call))
    removed(with_demo)
    ada = User.objects.get(username="ada")
    still_open = [each.step.key for each in standings(ada) if each.state != DONE]
    pages = {path: with_demo.client.get(path).status_code for path in ("/", "/calls/", "/setup/")}

    with_demo.set_everything_up()
    with_demo.client.post("/setup/import/")
    call_command("tick", stdout=io.StringIO())

    assert still_open == ["mail", "calls", "numbers", "prices", "people", "budgets"]
    assert set(pages.values()) == {200}
    assert Site.objects.get().name == "London"
    assert Call.objects.filter(charge_micros__gt=0).exists()
    assert not sites & set(Site.objects.values_list("pk", flat=True))
    assert not calls & set(Call.objects.values_list("pk", flat=True))
    assert with_demo.client.get("/setup/demo/remove/").headers["Location"] == "/setup/"
    call_command("prove", stdout=io.StringIO())


def test_it_can_be_loaded_again(company: NewAdministrator, data_dir: Path) -> None:
    removed(company)

    answer = company.client.post("/setup/demo/")
    again = work_off()

    assert answer.headers["Location"].startswith("/jobs/")
    assert again.state == JobState.DONE, again.error
    assert User.objects.filter(username="giulia.ferri").exists()
    assert presence.is_loaded(data_dir)


def test_the_cards_of_the_sign_in_page_are_gone(
    company: NewAdministrator, settings: Settings
) -> None:
    settings.SECURE_COOKIES = False
    settings.SITE_URL = "http://127.0.0.1:8000"
    before = Client().get("/accounts/login/").content.decode()

    removed(company)

    assert "This is a demo" in before
    assert "This is a demo" not in Client().get("/accounts/login/").content.decode()
    assert Client().post("/accounts/demo/", {"who": "ada.rinaldi"}).status_code == 404


def test_what_is_ones_own_in_the_phone_book_stays(company: NewAdministrator) -> None:
    ada = User.objects.get(username="ada")
    Contact.objects.create(owner=ada, number="+390266771234", name="Mine")
    CompanyContact.objects.create(number="+390266771299", name="Ours")

    removed(company)

    assert set(Contact.objects.values_list("name", flat=True)) == {"Mine", "Ours"}


# --- Nothing of anybody else's --------------------------------------------------------------------


def a_site(_: Path) -> None:
    Site.objects.create(name="Springfield", country="US")


def a_source(_: Path) -> None:
    site = Site.objects.get(name="Milan")
    Source.objects.create(name="own", site=site, driver="cucm", folder="drop/own")


def a_folder(_: Path) -> None:
    Source.objects.filter(name="milan").update(folder="/srv/calls")


def a_person(_: Path) -> None:
    User.objects.create_user("lena.vogt")


def a_unit(_: Path) -> None:
    OrgUnit.objects.create(kind=UnitKind.DEPARTMENT, name="Research", path="Research")


def a_line_held(_: Path) -> None:
    line = Line.objects.get(extension="221")
    LineHolding.objects.filter(line=line).update(valid_to=clock.now())
    LineHolding.objects.create(
        line=line, user=User.objects.get(username="ada"), valid_from=clock.now()
    )


def a_membership(_: Path) -> None:
    unit = OrgUnit.objects.get(path="Management")
    Membership.objects.create(user=User.objects.get(username="ada"), department=unit)


def a_budget(_: Path) -> None:
    Budget.objects.create(
        user=User.objects.get(username="ada"),
        amount=1,
        period=PeriodKind.MONTH,
        time_zone="UTC",
        assigned_at=clock.now(),
    )


def prices(_: Path) -> None:
    name = "Meridian Telecom EUR"
    document = flat_tariff(name=name, currency="EUR")
    add_version(name=name, document=document, origin="ours.csv", by="ada", at=clock.now())


def a_tariff(_: Path) -> None:
    Tariff.objects.create(name="Acme", currency="EUR")


def a_waiting_file(data_dir: Path) -> None:
    (drop_folder(data_dir, MILAN) / FILE_NAME).write_bytes(cucm_file().read())


def a_recorded_file(data_dir: Path) -> None:
    path = data_dir / FILE_NAME
    path.write_bytes(cucm_file().read())
    record_files(paths=[path], now=clock.now(), source="milan")
    path.unlink()


def a_read_file(data_dir: Path) -> None:
    a_waiting_file(data_dir)
    call_command("tick", stdout=io.StringIO())
    assert Delivery.objects.filter(name=FILE_NAME, records_read__gt=0).exists()


def a_file_of_nobody(_: Path) -> None:
    Delivery.objects.create(
        claim="x", name="cdr_CV-Milan_01_202601010000_1", sequence="1", received_at=clock.now()
    )


@pytest.mark.parametrize(
    ("brings", "named"),
    [
        (a_site, "Sites: Springfield"),
        (a_source, "Sources of calls: own"),
        (a_folder, "Sources of calls: milan"),
        (a_person, "People: lena.vogt"),
        (a_unit, "Units: Research"),
        (a_line_held, "Holders of lines: Milan/PT-Milan/221 held by Ada Rinaldi"),
        (a_membership, "Memberships in units: Ada Rinaldi in Management"),
        (a_budget, "Budgets: budget of Ada Rinaldi"),
        (prices, "Versions of tariffs: Meridian Telecom EUR v2"),
        (a_tariff, "Tariffs: Acme"),
        (a_waiting_file, "Files that wait: "),
        (a_recorded_file, "Files that wait: ready/milan__"),
        (a_read_file, "Deliveries: milan:cdr_ExampleCluster_01_202503101215_17"),
        (a_file_of_nobody, "Deliveries: ?:cdr_CV-Milan_01_202601010000_1"),
    ],
)
def test_what_is_not_the_samples_keeps_everything_where_it_is(
    company: NewAdministrator, data_dir: Path, brings: Callable[[Path], None], named: str
) -> None:
    brings(data_dir)
    before = (rows(), files_below(data_dir))
    sign_in_again(company)

    page = company.client.get("/setup/demo/remove/").content.decode()
    refused = company.client.post("/setup/demo/remove/", follow=True).content.decode()
    with pytest.raises(demo_removal.NotOnlyTheDemo) as refusal:
        remove_demo(clock=clock.now, say=print)

    kind, _, name = named.partition(": ")
    assert kind in page
    assert name in page
    assert "Voss out of this installation?" not in page
    assert "Nothing was removed." in refused
    assert named in refusal.value.message
    assert (rows(), files_below(data_dir)) == before
    assert presence.is_loaded(data_dir)


def test_what_goes_wrong_in_the_middle_takes_nothing(
    with_demo: NewAdministrator, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (rows(), files_below(data_dir), digest())

    def disturb(*_: Any, **__: Any) -> None:
        assert not Call.objects.exists()
        raise IntegrityError

    monkeypatch.setattr(demo_removal, "note_run", disturb)
    with pytest.raises(RemovalDisturbed):
        remove_demo(clock=clock.now, say=print)

    assert (rows(), files_below(data_dir), digest()) == before
    assert presence.is_loaded(data_dir)


def test_a_call_that_is_written_meanwhile_is_seen_before_anything_goes(
    with_demo: NewAdministrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    ask_for = demo_rows.strangers

    def looking() -> Any:
        found = ask_for()
        if not looked:
            User.objects.create_user("lena.vogt")  # after the first look, before the rows go
        looked.append(len(found))
        return found

    monkeypatch.setattr(demo_rows, "strangers", looking)
    with pytest.raises(demo_removal.NotOnlyTheDemo, match=r"lena\.vogt"):
        remove_demo(clock=clock.now, say=print)

    assert looked == [0, 1]
    assert Call.objects.exists()


# --- By whom --------------------------------------------------------------------------------------


def test_it_wants_the_password_again_and_says_what_goes_and_what_stays(
    with_demo: NewAdministrator,
) -> None:
    asked = with_demo.client.get("/setup/demo/remove/")
    not_done = with_demo.client.post("/setup/demo/remove/")
    sign_in_again(with_demo)

    page = with_demo.client.get("/setup/demo/remove/").content.decode()

    for answer in (asked, not_done):
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert Job.objects.filter(kind="demo_removal").count() == 0
    goes, stays = page.split('id="stays"')
    assert "<dt>People</dt><dd>60</dd>" in goes
    assert f"<dd>{Call.objects.count()}</dd>" in goes.replace(",", "")
    assert "<bdi>ada</bdi>" in stays
    assert "ada.rinaldi" not in stays
    assert "Voss out of this installation?" in page


@pytest.mark.parametrize("username", ["giulia.ferri", "stefano.ferrara", "oliver.hughes"])
def test_others_learn_nothing(company: NewAdministrator, username: str) -> None:
    client = Client()
    client.force_login(
        User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend"
    )

    answers = [client.get("/setup/demo/remove/"), client.post("/setup/demo/remove/")]
    stranger = Client().post("/setup/demo/remove/")

    assert [answer.status_code for answer in answers] == [403, 403]
    assert stranger.status_code == 302
    assert not Job.objects.filter(kind="demo_removal").exists()


def test_the_samples_own_administrator_is_sent_for_one_of_ones_own(
    company: NewAdministrator, data_dir: Path
) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "ada.rinaldi", "password": load.password(data_dir)})
    client.post("/accounts/reauthenticate/", {"password": load.password(data_dir)})

    page = client.get("/setup/demo/remove/").content.decode()
    client.post("/setup/demo/remove/")
    job = start_job(
        kind="demo_removal", owner=User.objects.get(username="ada.rinaldi"), title="mine"
    )
    done = run_job(job.pk, clock=clock.now)

    assert "You are one of the sample company" in page
    assert "Voss out of this installation?" not in page
    assert done is not None
    assert done.state == JobState.FAILED
    assert Job.objects.filter(kind="demo_removal").count() == 1
    assert Site.objects.count() == 3


def test_the_page_asks_no_more_for_more_rows(
    company: NewAdministrator, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sign_in_again(company)
    company.client.get("/setup/demo/remove/")
    with django_assert_max_num_queries(50) as few:
        company.client.get("/setup/demo/remove/")

    for number in range(20):
        User.objects.create_user(f"person{number}", role=Role.ADMIN)
        a_person = User.objects.create_user(f"stranger{number}")
        Membership.objects.create(user=a_person, department=OrgUnit.objects.get(path="Sales"))

    with django_assert_max_num_queries(len(few)):
        company.client.get("/setup/demo/remove/")


# --- The command, and the telephone systems -------------------------------------------------------


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_asks_before_it_does_it(
    company: NewAdministrator, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="nothing was changed"):
        told("--remove")
    assert Site.objects.count() == 3

    said = told("--remove", "--yes")

    assert "60  People" in said
    assert "the accounts of administrators (ada)" in said
    assert "the sample company is gone" in said
    assert not Site.objects.exists()
    assert User.objects.get().username == "ada"
    with pytest.raises(CommandError, match="There is no sample company here"):
        told("--remove", "--yes")


def test_the_command_says_what_stands_in_the_way(company: NewAdministrator) -> None:
    User.objects.create_user("lena.vogt")

    with pytest.raises(CommandError, match=r"Nothing was removed\. People: lena\.vogt"):
        told("--remove", "--yes")


def test_without_an_administrator_of_ones_own_the_set_up_begins_anew(
    data_dir: Path, settings: Settings
) -> None:
    settings.STATIC_ROOT = data_dir / "static"
    told("--no-serve")

    said = told("--remove", "--yes")

    assert "Nobody administers Tollgate now" in said
    assert not User.objects.exists()
    newcomer = NewAdministrator()
    newcomer.become_administrator()
    assert newcomer.client.get("/setup/calls/").status_code == 200


def test_live_calls_stop_with_the_company_and_wait_while_it_goes(
    company: NewAdministrator, data_dir: Path
) -> None:
    def may_feed() -> bool:
        with presence.feeding(data_dir) as answer:
            return answer

    assert may_feed()
    with presence.alone(data_dir):
        assert not may_feed()
        with pytest.raises(presence.DemoIsBusy), presence.alone(data_dir, wait_seconds=0):
            pass
    removed(company)

    assert not may_feed()
    assert not (data_dir / "drop").exists()
