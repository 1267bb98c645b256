"""What a channel that carries mail must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from alarms.engine.verdicts import Reply


class ServerAway(Exception):
    """The server did not answer, or answered no more: not this mail's fault.

    `in_data` says that the mail's text was already on its way, so that it may
    have arrived.
    """

    def __init__(self, reason: str, *, in_data: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.in_data = in_data


class MailSession(Protocol):
    """An open conversation with the server, good for several mails."""

    def send(self, *, recipient: str, message: bytes, before_data: Callable[[], None]) -> Reply:
        """Offer `message` to `recipient` and return the answer that decided.

        `before_data` is called once the recipient is accepted and before the first
        byte of the text: from its return on, the mail may arrive.

        Raises:
            ServerAway: if the conversation broke; the session is then closed.
        """

    def close(self) -> None:
        """End the conversation; never raises."""


class MailChannel(Protocol):
    """One mail server."""

    def open(self) -> MailSession:
        """Connect, greet, encrypt and sign in as configured.

        Raises:
            ServerAway: if any of that failed.
        """
