"""Builders for budgets: people, units, and calls stored as the Miner stores them.

A call here is a row, its share of the usage totals and a work row, all at once. What
a period should come to is counted again by `slow_spent`, call by call, with nothing
of the product's own sums in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F

from budgets.engine.terms import Terms
from budgets.engine.thresholds import Step
from budgets.models import Budget, BudgetException, BudgetPeriod, Measure, PeriodState
from budgets.operations.assignments import assign
from cdr.models import Call, Delivery, Source, UsageChange, UsageTotal
from directory.models import Line, LineHolding, Membership, OrgUnit, Site, User
from kernel.money import to_micros

NOON = datetime(2026, 11, 10, 11, tzinfo=UTC)
"""A Tuesday, noon in Rome."""

USUAL = (
    Step(50, ("user",)),
    Step(80, ("user", "manager")),
    Step(100, ("user", "manager", "administrator"), locks=True),
)
_numbers = count(1)


def money(amount: str, *steps: Step, **more: Any) -> Terms:
    """Terms of a monthly budget of `amount`; thresholds 50, 80, 100 with lock if none given."""
    return Terms(amount=to_micros(amount), steps=steps or USUAL, **more)


def minutes(amount: int, *steps: Step, **more: Any) -> Terms:
    """The same in minutes of talk."""
    return Terms(amount=amount * 60_000, steps=steps or USUAL, measure="MINUTES", **more)


@dataclass(slots=True)
class Firm:
    """A site in Milan with people in units, whose calls are stored one by one."""

    zone: str = "Europe/Rome"
    currency: str = "EUR"
    site: Site = field(init=False)
    source: Source = field(init=False)
    delivery: Delivery = field(init=False)

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.site = Site.objects.create(
            name=f"Milan {number}", country="IT", time_zone=self.zone, currency=self.currency
        )
        self.source = Source.objects.create(
            name=f"milan-{number}", site=self.site, driver="cucm", folder="drop"
        )
        self.delivery = Delivery.objects.create(
            claim=f"claim-{number}",
            source=self.source,
            name="file",
            content_hash="0",
            sequence="1",
            received_at=NOON,
        )

    def unit(self, path: str, *, kind: str = "DEPARTMENT") -> OrgUnit:
        """The unit of that path, with those above it."""
        above, _, name = path.rpartition("/")
        parent = self.unit(above, kind=kind) if above else None
        unit, _ = OrgUnit.objects.get_or_create(
            kind=kind,
            path=path,
            defaults={
                "name": name,
                "parent": parent,
                "site": self.site if kind == "OFFICE" else None,
            },
        )
        return unit

    def person(self, username: str, *, department: str = "", cost_centre: str = "") -> User:
        """A user with a line of his own at the site."""
        user = User.objects.create(username=username, email=f"{username}@example.org")
        line = Line.objects.create(site=self.site, partition="PT", extension=username)
        LineHolding.objects.create(line=line, user=user)
        if department or cost_centre:
            self.move(user, department=department, cost_centre=cost_centre)
        return user

    def move(
        self, user: User, *, department: str = "", cost_centre: str = "", at: datetime | None = None
    ) -> None:
        """Put a user into other units from `at` on; None = since ever."""
        if at is not None:
            Membership.objects.filter(user=user, valid_to__isnull=True).update(valid_to=at)
        Membership.objects.create(
            user=user,
            department=self.unit(department) if department else None,
            cost_centre=self.unit(cost_centre, kind="COST_CENTRE") if cost_centre else None,
            valid_from=at,
        )

    def call(
        self,
        user: User | None,
        charge: str | None = "1.00",
        *,
        at: datetime = NOON,
        seconds: int = 60,
        number_class: str = "national",
        currency: str = "",
        is_paid: bool = True,
    ) -> Call:
        """Store a call of `user`; a charge of None is a call that is not rated."""
        membership = _membership(user, at) if user else None
        number = next(_numbers)
        micros = None if charge is None else to_micros(charge)
        call = Call.objects.create(
            source=self.source,
            call_id=str(number),
            leg="1-2",
            delivery=self.delivery,
            position=number,
            sequence="1",
            content_hash="0",
            started_at=at,
            answered_at=at,
            ended_at=at + timedelta(seconds=seconds),
            local_date=at.astimezone(ZoneInfo(self.zone)).date(),
            local_hour=at.astimezone(ZoneInfo(self.zone)).hour,
            ring_ms=0,
            talk_ms=seconds * 1000,
            call_type="OA" if is_paid else "NA",
            site=self.site,
            user=user,
            department=membership.department if membership else None,
            cost_centre=membership.cost_centre if membership else None,
            office=membership.office if membership else None,
            number_class=number_class,
            is_paid=is_paid,
            status="UNRATED" if micros is None else "RATED",
            cost_micros=micros,
            charge_micros=micros,
            currency=currency or self.currency,
            facts="{}",
        )
        _add_to_totals(call, sign=1)
        return call

    def reprice(self, call: Call, charge: str) -> None:
        """Correct or re-rate a stored call: its totals move by the difference."""
        _add_to_totals(call, sign=-1)
        call.cost_micros = call.charge_micros = to_micros(charge)
        call.status = "RATED"
        call.save()
        _add_to_totals(call, sign=1)


def _membership(user: User, at: datetime) -> Membership | None:
    for each in user.memberships.order_by("-pk"):
        starts, ends = each.valid_from, each.valid_to
        if (starts is None or starts <= at) and (ends is None or at < ends):
            return each
    return None


def _add_to_totals(call: Call, *, sign: int) -> None:
    payer: dict[str, Any] = {
        "local_date": call.local_date,
        "user_key": call.user_id or 0,
        "department_key": call.department_id or 0,
        "cost_centre_key": call.cost_centre_id or 0,
        "office_key": call.office_id or 0,
    }
    total, _ = UsageTotal.objects.get_or_create(
        **payer,
        source_key=call.source_id,
        call_type=call.call_type,
        number_class=call.number_class,
        currency=call.currency,
    )
    is_answered = call.answered_at is not None and call.call_type != "IU"
    UsageTotal.objects.filter(pk=total.pk).update(
        calls=F("calls") + sign,
        talk_ms=F("talk_ms") + sign * call.talk_ms,
        answered_calls=F("answered_calls") + sign * is_answered,
        ring_ms=F("ring_ms") + sign * call.ring_ms * is_answered,
        paid_calls=F("paid_calls") + sign * call.is_paid,
        paid_talk_ms=F("paid_talk_ms") + sign * call.talk_ms * call.is_paid,
        unrated_calls=F("unrated_calls") + sign * (call.status == "UNRATED"),
        cost_micros=F("cost_micros") + sign * (call.cost_micros or 0),
        charge_micros=F("charge_micros") + sign * (call.charge_micros or 0),
    )
    UsageChange.objects.create(**payer)


def assigned(holder: User | OrgUnit, terms: Terms, *, at: datetime = NOON, **more: Any) -> Budget:
    """A budget of `holder`, assigned by the test."""
    return assign(holder=holder, terms=terms, at=at, by="test", **more)


def running(budget: Budget) -> BudgetPeriod:
    """The open period of a budget, fresh from the database."""
    return BudgetPeriod.objects.select_related("budget__user", "budget__unit").get(
        budget=budget, state=PeriodState.OPEN
    )


def kinds_of_events(budget: Budget) -> list[str]:
    """The history of a budget in the order it was written."""
    return list(budget.events.order_by("pk").values_list("kind", flat=True))


def all_calls() -> list[Call]:
    """Every stored call with the units of its day."""
    return list(Call.objects.select_related("department", "cost_centre", "office"))


def slow_spent(period: BudgetPeriod, calls: list[Call] | None = None) -> int:
    """What the period should have spent, counted call by call in Python."""
    budget = period.budget
    left_out = {
        row.user_id
        for row in BudgetException.objects.filter(budget=budget)
        if row.since <= period.starts_on and (row.until is None or row.until > period.starts_on)
    }
    counted = 0
    for call in all_calls() if calls is None else calls:
        if not period.starts_on <= call.local_date < period.ends_before:
            continue
        if call.number_class == "emergency":
            continue
        if budget.number_classes and call.number_class not in budget.number_classes:
            continue
        if budget.user_id is not None:
            if call.user_id != budget.user_id:
                continue
        elif not _is_in(call, budget) or call.user_id in left_out:
            continue
        if budget.measure == Measure.MINUTES:
            counted += call.talk_ms if call.is_paid else 0
        elif call.currency == budget.currency:
            counted += call.charge_micros or 0
    return counted


def _is_in(call: Call, budget: Budget) -> bool:
    unit = budget.unit
    assert unit is not None
    own = {"DEPARTMENT": call.department, "COST_CENTRE": call.cost_centre, "OFFICE": call.office}
    found = own[unit.kind]
    return found is not None and (found.path == unit.path or found.path.startswith(unit.path + "/"))


def day(text: str) -> date:
    return date.fromisoformat(text)
