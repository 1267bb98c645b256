"""A small company with everything a page can show, written straight into the tables.

Roles and scopes: anna and ben call in Sales, cleo supervises Sales, dora Support,
eve audits, frank administers, gus has no line. What lies where:
`own` is anna's, `foreign` belongs to Support, where only dora, eve and frank look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from alarms.models import MailState, OutboxMessage
from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetPeriod,
    BudgetRequest,
    EventKind,
    Measure,
    Threshold,
)
from cdr.engine.records import Party, Segment
from cdr.engine.standard import canonical
from cdr.models import (
    Call,
    CallStatus,
    CallType,
    Delivery,
    DeliveryState,
    Heartbeat,
    Outcome,
    OutcomeKind,
    QuarantinedRecord,
    Source,
    UsageTotal,
)
from directory.models import (
    CompanyContact,
    Contact,
    Job,
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    User,
)
from kernel.periods import period_at
from phonelock.models import LineLock

HOSTILE = '"><svg onload=alert(1)>{{7*7}}<script>alert(2)</script>'
FILE_KINDS = {
    "people_file": "people_preview",
    "rate_file": "rates_preview",
    "contact_file": "contacts_preview",
}
PASSWORD = "correct-horse-battery"  # noqa: S105 - of a test


@dataclass(slots=True)
class PagesWorld:
    """The rows of the company by name."""

    now: datetime
    site: Site
    source: Source
    sales: OrgUnit
    support: OrgUnit
    people: dict[str, User]
    lines: dict[str, Line]
    calls: dict[str, Call] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    files: dict[tuple[str, str], Job] = field(default_factory=dict)
    mail: OutboxMessage | None = None
    quarantined: QuarantinedRecord | None = None
    _delivery: Delivery | None = None
    _taken: int = 0

    def _earlier_today(self) -> timedelta:
        """An hour; just after the site's midnight half of what the day has had so far."""
        local = self.now.astimezone(ZoneInfo(self.site.time_zone))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return min(timedelta(hours=1), (self.now - midnight) / 2)

    def call(self, who: str | None, number: str, call_type: str, **more: Any) -> Call:
        """A stored call of `who`, `ago` before now (default: one hour, or less to be today)."""
        user = self.people[who] if who else None
        line = self.lines.get(who or "")
        membership = user.memberships.first() if user else None
        started = self.now - more.pop("ago", self._earlier_today())
        local = started.astimezone(ZoneInfo(self.site.time_zone))
        talk = more.pop("talk", 60_000 if call_type[1] != "U" else 0)
        ring = more.pop("ring", 7_000)
        charge = more.pop("charge", 0)
        self._taken += 1
        answered = started + timedelta(milliseconds=ring) if call_type[1] != "U" else None
        values: dict[str, Any] = {
            "source": self.source,
            "call_id": f"1-{self._taken}",
            "leg": "1-2",
            "delivery": self.delivery,
            "position": self._taken,
            "sequence": "1",
            "content_hash": uuid4().hex,
            "started_at": started,
            "answered_at": answered,
            "ended_at": started + timedelta(milliseconds=ring + talk),
            "local_date": local.date(),
            "local_hour": local.hour,
            "ring_ms": ring,
            "talk_ms": talk,
            "call_type": call_type,
            "site": self.site,
            "partition": line.partition if line else "",
            "extension": line.extension if line else "299",
            "line": line,
            "user": user,
            "department": membership.department if membership else None,
            "number": number,
            "number_is_internal": call_type in ("NA", "NU"),
            "number_class": "internal" if call_type in ("NA", "NU") else "national",
            "area": "Milan",
            "gateway_name": "GW-MILAN",
            "is_paid": call_type == "OA",
            "status": CallStatus.RATED if charge is not None else CallStatus.UNRATED,
            "unrated_reason": "" if charge is not None else "no_prefix",
            "cost_micros": charge,
            "charge_micros": charge,
            "currency": "EUR",
            "facts": canonical(
                Segment(
                    call_id=f"1-{self._taken}",
                    leg="1-2",
                    started_at=started,
                    answered_at=answered,
                    ended_at=started + timedelta(milliseconds=ring + talk),
                    origin=Party(line.extension if line else "299", kind="line", leg="1"),
                    target=Party(number, device="GW-MILAN", leg="2"),
                )
            ),
        }
        values.update(more)
        return Call.objects.create(**values)

    @property
    def delivery(self) -> Delivery:
        if self._delivery is None:
            self._delivery = Delivery.objects.create(
                claim=uuid4().hex,
                source=self.source,
                name="cdr_one.txt",
                content_hash="0" * 64,
                sequence="1",
                state=DeliveryState.MINED,
                received_at=self.now,
            )
        return self._delivery

    def budget(
        self, *, who: str | None = None, unit: OrgUnit | None = None, spent: int = 0, **more: Any
    ) -> Budget:
        """A monthly budget of 10.00 EUR with a running period, `spent` micro-units of it."""
        user = self.people[who] if who else None
        budget = Budget.objects.create(
            user=user,
            unit=unit,
            measure=more.pop("measure", Measure.MONEY),
            amount=more.pop("amount", 10_000_000),
            currency="EUR",
            time_zone="Europe/Rome",
            assigned_at=self.now,
            **more,
        )
        period = period_at(self.now, kind="month", zone=budget.zone)
        row = BudgetPeriod.objects.create(
            budget=budget,
            starts_on=period.starts_on,
            ends_before=period.ends_before,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            base=budget.amount,
        )
        for percent in (50, 80, 100):
            Threshold.objects.create(budget=budget, percent=percent, notify=["user"])
        UsageTotal.objects.create(
            local_date=period.starts_on,
            user_key=user.pk if user else 0,
            department_key=unit.pk if unit else 0,
            call_type=CallType.OUTGOING_ANSWERED,
            number_class="national",
            currency="EUR",
            charge_micros=spent,
            cost_micros=spent,
        )
        BudgetEvent.objects.create(
            budget=budget,
            period=row,
            kind=EventKind.THRESHOLD,
            details={
                "measure": budget.measure,
                "currency": "EUR",
                "percent": 80,
                "spent": spent,
                "effective": budget.amount,
            },
            made_at=self.now,
        )
        return budget


