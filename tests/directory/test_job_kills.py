"""A worker killed in the middle of a job: real processes, a real database file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = """
import django
django.setup()
from django.core.management import call_command
from directory.models import User
from directory.operations import jobs
call_command("migrate", verbosity=0)
jobs.doer_of = lambda kind: None
print(jobs.start_job(kind="x", owner=User.objects.create_user("anna"), title="x").pk)
"""
RUN = """
import os, signal, sys
from datetime import timedelta
import django
django.setup()
from kernel.clock import now
from directory.models import Job
from directory.operations import jobs

def work(work):
    work.beat()
    if sys.argv[1] == "die":
        os.kill(os.getpid(), signal.SIGKILL)

jobs.doer_of = lambda kind: work
job = Job.objects.get()
if sys.argv[1] == "live":
    print(job.state, jobs.look_after_jobs(at=now()).taken_up)
    print(jobs.look_after_jobs(at=now() + timedelta(seconds=70)).taken_up)
jobs.run_job(job.pk, clock=now)
job.refresh_from_db()
print(job.state, job.attempts)
"""


@pytest.mark.fault
@pytest.mark.sqlite
def test_sigkill_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'tollgate.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "billingsite.settings",
        "CELERY_BROKER_URL": "spool://",
    }

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-c", *arguments],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    prepared = python(PREPARE)
    killed = python(RUN, "die")
    after = python(RUN, "live")

    assert prepared.returncode == 0, prepared.stderr
    assert killed.returncode == -signal.SIGKILL
    assert after.stdout.split() == ["RUNNING", "0", "1", "DONE", "2"], after.stderr
