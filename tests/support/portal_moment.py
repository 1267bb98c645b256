"""One moment of the demo company, for the browser: ``python -m tests.support.portal_moment``.

Brings in live calls by the ordinary pipeline, and lets people do what the pages then
show: a request that waits, works that are done, a token, a second factor. All of it by
the operations that the pages themselves call. Runs in a process of its own, in the data
folder of `DATA_DIR`.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import django

if __name__ == "__main__":
    django.setup()

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from billingsite.demo.cluster import write_file
from billingsite.demo.company import OFFICES, person
from billingsite.demo.history import drop_folder
from billingsite.demo.traffic import LiveTraffic
from budgets.models import Budget
from budgets.operations.requests import ask
from cdr.columns import columns_named
from cdr.operations.calls_file import parameters_of, title_of
from cdr.operations.contact_files import start_contacts_preview
from cdr.operations.rate_files import DeckWishes
from cdr.operations.rate_jobs import start_rates_preview
from cdr.queries.call_filters import CallFilter
from cdr.queries.call_order import NEWEST_FIRST
from directory.models import User
from directory.operations.jobs import run_job, start_job
from directory.operations.people_files import start_people_preview
from directory.operations.tokens import make_token
from kernel import clock
from tests.support.portal import PEOPLE, TOTP_SECRET

FLAG = AuthenticatorData.FLAG
USED_BY_HAND = FLAG.UP | FLAG.UV | FLAG.AT
PEOPLE_FILE = """username,first_name,last_name,email,department
giulia.ferri,Giulia,Ferri-Conti,giulia.ferri@caldervoss.example,Operations/Fleet
lena.vogt,Lena,Vogt,lena.vogt@caldervoss.example,Sales/Italy
"""
CONTACTS_FILE = """name,number
Grandmother,+390815550142
Somebody,112
"""
DECK = """Destination;Prefix;Rate EUR/min;Connect Fee;Increment
Germany;49;0,0120;0;60/1
Germany Mobile;4915;0,0850;0,05;60/1
Nowhere;abc;0,1;0;60/1
"""


def calls_arrive(folder: Path, now: datetime) -> None:
    """Ten minutes of calls, two of whose records cannot be read."""
    traffic = LiveTraffic(
        folder,
        started=now - timedelta(minutes=10),
        permitted=lambda _: True,
        rng=Random(7),  # noqa: S311 - the same calls each time
    )
    written = traffic.step(now)
    header, *records = written[0].read_text().splitlines()
    for number, record in enumerate(records[-2:], 1):
        fields = record.split(",")
        fields[2] = "not-a-number"
        name = f"cdr_StandAlone_01_20260101000{number}_99999{number}"
        target = drop_folder(folder, OFFICES[0]) / name
        target.write_text("\n".join([header, records[0], ",".join(fields)]) + "\n")
    calls_are_missed(traffic, folder, now)


def calls_are_missed(traffic: LiveTraffic, folder: Path, now: datetime) -> None:
    """Three calls of today that nobody took; one of them was returned since."""
    called, office = person("giulia.ferri"), OFFICES[0]
    desk, began = traffic.desks[office.code], int(now.timestamp())
    missed = [("+390249990117", 540), ("+390815550142", 400), ("+390249990117", 300)]
    records = [
        record
        for number, seconds in missed
        for record in desk.incoming(
            number, called, start=began - seconds, ring=18, talk=0, second=False
        )
    ]
    returned = missed[1][0]
    records += desk.outgoing(called, returned, start=began - 200, ring=6, talk=95, second=False)
    write_file(drop_folder(folder, office), "cdr_StandAlone_01_202601010000_999990", records)


def people_do_things() -> None:
    """What the pages of requests, jobs, tokens and second factors need to be worth a look."""
    user, supervisor, administrator, secured = (
        User.objects.get(username=PEOPLE[role])
        for role in ("user", "supervisor", "administrator", "secured")
    )
    charlotte = User.objects.get(username="charlotte.ellis")
    ask(
        budget=Budget.objects.get(user=charlotte),
        user=charlotte,
        asked=15_000_000,
        reason="The fair in Lisbon: three days of calls to exhibitors.",
        at=clock.now(),
    )
    wanted = parameters_of(
        wanted=CallFilter(zone=ZoneInfo("Europe/Rome")),
        columns=columns_named(("type", "number", "date", "cost")),
        form="csv",
        order=NEWEST_FIRST,
        words=(),
    )
    asked_for = [
        start_job(kind="calls_file", owner=owner, title=title_of("csv", ()), parameters=wanted)
        for owner in (user, supervisor)
    ]
    asked_for.append(
        start_people_preview(
            owner=administrator, name="people.csv", chunks=[PEOPLE_FILE.encode()], is_done_here=True
        )
    )
    asked_for.append(
        start_contacts_preview(
            owner=user,
            name="friends.csv",
            chunks=[CONTACTS_FILE.encode()],
            book="mine",
            is_done_here=True,
        )
    )
    asked_for.append(
        start_rates_preview(
            owner=administrator,
            name="meridian.csv",
            chunks=[DECK.encode()],
            wishes=DeckWishes(carrier="Meridian Telecom IT", currency="EUR"),
            is_done_here=True,
        )
    )
    for job in asked_for:
        done = run_job(job.pk, clock=clock.now)
        assert done is not None
        assert done.state == "DONE", done.error
    make_token(user, name="monthly export", at=clock.now())
    TOTP.activate(secured, TOTP_SECRET)
    RecoveryCodes.activate(secured)
    WebAuthn.add(secured, "Blue key", a_security_key())


def a_security_key() -> dict[str, Any]:
    """What a browser sends of a new security key."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = ES256.from_cryptography_key(private.public_key())  # type: ignore[no-untyped-call]
    name = secrets.token_bytes(32)
    credential = AttestedCredentialData.create(bytes(16), name, public)
    data = AuthenticatorData.create(sha256(b"localhost").digest(), USED_BY_HAND, 0, credential)
    said = CollectedClientData.create("webauthn.create", bytes(32), "http://localhost")
    return {
        "id": websafe_encode(name),
        "rawId": websafe_encode(name),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": websafe_encode(said),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        },
    }


def main() -> None:
    calls_arrive(Path(os.environ["DATA_DIR"]), datetime.now(UTC))
    for _ in range(3):
        call_command("tick")
    people_do_things()
    call_command("tick")


if __name__ == "__main__":
    main()
