"""Routing questions as a Cisco switch asks them, and desks to ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from phonelock.curri.desk import Answer, Desk
from phonelock.curri.spool import FOLDER as DECISIONS
from phonelock.curri.spool import DecisionSpool
from phonelock.curri.store import SnapshotStore
from phonelock.drivers.curri import FOLDER
from phonelock.drivers.snapshots import LockedLine, StoredSnapshot, file_name, write_snapshot
from phonelock.engine.admission import Door, SiteFacts

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

# Written out by hand after cisco.md 2.3: the order, letters and white space of a live switch.
QUESTION = """<?xml version="1.0" encoding="UTF-8"?>
<Request xmlns="urn:oasis:names:tc:xacml:2.0:context:schema:os">
  <Subject SubjectCategory="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject">
    <Attribute AttributeId="urn:oasis:names:tc:xacml:1.0:subject:role-id"
               DataType="http://www.w3.org/2001/XMLSchema#string" Issuer="requestor">
      <AttributeValue>CISCO:UC:UCMPolicy</AttributeValue>
    </Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:callingnumber"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>{calling}</AttributeValue>
    </Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:callednumber"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>{called}</AttributeValue>
    </Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:transformedcgpn"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>{transformed_calling}</AttributeValue>
    </Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:transformedcdpn"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>{transformed_called}</AttributeValue>
    </Attribute>
    <Attribute AttributeId="urn:Cisco:uc:1.0:callingdevicename"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>SEP00AA00000011</AttributeValue>
    </Attribute>
  </Subject>
  <Resource>
    <Attribute AttributeId="urn:oasis:names:tc:xacml:1.0:resource:resource-id"
               DataType="http://www.w3.org/2001/XMLSchema#anyURI">
      <AttributeValue>CISCO:UC:VoiceOrVideoCall</AttributeValue>
    </Attribute>
  </Resource>
  <Action>
    <Attribute AttributeId="urn:oasis:names:tc:xacml:1.0:action:action-id"
               DataType="http://www.w3.org/2001/XMLSchema#anyURI">
      <AttributeValue>any</AttributeValue>
    </Attribute>
  </Action>
  <Environment>
    <Attribute AttributeId="urn:Cisco:uc:1.0:triggerpointtype"
               DataType="http://www.w3.org/2001/XMLSchema#string">
      <AttributeValue>translationpattern</AttributeValue>
    </Attribute>
  </Environment>
</Request>
"""


def question(
    called: str,
    *,
    calling: str = "201",
    transformed_called: str = "",
    transformed_calling: str = "",
) -> bytes:
    """A question's body: the line `calling` wants to call `called`."""
    return QUESTION.format(
        calling=calling,
        called=called,
        transformed_called=transformed_called,
        transformed_calling=transformed_calling,
    ).encode()


MILAN = SiteFacts(
    site="Milan",
    country="IT",
    exit_code="0",
    area_code="02",
    extension_patterns=("2XX", "7XXX"),
    emergency_numbers=("1199",),
    doors=(Door(source="milan"),),
    lines=(("201", ("PT-Internal",)), ("202", ("PT-Internal",)), ("250", ("PT-A", "PT-B"))),
)


def publish(
    data_dir: Path,
    facts: SiteFacts = MILAN,
    *,
    locked: Mapping[tuple[str, str], str] | None = None,
) -> Path:
    """Write the snapshot of a site with these lines locked, by default 201."""
    flags = {("PT-Internal", "201"): "BUDGET"} if locked is None else locked
    path = data_dir / FOLDER / file_name(facts.site)
    lines = {key: LockedLine(flag, "order") for key, flag in flags.items()}
    write_snapshot(path, snapshot=StoredSnapshot(facts=facts, locked=lines, version=1))
    return path


def make_desk(data_dir: Path, **options: object) -> Desk:
    """A desk of its own over the snapshots of `data_dir`."""
    folder = data_dir / FOLDER
    values: dict[str, object] = {
        "store": SnapshotStore(folder),
        "spool": DecisionSpool(folder / DECISIONS),
    }
    return Desk(**(values | options))  # type: ignore[arg-type]


def ask(
    desk: Desk,
    body: bytes,
    *,
    path: str = "/curri/Milan/",
    query: str = "",
    remote_addr: str = "127.0.0.1",
    forwarded_for: str = "",
) -> Answer:
    """Post `body` as a switch does."""
    return desk.answer(
        method="POST",
        path=path,
        query=query,
        body=body,
        remote_addr=remote_addr,
        forwarded_for=forwarded_for,
        at=NOON,
    )


def verdict(body: bytes) -> str:
    """The decision of an answer: Permit, Deny or Indeterminate."""
    found = re.search(rb"<Decision>(\w+)</Decision>", body)
    assert found is not None, body
    return found.group(1).decode()


def instruction(body: bytes) -> str:
    """The call instruction of an answer, unescaped; empty where it has none."""
    found = re.search(rb"<AttributeValue[^>]*>(.*)</AttributeValue>", body)
    return unescape(found.group(1).decode()) if found else ""
