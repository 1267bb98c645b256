"""Delivery reports: what a mail server returns when it could not deliver after all (RFC 3464)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

MOST_BYTES = 1_000_000
MOST_RECIPIENTS = 50

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,198}>")
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers"})
_LONGEST_REASON = 480


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient of one of our mails who was not reached, and why, on one line."""

    message_id: str
    recipient: str
    reason: str
    is_permanent: bool


def read_report(raw: bytes) -> tuple[Bounce, ...]:
    """The failed deliveries that the mail `raw` reports; none if it is no such report.

    Delays and successes are not failures. `raw` comes from anybody who can send a
    mail: nothing in it is believed beyond the mail it names.
    """
    report = message_from_bytes(raw[:MOST_BYTES], policy=compat32)
    message_id = _returned_message_id(report)
    if not message_id:
        return ()
    blocks = list(_recipient_blocks(report))[:MOST_RECIPIENTS]
    return tuple(
        Bounce(
            message_id=message_id,
            recipient=_address(block),
            reason=_reason(block),
            is_permanent=_field(block, "Status").startswith("5"),
        )
        for block in blocks
        if _field(block, "Action").lower() == "failed"
    )


def _recipient_blocks(report: Message) -> Iterator[Message]:
    """The per-recipient fields (RFC 3464 2.3) of the delivery-status part."""
    for part in report.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            for block in part.get_payload():
                if isinstance(block, Message) and block.get("Final-Recipient"):
                    yield block


def _returned_message_id(report: Message) -> str:
    """The Message-ID of the returned mail, whole or as headers only (RFC 3462, RFC 3464 2.1)."""
    for part in report.walk():
        if part is report or part.get_content_type() not in _RETURNED:
            continue
        found = _MESSAGE_ID.search(_field(_returned_headers(part), "Message-ID"))
        if found:
            return found[0]
    return ""


def _returned_headers(part: Message) -> Message:
    """The headers that `part` brings back, none if it is not what it says."""
    if part.is_multipart():
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else None
        return first if isinstance(first, Message) else Message()
    raw = part.get_payload(decode=True)
    return message_from_bytes(raw, policy=compat32) if isinstance(raw, bytes) else Message()


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def _address(block: Message) -> str:
    """The address after its type: ``rfc822; mario@example.com``."""
    named = _field(block, "Original-Recipient") or _field(block, "Final-Recipient")
    return named.rpartition(";")[2].strip().lower()


def _reason(block: Message) -> str:
    diagnostic = _field(block, "Diagnostic-Code").partition(";")[2].strip()
    printable = "".join(character for character in diagnostic if character.isprintable())
    return f"returned {_field(block, 'Status')}: {printable}".rstrip(": ")[:_LONGEST_REASON]
