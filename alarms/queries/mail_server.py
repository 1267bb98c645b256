"""Which mail server this installation has."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.conf import settings

from alarms.drivers.smtp import SmtpChannel, SmtpConfig
from alarms.models import MailCircuit
from directory.installation import StoredMail, stored_installation

PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}


def mail_channel() -> SmtpChannel | None:
    """The mail server in force, or None where there is none."""
    config = mail_config()
    return None if config is None else SmtpChannel(config)


def mail_config() -> SmtpConfig | None:
    """The server of the environment (`EMAIL_URL`), else the one of the set-up; None if neither."""
    if settings.MAIL_CONFIGURED:
        return _from_environment()
    stored = stored_installation().mail
    return config_of(stored) if stored.host else None


def config_of(stored: StoredMail) -> SmtpConfig:
    """A server as it was typed in, as the channel takes it."""
    return SmtpConfig(
        host=stored.host,
        port=stored.port or PORTS[stored.security],
        sender=mail_sender(stored),
        username=stored.username,
        password=stored.password,
        starttls=stored.security == "starttls",
        tls=stored.security == "tls",
        timeout_seconds=settings.EMAIL_TIMEOUT or 15,
    )


def _from_environment() -> SmtpConfig:
    security = "tls" if settings.EMAIL_USE_SSL else "starttls" if settings.EMAIL_USE_TLS else "none"
    return SmtpConfig(
        host=settings.EMAIL_HOST or "localhost",
        port=int(settings.EMAIL_PORT or PORTS[security]),
        sender=mail_sender(),
        username=settings.EMAIL_HOST_USER or "",
        password=settings.EMAIL_HOST_PASSWORD or "",
        starttls=settings.EMAIL_USE_TLS,
        tls=settings.EMAIL_USE_SSL,
        timeout_seconds=settings.EMAIL_TIMEOUT or 15,
    )


def mail_sender(stored: StoredMail | None = None) -> str:
    """Whom the mails are from: `MAIL_FROM` where it is set, else the set-up's sender."""
    if settings.MAIL_FROM_CONFIGURED:
        return str(settings.DEFAULT_FROM_EMAIL)
    chosen = stored or stored_installation().mail
    return chosen.sender or str(settings.DEFAULT_FROM_EMAIL)


def mail_server_away_since() -> tuple[datetime, str] | None:
    """Since when the mail server does not answer, and what it said; None while it does."""
    circuit = MailCircuit.objects.filter(opened_at__isnull=False).first()
    if circuit is None or circuit.opened_at is None:
        return None
    return circuit.opened_at, circuit.last_error
