"""System: one sentence on top, what is wrong with what to do, and every part with its state."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from subprocess import CompletedProcess
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alarms.models import MailCircuit, MailState
from cdr.models import DeliveryState, Heartbeat, Outcome, OutcomeKind, Source
from phonelock.models import LineLock, SwitchCircuit
from reports.queries import machine, works
from reports.queries.machine import Disk
from reports.queries.works import LockStates, MailStates, Part, PartState, Queue
from reports.verdict import State, Weight, problems
from tests.support.outbox import mail_to
from tests.support.pages import PagesWorld, pages_world

GIBIBYTE = 1024**3
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def administrator(world: PagesWorld) -> Client:
    client = Client()
    client.force_login(world.people["frank"], "django.contrib.auth.backends.ModelBackend")
    return client


def words_of(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text))


def beat(name: str, *, seconds: float = 0, note: str = "") -> None:
    Heartbeat.objects.update_or_create(
        name=name,
        defaults={"beaten_at": datetime.now(UTC) - timedelta(seconds=seconds), "note": note},
    )


# --- the verdict, as a rule ----------------------------------------------------------------------


def well() -> State:
    return State(
        now=NOON,
        parts=[Part("tick", PartState.RUNNING, NOON, SECOND)],
        queues=[],
        sources=[works.SourceState(1, "milan", "Milan", "cucm", True, NOON, SECOND, 9, [])],
        set_aside=[],
        mails=MailStates({}, None, 0),
        locks=LockStates(),
        disk=Disk(100 * GIBIBYTE, 50 * GIBIBYTE, 1, False, 1),
        broker_problem="",
        waiting_migrations=0,
        has_mail_server=True,
    )


def test_nothing_is_said_when_all_is_well() -> None:
    assert problems(well()) == []


@pytest.mark.parametrize(
    ("change", "weight", "words"),
    [
        (
            {"parts": [Part("tick", PartState.STOPPED, NOON, timedelta(minutes=7))]},
            Weight.BAD,
            "stood still for 7 minutes",
        ),
        ({"parts": [Part("tick", PartState.NEVER)]}, Weight.BAD, "has never run"),
        (
            {"parts": [Part("mine", PartState.FAILED, NOON, SECOND, "failed: no room")]},
            Weight.BAD,
            "no room",
        ),
        (
            {"parts": [Part("slow worker", PartState.STOPPED, NOON, timedelta(hours=2))]},
            Weight.BAD,
            "silent for 2 hours",
        ),
        ({"broker_problem": "does not answer"}, Weight.BAD, "does not take messages"),
        ({"waiting_migrations": 2}, Weight.BAD, "2 changes of the database"),
        ({"disk": Disk(9, 9, 1, False, 1)}, Weight.BAD, "nearly full"),
        (
            {"disk": Disk(9 * GIBIBYTE, GIBIBYTE // 2, 1, False, 1)},
            Weight.WARNING,
            "nearly full",
        ),
        ({"sources": []}, Weight.WARNING, "No source"),
        (
            {"queues": [Queue("files", 3, NOON - timedelta(hours=1))]},
            Weight.WARNING,
            "3 files wait for the Miner, the oldest for 60 minutes",
        ),
        ({"queues": [Queue("parked", 1, NOON)]}, Weight.WARNING, "1 file was parked"),
        (
            {"has_mail_server": False, "queues": [Queue("mails", 3, NOON)]},
            Weight.WARNING,
            "No mail server",
        ),
        (
            {"mails": MailStates({}, (NOON - timedelta(minutes=5), "refused"), 0)},
            Weight.BAD,
            "mail server has not answered for 5 minutes",
        ),
        (
            {"mails": MailStates({"FAILED": 2, "SENT": 9}, None, 0)},
            Weight.WARNING,
            "2 mails of the last seven days did not arrive",
        ),
        ({"locks": LockStates(pending=4, failing=1)}, Weight.BAD, "The lock of 1 line"),
    ],
)
@pytest.mark.django_db
def test_what_is_wrong_is_said_with_what_to_do(
    change: dict[str, Any], weight: Weight, words: str
) -> None:
    (found,) = problems(replace(well(), **change))

    assert found.weight is weight
    assert words in found.words
    assert found.advice


@pytest.mark.django_db
def test_a_standstill_is_said_once_and_before_what_can_wait() -> None:
    stopped = [
        Part(name, PartState.STOPPED, NOON, timedelta(minutes=7))
        for name in ("tick", "record", "mine")
    ]

    found = problems(replace(well(), parts=stopped, queues=[Queue("parked", 1, NOON)]))

    assert [problem.weight for problem in found] == [Weight.BAD, Weight.WARNING]


@pytest.mark.parametrize(
    ("seconds", "note", "state"),
    [
        (0, "", PartState.RUNNING),
        (40, "", PartState.RUNNING),
        (41, "", PartState.LATE),
        (60, "", PartState.LATE),
        (61, "", PartState.STOPPED),
        (5, "failed: KeyError", PartState.FAILED),
        (61, "failed: KeyError", PartState.STOPPED),
        (5, "all well", PartState.RUNNING),
    ],
)
def test_a_part_is_running_late_stopped_or_failing(
    seconds: int, note: str, state: PartState
) -> None:
    assert works.part_state(age=timedelta(seconds=seconds), note=note) is state


# --- the page ------------------------------------------------------------------------------------


@pytest.mark.feature("X09")
def test_the_page_says_in_one_sentence_that_all_is_well(world: PagesWorld, tmp_path: Any) -> None:
    assert world.mail
    assert world.quarantined
    world.mail.delete()
    world.quarantined.delete()
    LineLock.objects.update(confirmed="LOCKED", confirmed_version=1)
    Source.objects.update(last_record_at=world.now)
    Heartbeat.objects.all().delete()
    beat("tick")

    text = words_of(administrator(world).get("/system/"))

    assert "All is well." in text
    assert "The last pass of the pipeline reported" in text


@pytest.mark.feature("X09", "F003")
def test_the_page_shows_lag_backlog_quarantine_outbox_and_locks(world: PagesWorld) -> None:
    beat("tick", seconds=300)
    beat("mine", seconds=300, note="failed: no room")
    Source.objects.update(last_record_at=world.now - timedelta(hours=5))
    for state in (MailState.FAILED, MailState.FAILED, MailState.BOUNCED):
        mail_to("x@example.com", state=state, created_at=world.now)
    MailCircuit.objects.create(
        opened_at=world.now - timedelta(minutes=9), probe_due_at=world.now, last_error="refused"
    )
    LineLock.objects.update(failed_since=world.now - timedelta(hours=1), last_error="no such line")
    SwitchCircuit.objects.create(
        site=world.site, driver="cucm", state="OPEN", since=world.now - timedelta(hours=1)
    )
    world.delivery.state = DeliveryState.PARKED
    world.delivery.note = "killed the Miner three times"
    world.delivery.save()
    Outcome.objects.create(
        delivery=world.delivery, position=1, kind=OutcomeKind.STORED, content_hash="1"
    )

    answer = administrator(world).get("/system/")
    text = words_of(answer)

    assert "The pipeline has stood still for 5 minutes" in text
    assert "stopped 5 minutes ago" in text
    assert "5 hours" in text
    assert "The times of the call cannot be true 1" in text
    assert "3 mails of the last seven days did not arrive" in text
    assert "The mail server has not answered for 9 minutes" in text
    assert "no such line" in text
    assert "has not answered for 60 minutes" in text
    assert answer.context["state"].locks.failing == 1
    assert dict(answer.context["state"].sources[0].outcomes)[OutcomeKind.STORED] == 1


def test_parked_files_stand_with_their_reasons(world: PagesWorld, settings: Any) -> None:
    folder = settings.DATA_DIR / "spool" / "parked"
    folder.mkdir(parents=True, exist_ok=True)
    parked = folder / "parked-file-of-a-test.jsonl"
    parked.write_text("x")
    world.delivery.state = DeliveryState.PARKED
    world.delivery.note = "killed the Miner three times"
    world.delivery.save()

    try:
        text = words_of(administrator(world).get("/system/"))
    finally:
        parked.unlink()

    assert "1 file was parked" in text
    assert "killed the Miner three times" in text


def test_the_newest_outcomes_alone_are_counted(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(works, "RECORDS_LOOKED_AT", 2)
    for position in range(5):
        Outcome.objects.create(
            delivery=world.delivery, position=position, kind=OutcomeKind.STORED, content_hash="1"
        )
    world.delivery.records_read = 6
    world.delivery.save()

    (state,) = works.source_states(now=world.now)
    text = words_of(administrator(world).get("/system/"))

    assert dict(state.outcomes)[OutcomeKind.STORED] == 2
    assert state.records == 6
    assert "Outcomes of the newest 2 records of all sources" in text
    assert f"{state.name} {state.site} · Cisco UCM call files" in text


def test_no_call_is_counted_and_few_questions_are_asked(world: PagesWorld) -> None:
    client = administrator(world)
    client.get("/system/")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get("/system/")

    tables = " ".join(query["sql"] for query in asked)
    assert '"cdr_call"' not in tables
    assert '"cdr_usagetotal"' not in tables
    assert len(asked) <= 26, len(asked)


def test_the_broker_in_a_folder_is_well_before_its_folder_is_made(
    settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    settings.CELERY_BROKER_URL = "spool://"
    machine.forget()

    assert machine.broker_problem() == ""
    machine.forget()


def test_a_broker_that_is_away_is_told(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    machine.forget()

    assert "does not answer" in machine.broker_problem()
    machine.forget()


def test_whether_pdf_files_can_be_made_is_asked_of_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with machine._asking:  # a page of the test before may still be finding out
        machine.forget()
    asked: list[list[str]] = []

    def ran(command: list[str], **_: Any) -> CompletedProcess[bytes]:
        asked.append(command)
        return CompletedProcess(command, 0)

    monkeypatch.setattr("reports.queries.machine.subprocess.run", ran)
    first = machine.has_pdf()
    with machine._asking:
        pass
    second = machine.has_pdf()

    assert first in (None, True)
    assert second is True
    assert [command[-1] for command in asked] == ["import weasyprint"]
    machine.forget()
