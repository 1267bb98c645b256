"""The few fixed intervals at which beat wakes the pipeline. All else is due times in rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Timer:
    """A task woken every `seconds`; a wake-up not taken before the next one is dropped."""

    name: str
    task: str
    seconds: int
    queue: str

    @property
    def expire_seconds(self) -> int:
        return self.seconds - 1


TIMERS = (
    Timer("the pipeline", "billingsite.tasks.tick", 10, "default"),
    Timer("signs of life", "billingsite.tasks.slow_sign_of_life", 20, "reports"),
    Timer("once a minute", "billingsite.tasks.minute", 60, "default"),
)


def write_timers() -> int:
    """Bring beat's rows to TIMERS; say how many were written. Rows that fit stay untouched."""
    written = 0
    for timer in TIMERS:
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=timer.seconds, period=IntervalSchedule.SECONDS
        )
        wanted: dict[str, Any] = {
            "task": timer.task,
            "interval": interval,
            "queue": timer.queue,
            "expire_seconds": timer.expire_seconds,
            "enabled": True,
            "kwargs": '{"woken_by": "beat"}',
        }
        row = PeriodicTask.objects.filter(name=timer.name).first()
        if row is None:
            PeriodicTask.objects.create(name=timer.name, **wanted)
        elif any(getattr(row, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(row, name, value)
            row.save()
        else:
            continue
        written += 1
    return written