def pages_world(now: datetime, *, name: str = "") -> PagesWorld:
    """Build the company. `name` is put into every text that somebody may choose."""
    site = Site.objects.create(
        name=f"Milan{name}"[:100], country="IT", time_zone="Europe/Rome", currency="EUR"
    )
    sales = OrgUnit.objects.create(kind="DEPARTMENT", name="Sales", path=f"Sales{name}")
    support = OrgUnit.objects.create(kind="DEPARTMENT", name="Support", path=f"Support{name}")
    source = Source.objects.create(name=f"milan{name}"[:64], site=site, driver="cucm")
    roles = {
        "anna": (Role.USER, sales),
        "ben": (Role.USER, sales),
        "cleo": (Role.SUPERVISOR, sales),
        "dora": (Role.SUPERVISOR, support),
        "eve": (Role.AUDITOR, support),
        "frank": (Role.ADMIN, support),
        "gus": (Role.USER, sales),
    }
    people: dict[str, User] = {}
    lines: dict[str, Line] = {}
    for number, (username, (role, unit)) in enumerate(roles.items(), 201):
        user = User.objects.create_user(
            username=username,
            password=PASSWORD,
            first_name=username.title(),
            last_name=f"Rossi{name}"[:150],
            email=f"{username}@example.com",
            role=role,
        )
        Membership.objects.create(user=user, department=unit)
        people[username] = user
        if username != "gus":
            lines[username] = Line.objects.create(
                site=site, partition=f"PT{name}"[:100], extension=str(number)
            )
            LineHolding.objects.create(line=lines[username], user=user)
    Supervision.objects.create(user=people["cleo"], unit=sales)
    Supervision.objects.create(user=people["dora"], unit=support)
    world = PagesWorld(now, site, source, sales, support, people, lines)
    _fill(world, name)
    return world


