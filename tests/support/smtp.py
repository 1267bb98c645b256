"""A real SMTP server on the loopback that answers as a test tells it to."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Lock

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pytest_django import Settings

CLOSE = "close"
HANG = "hang"
OK = "250 OK"


@dataclass(frozen=True)
class Received:
    """A mail the server took, with the address it was offered for."""

    recipient: str
    message: EmailMessage

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        body = self.message.get_body(("html",))
        assert body is not None
        return str(body.get_content())


@dataclass
class MailSink:
    """Keeps what arrives; `on_recipient` and `on_data` are answers to give before OK.

    An answer is a reply line, `CLOSE` (drop the connection) or `HANG` (say nothing
    for `hang_seconds`); for DATA both come after the text was taken.
    """

    port: int
    received: list[Received] = field(default_factory=list)
    on_recipient: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    on_data: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    sessions: int = 0
    hang_seconds: float = 5.0
    _lock: Lock = field(default_factory=Lock)

    def refuse_recipient(self, address: str, *replies: str) -> None:
        self.on_recipient[address].extend(replies)

    def answer_data(self, address: str, *replies: str) -> None:
        self.on_data[address].extend(replies)

    @property
    def addresses(self) -> list[str]:
        return [mail.recipient for mail in self.received]

    # The hooks that aiosmtpd calls; their names are its own.

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        self.sessions += 1
        return responses

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        answers = self.on_recipient[address]
        answer = answers.popleft() if answers else OK
        if answer == CLOSE:
            _drop(server)
            return OK
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        recipient = envelope.rcpt_tos[0]
        answers = self.on_data[recipient]
        answer = answers.popleft() if answers else OK
        content = envelope.content
        assert isinstance(content, bytes)
        if answer in (OK, CLOSE, HANG):
            message = message_from_bytes(content, policy=default_policy)
            assert isinstance(message, EmailMessage)
            with self._lock:
                self.received.append(Received(recipient=recipient, message=message))
        if answer == HANG:
            await asyncio.sleep(self.hang_seconds)
        if answer in (CLOSE, HANG):
            _drop(server)
        return answer if answer not in (CLOSE, HANG) else OK


def _drop(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    sink: MailSink, *, with_tls: SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[MailSink]:
    """Serve `sink` until the block ends: with STARTTLS if `with_tls`, for `login` alone if given."""

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: object
    ) -> AuthResult:
        assert isinstance(auth_data, LoginPassword)
        given = (auth_data.login.decode(), auth_data.password.decode())
        return AuthResult(success=given == login, handled=False)

    controller = Controller(
        sink,
        hostname="127.0.0.1",
        port=sink.port,
        ready_timeout=10,
        tls_context=with_tls,
        require_starttls=with_tls is not None,
        authenticator=authenticate if login else None,
        auth_required=login is not None,
    )
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


def configure(settings: Settings, *, port: int, timeout: int = 2) -> None:
    """Make the loopback server at `port` this installation's mail server."""
    settings.MAIL_CONFIGURED = True
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    settings.EMAIL_HOST_USER = ""
    settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = False
    settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = timeout


CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""Vouched for by nobody but itself."""


def tls() -> SSLContext:
    """TLS as the server with `CERTIFICATE`."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
