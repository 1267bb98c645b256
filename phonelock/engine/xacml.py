"""The wire form of Cisco external call control: XACML questions in, XACML answers out.

A question is hostile until it has been read: no document type, no entities, at most
64 KiB, 50 levels deep, in one of three encodings (reliability S1). The XML's own
declaration decides on the encoding, never the HTTP header (cisco.md 2.3).
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.saxutils import escape, quoteattr
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from phonelock.engine.admission import Decision, Effect, RoutingRequest

MAX_BODY_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 50
MAX_NUMBER: Final = 128
CONTENT_TYPE: Final = "text/xml; charset=utf-8"

_ENCODINGS: Final = frozenset(
    {
        "utf-8",
        "utf8",
        "utf-16",
        "utf-16le",
        "utf-16be",
        "iso-8859-1",
        "latin-1",
        "latin1",
        "us-ascii",
    }
)
_DECLARED = re.compile(
    rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,100}?encoding=["']([^"']{1,40})["']"""
)
_LAST_PART = re.compile(r"[:/#]")
_FIELDS: Final = {
    "callingnumber": "calling",
    "callednumber": "called",
    "transformedcgpn": "transformed_calling",
    "transformedcdpn": "transformed_called",
    "callingdevicename": "device",
    "triggerpointtype": "trigger",
}
_SALVAGED = re.compile(
    rb"(?:callednumber|transformedcdpn)[\"'][^<]{0,300}<[^<>]{0,40}AttributeValue[^<>]{0,200}>"
    rb"\s{0,20}([0-9+*#][0-9+*# .()-]{0,40})",
    re.IGNORECASE,
)


class Malformed(ValueError):
    """The body was no routing request that can be read; the text says why, for the log."""


class _Reader(ContentHandler):
    """Collects the first value of each attribute known by the last part of its id."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.root = ""
        self._depth = 0
        self._attribute = ""
        self._text: list[str] | None = None

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX names it
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Malformed(f"more than {MAX_DEPTH} levels deep")
        local = name.rpartition(":")[2]
        self.root = self.root or local
        if local == "Attribute":
            identity = str(attrs.get("AttributeId", ""))
            self._attribute = _FIELDS.get(_LAST_PART.split(identity)[-1].strip().lower(), "")
        elif local == "AttributeValue":
            self._text = []

    def characters(self, content: str) -> None:
        if self._text is not None:
            self._text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX names it
        self._depth -= 1
        local = name.rpartition(":")[2]
        if local == "AttributeValue" and self._text is not None:
            value = "".join(self._text).strip()[:MAX_NUMBER]
            if self._attribute and value:
                self.values.setdefault(self._attribute, value)
            self._text = None
        elif local == "Attribute":
            self._attribute = ""


def parse_request(body: bytes) -> RoutingRequest:
    """Read a routing question from the raw bytes of a request.

    Attribute ids count by their last part, in any letter case; unknown ones are
    ignored; of repeated ones the first with a value counts.

    Raises:
        Malformed: if it is too long, too deep, no XML, of another encoding, holds a
            document type or an entity, or no called number.
    """
    if len(body) > MAX_BODY_BYTES:
        raise Malformed(f"longer than {MAX_BODY_BYTES} bytes")
    declared = _DECLARED.match(body)
    if declared and declared.group(1).decode("latin-1").lower() not in _ENCODINGS:
        raise Malformed("an encoding that is not read here")
    reader = _Reader()
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(reader)
    try:
        parser.parse(BytesIO(body))
    except Malformed:
        raise
    except (SAXException, DefusedXmlException, ValueError, LookupError) as refusal:
        raise Malformed(f"not readable as XML: {type(refusal).__name__}") from refusal
    if reader.root != "Request":
        raise Malformed("not a routing request")
    request = RoutingRequest(**reader.values)
    if not request.called_forms():
        raise Malformed("no called number")
    return request


def salvage_called(body: bytes) -> tuple[str, ...]:
    """Whatever looks like a called number in a body that cannot be parsed.

    Only for finding an emergency call in a broken question: it can permit, never refuse.
    """
    plain = body[:MAX_BODY_BYTES].replace(b"\x00", b"")
    return tuple({found.decode("ascii").strip() for found in _SALVAGED.findall(plain)})


def write_answer(decision: Decision) -> bytes:
    """The XACML answer, without namespaces, its instruction escaped inside (cisco.md 2.4)."""
    if decision.effect == Effect.INDETERMINATE:
        return _document("<Decision>Indeterminate</Decision><Status></Status>")
    verdict = "Deny" if decision.effect == Effect.DENY else "Permit"
    cixml = escape(f'<cixml ver="1.0">{_instruction(decision)}</cixml>')
    return _document(
        f"<Decision>{verdict}</Decision><Status></Status><Obligations>"
        f'<Obligation FulfillOn="{verdict}" ObligationId="urn:cisco:xacml:policy-attribute">'
        '<AttributeAssignment AttributeId="Policy:simple">'
        '<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">'
        f"{cixml}</AttributeValue></AttributeAssignment></Obligation></Obligations>"
    )


def _document(result: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Result>{result}</Result></Response>'
    ).encode()


def _instruction(decision: Decision) -> str:
    if decision.effect == Effect.PERMIT:
        return "<continue></continue>"
    reason = f"<reason>{escape(_reason_text(decision))}</reason>"
    if decision.effect == Effect.DIVERT:
        target = f"<destination>{escape(decision.divert_to)}</destination>"
        return f"<divert>{target}</divert>{reason}"
    recording = decision.announcement
    announce = f"<announce identification={quoteattr(recording)}></announce>" if recording else ""
    return f"<reject>{announce}</reject>{reason}"


def _reason_text(decision: Decision) -> str:
    return f"{decision.reason} {decision.flag.lower()}".strip()
