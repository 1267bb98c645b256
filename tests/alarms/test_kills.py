"""Killed by SIGKILL at each crash point of alarms: no mail lost, at most one copy too many."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.smtp import MailSink, free_port, running

pytestmark = [pytest.mark.fault, pytest.mark.smtp]

ROOT = Path(__file__).parents[2]
PREPARE = """
from tests.support.outbox import budget_of, notice_of, person
notice_of(budget_of(person()))
"""
WORK = """
import sys
from datetime import timedelta
from alarms.operations.delivery import deliver_waiting
from alarms.operations.outbox import sweep_notices
from tests.support.outbox import NOON
now = NOON + timedelta(minutes=int(sys.argv[1]))
sweep_notices(now=now)
deliver_waiting(now=now)
"""


class Installation:
    """A data folder with a database, and processes that work on it."""

    def __init__(self, folder: Path, *, smtp_port: int = 0) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'tollgate.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "billingsite.settings",
            "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *arguments: str, crash: str = "") -> int:
        done = subprocess.run(  # noqa: S603 - our own interpreter and words
            [sys.executable, *arguments],
            env={**self.environment, "TOLLGATE_CRASH": crash},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, -SIGKILL), done.stderr
        return done.returncode

    def script(self, code: str, *arguments: str, crash: str = "") -> int:
        return self.run("-c", f"import django; django.setup()\n{code}", *arguments, crash=crash)

    def mails(self) -> list[tuple[str, int, bool, str]]:
        with sqlite3.connect(self.folder / "tollgate.sqlite3") as database:
            rows = database.execute(
                "SELECT state, attempts, maybe_duplicate, message_id FROM alarms_outboxmessage"
            ).fetchall()
        database.close()
        return [(state, attempts, bool(copy), key) for state, attempts, copy, key in rows]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation whose one notice waits to be swept."""
    folder = tmp_path_factory.mktemp("installation")
    installation = Installation(folder)
    installation.run("-m", "django", "migrate", "--verbosity=0")
    installation.script(PREPARE)
    return folder


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with running(MailSink(port=free_port())) as server:
        yield server


@pytest.mark.parametrize(
    ("point", "copies", "attempts"),
    [("alarms.outbox_written", 1, 1), ("alarms.claimed", 1, 1), ("alarms.after_data", 2, 2)],
)
def test_a_kill_loses_no_mail_and_makes_at_most_one_copy(
    prepared: Path, tmp_path: Path, sink: MailSink, point: str, copies: int, attempts: int
) -> None:
    shutil.copytree(prepared, tmp_path / "killed")
    installation = Installation(tmp_path / "killed", smtp_port=sink.port)

    killed = installation.script(WORK, "0", crash=f"{point}:1")
    at_once = installation.script(WORK, "1")
    after_the_lease = installation.script(WORK, "3")

    (mail,) = installation.mails()
    ids = {received.message["Message-ID"] for received in sink.received}
    assert (killed, at_once, after_the_lease) == (-SIGKILL, 0, 0)
    assert mail[:3] == ("SENT", attempts, copies == 2)
    assert (len(sink.received), ids) == (copies, {mail[3]})
