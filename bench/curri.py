"""T13: routing questions at 300 a second over kept-open connections, at rest and at work.

The floor is a bare WSGI application that does one SELECT, under the same server, at
rest. "At work" means that call files are imported and the pipeline turns meanwhile.
Latency counts from the moment a question was due, so a stall is not hidden by the
questions it held up. Every answer is checked: locked lines refused, the rest permitted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, show
from bench.scratch import ROOT, django_on, each_in_its_process, has_postgres

RATE = int(os.environ.get("BENCH_RATE", "300"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))
CONNECTIONS = 20
THREADS = 8
LOCKED = 50
RECORDS_A_FILE = 500
TARGET_MS = 10.0
WORKING = "turns"

QUESTION = """<?xml version="1.0" encoding="UTF-8"?>
<Request xmlns="urn:oasis:names:tc:xacml:2.0:context:schema:os">
  <Subject SubjectCategory="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject">
    <Attribute AttributeId="urn:oasis:names:tc:xacml:1.0:subject:role-id"
               DataType="http://www.w3.org/2001/XMLSchema#string" Issuer="requestor">
      <AttributeValue>CISCO:UC:UCMPolicy</AttributeValue></Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:callingnumber"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>{calling}</AttributeValue></Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:callednumber"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>{called}</AttributeValue></Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:transformedcgpn"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>+442079460{calling}</AttributeValue></Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:transformedcdpn"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue></AttributeValue></Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:callingdevicename"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>SEP00AA0000{calling}</AttributeValue></Attribute>
  </Subject>
  <Resource><Attribute AttributeId="urn:oasis:names:tc:xacml:1.0:resource:resource-id"
      DataType="http://www.w3.org/2001/XMLSchema#anyURI">
      <AttributeValue>CISCO:UC:VoiceOrVideoCall</AttributeValue></Attribute></Resource>
  <Action><Attribute AttributeId="urn:oasis:names:tc:xacml:1.0:action:action-id"
      DataType="http://www.w3.org/2001/XMLSchema#anyURI">
      <AttributeValue>any</AttributeValue></Attribute></Action>
  <Environment><Attribute AttributeId="urn:Cisco:uc:1.0:triggerpointtype"
      DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>translationpattern</AttributeValue></Attribute></Environment>
