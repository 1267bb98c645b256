"""The pipeline: stages in order, one pass at a time, failures written down."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_celery_beat.models import PeriodicTask
from pytest_django import DjangoAssertNumQueries, Settings

from alarms.models import OutboxMessage
from alarms.operations.delivery import DeliveryReport
from billingsite import lease, pipeline, signs, tasks
from billingsite.health import findings
from billingsite.pipeline import Stage, Work
from billingsite.timers import TIMERS, write_timers
from budgets.operations.assignments import assign
from cdr.models import Heartbeat, Lease, Source
from phonelock.models import LineLock
from tests.support.budgets import Firm, money

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
NOTHING = Work({}, again=False)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_signs() -> Iterator[None]:
    signs.forget()
    yield
    signs.forget()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(clock: Clock, *, ignore_cooldown: bool = True) -> lease.Held:
    held = lease.take(clock=clock, ignore_cooldown=ignore_cooldown)
    assert held is not None
    return held


def run(clock: Clock, *stages: Stage, most_passes: int = 1) -> pipeline.PassReport:
    return pipeline.run(taken(clock), clock=clock, order=stages, most_passes=most_passes)


def does(names: list[str], name: str) -> Callable[[datetime], Work]:
    def stage(now: datetime) -> Work:
        names.append(name)
        return NOTHING

    return stage


def breaks(now: datetime) -> Work:
    raise RuntimeError("the disk is on fire")


# --- order and failures -----------------------------------------------------------------------


def test_the_stages_go_from_the_file_to_the_mail() -> None:
    names = [stage.name for stage in pipeline.stages()]

    assert names == [
        "record",
        "mine",
        "periods",
        "budgets",
        "wishes",
        "switch",
        "notices",
        "jobs",
        "mail",
    ]


def test_a_stage_that_fails_is_written_down_and_the_others_still_run(clock: Clock) -> None:
    seen: list[str] = []

    report = run(
        clock,
        Stage("record", does(seen, "record")),
        Stage("mine", breaks),
        Stage("mail", does(seen, "mail")),
    )

    assert seen == ["record", "mail"]
    assert report.errors == {"mine": "RuntimeError: the disk is on fire"}
    assert not report.as_json()["ok"]
    assert Heartbeat.objects.get(name="mine").note == "failed: RuntimeError: the disk is on fire"
    assert Heartbeat.objects.get(name="mail").note == ""


def test_a_failed_stage_turns_health_red_until_it_works_again(clock: Clock, client: Client) -> None:
    run(clock, Stage("mine", breaks))
    assert {f.name for f in findings(now=clock()) if not f.is_ok} == {"mine", "tick"}

    run(clock, Stage("mine", lambda now: NOTHING))
    assert all(finding.is_ok for finding in findings(now=clock()))


def test_a_pipeline_that_is_silent_for_a_minute_turns_health_red(
    clock: Clock, client: Client
) -> None:
    run(clock, Stage("mail", lambda now: NOTHING))

    clock.move(seconds=61)

    assert {f.name for f in findings(now=clock()) if not f.is_ok} == {"mail", "tick"}
    assert client.get("/health/").status_code == 503
    assert client.get("/health/live/").status_code == 200
    with pytest.raises(CommandError, match="tick: silent for"):
        call_command("health")


def test_parts_of_health_are_not_told_to_strangers(clock: Clock, client: Client) -> None:
    here = client.get("/health/").json()
    outside = client.get("/health/", REMOTE_ADDR="198.51.100.7").json()
    proxied = client.get("/health/", HTTP_X_FORWARDED_FOR="198.51.100.7").json()

    assert "parts" in here
    assert "parts" not in outside
    assert "parts" not in proxied


def test_passes_go_on_until_one_finds_nothing_to_do(clock: Clock) -> None:
    waiting = [3, 2, 1, 0]

    def mine(now: datetime) -> Work:
        left = waiting.pop(0)
        return Work({"files": left, "waiting": [f"{left} left"]}, again=left > 0)

    report = run(clock, Stage("mine", mine), most_passes=99)

    assert report.passes == 4
    assert report.is_idle
    assert report.as_json()["stages"]["mine"] == {"files": 6, "waiting": ["0 left"]}


def test_the_number_of_passes_is_bounded(clock: Clock) -> None:
    report = run(clock, Stage("mine", lambda now: Work({}, again=True)), most_passes=7)

    assert report.passes == 7
    assert not report.is_idle


@pytest.fixture
def settled(clock: Clock, settings: Settings) -> None:
    """A firm with a source, a switch, lines, a mail server, and budgets of which one locks."""
    settings.MAIL_CONFIGURED = True
    firm = Firm()
    Source.objects.update(options={"lock": "simulated"})
    spender = firm.person("201", department="Sales")
    firm.person("202", department="Sales")
    assign(holder=spender, terms=money("10.00"), at=clock(), by="test")
    assign(
        holder=firm.unit("Sales"), terms=money("20.00"), at=clock(), by="test", for_each_member=True
    )
    firm.call(spender, "11.00", at=clock())
    all_but_mail = [stage for stage in pipeline.stages() if stage.needs_lease]
    pipeline.run(taken(clock), clock=clock, order=all_but_mail)
    OutboxMessage.objects.all().delete()
    assert LineLock.objects.get(wanted="LOCKED").confirmed == "LOCKED"


@pytest.mark.usefixtures("settled")
def test_an_idle_pass_asks_ten_queries(
    clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pipeline.run(taken(clock), clock=clock)
    clock.move(seconds=10)

    with django_assert_num_queries(10):
        report = pipeline.run(taken(clock), clock=clock)

    assert report.is_idle
    assert not report.errors


@pytest.mark.usefixtures("settled")
def test_signs_of_life_and_a_look_at_the_sites_are_three_queries_more(
    clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pipeline.run(taken(clock), clock=clock)
    clock.move(seconds=20)

    with django_assert_num_queries(13):
        pipeline.run(taken(clock), clock=clock)

    assert {sign.beaten_at for sign in Heartbeat.objects.all()} == {clock()}


# --- one at a time ------------------------------------------------------------------------------


def test_only_one_holds_the_lease(clock: Clock) -> None:
    held = taken(clock)

    assert lease.take(clock=clock, ignore_cooldown=True) is None

    with lease.held(held, clock=clock):
        pass
    assert lease.take(clock=clock, ignore_cooldown=True) is not None


def test_a_dead_process_of_this_host_holds_nobody_up(clock: Clock) -> None:
    taken(clock)
    gone = subprocess.Popen(["true"])  # noqa: S607
    gone.wait()
    Lease.objects.update(holder=f"{gone.pid}:0123456789ab@{lease.HOST}")

    assert lease.take(clock=clock, ignore_cooldown=False) is not None


def test_a_silent_holder_elsewhere_is_taken_over_within_half_a_minute(clock: Clock) -> None:
    taken(clock)
    Lease.objects.update(holder="1:0123456789ab@another.example")
    assert lease.take(clock=clock, ignore_cooldown=True) is None

    clock.move(seconds=30)

    assert lease.take(clock=clock, ignore_cooldown=False) is not None


def test_two_timers_in_one_interval_make_one_pass(clock: Clock) -> None:
    run(clock, Stage("mail", lambda now: NOTHING))

    clock.move(seconds=2)
    assert lease.take(clock=clock, ignore_cooldown=False) is None
    clock.move(seconds=8)
    assert lease.take(clock=clock, ignore_cooldown=False) is not None


def test_who_asks_for_a_pass_himself_does_not_wait_for_the_interval(clock: Clock) -> None:
    run(clock, Stage("mail", lambda now: NOTHING))

    assert lease.take(clock=clock, ignore_cooldown=True) is not None


def test_a_lease_from_a_clock_that_went_wrong_blocks_nobody(clock: Clock) -> None:
    clock.move(hours=2)
    taken(clock)

    clock.move(hours=-2)

    assert lease.take(clock=clock, ignore_cooldown=False) is not None


def test_a_pass_that_lost_its_lease_ends_before_the_next_stage(clock: Clock) -> None:
    held = taken(clock)
    seen: list[str] = []

    def loses(now: datetime) -> Work:
        held.is_lost = True
        return Work({}, again=True)

    report = pipeline.run(
        held, clock=clock, order=[Stage("record", loses), Stage("mine", does(seen, "mine"))]
    )

    assert seen == []
    assert list(report.stages) == ["record"]


def test_mail_that_hangs_keeps_nobody_from_budgets_and_locks(clock: Clock) -> None:
    others: list[lease.Held | None] = []

    def hangs(now: datetime) -> Work:
        clock.move(seconds=10)
        others.append(lease.take(clock=clock, ignore_cooldown=False))
        return NOTHING

    run(clock, Stage("mine", lambda now: NOTHING), Stage("mail", hangs, needs_lease=False))

    assert others != [None]
    assert [stage.name for stage in pipeline.stages() if not stage.needs_lease] == ["mail"]


def test_mails_are_sent_until_none_is_due(clock: Clock) -> None:
    left = [True, True, False]

    report = run(
        clock, Stage("mail", lambda now: Work({"sent": 1}, again=left.pop(0)), needs_lease=False)
    )

    assert report.as_json()["stages"]["mail"] == {"sent": 3}


def test_one_thread_of_a_worker_waits_for_the_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()
    calls: list[datetime] = []

    def hangs(*, now: datetime) -> DeliveryReport:
        calls.append(now)
        begun.set()
        ended.wait(10)
        return DeliveryReport()

    monkeypatch.setattr(pipeline, "deliver_waiting", hangs)
    mail = next(stage for stage in pipeline.stages() if stage.name == "mail")
    first = threading.Thread(target=mail.run, args=(NOON,))
    first.start()
    assert begun.wait(10)

    second = mail.run(NOON)
    ended.set()
    first.join(10)

    assert second == NOTHING
    assert calls == [NOON]
    mail.run(NOON)
    assert len(calls) == 2


def test_the_lease_of_a_new_holder_is_not_given_back_by_the_old_one(clock: Clock) -> None:
    old = taken(clock)
    clock.move(seconds=30)
    new = taken(clock)

    with lease.held(old, clock=clock):
        pass

    assert Lease.objects.get(name=lease.NAME).holder == new.holder


def test_the_timers_message_runs_a_pass_and_shows_that_beat_and_worker_live() -> None:
    tasks.tick(woken_by="beat")

    names = set(Heartbeat.objects.values_list("name", flat=True))
    assert {"beat", "fast worker", "tick", "record", "mail"} <= names


def test_a_message_of_a_newer_version_is_understood() -> None:
    tasks.tick(woken_by="beat", colour="blue")
    tasks.minute(colour="blue")
    tasks.slow_sign_of_life(colour="blue")


# --- timers ---------------------------------------------------------------------------------------


def test_timers_are_written_once_and_only_as_intervals() -> None:
    assert write_timers() == len(TIMERS)
    assert write_timers() == 0

    for row in PeriodicTask.objects.all():
        assert row.interval is not None
        assert row.crontab is None
        assert row.expire_seconds is not None
        assert row.expire_seconds < row.interval.every


def test_a_timer_that_somebody_changed_is_put_right() -> None:
    write_timers()
    PeriodicTask.objects.filter(task="billingsite.tasks.tick").update(enabled=False)

    assert write_timers() == 1
    assert PeriodicTask.objects.get(task="billingsite.tasks.tick").enabled


# --- the command ------------------------------------------------------------------------------------


def test_tick_reports_what_every_stage_did(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("tick", "--json")

    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert list(report["stages"]) == [stage.name for stage in pipeline.stages()]
    assert report["stages"]["mine"]["files"] == 0


def test_tick_says_in_words_that_nothing_waited(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("tick")

    assert "mine ..... nothing to do" in capsys.readouterr().out


def test_tick_fails_where_a_stage_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "stages", lambda: (Stage("mine", breaks),))

    with pytest.raises(CommandError, match="mine failed: RuntimeError: the disk is on fire"):
        call_command("tick")


def test_tick_gives_up_with_a_clear_line_when_another_pass_never_ends() -> None:
    Lease.objects.create(
        name=lease.NAME, holder="another", until=datetime.now(UTC) + timedelta(seconds=25)
    )

    with pytest.raises(CommandError, match="another pass has been at work"):
        call_command("tick", "--wait", "0")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_long_pass_keeps_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "KEPT_EVERY_SECONDS", 0.05)
    clock = Clock()
    held = taken(clock)
    before = Lease.objects.get(name=lease.NAME).until

    with lease.held(held, clock=clock):
        clock.move(seconds=20)
        deadline = time.monotonic() + 10
        while Lease.objects.get(name=lease.NAME).until == before and time.monotonic() < deadline:
            time.sleep(0.01)
        clock.move(seconds=20)
        taken_over = lease.take(clock=clock, ignore_cooldown=True)

    assert taken_over is None
    assert not held.is_lost