def _fill(world: PagesWorld, name: str) -> None:
    gateway = {"gateway_name": f"GW-MILAN{name}"[:129]}
    world.calls = {
        "own": world.call("anna", "+390266771234", "OA", charge=1_250_000, **gateway),
        "in_scope": world.call("ben", "+390266779876", "IA", **gateway),
        "foreign": world.call("dora", "+4930123456789", "OA", charge=None, **gateway),
    }
    for call_type in ("IU", "OU", "NA", "NU", "TD", "TI", "TO", "FO"):
        world.call("anna", "202" if call_type[0] == "N" else "+390299990000", call_type, **gateway)
    world.call("anna", "", "IA", **gateway)
    world.budgets = {
        "own": world.budget(who="anna", spent=8_500_000),
        "in_scope": world.budget(unit=world.sales, spent=12_000_000),
        "foreign": world.budget(unit=world.support, amount=7_200_000, measure=Measure.MINUTES),
    }
    world.jobs = {
        target: Job.objects.create(
            kind="calls_file",
            owner=world.people[who],
            title=f"Calls of November{name}"[:200],
            words=f"3 calls{name}",
            error=f"no disk{name}",
            state="FAILED",
            asked_at=world.now,
            finished_at=world.now,
        )
        for target, who in {"own": "anna", "in_scope": "ben", "foreign": "dora"}.items()
    }
    for target, who in (("own", "anna"), ("in_scope", "anna"), ("foreign", "dora")):
        BudgetRequest.objects.create(
            budget=world.budgets[target],
            user=world.people[who],
            reason=f"a fair in Milan{name}"[:500],
            asked_at=world.now,
        )
    world.contacts = {
        "own": Contact.objects.create(
            owner=world.people["anna"],
            number="+390266771999",
            name=f"Acme{name}"[:120],
            number_masked=True,
        ),
        "in_scope": CompanyContact.objects.create(number="+390255551000", name=f"Co{name}"[:120]),
        "foreign": Contact.objects.create(
            owner=world.people["dora"], number="+390255552000", name=f"Berlin{name}"[:120]
        ),
    }
    # Files that were looked at: frank's own, and other people's, which nobody else finds.
    world.files = {
        (kind, target): Job.objects.create(
            kind=FILE_KINDS[kind],
            owner=world.people[who],
            title=f"Look at it{name}"[:200],
            parameters={"name": f"file{name}"},
            state="DONE",
            finished_at=world.now,
        )
        for kind in FILE_KINDS
        for target, who in {"own": "frank", "in_scope": "ben", "foreign": "eve"}.items()
    }
    LineLock.objects.create(
        line=world.lines["anna"],
        admin_since=world.now,
        admin_by=f"frank{name}"[:150],
        admin_reason=f"lost phone{name}"[:255],
        wanted="LOCKED",
        wanted_flag="ADMIN",
        version=1,
        last_error=f"no answer{name}"[:255],
    )
    world.mail = OutboxMessage.objects.create(
        dedupe_key=uuid4().hex,
        kind="threshold",
        recipient="anna@example.com",
        user=world.people["anna"],
        language="en",
        subject=f"80 % of your budget{name}"[:250],
        text_body=f"You have used 80 %.{name}",
        html_body="<p style='color:red'>You have used <b>80 %</b>.</p>",
        state=MailState.PENDING,
        next_attempt_at=world.now,
        message_id=f"<{uuid4().hex}@example.com>",
        created_at=world.now,
        expires_at=world.now + timedelta(days=1),
        last_error=f"450 busy{name}"[:500],
    )
    Outcome.objects.create(
        delivery=world.delivery,
        position=900,
        kind=OutcomeKind.QUARANTINED,
        reason="implausible",
        content_hash=uuid4().hex,
    )
    world.quarantined = QuarantinedRecord.objects.create(
        delivery=world.delivery,
        position=900,
        reason="implausible",
        detail=f"ends before it starts{name}",
        raw=f"1,2,3{name}",
        set_aside_at=world.now,
    )
    Heartbeat.objects.create(name="pipeline", beaten_at=world.now, note=f"all well{name}"[:500])
