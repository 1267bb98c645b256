"""The two doors for questions: the small front before everything, and the ordinary view."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from phonelock.wsgi_front import AdmissionFront, nothing_behind
from tests.support.curri import ask, make_desk, publish, question, verdict

pytestmark = pytest.mark.feature("F260")

OUTSIDE = question("0335123456")
ROOT = Path(__file__).parents[2]


class Server:
    """A WSGI server of one request."""

    def __init__(self, front: AdmissionFront) -> None:
        self.front = front
        self.status = ""
        self.headers: dict[str, str] = {}

    def send(
        self,
        body: bytes = b"",
        *,
        method: str = "POST",
        where: str = "/curri/Milan/",
        **environ: Any,
    ) -> bytes:
        values = {
            "REQUEST_METHOD": method,
            "PATH_INFO": where,
            "QUERY_STRING": "",
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": BytesIO(body),
        }
        reply: Iterable[bytes] = self.front(values | (environ or {}), self._start)
        try:
            return b"".join(reply)
        finally:
            if hasattr(reply, "close"):
                reply.close()

    def _start(self, status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        self.status, self.headers = status, dict(headers)


def test_the_front_answers_questions_and_hands_over_the_rest(data_dir: Path) -> None:
    publish(data_dir)
    server = Server(AdmissionFront(nothing_behind))

    denied = server.send(OUTSIDE)

    assert (server.status, verdict(denied)) == ("200 OK", "Deny")
    assert server.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert server.headers["Content-Length"] == str(len(denied))
    assert server.send(where="/curricula/") == b""
    assert server.status == "404 Not Found"


def test_the_front_answers_signs_of_life_without_a_body(data_dir: Path) -> None:
    server = Server(AdmissionFront(nothing_behind))

    assert server.send(method="HEAD") == b""
    assert (server.status, server.headers["Content-Length"]) == ("200 OK", "0")
    assert b"Tollgate" in server.send(method="GET")


def test_the_front_reads_no_more_than_it_may(data_dir: Path) -> None:
    publish(data_dir)
    server = Server(AdmissionFront(nothing_behind))

    class Endless(BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 <= size <= 65_537
            return b"x" * size

    body = server.send(environ={"wsgi.input": Endless(), "CONTENT_LENGTH": str(10**12)})
    chunked = server.send(
        environ={"wsgi.input": Endless(), "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    )

    assert verdict(body) == verdict(chunked) == "Permit"


def test_a_client_that_goes_away_in_mid_body_is_answered(data_dir: Path) -> None:
    publish(data_dir)

    class Gone(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    body = Server(AdmissionFront(nothing_behind)).send(
        environ={"wsgi.input": Gone(), "CONTENT_LENGTH": "10"}
    )

    assert verdict(body) == "Permit"


def test_the_decision_is_noted_after_the_answer_was_sent(data_dir: Path) -> None:
    publish(data_dir)
    folder = data_dir / "admission" / "decisions"
    front = AdmissionFront(nothing_behind)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/curri/Milan/",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(OUTSIDE)),
        "wsgi.input": BytesIO(OUTSIDE),
    }

    reply: Any = front(environ, lambda *_: lambda _: None)
    b"".join(reply)
    before = list(folder.glob("*.jsonl"))
    reply.close()

    assert before == []
    assert len(list(folder.glob("*.jsonl"))) == 1


@contextmanager
def real_server(data_dir: Path) -> Iterator[int]:
    """The pool of processes for switches alone, as docs/cisco-call-control.md starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603 - our own interpreter
        [
            *(sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4"),
            *("--keep-alive", "600", "--bind", f"127.0.0.1:{port}", "--no-control-socket"),
            "billingsite.admission:application",
        ],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(data_dir)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def connect(port: int) -> HTTPConnection:
    until = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.connect()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return connection


def test_a_real_server_keeps_a_switchs_connection_open(data_dir: Path) -> None:
    publish(data_dir)
    seen = []
    with real_server(data_dir) as port:
        switch = connect(port)
        first_socket = switch.sock
        for method, body in (
            ("HEAD", None),
            ("POST", OUTSIDE),
            ("POST", b"<broken"),
            ("POST", b"x" * 200_000),
            ("HEAD", None),
            ("POST", question("0112")),
        ):
            switch.request(method, "/curri/Milan/", body, {"Content-type": "text/xml"})
            response = switch.getresponse()
            said = response.read()
            assert response.status == 200
            assert response.headers["Connection"].lower() == "keep-alive"
            assert response.headers["Content-Length"] == str(len(said))
            assert switch.sock is first_socket
            seen.append(verdict(said) if method == "POST" else "")
        switch.close()

    assert seen == ["", "Deny", "Permit", "Permit", "", "Permit"]


# No `db` mark: pytest-django lets no query through here.
@pytest.mark.parametrize(
    ("called", "expected"), [("0335123456", "Deny"), ("0112", "Permit"), ("202", "Permit")]
)
def test_the_view_answers_without_the_database(
    called: str, expected: str, data_dir: Path, client: Client
) -> None:
    publish(data_dir)

    response = client.post("/curri/Milan/", question(called), content_type="text/xml")

    assert (response.status_code, verdict(response.content)) == (200, expected)
    assert not response.cookies
    assert int(response["Content-Length"]) == len(response.content)


def test_the_view_knows_the_methods_and_the_paths(data_dir: Path) -> None:
    publish(data_dir)
    client = Client(enforce_csrf_checks=True)

    assert client.head("/curri/Milan/").content == b""
    assert client.get("/curri/").status_code == 200
    for where in ("/curri", "/curri/", "/curri/milan", "/curri/Milan/secret"):
        response = client.post(where, OUTSIDE, content_type="text/xml; charset=ISO-8859-1")
        assert verdict(response.content) == "Deny", where
    for broken in (b"", b"<", b"x" * 3_000_000):
        response = client.post("/curri/Milan/", broken, content_type="text/xml")
        assert (response.status_code, verdict(response.content)) == (200, "Permit")


def test_a_switch_may_call_us_by_any_name(data_dir: Path, client: Client) -> None:
    publish(data_dir)

    response = client.post(
        reverse("curri-site", args=["Milan"]),
        OUTSIDE,
        content_type="text/xml",
        headers={"host": "budget.example.com:8080"},
    )

    assert (response.status_code, verdict(response.content)) == (200, "Deny")


def test_both_doors_give_the_same_answer(data_dir: Path, client: Client) -> None:
    publish(data_dir)

    by_view = client.post("/curri/Milan/", OUTSIDE, content_type="text/xml").content

    assert by_view == Server(AdmissionFront(nothing_behind)).send(OUTSIDE)
    assert by_view == ask(make_desk(data_dir), OUTSIDE).body


@pytest.mark.feature("F226")
def test_a_fresh_process_answers_with_the_database_stopped(data_dir: Path) -> None:
    """A database address that nobody listens at: importing and answering must not care."""
    publish(data_dir)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    script = (
        "import sys\n"
        "from billingsite.admission import application\n"
        "from tests.phonelock.test_curri_doors import Server\n"
        "from tests.support.curri import question, verdict\n"
        "server = Server(application)\n"
        "print(*[verdict(server.send(question(n))) for n in ('0335123456', '0112')])\n"
        "from django.db import connections\n"
        "print([c.connection for c in connections.all(initialized_only=True)])\n"
    )
    environ = os.environ | {
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{port}/nothing",
        "DJANGO_SETTINGS_MODULE": "billingsite.settings",
    }

    run = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.stdout.splitlines() == ["Deny Permit", "[]"], run.stderr
