"""Bringing switches to the wanted state, for ever, one run at a time.

A run asks every switch about its lines that are due: an order where the wanted
version is not confirmed, else a look whether the confirmed state still holds. An
answer counts only for the version it was asked for. Failing lines wait longer and
longer; a switch that is away as a whole gets one probe every ten seconds, and its
return brings all its lines back at once. No failure ever unlocks (reliability B11-B14).

Network calls happen in `orders`, outside every transaction. Rows are held by key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from kernel.crashpoints import crashpoint
from phonelock.drivers.base import LineOrder, LineRef
from phonelock.engine.flags import LineState
from phonelock.engine.retries import DRIFT_SECONDS, LONGEST_DELAY_MS
from phonelock.models import CircuitState, LineLock, SwitchCircuit
from phonelock.operations.answers import ReconcileReport, write_down
from phonelock.operations.decisions import import_decisions
from phonelock.operations.endings import ended, lift_ended
from phonelock.operations.orders import DueCheck, DueOrder, SwitchJob, ask_switches, is_busy
from phonelock.operations.pace import Pace
from phonelock.operations.publishing import publish_sites
from phonelock.queries.switches import Switch, driver_for, switches

__all__ = ["ReconcileReport", "reconcile"]

LINES_A_RUN: Final = 2000
ROUNDS: Final = 2
DECISIONS_A_RUN: Final = 5000
START_SECONDS: Final = 86_400
FUTURE: Final = timedelta(milliseconds=LONGEST_DELAY_MS) + timedelta(minutes=5)
"""Nothing waits longer than this; a later time was written before the clock was set back."""

_start = Pace(seconds=START_SECONDS)


def reconcile(
    *, now: datetime, limit: int = LINES_A_RUN, seconds: float | None = None
) -> ReconcileReport:
    """Ask every switch about what is due, for at most `seconds` (LOCK_RUN_SECONDS).

    `limit` bounds the lines asked about at each switch. Also publishes what switches
    that ask us must know, lifts locks whose end has come, and imports the decisions.
    """
    report = ReconcileReport()
    until = monotonic() + (settings.LOCK_RUN_SECONDS if seconds is None else seconds)
    report.published = publish_sites(now=now)
    if _start.is_due(now):
        _check_everything(now)
    if _is_anything_due(now):
        report.lifted = lift_ended(now=now)
        for _ in range(ROUNDS):
            jobs = _jobs(report, now=now, limit=limit)
            again = _carry_out(jobs, report, now=now, seconds=until - monotonic())
            if not again:
                break
    report.decisions = import_decisions(now=now, limit=DECISIONS_A_RUN)
    return report


def _check_everything(now: datetime) -> None:
    """At a process's start every confirmed state is read back."""
    LineLock.objects.filter(confirmed_version=F("version")).update(next_attempt_at=now)


def _is_anything_due(now: datetime) -> bool:
    """Whether a lock ends, a line or a switch is to be asked; one query."""
    lines = LineLock.objects.filter(_due(now))
    return lines.union(ended(now=now), _open_circuits(), all=True).exists()


def _open_circuits() -> QuerySet[SwitchCircuit]:
    return SwitchCircuit.objects.filter(state=CircuitState.OPEN)


def _due(now: datetime) -> Q:
    return Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + FUTURE)


def _jobs(report: ReconcileReport, *, now: datetime, limit: int) -> list[SwitchJob]:
    due_sites = set(
        LineLock.objects.filter(_due(now)).values_list("line__site_id", flat=True).distinct()
    )
    open_circuits = {(circuit.site_id, circuit.driver): circuit for circuit in _open_circuits()}
    site_ids = due_sites | {site_id for site_id, _ in open_circuits}
    if not site_ids:
        return []
    found = switches(site_ids=site_ids)
    _postpone(due_sites - set(found), now=now)
    jobs = []
    for site_id, switch in sorted(found.items()):
        key = (site_id, switch.driver)
        if is_busy(key):
            report.busy.add(switch.site)
            continue
        circuit = open_circuits.get(key)
        if circuit is not None:
            if _is_probe_due(circuit, now=now):
                jobs.append(_job(switch, rows=_unconfirmed(site_id), limit=limit, is_away=True))
        elif site_id in due_sites:
            rows = LineLock.objects.filter(_due(now), line__site_id=site_id)
            jobs.append(_job(switch, rows=rows, limit=limit, is_away=False))
    return jobs


def _is_probe_due(circuit: SwitchCircuit, *, now: datetime) -> bool:
    due = circuit.probe_due_at
    # A tick that comes a moment early must not cost the switch another ten seconds.
    return due is None or not now + timedelta(seconds=1) < due <= now + timedelta(minutes=1)


def _unconfirmed(site_id: int) -> QuerySet[LineLock]:
    return LineLock.objects.filter(line__site_id=site_id, confirmed_version__lt=F("version"))


def _postpone(site_ids: Collection[int], *, now: datetime) -> None:
    """Lines of sites that nothing can lock are looked at now and then."""
    if site_ids:
        later = now + timedelta(seconds=DRIFT_SECONDS)
        rows = LineLock.objects.filter(_due(now), line__site_id__in=site_ids)
        rows.update(next_attempt_at=later)


def _job(switch: Switch, *, rows: QuerySet[LineLock], limit: int, is_away: bool) -> SwitchJob:
    orders: list[DueOrder] = []
    checks: list[DueCheck] = []
    due = rows.select_related("line").order_by("next_attempt_at", "pk")[:limit]
    for lock in due:
        line = LineRef(switch.site, lock.line.partition, lock.line.extension)
        if lock.confirmed_version == lock.version:
            checks.append(DueCheck(lock.pk, lock.version, line))
        else:
            order = LineOrder(line, LineState(lock.wanted), lock.order_id, lock.wanted_flag)
            orders.append(DueOrder(lock.pk, lock.version, order))
    return SwitchJob(
        key=(switch.site_id, switch.driver),
        driver=driver_for(switch),
        orders=orders,
        checks=checks,
        probe_first=is_away,
    )


def _carry_out(
    jobs: Sequence[SwitchJob], report: ReconcileReport, *, now: datetime, seconds: float
) -> bool:
    """Ask, and write down what is said; say whether another round would find work."""
    is_more = False
    for batch in ask_switches(jobs, seconds=max(0.0, seconds)):
        crashpoint("phonelock.order_sent")
        with transaction.atomic():
            is_more |= write_down(batch, report, now=now)
        crashpoint("phonelock.order_confirmed")
    return is_more
