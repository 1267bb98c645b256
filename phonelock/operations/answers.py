"""Writing down what switches said: confirmed, failed, drifted, away, back.

Each batch is one transaction of the caller. An answer to an order that has been
overtaken changes no state; it only makes sure that the newest order follows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import randbelow
from typing import Final

from django.db.models import F

from budgets.models import EventKind, LockWish
from budgets.operations.history import add_notice, record_event
from directory.models import LineHolding, Site, valid_at
from phonelock.engine.flags import LineState, LockFlag
from phonelock.engine.retries import DRIFT_SECONDS, PROBE_SECONDS, VERIFY_SECONDS, delay_ms
from phonelock.models import CircuitState, LineLock, LockEvent, LockEventKind, SwitchCircuit
from phonelock.operations.orders import Carried, Failed, Read, Said, SwitchAway, SwitchBack
from phonelock.operations.rows import order_anew

UNREAD_SECONDS: Final = 60
SPREAD_SECONDS: Final = 60
FORGOTTEN: Final = "the switch did not keep the state"
RECONCILER: Final = "reconciler"
MAX_LINES_AWAY: Final = 20_000
_WRITTEN: Final = (
    "version",
    "order_id",
    "confirmed",
    "confirmed_version",
    "confirmed_at",
    "attempts",
    "next_attempt_at",
    "last_error",
    "failed_since",
)


@dataclass(slots=True)
class ReconcileReport:
    """What one run came to, in lines; `away` and `busy` name sites."""

    confirmed: int = 0
    failed: int = 0
    verified: int = 0
    drifted: int = 0
    published: int = 0
    lifted: int = 0
    decisions: int = 0
    away: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Page:
    """Rows held in this transaction, and what is to be written with them."""

    now: datetime
    report: ReconcileReport
    locks: dict[int, LineLock]
    carried: list[int] = field(default_factory=list)
    verified: list[int] = field(default_factory=list)
    changed: dict[int, LineLock] = field(default_factory=dict)
    events: list[LockEvent] = field(default_factory=list)
    newly_failed: list[LineLock] = field(default_factory=list)
    is_more: bool = False

    def note(self, lock: LineLock, kind: LockEventKind, *, after: str, result: str) -> None:
        self.events.append(
            LockEvent(
                line_id=lock.line_id,
                kind=kind,
                flag=lock.wanted_flag,
                made_by=RECONCILER,
                state_before=lock.confirmed,
                state_after=after,
                result=result,
                made_at=self.now,
            )
        )


def write_down(batch: Sequence[Said], report: ReconcileReport, *, now: datetime) -> bool:
    """Write down a batch inside the caller's transaction.

    Returns whether there is more to order at once.
    """
    for said in batch:
        if isinstance(said, SwitchBack):
            _back(said, now=now)
    dues = [said for said in batch if isinstance(said, Carried | Failed | Read)]
    page = _Page(now, report, _held({said.due.lock_id for said in dues}))
    for said in dues:
        lock = page.locks.get(said.due.lock_id)
        if lock is None:
            continue
        if isinstance(said, Carried):
            _carried(lock, said, page=page)
        elif isinstance(said, Failed):
            _failed(lock, said, page=page)
        else:
            _read(lock, said, page=page)
    _write(page)
    for lock in page.newly_failed:
        _tell_budgets([lock], error=lock.last_error, outage=f"line {lock.line_id} {now}", now=now)
    for said in batch:
        if isinstance(said, SwitchAway):
            _away(said, report=report, now=now)
    return page.is_more


def _write(page: _Page) -> None:
    """Write what has changed; what went well is the same for all lines, and one statement."""
    now = page.now
    LineLock.objects.filter(pk__in=page.carried).update(
        confirmed=F("wanted"),
        confirmed_version=F("version"),
        confirmed_at=now,
        attempts=F("attempts") + 1,  # until the state has been read back as well
        last_error="",
        next_attempt_at=now + timedelta(seconds=VERIFY_SECONDS),
    )
    LineLock.objects.filter(pk__in=page.verified).update(
        confirmed=F("wanted"),
        confirmed_at=now,
        attempts=0,
        failed_since=None,
        last_error="",
        next_attempt_at=now + timedelta(seconds=DRIFT_SECONDS + randbelow(SPREAD_SECONDS)),
    )
    for lock in page.changed.values():
        lock.save(update_fields=_WRITTEN)
    LockEvent.objects.bulk_create(page.events, batch_size=200)


def _held(lock_ids: Iterable[int]) -> dict[int, LineLock]:
    rows = LineLock.objects.select_for_update(of=("self",)).select_related("line__site")
    return {lock.pk: lock for lock in rows.filter(pk__in=list(lock_ids)).order_by("line_id")}


def _carried(lock: LineLock, said: Carried, *, page: _Page) -> None:
    if lock.version != said.due.version:
        _overtaken(lock, page=page)
        return
    if lock.confirmed_version == lock.version:
        return
    if lock.confirmed != lock.wanted:
        done = "confirmed by the switch"
        page.note(lock, LockEventKind.CONFIRMED, after=lock.wanted, result=done)
    page.carried.append(lock.pk)
    page.report.confirmed += 1


def _overtaken(lock: LineLock, *, page: _Page) -> None:
    """An old order has just arrived at the switch: the newest one must come after it."""
    if lock.confirmed_version == lock.version:
        order_anew(lock, at=page.now)
        page.changed[lock.pk] = lock
        page.is_more = True


def _failed(lock: LineLock, said: Failed, *, page: _Page) -> None:
    if lock.version != said.due.version or lock.confirmed_version == lock.version:
        return
    if said.state is not None:
        lock.confirmed = said.state.value
    _wait_longer(lock, error=said.error, page=page)
    page.report.failed += 1


def _wait_longer(lock: LineLock, *, error: str, page: _Page) -> None:
    lock.attempts += 1
    lock.last_error = error
    wait = delay_ms(attempts=lock.attempts, jitter_permille=randbelow(1001))
    lock.next_attempt_at = page.now + timedelta(milliseconds=wait)
    page.changed[lock.pk] = lock
    if lock.failed_since is None:
        lock.failed_since = page.now
        page.note(lock, LockEventKind.FAILED, after=lock.confirmed, result=error)
        page.newly_failed.append(lock)


def _read(lock: LineLock, said: Read, *, page: _Page) -> None:
    if said.state is None:
        lock.next_attempt_at = page.now + timedelta(seconds=UNREAD_SECONDS)
        page.changed[lock.pk] = lock
        return
    if lock.version != said.due.version or lock.confirmed_version != lock.version:
        return
    if said.state.value == lock.wanted:
        page.verified.append(lock.pk)
        page.report.verified += 1
    else:
        _drifted(lock, state=said.state, page=page)


def _drifted(lock: LineLock, *, state: LineState, page: _Page) -> None:
    """The switch has another state than it confirmed: changed by hand, or forgotten.

    By hand is repaired at once. A switch that forgets what it has just confirmed is
    failing: it is asked less and less often, and told of once.
    """
    is_forgotten = lock.attempts > 0
    attempts = lock.attempts
    if lock.failed_since is None:
        page.note(lock, LockEventKind.DRIFT, after=state.value, result=f"found {state.lower()}")
    order_anew(lock, at=page.now)
    lock.confirmed = state.value
    page.changed[lock.pk] = lock
    if is_forgotten:
        lock.attempts = attempts
        _wait_longer(lock, error=FORGOTTEN, page=page)
    else:
        page.is_more = True
    page.report.drifted += 1


def _back(said: SwitchBack, *, now: datetime) -> None:
    """The switch answers again: its lines do not wait for their own turn."""
    site_id, driver = said.key
    circuits = SwitchCircuit.objects.filter(site_id=site_id, driver=driver)
    closed = {"state": CircuitState.CLOSED, "since": now, "probe_due_at": None, "last_error": ""}
    if circuits.filter(state=CircuitState.OPEN).update(**closed):
        waiting = LineLock.objects.filter(line__site_id=site_id, confirmed_version__lt=F("version"))
        waiting.update(attempts=0, next_attempt_at=now)


def _away(said: SwitchAway, *, report: ReconcileReport, now: datetime) -> None:
    site_id, driver = said.key
    circuit, _ = SwitchCircuit.objects.get_or_create(
        site_id=site_id, driver=driver, defaults={"since": now}
    )
    if circuit.state != CircuitState.OPEN:
        circuit.state = CircuitState.OPEN
        circuit.since = now
    circuit.probe_due_at = now + timedelta(seconds=PROBE_SECONDS)
    circuit.last_error = said.error
    circuit.save()
    report.away.add(Site.objects.values_list("name", flat=True).get(pk=site_id))
    unconfirmed = LineLock.objects.select_for_update(of=("self",)).filter(
        line__site_id=site_id, confirmed_version__lt=F("version"), failed_since__isnull=True
    )
    locks = list(unconfirmed.select_related("line__site").order_by("line_id")[:MAX_LINES_AWAY])
    page = _Page(now, report, {})
    for lock in locks:
        lock.failed_since = now
        lock.last_error = said.error
        page.note(lock, LockEventKind.FAILED, after=lock.confirmed, result=said.error)
    LineLock.objects.bulk_update(locks, ["failed_since", "last_error"], batch_size=200)
    LockEvent.objects.bulk_create(page.events, batch_size=200)
    outage = f"site {site_id} {driver} {circuit.since}"
    _tell_budgets(locks, error=said.error, outage=outage, now=now)


def _tell_budgets(locks: Sequence[LineLock], *, error: str, outage: str, now: datetime) -> None:
    """Put the failure into the history of the budgets that wish these locks; one notice each.

    Failing to open a line is in the line's own history alone: no budget wishes it.
    """
    closing = [
        lock for lock in locks if lock.wanted == LineState.LOCKED and LockFlag.BUDGET in lock.flags
    ]
    if not closing:
        return
    by_line = _wishes_by_line([lock.line_id for lock in closing], now=now)
    told: dict[int, list[tuple[LockWish, LineLock]]] = defaultdict(list)
    for lock in closing:
        wish = by_line.get(lock.line_id)
        if wish is not None:
            told[wish.period_id].append((wish, lock))
            record_event(
                budget=wish.period.budget,
                period=wish.period,
                kind=EventKind.LOCK_FAILED,
                details={
                    "line": str(lock.line),
                    "extension": lock.line.extension,
                    "reason": error,
                },
                at=now,
                by=RECONCILER,
                user=wish.user if wish.period.budget.user_id is None else None,
            )
    for period_id, pairs in told.items():
        wish = pairs[0][0]
        add_notice(
            key=f"{EventKind.LOCK_FAILED}:{period_id}:{outage}",
            kind=EventKind.LOCK_FAILED,
            period=wish.period,
            user=wish.user if len({each.user_id for each, _ in pairs}) == 1 else None,
            recipients=["administrator"],
            values={
                "extension": [lock.line.extension for _, lock in pairs],
                "lines": [str(lock.line) for _, lock in pairs],
                "reason": error,
            },
            at=now,
        )


def _wishes_by_line(line_ids: Sequence[int], *, now: datetime) -> dict[int, LockWish]:
    """The oldest wish in force behind each line's budget flag."""
    holdings = LineHolding.objects.filter(valid_at(now), line_id__in=line_ids)
    holder = dict(holdings.order_by("pk").values_list("line_id", "user_id"))
    wishes = (
        LockWish.objects.filter(user_id__in=set(holder.values()), lifted_at__isnull=True)
        .select_related("period__budget__user", "period__budget__unit", "user")
        .order_by("-pk")
    )
    by_user = {wish.user_id: wish for wish in wishes}
    return {line: by_user[user] for line, user in holder.items() if user in by_user}
