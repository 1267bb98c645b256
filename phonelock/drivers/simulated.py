"""A simulated switch: its state is a file, its faults can be switched on while it runs.

For trying out and for tests. The switch lives in ``DATA_DIR/switch/<site>.json``; a
line changed there by hand is what somebody at the switch's own console would do.
Faults stand in the source's options, or in ``<site>.faults.json`` beside it, which
wins: ``down``, ``slow_seconds``, ``error`` (an HTTP status), ``wrong_answer``,
``forgets``, ``flaps_seconds``, ``refuse_lines`` (``partition/extension``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import orjson

from phonelock.drivers.base import LineOrder, LineRef, OrderRefused, SwitchSetup, SwitchUnavailable
from phonelock.drivers.snapshots import SUFFIX, file_name, replace_file, writing
from phonelock.engine.flags import LineState

FOLDER = "switch"


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the switch at present."""

    down: bool = False
    slow_seconds: float = 0
    error: int = 0
    wrong_answer: bool = False
    forgets: bool = False
    flaps_seconds: float = 0
    refuse_lines: tuple[str, ...] = ()


class SimulatedSwitch:
    """Keeps the state of lines in a file. Tells partitions apart."""

    parallel_orders: ClassVar[int] = 4
    timeout_seconds: ClassVar[int] = 5

    def __init__(
        self,
        setup: SwitchSetup,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._site = setup.site
        self._options = setup.options
        self._path = setup.data_dir / FOLDER / file_name(setup.site)
        self._clock = clock
        self._sleep = sleep

    def set_line_state(self, *, order: LineOrder) -> None:
        faults = self._meet_faults()
        name = _name(order.line)
        if name in faults.refuse_lines:
            raise OrderRefused(f"the switch refuses {order.line}")
        if faults.forgets:
            return
        try:
            with writing(self._path):
                lines = self._read()
                if lines.get(name, {}).get("order") == str(order.order_id):
                    return
                lines[name] = {"state": order.state.value, "order": str(order.order_id)}
                replace_file(self._path, content=orjson.dumps({"lines": lines}))
        except OSError as failure:
            raise SwitchUnavailable(f"simulated switch of {self._site}: {failure}") from failure

    def get_line_state(self, *, line: LineRef) -> LineState:
        self._meet_faults()
        answer = self._read().get(_name(line), {}).get("state", LineState.UNLOCKED.value)
        try:
            return LineState(answer)
        except ValueError:
            raise SwitchUnavailable(f"the switch answered {answer!r}") from None

    def probe(self) -> None:
        self._meet_faults()

    def _meet_faults(self) -> Faults:
        faults = self._faults()
        if faults.flaps_seconds and int(self._clock() / faults.flaps_seconds) % 2:
            raise SwitchUnavailable("the switch is down just now")
        if faults.down:
            raise SwitchUnavailable("the switch does not answer")
        if faults.slow_seconds:
            self._sleep(min(faults.slow_seconds, self.timeout_seconds))
            if faults.slow_seconds >= self.timeout_seconds:
                raise SwitchUnavailable(f"no answer within {self.timeout_seconds} s")
        if faults.error:
            raise SwitchUnavailable(f"the switch answered with error {faults.error}")
        if faults.wrong_answer:
            raise SwitchUnavailable("the switch answered something that is no answer")
        return faults

    def _faults(self) -> Faults:
        path = self._path.with_name(self._path.name.removesuffix(SUFFIX) + ".faults.json")
        given: Any = self._options.get("faults") or {}
        try:
            given = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as flaw:
            raise SwitchUnavailable(f"{path.name}: {flaw}") from flaw
        known = {each.name for each in fields(Faults)}
        wanted = {key: value for key, value in dict(given).items() if key in known}
        if "refuse_lines" in wanted:
            wanted["refuse_lines"] = tuple(wanted["refuse_lines"])
        return Faults(**wanted)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            lines: dict[str, dict[str, str]] = orjson.loads(self._path.read_bytes())["lines"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as flaw:
            raise SwitchUnavailable(f"{self._path.name}: {flaw}") from flaw
        return lines


def _name(line: LineRef) -> str:
    return f"{line.partition}/{line.extension}"
