"""Mail over SMTP (RFC 5321): the only module of the product that sends.

The dialogue is led step by step instead of by `smtplib.SMTP.sendmail`, because
what is known when it breaks differs: before DATA the mail surely did not go,
after DATA it may have.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256

from alarms.drivers.base import ServerAway
from alarms.engine.verdicts import Reply, Stage

_BROKEN = (smtplib.SMTPServerDisconnected, smtplib.SMTPException, OSError)


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """One server. `tls` is from the first byte, `starttls` after greeting; certificates are checked."""

    host: str
    port: int
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    tls: bool = False
    timeout_seconds: int = 15


@dataclass(frozen=True, slots=True)
class SmtpChannel:
    """A mail server that speaks SMTP."""

    config: SmtpConfig

    def open(self) -> SmtpSession:
        """Connect, greet, encrypt and sign in; see `MailChannel.open`."""
        config = self.config
        client: smtplib.SMTP | None = None
        try:
            client = _connect(config)
            client.ehlo_or_helo_if_needed()
            if config.starttls:
                client.starttls(context=ssl.create_default_context())
                client.ehlo()
            if config.username:
                client.login(config.username, config.password)
        except _BROKEN as fault:
            if client is not None:
                client.close()
            raise ServerAway(f"{config.host}:{config.port}: {_said(fault)}") from fault
        return SmtpSession(client=client, sender=parseaddr(config.sender)[1])


def _connect(config: SmtpConfig) -> smtplib.SMTP:
    if config.tls:
        return smtplib.SMTP_SSL(
            config.host,
            config.port,
            timeout=config.timeout_seconds,
            context=ssl.create_default_context(),
        )
    return smtplib.SMTP(config.host, config.port, timeout=config.timeout_seconds)


@dataclass(slots=True)
class SmtpSession:
    """An open conversation; see `MailSession`."""

    client: smtplib.SMTP
    sender: str

    def send(self, *, recipient: str, message: bytes, before_data: Callable[[], None]) -> Reply:
        """Lead one mail through MAIL, RCPT and DATA; see `MailSession.send`."""
        reply = self._step(Stage.SENDER, lambda: self.client.mail(self.sender))
        if reply.code == 250:
            reply = self._step(Stage.RECIPIENT, lambda: self.client.rcpt(recipient))
            if reply.code in (250, 251):
                before_data()
                return self._settled(self._transmit(message))
        return self._settled(reply)

    def _transmit(self, message: bytes) -> Reply:
        try:
            return self._step(Stage.DATA, lambda: self.client.data(message))
        except ServerAway as away:
            raise ServerAway(away.reason, in_data=True) from away

    def _step(self, stage: Stage, command: Callable[[], tuple[int, bytes]]) -> Reply:
        try:
            code, text = command()
        except smtplib.SMTPDataError as refusal:
            code, error = refusal.smtp_code, refusal.smtp_error
            text = error if isinstance(error, bytes) else error.encode()
        except _BROKEN as fault:
            self.client.close()
            raise ServerAway(f"{stage.value}: {_said(fault)}") from fault
        return Reply(stage=stage, code=code, text=text.decode("utf-8", "replace"))

    def _settled(self, reply: Reply) -> Reply:
        """Leave the conversation ready for the next mail, or closed."""
        if reply.code == 421:
            self.client.close()
        elif not (reply.stage is Stage.DATA and reply.code == 250):
            with suppress(*_BROKEN):
                self.client.rset()
        return reply

    def close(self) -> None:
        """Say QUIT, or simply hang up where that is not heard."""
        try:
            self.client.quit()
        except _BROKEN:
            self.client.close()


def _said(fault: BaseException) -> str:
    """A fault as one line for people, with the server's own words where it has some."""
    if isinstance(fault, smtplib.SMTPResponseException):
        error = fault.smtp_error
        words = error.decode("utf-8", "replace") if isinstance(error, bytes) else error
        return " ".join(f"{fault.smtp_code} {words}".split())
    if isinstance(fault, ConnectionRefusedError):
        return "connection refused"
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    return " ".join(str(fault).split()) or type(fault).__name__


def message_bytes(
    *,
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    html: str,
    message_id: str,
    language: str,
    date: datetime,
) -> bytes:
    """Write a mail as it goes over the wire: text, and HTML beside it (RFC 5322, RFC 2045).

    `message_id`, `date` and the words are all that it depends on, so a mail that
    is sent again is the same mail. Header values must be single lines.
    """
    message = EmailMessage(policy=SMTP_POLICY)
    name, address = parseaddr(sender)
    message["From"] = formataddr((name, address))
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    if html:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        message.set_boundary(f"=_{sha256(message_id.encode()).hexdigest()[:32]}")
    message["Content-Language"] = language
    return message.as_bytes()