</Request>"""
HEAD = (
    "POST /curri/Bench/ HTTP/1.1\r\nHost: budget.example.com:8080\r\nAccept: */*\r\n"
    "Content-type: text/xml; charset=ISO-8859-1\r\nmethodName: isRoleAccessAllowed\r\n"
    "User-Agent: CiscoUCM-HttpClient/1.0\r\nConnection:Keep-Alive\r\nContent-Length: {}\r\n\r\n"
)

_own = threading.local()


def floor(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The floor: read the question, one SELECT on a connection kept open, a fixed answer."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if not hasattr(_own, "ask"):
        _own.ask = _asker()
    _own.ask()
    body = b"<Response><Result><Decision>Permit</Decision></Result></Response>"
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _asker() -> Callable[[], object]:
    select = "SELECT wanted FROM phonelock_linelock WHERE line_id = 1"
    url = os.environ.get("DATABASE_URL", "")
    if url:
        import psycopg

        served = psycopg.connect(url, autocommit=True)
        return lambda: served.execute(select).fetchone()
    import sqlite3

    file = sqlite3.connect(Path(os.environ["DATA_DIR"]) / "tollgate.sqlite3")
    return lambda: file.execute(select).fetchone()


@dataclass(frozen=True, slots=True)
class Measured:
    """Latencies of one run in milliseconds, and the server's work for one question."""

    latencies: list[float]
    cpu_micros: int

    def at(self, percent: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def text(self) -> str:
        spread = f"p50 {self.at(50):.2f}, p99 {self.at(99):.2f}, worst {self.at(100):.1f} ms"
        return f"{spread}; {self.cpu_micros} µs CPU each"


@contextmanager
def served(application: str) -> Iterator[Served]:
    """Run `application` under the server that `serve` uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603 - our own interpreter
        [
            *(sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"),
            *("--workers", "1", "--worker-class", "gthread", "--threads", str(THREADS)),
            *("--keep-alive", "600", "--log-level", "warning", "--no-control-socket"),
        ],
        cwd=ROOT,
    )
    try:
        _wait_for(port)
        yield Served(port, _worker_of(server.pid))
    finally:
        server.terminate()
        server.wait(timeout=20)


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: where it listens, and the process that answers."""

    port: int
    worker: int

    def cpu_seconds(self) -> float:
        """What the worker has used of the processor so far (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _worker_of(master: int) -> int:
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def _wait_for(port: int) -> None:
    """Wait until a worker answers: the port is open long before."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(b"HEAD /curri/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if connection.recv(1000).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on the wire, and the word its answer must hold."""

    wire: bytes
    expected: bytes


def questions(*, is_floor: bool) -> list[Asked]:
    """Every kind in turn: locked and open lines outside, colleagues, emergency."""
    kinds = [
        (f"{2000 + number}", called, b"Deny" if number < LOCKED and is_outside else b"Permit")
        for number in (*range(10), *range(100, 110))
        for called, is_outside in (("902079460123", True), ("2001", False), ("9112", False))
    ]
    asked = []
    for calling, called, expected in kinds:
        body = QUESTION.format(calling=calling, called=called).encode()
        wire = HEAD.format(len(body)).encode() + body
        asked.append(Asked(wire, b"Permit" if is_floor else expected))
    return asked


async def _ask(port: int, *, asked: list[Asked], seconds: float) -> list[float]:
    latencies: list[float] = []
    begin = time.perf_counter() + 0.5
    every = CONNECTIONS / RATE

    async def talk(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(int(seconds * RATE / CONNECTIONS)):
            due = begin + place / RATE + turn * every
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            question = asked[(turn * CONNECTIONS + place) % len(asked)]
            writer.write(question.wire)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            latencies.append((time.perf_counter() - due) * 1000)
            if not head.startswith(b"HTTP/1.1 200") or question.expected not in body:
                raise AssertionError(f"wrong answer: {head!r} {body!r}")
        writer.close()

    await asyncio.gather(*(talk(place) for place in range(CONNECTIONS)))
    return latencies


def ask(server: Served, *, is_floor: bool = False) -> Measured:
    """Ask for a while, after two seconds to warm up."""
    asked = questions(is_floor=is_floor)
    asyncio.run(_ask(server.port, asked=asked, seconds=2))
    before = server.cpu_seconds()
    latencies = asyncio.run(_ask(server.port, asked=asked, seconds=SECONDS))
    cpu = (server.cpu_seconds() - before) / len(latencies)
    return Measured(latencies, int(cpu * 1_000_000))


def set_up() -> None:
    """The site of the ingest benchmark, published, with fifty lines locked."""
    from bench.ingest import set_up as set_up_calls
    from directory.models import Line
    from kernel import clock
    from phonelock.engine.flags import Actor
    from phonelock.operations.flags import lock_line
    from phonelock.operations.reconciler import reconcile

    set_up_calls()
    now = clock.now()
    for line in Line.objects.order_by("extension")[:LOCKED]:
        lock_line(line=line, actor=Actor.ADMINISTRATOR, by="bench", at=now)
    report = reconcile(now=now, seconds=60)
    if report.confirmed != LOCKED:
        raise AssertionError(f"{report.confirmed} of {LOCKED} lines are locked")


def work() -> None:
    """Import call files and turn the pipeline until ended; run in a process of its own."""
    import django

    django.setup()
    from django.conf import settings

    from bench.ingest import write_calls
    from billingsite import pipeline
    from kernel import clock

    drop = Path(settings.DATA_DIR, "drop", "bench")
    drop.mkdir(parents=True, exist_ok=True)
    turn = 0
    while True:
        turn += 1
        write_calls(drop, records=RECORDS_A_FILE, first_id=turn * RECORDS_A_FILE)
        for stage in pipeline.stages():
            stage.run(clock.now())
        Path(settings.DATA_DIR, WORKING).write_text(str(turn))


@contextmanager
def at_work() -> Iterator[None]:
    """The pipeline at full turn. Its first turn ends old periods, and is waited for."""
    sign = Path(os.environ["DATA_DIR"], WORKING)
    worker = subprocess.Popen([sys.executable, __file__, "work"], cwd=ROOT)  # noqa: S603 - ourselves
    try:
        while not sign.exists() and worker.poll() is None:
            time.sleep(0.1)
        before = sign.read_text()
        yield
        if worker.poll() is not None or sign.read_text() == before:
            raise AssertionError("the pipeline did not turn during the measurement")
    finally:
        worker.terminate()
        worker.wait(timeout=60)


def measure(vendor: str) -> list[Figure]:
    """Floor, at rest, at work."""
    from cdr.models import Call

    set_up()
    with served("bench.curri:floor") as server:
        least = ask(server, is_floor=True)
    with served("billingsite.wsgi:application") as server:
        rest = ask(server)
        with at_work():
            work_there = ask(server)
    target = f"p99 ≤ {TARGET_MS:.0f} ms, no error"
    return [
        Figure(
            f"T13 {vendor}{suffix}",
            f"routing questions at {RATE}/s, {when}",
            measured.text(),
            least.text(),
            f"{measured.at(50) / least.at(50):.2f}x / {measured.at(99) / least.at(99):.2f}x",
            target,
            measured.at(99) <= TARGET_MS,
        )
        for suffix, when, measured in (
            (" rest", "at rest", rest),
            ("", f"with tick and import running ({Call.objects.count()} calls)", work_there),
        )
    ]


def main(arguments: list[str]) -> int:
    if arguments == ["work"]:
        work()
    if arguments:
        with django_on(arguments[0]):
            show(measure(arguments[0]))
        return 0
    vendors = [("postgresql",)] if has_postgres() else []
    return each_in_its_process(__file__, *vendors, ("sqlite",))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
