"""Talking to switches: one run over what is due at each of them, in threads of their own.

Nothing here touches the database. A run puts what the switches said into a queue, and
the reconciler writes it down while slower switches are still being asked. A switch
that hangs keeps only its own threads; it is left alone until they have come back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, TypeVar

from phonelock.drivers.base import (
    LineOrder,
    LineRef,
    LockDriver,
    OrderRefused,
    SwitchUnavailable,
    TakesManyLines,
)
from phonelock.engine.flags import LineState
from phonelock.engine.retries import FAILURES_OPEN_CIRCUIT

logger = logging.getLogger(__name__)

LINES_A_CALL: Final = 500
ANSWERS_AT_ONCE: Final = 200
MAX_ERROR: Final = 255

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order to send, and the version of the row that it was made for."""

    lock_id: int
    version: int
    order: LineOrder


@dataclass(frozen=True, slots=True)
class DueCheck:
    """A line to read back, and the version of the row that it is compared with."""

    lock_id: int
    version: int
    line: LineRef


@dataclass(frozen=True, slots=True)
class SwitchJob:
    """What is due at one switch. With `probe_first` nothing is sent unless it answers."""

    key: tuple[int, str]
    driver: LockDriver
    orders: Sequence[DueOrder] = ()
    checks: Sequence[DueCheck] = ()
    probe_first: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """The switch confirmed an order."""

    key: tuple[int, str]
    due: DueOrder


@dataclass(frozen=True, slots=True)
class Failed:
    """An order was refused, or got no sensible answer. `state`: as it is there all the same."""

    key: tuple[int, str]
    due: DueOrder
    error: str
    state: LineState | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A line's state as the switch has it; None: it could not be read."""

    key: tuple[int, str]
    due: DueCheck
    state: LineState | None


@dataclass(frozen=True, slots=True)
class SwitchBack:
    """A switch that was away answered its probe."""

    key: tuple[int, str]


@dataclass(frozen=True, slots=True)
class SwitchAway:
    """A switch as a whole does not answer."""

    key: tuple[int, str]
    error: str


@dataclass(frozen=True, slots=True)
class _Finished:
    key: tuple[int, str]


Said = Carried | Failed | Read | SwitchBack | SwitchAway
_Answers = SimpleQueue[Said | _Finished]

_running: dict[tuple[int, str], Thread] = {}


def is_busy(key: tuple[int, str]) -> bool:
    """Say whether an earlier run of this process still waits for the switch."""
    thread = _running.get(key)
    return thread is not None and thread.is_alive()


def ask_switches(jobs: Sequence[SwitchJob], *, seconds: float) -> Iterator[list[Said]]:
    """Carry out all `jobs` side by side; yield what the switches say, in small batches.

    Ends when all are done or after `seconds`; what a slow switch says later is not
    heard, and is asked again.
    """
    answers: _Answers = SimpleQueue()
    stop = Event()
    for job in jobs:
        run = _Run(job, answers=answers, stop=stop)
        thread = Thread(target=run, name=f"switch-{job.key[0]}", daemon=True)
        _running[job.key] = thread
        thread.start()
    try:
        yield from _batches(answers, unfinished=len(jobs), until=monotonic() + seconds)
    finally:
        stop.set()


def _batches(answers: _Answers, *, unfinished: int, until: float) -> Iterator[list[Said]]:
    while unfinished:
        try:
            first = answers.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            return
        batch: list[Said] = []
        for said in (first, *_waiting(answers)):
            if isinstance(said, _Finished):
                unfinished -= 1
            else:
                batch.append(said)
        if batch:
            yield batch


def _waiting(answers: _Answers) -> Iterator[Said | _Finished]:
    for _ in range(ANSWERS_AT_ONCE):
        try:
            yield answers.get_nowait()
        except Empty:
            return


