"""What beat and others may ask the workers for. A message is a wake-up, never the work."""

from __future__ import annotations

from typing import Any

from billingsite import lease, pipeline, signs
from billingsite.celery import app
from directory.operations.jobs import run_job
from kernel import clock

TICK_SECONDS = 8.0


@app.task(name="billingsite.tasks.tick", expires=9)
def tick(*, woken_by: str = "", **_: Any) -> None:
    """Run the pipeline until nothing waits, unless somebody else is at it."""
    worker_is_alive(woken_by)
    held = lease.take(clock=clock.now, ignore_cooldown=woken_by != "beat")
    if held is not None:
        pipeline.run(held, clock=clock.now, most_seconds=TICK_SECONDS)


@app.task(name="billingsite.tasks.minute", expires=59)
def minute(*, woken_by: str = "", **_: Any) -> None:
    """What is looked after once a minute."""
    worker_is_alive(woken_by)


@app.task(name="billingsite.tasks.slow_sign_of_life", expires=19)
def slow_sign_of_life(**_: Any) -> None:
    """The worker for reports says that it takes messages."""
    signs.give({"slow worker": ""}, now=clock.now())


@app.task(name="billingsite.tasks.slow_job")
def slow_job(*, job_id: int, **_: Any) -> None:
    """Do one job, if nobody else does."""
    signs.give({"slow worker": ""}, now=clock.now())
    run_job(job_id, clock=clock.now)


def wake_for_job(job_id: int) -> None:
    """Tell the slow worker of a job (`settings.JOB_WAKER`)."""
    slow_job.delay(job_id=job_id)


def worker_is_alive(woken_by: str) -> None:
    """A message that came shows that its sender and this worker are alive."""
    signs.give({"fast worker": "", **({woken_by: ""} if woken_by else {})}, now=clock.now())
