"""All processes under one command, as real processes: they start, answer, and end with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from billingsite.services import HOME, Address, CannotServe, commands

pytestmark = pytest.mark.sqlite  # the database of these processes is their own file

STARTS_WITHIN = 90.0
STOPS_WITHIN = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(data_dir: Path) -> dict[str, str]:
    ours = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    return {**ours, "DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}


def manage(data_dir: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(HOME / "manage.py"), *arguments]


def family(pid: int) -> set[int]:
    """The processes below `pid`, however deep."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown}
        found |= grown
    return found


def living(pids: set[int]) -> set[int]:
    def is_alive(pid: int) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] != "Z"

    return {pid for pid in pids if is_alive(pid)}


def wait_until_gone(pids: set[int]) -> set[int]:
    deadline = time.monotonic() + STOPS_WITHIN
    while living(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return living(pids)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (urllib.error.URLError, OSError):
        return 0


def until(what: str, condition: Callable[[], bool], *, within: float = STARTS_WITHIN) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"not within {within:g} s: {what}")


@contextmanager
def serving(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A running `serve`, taken down at the end whatever happens."""
    log = data_dir / "serve.log"
    with log.open("w", encoding="utf-8") as output:
        running = subprocess.Popen(  # noqa: S603 - our own command
            manage(data_dir, "serve", "--port", str(port)),
            env=environment(data_dir),
            cwd=HOME,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            until("the address is printed", lambda: "is ready" in log.read_text("utf-8"))
            yield running
        finally:
            below = family(running.pid)
            running.terminate()
            try:
                running.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            for pid in living(below):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.fault
@pytest.mark.feature("F012")
def test_serve_runs_everything_and_ends_it_when_told(data_dir: Path) -> None:
    port = free_port()
    with serving(data_dir, port) as running:
        url = f"http://127.0.0.1:{port}"
        log = data_dir / "serve.log"
        assert f"Tollgate is ready: {url}/" in log.read_text("utf-8")
        way_in = f"ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"
        until("another machine's way in is said", lambda: way_in in log.read_text("utf-8"))
        until("every part has given a sign of life", lambda: status_of(f"{url}/health/") == 200)

        second = subprocess.run(  # noqa: S603 - our own command
            manage(data_dir, "serve", "--port", str(free_port())),
            env=environment(data_dir),
            cwd=HOME,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode != 0
        assert f"another serve is at work on {data_dir} (process {running.pid})" in second.stderr

        below = family(running.pid)
        assert len(below) >= 6
        running.send_signal(signal.SIGINT)
        assert running.wait(STOPS_WITHIN) == 0
        assert wait_until_gone(below) == set()
        assert status_of(f"{url}/health/live/") == 0


@pytest.mark.fault
def test_nothing_goes_on_when_serve_itself_is_killed(data_dir: Path) -> None:
    with serving(data_dir, free_port()) as running:
        below = family(running.pid)

        running.kill()
        running.wait()

        assert wait_until_gone(below) == set()


@pytest.mark.fault
def test_a_part_that_dies_is_started_again(data_dir: Path) -> None:
    port = free_port()
    with serving(data_dir, port) as running:
        before = family(running.pid)
        workers = [pid for pid in before if "fast@" in command_of(pid)]
        assert workers

        os.kill(workers[0], signal.SIGKILL)

        until(
            "another worker is there and the web answers",
            lambda: (
                status_of(f"http://127.0.0.1:{port}/health/live/") == 200
                and any("fast@" in command_of(p) for p in family(running.pid) - before)
            ),
        )


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def test_a_port_that_is_taken_is_named_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CannotServe, match=f"127.0.0.1:{port} is taken by another program"):
            Address("127.0.0.1", port).check_free()


@pytest.mark.parametrize(
    ("text", "host", "port", "url"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("8000", "127.0.0.1", 8000, "http://127.0.0.1:8000"),
        (":80", "127.0.0.1", 80, "http://127.0.0.1:80"),
        ("[::1]:8000", "::1", 8000, "http://[::1]:8000"),
        ("0.0.0.0:8000", "0.0.0.0", 8000, "http://127.0.0.1:8000"),  # noqa: S104
    ],
)
def test_an_address_is_read_in_the_usual_ways(text: str, host: str, port: int, url: str) -> None:
    address = Address.parse(text)

    assert (address.host, address.port, address.url) == (host, port, url)


@pytest.mark.parametrize("text", ["", "nowhere", "127.0.0.1:0", "127.0.0.1:70000", "1.2.3.4:x"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CannotServe, match="no address to listen at"):
        Address.parse(text)


def test_the_embedded_installation_is_four_processes() -> None:
    assert set(commands(Address("127.0.0.1", 8000))) == {"web", "beat", "fast", "slow"}