@dataclass(slots=True)
class _Run:
    """One switch's turn, in a thread of its own with as many helpers as the switch takes."""

    job: SwitchJob
    answers: _Answers
    stop: Event
    guard: Lock = field(default_factory=Lock)
    is_judged: bool = False
    failures: int = 0
    successes: int = 0
    error: str = ""

    def __call__(self) -> None:
        try:
            self._run()
        except Exception:
            logger.exception("a switch's turn broke off", extra={"site_id": self.job.key[0]})
        finally:
            self.answers.put(_Finished(self.job.key))

    def _run(self) -> None:
        if self.job.probe_first:
            if not self._answers_probe():
                return
            self.answers.put(SwitchBack(self.job.key))
        if isinstance(self.job.driver, TakesManyLines):
            self._by_many(self.job.driver)
        else:
            self._side_by_side(self._send, self.job.orders)
            self._side_by_side(self._check, self.job.checks)

    def _answers_probe(self) -> bool:
        try:
            self.job.driver.probe()
        except Exception as failure:  # noqa: BLE001 - a driver's bug is that switch's failure
            self._away(_text(failure))
            return False
        return True

    def _away(self, error: str) -> None:
        with self.guard:
            is_first = not self.error
            self.error = error
        if is_first:
            self.answers.put(SwitchAway(self.job.key, error))

    def _is_over(self) -> bool:
        return self.stop.is_set() or bool(self.error)

    def _side_by_side(self, work: Callable[[T], None], dues: Iterable[T]) -> None:
        waiting = deque(dues)

        def help_out() -> None:
            while waiting and not self._is_over():
                try:
                    due = waiting.popleft()
                except IndexError:
                    return
                work(due)

        wanted = min(len(waiting), max(1, self.job.driver.parallel_orders))
        helpers = [Thread(target=help_out, daemon=True) for _ in range(wanted - 1)]
        for helper in helpers:
            helper.start()
        help_out()
        for helper in helpers:
            helper.join()

    def _send(self, due: DueOrder) -> None:
        try:
            self.job.driver.set_line_state(order=due.order)
        except OrderRefused as refusal:
            self._answered()
            state = self._state_of([due])[0]
            self.answers.put(Failed(self.job.key, due, _text(refusal), state))
        except Exception as failure:  # noqa: BLE001 - see _answers_probe
            self.answers.put(Failed(self.job.key, due, _text(failure)))
            self._judge(_text(failure))
        else:
            self._answered()
            self.answers.put(Carried(self.job.key, due))

    def _check(self, due: DueCheck) -> None:
        state: LineState | None = None
        try:
            state = self.job.driver.get_line_state(line=due.line)
        except Exception as failure:  # noqa: BLE001 - see _answers_probe
            self._judge(_text(failure))
        else:
            self._answered()
        self.answers.put(Read(self.job.key, due, state))

    def _answered(self) -> None:
        with self.guard:
            self.successes += 1

    def _judge(self, error: str) -> None:
        """One line, or the whole switch? It is asked once a run; many failures alone tell too."""
        with self.guard:
            self.failures += 1
            is_hopeless = self.successes == 0 and self.failures >= FAILURES_OPEN_CIRCUIT
            is_first, self.is_judged = not self.is_judged, True
        if is_hopeless:
            self._away(error)
        elif is_first:
            self._answers_probe()

    def _by_many(self, driver: TakesManyLines) -> None:
        for dues in _chunks(self.job.orders):
            if self._is_over():
                return
            try:
                refusals = driver.set_line_states(orders=[due.order for due in dues])
            except Exception as failure:  # noqa: BLE001 - see _answers_probe
                for due in dues:
                    self.answers.put(Failed(self.job.key, due, _text(failure)))
                self._away(_text(failure))
                return
            self._note_many(dues, refusals)
        for checks in _chunks(self.job.checks):
            if self._is_over():
                return
            try:
                states = driver.get_line_states(lines=[due.line for due in checks])
            except Exception as failure:  # noqa: BLE001 - see _answers_probe
                self._away(_text(failure))
                return
            for check, state in zip(checks, states, strict=True):
                self.answers.put(Read(self.job.key, check, state))

    def _note_many(self, dues: Sequence[DueOrder], refusals: Sequence[OrderRefused | None]) -> None:
        answered = list(zip(dues, refusals, strict=True))
        for due, refusal in answered:
            if refusal is None:
                self.answers.put(Carried(self.job.key, due))
        refused = [(due, refusal) for due, refusal in answered if refusal is not None]
        states = self._state_of([due for due, _ in refused])
        for (due, refusal), state in zip(refused, states, strict=True):
            self.answers.put(Failed(self.job.key, due, _text(refusal), state))

    def _state_of(self, dues: Sequence[DueOrder]) -> Sequence[LineState | None]:
        """How lines stand whose orders were refused."""
        driver = self.job.driver
        lines = [due.order.line for due in dues]
        try:
            if isinstance(driver, TakesManyLines):
                return driver.get_line_states(lines=lines)
            return [driver.get_line_state(line=line) for line in lines]
        except Exception:  # noqa: BLE001 - see _answers_probe
            return [None] * len(lines)


def _chunks(dues: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(dues), LINES_A_CALL):
        yield dues[start : start + LINES_A_CALL]


def _text(failure: Exception) -> str:
    if isinstance(failure, SwitchUnavailable | OrderRefused):
        return str(failure)[:MAX_ERROR]
    return f"{type(failure).__name__}: {failure}"[:MAX_ERROR]
