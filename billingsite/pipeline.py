"""The order of the stages, from a file in a drop folder to a mail and a locked phone.

Every stage works off rows and files that say themselves what is to be done, so a
pass may be cut short anywhere and the next one goes on. A stage that fails is
written down and the others still run. Mail goes out after the lease is given back:
a mail server that hangs must not hold up budgets and locks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from alarms.operations.delivery import deliver_waiting
from alarms.operations.outbox import sweep_notices
from billingsite import lease, signs
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from cdr.operations.miner import mine_waiting
from cdr.operations.recorder import record_waiting
from directory.modules import BUDGETS, PHONE_LOCK, is_on
from directory.operations.jobs import look_after_jobs
from kernel.clock import Clock
from phonelock.operations.reconciler import reconcile
from phonelock.operations.wishes import sweep_wishes

logger = logging.getLogger(__name__)

MOST_PASSES = 1_000
# Figures that say how things stand, not how much was done: the last pass counts.
STANDING = frozenset(
    {"waiting", "refused", "problems", "faults", "held", "away", "server_away", "running"}
)

# What a module does of its own; without it the stage is left out.
MODULE_OF = {"periods": BUDGETS, "budgets": BUDGETS, "switch": PHONE_LOCK}

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage did; `again` says that another pass may find more to do."""

    did: Figures
    again: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: its name in reports and signs of life, and what it runs."""

    name: str
    run: Callable[[datetime], Work]
    needs_lease: bool = True


def stages(*, files: int | None = None) -> tuple[Stage, ...]:
    """The stages in their order; `files` bounds those that read files (TICK_FILES).

    The work of a module that is switched off is left out. Wishes are swept without phone
    locks too: each is skipped with a word in its budget's history.
    """
    most: int = settings.TICK_FILES if files is None else files
    order = (
        Stage("record", lambda now: _record(now, most)),
        Stage("mine", lambda now: _mine(now, most)),
        Stage("periods", _end_periods),
        Stage("budgets", _evaluate),
        Stage("wishes", _sweep_wishes),
        Stage("switch", _reconcile),
        Stage("notices", _sweep_notices),
        Stage("jobs", _look_after_jobs),
        Stage("mail", _deliver, needs_lease=False),
    )
    return tuple(stage for stage in order if is_on(MODULE_OF.get(stage.name, "")))


def _record(now: datetime, files: int) -> Work:
    report = record_waiting(now=now, limit=files)
    did: Figures = {"files": len(report.files), "records": report.records}
    for name in ("waiting", "refused", "problems"):
        did[name] = [f"{n.source} {n.subject}: {n.text}" for n in getattr(report, name)]
    return Work(did, again=bool(report.files))


def _mine(now: datetime, files: int) -> Work:
    report = mine_waiting(now=now, limit=files)
    return Work(asdict(report), again=report.files > 0)


def _end_periods(now: datetime) -> Work:
    report = end_due_periods(now=now)
    did = {"ended": report.ended, "closed": report.closed}
    return Work(did, again=not report.is_complete)


def _evaluate(now: datetime) -> Work:
    report = evaluate_waiting(now=now)
    did = {"changes": report.changes, "unseen": report.unseen}
    did |= asdict(report.looks)
    did["joined"] = report.members.joined
    return Work(did, again=report.changes > 0 or not report.is_complete)


def _sweep_wishes(now: datetime) -> Work:
    report = sweep_wishes(now=now)
    return Work(asdict(report), again=report.wishes > 0)


def _reconcile(now: datetime) -> Work:
    report = reconcile(now=now)
    did = asdict(report) | {"away": sorted(report.away), "busy": sorted(report.busy)}
    return Work(did, again=report.confirmed > 0)


def _sweep_notices(now: datetime) -> Work:
    report = sweep_notices(now=now)
    return Work(asdict(report), again=report.notices > 0)


_delivering = threading.Lock()


def _deliver(now: datetime) -> Work:
    """Send what is due, one thread of a process at a time: all would wait for one server."""
    if not _delivering.acquire(blocking=False):
        return Work({}, again=False)
    try:
        report = deliver_waiting(now=now)
    finally:
        _delivering.release()
    return Work(asdict(report), again=report.sent > 0)


def _look_after_jobs(now: datetime) -> Work:
    report = look_after_jobs(at=now)
    if report.running:  # a job that is being done holds back the slow worker's own sign
        signs.give({"slow worker": ""}, now=now)
    return Work(asdict(report), again=False)


@dataclass(slots=True)
class StageReport:
    """What a stage did in one or several passes, or why it did not."""

    name: str
    did: Figures = field(default_factory=dict)
    again: bool = False
    error: str = ""
    seconds: float = 0.0

    def add(self, later: StageReport) -> None:
        """Take what the same stage did in a later pass into account."""
        for name, value in later.did.items():
            before = self.did.get(name)
            self.did[name] = value if name in STANDING or before is None else _sum(before, value)
        self.error = later.error or self.error
        self.seconds += later.seconds


def _sum(before: Any, after: Any) -> Any:
    if isinstance(after, dict):
        return {key: before.get(key, 0) + after.get(key, 0) for key in before | after}
    return before + after


@dataclass(slots=True)
class PassReport:
    """What one or several passes did. `is_skipped`: another one was at work."""

    stages: dict[str, StageReport] = field(default_factory=dict)
    passes: int = 0
    seconds: float = 0.0
    is_skipped: bool = False
    is_idle: bool = False

    def add(self, report: StageReport) -> None:
        """Take in what a stage did."""
        if report.name in self.stages:
            self.stages[report.name].add(report)
        else:
            self.stages[report.name] = report

    @property
    def errors(self) -> dict[str, str]:
        return {report.name: report.error for report in self.stages.values() if report.error}

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.errors and not self.is_skipped,
            "skipped": self.is_skipped,
            "passes": self.passes,
            "seconds": round(self.seconds, 3),
            "stages": {
                name: report.did | ({"error": report.error} if report.error else {})
                for name, report in self.stages.items()
            },
        }


Watch = Callable[[PassReport], None]


def run(
    held: lease.Held,
    *,
    clock: Clock,
    most_passes: int = MOST_PASSES,
    most_seconds: float = float("inf"),
    order: Sequence[Stage] | None = None,
    watch: Watch | None = None,
) -> PassReport:
    """Run passes under the lease `held` until one finds nothing to do, or a bound is reached.

    What needs no lease is run after it was given back. `watch` is told the state of
    things after each pass.
    """
    total = PassReport()
    order = stages() if order is None else order
    began = time.monotonic()

    def is_out_of_time() -> bool:
        total.seconds = time.monotonic() - began
        if watch is not None:
            watch(total)
        return total.seconds >= most_seconds

    with lease.held(held, clock=clock):
        leased = [stage for stage in order if stage.needs_lease]
        while total.passes < most_passes and not total.is_idle and not held.is_lost:
            _one_pass(total, held, order=leased, clock=clock)
            if is_out_of_time():
                break
        _sign(total, now=clock())
    if not held.is_lost:
        for stage in order:
            if not stage.needs_lease:
                _run_again_and_again(stage, total, clock=clock, is_enough=is_out_of_time)
        _sign(total, now=clock())
    return total


def _run_again_and_again(
    stage: Stage, total: PassReport, *, clock: Clock, is_enough: Callable[[], bool]
) -> None:
    """Run one stage until it finds nothing more to do."""
    again = True
    while again:
        report = _run_stage(stage, now=clock())
        total.add(report)
        again = report.again and not is_enough()


def _one_pass(total: PassReport, held: lease.Held, *, order: Sequence[Stage], clock: Clock) -> None:
    is_idle = True
    for stage in order:
        if held.is_lost:
            logger.warning("the pipeline's lease was taken over; this pass ends here")
            return
        report = _run_stage(stage, now=clock())
        is_idle = is_idle and not report.again
        total.add(report)
    total.passes += 1
    total.is_idle = is_idle


def _run_stage(stage: Stage, *, now: datetime) -> StageReport:
    """Run one stage; what it raises becomes its report, and a row that people see."""
    began = time.monotonic()
    report = StageReport(stage.name)
    try:
        work = stage.run(now)
    except Exception as error:
        logger.exception("stage %s of the pipeline failed", stage.name)
        report.error = f"{type(error).__name__}: {error}"
        if isinstance(error, DatabaseError):
            close_old_connections()
    else:
        report.did, report.again = work.did, work.again
    report.seconds = time.monotonic() - began
    return report


def _sign(total: PassReport, *, now: datetime) -> None:
    notes = dict.fromkeys(total.stages, "")
    notes |= {name: f"failed: {error}" for name, error in total.errors.items()}
    notes["tick"] = f"failed: {', '.join(total.errors)}" if total.errors else ""
    try:
        signs.give(notes, now=now)
    except DatabaseError:
        logger.exception("the signs of life could not be written")
