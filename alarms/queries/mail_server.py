"""Which mail server this installation has."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from alarms.drivers.smtp import SmtpChannel, SmtpConfig
from alarms.models import MailCircuit

_PLAIN_PORT, _SUBMISSION_PORT, _TLS_PORT = 25, 587, 465


def mail_channel() -> SmtpChannel | None:
    """The configured server (`EMAIL_URL`), or None where there is none."""
    if not settings.MAIL_CONFIGURED:
        return None
    usual = _PLAIN_PORT
    if settings.EMAIL_USE_SSL:
        usual = _TLS_PORT
    elif settings.EMAIL_USE_TLS:
        usual = _SUBMISSION_PORT
    return SmtpChannel(
        SmtpConfig(
            host=settings.EMAIL_HOST or "localhost",
            port=int(settings.EMAIL_PORT or usual),
            sender=settings.DEFAULT_FROM_EMAIL,
            username=settings.EMAIL_HOST_USER or "",
            password=settings.EMAIL_HOST_PASSWORD or "",
            starttls=settings.EMAIL_USE_TLS,
            tls=settings.EMAIL_USE_SSL,
            timeout_seconds=settings.EMAIL_TIMEOUT or 15,
        )
    )


def mail_sender() -> str:
    """Whom the mails are from (`MAIL_FROM`)."""
    return str(settings.DEFAULT_FROM_EMAIL)


def mail_server_away_since() -> tuple[datetime, str] | None:
    """Since when the mail server does not answer, and what it said; None while it does."""
    circuit = MailCircuit.objects.filter(opened_at__isnull=False).first()
    if circuit is None or circuit.opened_at is None:
        return None
    return circuit.opened_at, circuit.last_error
