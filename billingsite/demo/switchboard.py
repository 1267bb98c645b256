"""The demo cluster's side of external call control: may this call go out?"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from billingsite.demo.company import Person
from billingsite.demo.numbers import dialled

TIMEOUT_SECONDS = 2
REQUEST = """<?xml version="1.0" encoding="UTF-8"?>
<Request xmlns="urn:oasis:names:tc:xacml:2.0:context:schema:os"><Subject \
SubjectCategory="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject">\
{attributes}</Subject><Resource/><Action/><Environment>\
<Attribute AttributeId="urn:Cisco:uc:1.0:triggerpointtype" \
DataType="http://www.w3.org/2001/XMLSchema#string">\
<AttributeValue>translationpattern</AttributeValue></Attribute></Environment></Request>"""
ATTRIBUTE = """<Attribute AttributeId="urn:Cisco:uc:1.0:{name}" \
DataType="http://www.w3.org/2001/XMLSchema#string">\
<AttributeValue>{value}</AttributeValue></Attribute>"""


def question(caller: Person, e164: str) -> bytes:
    """The routing request for a call of `caller` to `e164` (cisco.md 2.3)."""
    values = {
        "callingnumber": caller.extension,
        "callednumber": dialled(caller.office, e164),
        "transformedcgpn": caller.extension,
        "transformedcdpn": e164,
        "callingdevicename": caller.device,
    }
    attributes = "".join(
        ATTRIBUTE.format(name=name, value=escape(value)) for name, value in values.items()
    )
    return REQUEST.format(attributes=attributes).encode()


def is_permitted(base_url: str, caller: Person, e164: str) -> bool:
    """Ask Tollgate whether the call may go out; no answer means yes, as on a real cluster."""
    address = urlsplit(base_url)
    connection = HTTPConnection(
        address.hostname or "127.0.0.1", address.port, timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request(
            "POST",
            f"/curri/{quote(caller.office.name)}/",
            body=question(caller, e164),
            headers={"Content-Type": "text/xml; charset=utf-8"},
        )
        answer = connection.getresponse().read()
    except (OSError, HTTPException):
        return True
    finally:
        connection.close()
    return b"<Decision>Deny</Decision>" not in answer
