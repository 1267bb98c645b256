"""Builders for the Miner's tests: a site with a gateway and a price list, and standard files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from cdr.models import Carrier, Gateway, GatewayCarrier, Source
from cdr.operations.miner import MinerReport, mine_waiting, spool
from cdr.operations.tariffs import add_version
from directory.models import Line, LineHolding, Membership, OrgUnit, Site, User

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def flat_tariff(
    *,
    name: str = "Flat",
    price: str = "0.10",
    currency: str = "GBP",
    prefixes: tuple[str, ...] = ("44",),
) -> dict[str, Any]:
    """A tariff document: one price a minute, billed by the second, for some prefixes."""
    return {
        "name": name,
        "currency": currency,
        "timezone": "Europe/London",
        "holidays": None,
        "rounding": {"mode": "half_up", "decimals": 4},
        "band_rule": "answer",
        "destinations": [
            {
                "prefix": prefix,
                "area": "Somewhere",
                "class": "national",
                "bands": [
                    {
                        "connect_fee": "0.05",
                        "steps": [
                            {
                                "from_second": 0,
                                "price": price,
                                "per_seconds": 60,
                                "increment_seconds": 1,
                            }
                        ],
                    }
                ],
            }
            for prefix in prefixes
        ],
    }


@dataclass(slots=True)
class Company:
    """A site in London with one trunk, and people on its lines."""

    site: Site
    source: Source
    gateway: Gateway
    carrier: Carrier

    def person(self, username: str, extension: str, *, department: str = "Sales") -> User:
        """A user who has always held `extension` in partition PT and been in `department`."""
        user = User.objects.create(username=username)
        unit, _ = OrgUnit.objects.get_or_create(
            kind="DEPARTMENT", path=department, defaults={"name": department}
        )
        Membership.objects.create(user=user, department=unit)
        line, _ = Line.objects.get_or_create(site=self.site, partition="PT", extension=extension)
        LineHolding.objects.create(line=line, user=user)
        return user


def company(*, tariff: dict[str, Any] | None = None, name: str = "London") -> Company:
    """Make the company; its carrier charges 0.05 and 0.10 a minute by the second."""
    site = Site.objects.create(
        name=name,
        country="GB",
        time_zone="Europe/London",
        currency="GBP",
        exit_code="9",
        international_prefix="00",
        national_prefix="0",
        area_code="20",
        extension_patterns=["2XX"],
    )
    source = Source.objects.create(
        name=name.lower(), site=site, driver="cucm", folder=f"drop/{name}"
    )
    document = tariff or flat_tariff(name=f"Flat {name}")
    version = add_version(
        name=document["name"], document=document, origin="test", by="test", at=NOON
    )
    carrier = Carrier.objects.create(name=f"Acme {name}", tariff=version.tariff)
    gateway = Gateway.objects.create(site=site, device="TRUNK")
    GatewayCarrier.objects.create(gateway=gateway, carrier=carrier)
    return Company(site, source, gateway, carrier)


def outgoing(
    call_id: str,
    *,
    extension: str = "201",
    number: str = "902079460123",
    talk: int = 60,
    **more: Any,
) -> dict[str, Any]:
    """A standard record of an outgoing call that starts at NOON plus `off` seconds."""
    start = NOON + timedelta(seconds=more.pop("off", 0))
    answer = start + timedelta(seconds=10)
    return {
        "call_id": call_id,
        "leg": more.pop("leg", f"{call_id}a-{call_id}b"),
        "started_at": start.isoformat(),
        "answered_at": answer.isoformat() if talk else None,
        "ended_at": (answer + timedelta(seconds=talk)).isoformat(),
        "from_number": extension,
        "from_partition": "PT",
        "from_kind": "line",
        "from_leg": f"{call_id}a",
        "to_number": number,
        "to_device": "TRUNK",
        "to_kind": "trunk",
        "to_leg": f"{call_id}b",
        "exit_digits": "9",
        **more,
    }


def drop(records: list[dict[str, Any]], *, source: str = "london", sequence: str = "1") -> Path:
    """Write a standard file with a header into the spool."""
    claim = uuid4().hex
    header = {
        "format": "tollgate-calls/1",
        "source": source,
        "claim": claim,
        "file": f"file-{sequence}",
        "content_hash": claim,
        "sequence": sequence,
        "received_at": NOON.isoformat(),
    }
    lines = [header, *({"record": "segment", "position": i, **r} for i, r in enumerate(records, 1))]
    path = spool("ready") / f"{source}__{claim}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def mine(
    *records: dict[str, Any], now: datetime = NOON + timedelta(days=1), **more: Any
) -> MinerReport:
    """Drop the records as one file and mine all that waits."""
    drop(list(records), **more)
    return mine_waiting(now=now)
