"""What an assignment would do, before it is done: whom it touches, and who is over at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from budgets.engine.terms import Terms
from budgets.engine.thresholds import Mood, Step, mood, percent_hundredths, reach
from budgets.models import Budget, Measure
from budgets.queries.homes import homes_of
from budgets.queries.members import UnitTree, memberships_in
from budgets.queries.sums import NOTHING, Span, Watched, sums, sums_by_user
from directory.models import OrgUnit, User
from directory.queries.homes import budget_home
from directory.queries.units import UNIT_FIELDS
from kernel.periods import Period, period_at

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Touched:
    """One budget that would be made, and where it would stand at once."""

    budget_for: str
    spent: int
    effective: int
    currency: str
    percent_hundredths: int
    mood: Mood
    locks: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What the assignment comes to. `period` is the running one, in the holder's zone.

    `people` are counted or given a budget; `keep` have one of this kind of their own
    and keep it; `is_there` = the holder himself has one, so nothing can be assigned.
    """

    people: int
    budgets: int
    keep: int
    over: int
    warned: int
    locked: int
    period: Period
    zone: str
    currency: str
    listed: Sequence[Touched]
    is_there: bool
    replaces_member_budget: bool


@dataclass(frozen=True, slots=True)
class _Reached:
    """Whom an assignment reaches, and the budgets that it would make."""

    people: int
    touched: Sequence[Touched]
    keep: int = 0
    is_there: bool = False
    replaces: bool = False


def preview(
    *, holder: User | OrgUnit, terms: Terms, for_each_member: bool, at: datetime
) -> Preview:
    """Look at an assignment without making it."""
    zone, currency, _language = budget_home(holder, at=at)
    if terms.measure == Measure.MINUTES:
        currency = ""
    if isinstance(holder, User):
        reached = _reached_person(holder, terms, at=at)
    elif for_each_member:
        reached = _reached_members(holder, terms, at=at)
    else:
        reached = _reached_unit(holder, terms, zone, currency, at=at)
    ordered = sorted(reached.touched, key=lambda each: -each.percent_hundredths)
    locked = sum(each.locks for each in ordered)
    is_shared = isinstance(holder, OrgUnit) and not for_each_member
    return Preview(
        people=reached.people,
        budgets=len(reached.touched),
        keep=reached.keep,
        over=sum(each.mood == "over" for each in ordered),
        warned=sum(each.mood == "warning" for each in ordered),
        locked=reached.people if locked and is_shared else locked,
        period=_period(terms, zone, at=at),
        zone=zone,
        currency=currency,
        listed=[each for each in ordered if each.mood != "ok"][:MOST_LISTED],
        is_there=reached.is_there,
        replaces_member_budget=reached.replaces,
    )


def _reached_person(person: User, terms: Terms, *, at: datetime) -> _Reached:
    present = _of_this_kind(terms).filter(user=person).first()
    return _Reached(
        people=1,
        touched=_of_users([person], terms, at=at),
        is_there=present is not None and present.template_id is None,
        replaces=present is not None and present.template_id is not None,
    )


def _reached_members(unit: OrgUnit, terms: Terms, *, at: datetime) -> _Reached:
    """One budget for each member; whoever has one of this kind keeps it."""
    members = _members(unit, UnitTree().below(unit.pk), at=at)
    same_kind = _of_this_kind(terms)
    have = set(same_kind.filter(user__in=members.values("pk")).values_list("user_id", flat=True))
    users = list(members)
    return _Reached(
        people=len(users),
        touched=_of_users([user for user in users if user.pk not in have], terms, at=at),
        keep=len(have),
        is_there=same_kind.filter(unit=unit, for_each_member=True).exists(),
    )


def _reached_unit(
    unit: OrgUnit, terms: Terms, zone: str, currency: str, *, at: datetime
) -> _Reached:
    """One budget that all members share."""
    below = UnitTree().below(unit.pk)
    return _Reached(
        people=_members(unit, below, at=at).count(),
        touched=[_of_unit(unit, below, terms, zone, currency, at=at)],
        is_there=_of_this_kind(terms).filter(unit=unit, for_each_member=False).exists(),
    )


def _members(unit: OrgUnit, below: frozenset[int], *, at: datetime) -> QuerySet[User]:
    members = memberships_in(kind=unit.kind, unit_ids=below, at=at)
    people = User.objects.filter(pk__in=members.values("user_id"))
    return people.order_by("last_name", "username")


def _of_this_kind(terms: Terms) -> QuerySet[Budget]:
    """Budgets in force that measure the same, of the same classes."""
    return Budget.objects.filter(
        deleted_at__isnull=True, measure=terms.measure, classes_key=_classes_key(terms)
    )


def _classes_key(terms: Terms) -> str:
    return ",".join(sorted(terms.number_classes))


def _period(terms: Terms, zone: str, *, at: datetime) -> Period:
    return period_at(at, kind=terms.period, zone=ZoneInfo(zone), starts_on=terms.starts_on)


def _span(terms: Terms, zone: str, currency: str, *, at: datetime) -> Span:
    period = _period(terms, zone, at=at)
    counts_talk = terms.measure == Measure.MINUTES
    return Span(
        period.starts_on,
        period.ends_before,
        counts_talk,
        "" if counts_talk else currency,
        _classes_key(terms),
    )


def _of_users(users: Sequence[User], terms: Terms, *, at: datetime) -> list[Touched]:
    homes = homes_of([user.pk for user in users], at=at)
    by_span: dict[tuple[Span, str], list[User]] = defaultdict(list)
    for user in users:
        zone, currency, _language = homes[user.pk]
        by_span[_span(terms, zone, currency, at=at), currency].append(user)
    found: list[Touched] = []
    for (span, currency), together in by_span.items():
        spent = sums_by_user(span, [user.pk for user in together])
        found += [
            _touched(str(user), spent.get(user.pk, NOTHING).amount, terms, currency)
            for user in together
        ]
    return found


def _of_unit(
    unit: OrgUnit,
    below: frozenset[int],
    terms: Terms,
    zone: str,
    currency: str,
    *,
    at: datetime,
) -> Touched:
    span = _span(terms, zone, currency, at=at)
    watched = Watched(0, span, unit_field=UNIT_FIELDS[unit.kind], unit_ids=below)
    return _touched(str(unit), sums([watched])[0].amount, terms, currency)


def _touched(name: str, spent: int, terms: Terms, currency: str) -> Touched:
    return Touched(
        budget_for=name,
        spent=spent,
        effective=terms.amount,
        currency="" if terms.measure == Measure.MINUTES else currency,
        percent_hundredths=percent_hundredths(spent=spent, effective=terms.amount),
        mood=mood(spent=spent, effective=terms.amount, steps=terms.steps),
        locks=_locks(terms.steps, spent=spent, effective=terms.amount),
    )


def _locks(steps: Sequence[Step], *, spent: int, effective: int) -> bool:
    bounds = (
        reach(percent=step.percent, locks=True, effective=effective) for step in steps if step.locks
    )
    return any(least is not None and spent >= least for least in bounds)
