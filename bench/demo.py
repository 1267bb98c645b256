"""T20: the demo on a fresh data folder: until it is ready, and until a phone is locked.

The time in which packages are fetched is left out: the environment is there already.
The lock is seen as the switch sees it: `/curri/` denies the line's next outside call,
permits the emergency number, and permits the neighbour's call.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure, show
from billingsite.demo.company import person
from billingsite.demo.switchboard import is_permitted
from billingsite.services import HOME

READY_TARGET = LOCK_TARGET = 60.0
GIVE_UP_AFTER = 300.0
OUTSIDE = "+390655550123"
STAR, NEIGHBOUR = "giulia.ferri", "sara.caruso"


def wait_for(
    condition: Callable[[], bool], *, running: subprocess.Popen[bytes], what: str
) -> float:
    """Seconds until `condition` holds. Raises TimeoutError, or RuntimeError if the demo ends."""
    start = time.perf_counter()
    while not condition():
        if running.poll() is not None:
            raise RuntimeError(f"the demo ended before {what}")
        if time.perf_counter() - start > GIVE_UP_AFTER:
            raise TimeoutError(f"not within {GIVE_UP_AFTER:g} s: {what}")
        time.sleep(0.1)
    return time.perf_counter() - start


def measure(data_dir: Path) -> tuple[float, float]:
    """Seconds until the demo says it is ready, and from there until the phone is locked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = data_dir / "demo.log"
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    with log.open("wb") as output:
        running = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, str(HOME / "manage.py"), "demo", "--port", str(port)],
            env={**kept, "DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            ready = wait_for(
                lambda: b"is ready" in log.read_bytes(), running=running, what="it was ready"
            )
            locked = wait_for(
                lambda: not is_permitted(url, person(STAR), OUTSIDE),
                running=running,
                what="a phone was locked",
            )
            if not is_permitted(url, person(STAR), "112"):
                raise AssertionError("the locked phone cannot reach the emergency number")
            if not is_permitted(url, person(NEIGHBOUR), OUTSIDE):
                raise AssertionError("a phone is locked that nobody wanted locked")
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(30)
    return ready, locked


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as folder:
        ready, locked = measure(Path(folder))
    show(
        [
            Figure(
                ident="T20",
                what="demo on a fresh data folder: ready; then until a phone is locked",
                figure=f"{ready:.1f} s; {locked:.1f} s",
                floor="-",
                ratio="-",
                target=f"<= {READY_TARGET:g} s; <= {LOCK_TARGET:g} s",
                is_met=ready <= READY_TARGET and locked <= LOCK_TARGET,
            )
        ]
    )


if __name__ == "__main__":
    main()
