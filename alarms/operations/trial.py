"""A test mail: sent at once over a given server, with what the server said."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from alarms.drivers.base import ServerAway
from alarms.drivers.smtp import SmtpChannel, SmtpConfig, message_bytes
from alarms.engine.verdicts import Reply
from kernel.errors import DomainError


class MailNotTaken(DomainError):
    """The server did not take the test mail; the text is what it said, or why it was not heard."""

    code = "mail_not_taken"


def send_trial(
    config: SmtpConfig, *, recipient: str, subject: str, text: str, language: str, at: datetime
) -> Reply:
    """Send one mail to `recipient` past the outbox and return the answer that decided.

    Raises:
        MailNotTaken: if the server cannot be reached, does not let us in, or refuses the mail.
    """
    channel = SmtpChannel(config)
    try:
        session = channel.open()
    except ServerAway as away:
        raise MailNotTaken(away.reason) from away
    try:
        message = message_bytes(
            sender=config.sender,
            recipient=recipient,
            subject=subject,
            text=text,
            html="",
            message_id=f"<{uuid4().hex}@trial.tollgate>",
            language=language,
            date=at,
        )
        reply = session.send(recipient=recipient, message=message, before_data=lambda: None)
    except ServerAway as away:
        raise MailNotTaken(away.reason) from away
    finally:
        session.close()
    if not 200 <= reply.code < 300:
        raise MailNotTaken(reply.reason)
    return reply
