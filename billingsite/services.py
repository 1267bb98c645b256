"""All processes of one installation under one command: web, beat, workers.

honcho starts them and passes their lines on. When one dies by itself all are
started again, a few times; when we are told to stop, or die ourselves, all stop.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shlex
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import honcho.manager
from honcho.printer import Printer
from honcho.process import Popen, Process

from kernel.errors import DomainError

STOP_SECONDS = 3
RESTARTS = 5
RESTARTS_WITHIN_SECONDS = 120
READY_WITHIN_SECONDS = 60
STOPPED_BY_REQUEST = (130, 143)
PR_SET_PDEATHSIG = 1
HOME = Path(__file__).resolve().parent.parent


class CannotServe(DomainError):
    """The services cannot be started; the text says why, in one line."""

    code = "cannot_serve"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web process listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``127.0.0.1:8000``, ``[::1]:8000``, ``:8000`` or ``8000``.

        Raises:
            CannotServe: if there is no port that can be used.
        """
        host, _, port = text.rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise CannotServe(f"no address to listen at: {text!r}; write host:port")
        return cls(host.strip("[]") or "127.0.0.1", int(port))

    @property
    def url(self) -> str:
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{shown if ':' not in shown or '[' in shown else f'[{shown}]'}:{self.port}"

    @property
    def is_for_this_machine(self) -> bool:
        """Whether nobody on another machine can come in."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def text(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def check_free(self) -> None:
        """Raise CannotServe if somebody listens here, or nobody may."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                reason = "is taken by another program" if error.errno == errno.EADDRINUSE else ""
                reason = reason or f"cannot be used ({error.strerror})"
                raise CannotServe(f"{self.text} {reason}; choose another with --port N") from error


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder for one `serve`; the system takes it back when we die.

    Raises:
        CannotServe: if another one is at work on it.
    """
    path = data_dir / "serve.lock"
    with path.open("a+", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            owner = handle.read().strip()
            raise CannotServe(
                f"another serve is at work on {data_dir}" + (f" (process {owner})" if owner else "")
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def commands(address: Address) -> dict[str, list[str]]:
    """The processes of an installation by name, each as its command."""
    python = sys.executable
    # Whether the worker may run as root is said once, in docs/operations.md.
    python_quiet = [python, "-W", "ignore:You're running the worker"]
    celery = [*python_quiet, "-m", "celery", "--quiet", "--app", "billingsite.celery"]
    lean = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    return {
        "web": [
            *(python, "-m", "gunicorn", "billingsite.wsgi:application"),
            *("--bind", address.text, "--workers", "1", "--worker-class", "gthread"),
            *("--threads", "8", "--keep-alive", "600", "--graceful-timeout", "3"),
            *("--log-level", "warning", "--no-control-socket"),
        ],
        "beat": [*celery, "beat", "--pidfile=", "--max-interval", "5", "--loglevel", "WARNING"],
        "fast": [
            *(*celery, "worker", "--hostname", "fast@%h", "--queues", "default"),
            *("--pool", "threads", "--concurrency", "4", *lean),
        ],
        "slow": [
            *(*celery, "worker", "--hostname", "slow@%h", "--queues", "reports"),
            *("--pool", "prefork", "--concurrency", "1", "--max-tasks-per-child", "10", *lean),
        ],
    }


class Service(Process):  # type: ignore[misc]  # honcho has no types
    """A process that does not outlive us, however we end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._child_ctor = partial(Popen, preexec_fn=partial(die_with_parent, signal.SIGTERM))

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:  # noqa: FBT001, FBT002
        die_with_parent(signal.SIGKILL)
        super().run(events, ignore_signals)


def die_with_parent(number: int) -> None:
    """Ask Linux for the signal `number` when the process that started us ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


class Signals:
    """Ends a service by its first process, so that it can end its own; by force, all of them."""

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


class QuietPrinter(Printer):  # type: ignore[misc]  # honcho has no types
    """Passes the processes' own lines on, and nothing of their starting and stopping."""

    def write(self, message: Any) -> None:
        if message.name != honcho.manager.SYSTEM_PRINTER_NAME:
            super().write(message)


def run(
    processes: Mapping[str, list[str]],
    *,
    environment: Mapping[str, str],
    say: Callable[[str], None],
) -> int:
    """Run all `processes` until we are told to stop; give back the exit code.

    One that ends by itself brings the others down, and all are started again: at
    most RESTARTS times within RESTARTS_WITHIN_SECONDS, then we give up with 1.
    """
    honcho.manager.KILL_WAIT = STOP_SECONDS
    restarts: deque[float] = deque(maxlen=RESTARTS)
    while True:
        manager = honcho.manager.Manager(printer=QuietPrinter(sys.stdout))
        manager._process_ctor = Service
        manager._procmgr = Signals()
        for name, command in processes.items():
            manager.add_process(
                name, f"exec {shlex.join(command)}", env=dict(environment), cwd=HOME
            )
        manager.loop()
        if manager.returncode in STOPPED_BY_REQUEST:
            return 0
        now = time.monotonic()
        if len(restarts) == RESTARTS and now - restarts[0] < RESTARTS_WITHIN_SECONDS:
            say("a part of Tollgate keeps ending; giving up. Its last words stand above.")
            return 1
        restarts.append(now)
        say("a part of Tollgate has ended; starting all again.")
        time.sleep(1)


def when_ready(url: str, do: Callable[[bool], None]) -> None:
    """Call `do` in the background once the web process answers, or with False if it does not."""

    def wait() -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if answers(url):
                do(True)  # noqa: FBT003
                return
            time.sleep(0.2)
        do(False)  # noqa: FBT003

    threading.Thread(target=wait, daemon=True).start()


def answers(url: str) -> bool:
    """Whether the web process behind `url` answers."""
    try:
        with urllib.request.urlopen(f"{url}/health/live/", timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def child_environment(address: Address, *, data_dir: Path, site_url: str) -> dict[str, str]:
    """The environment of the processes: our own, with what they share."""
    temporary = data_dir / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "SITE_URL": os.environ.get("SITE_URL") or site_url or address.url,
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
    }
