"""Budgets for each member of a unit: made when people join, locked when their unit is.

Who is a member changes with the clock (memberships have dates) and with rows. Both
are looked at once a minute, and at once when there are new membership rows; what
is to be looked at is asked for by index, whatever the size of the company.

Lock order: `Budget` rows by id, then everything that hangs on them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from budgets.models import Budget, BudgetException, BudgetPeriod, Measure
from budgets.operations.findings import Findings
from budgets.operations.looking import lock_budgets, look
from budgets.operations.opening import open_first_periods
from budgets.operations.wishes import follow
from budgets.queries.homes import homes_of
from budgets.queries.members import UnitTree, memberships_in
from directory.models import Membership

LOOK_EVERY: Final = timedelta(seconds=60)
MEMBERS_A_TRANSACTION: Final = 1000
MOST_BUDGETS_A_RUN: Final = 200


@dataclass(frozen=True, slots=True)
class MembersReport:
    """Member budgets made and lock wishes made or lifted by people coming and going."""

    joined: int = 0
    wished: int = 0
    lifted: int = 0


def templates_to_follow(*, now: datetime) -> QuerySet[Budget]:
    """Budgets for each member of a unit, whose members are to be looked at."""
    return _stale(now).filter(for_each_member=True)


def locked_units_to_follow(*, now: datetime) -> QuerySet[BudgetPeriod]:
    """Periods that lock a unit, whose members are to be looked at."""
    locking = BudgetPeriod.objects.filter(is_locking=True, budget__unit__isnull=False)
    return locking.filter(budget__in=_stale(now))


def _stale(now: datetime) -> QuerySet[Budget]:
    newest = Membership.objects.order_by("-pk").values("pk")[:1]
    stale = (
        ~Q(members_seen_id=Coalesce(Subquery(newest), 0))
        | Q(members_seen_at__isnull=True)
        | Q(members_seen_at__lte=now - LOOK_EVERY)
        | Q(members_seen_at__gt=now)
    )
    return Budget.objects.filter(stale, deleted_at__isnull=True)


def follow_members(*, now: datetime) -> MembersReport:
    """Give new members of units their budgets and locks, and free those who left."""
    newest = Membership.objects.aggregate(newest=Max("pk"))["newest"] or 0
    templates = templates_to_follow(now=now).order_by("pk")
    joined = 0
    for template_id in list(templates.values_list("pk", flat=True)[:MOST_BUDGETS_A_RUN]):
        joined += _follow_template(template_id, newest=newest, now=now)
    wished = lifted = 0
    of_units = locked_units_to_follow(now=now).order_by("budget_id")
    for budget_id in list(of_units.values_list("budget_id", flat=True)[:MOST_BUDGETS_A_RUN]):
        made, freed = _follow_locked_unit(budget_id, newest=newest, now=now)
        wished += made
        lifted += freed
    return MembersReport(joined, wished, lifted)


def _follow_template(template_id: int, *, newest: int, now: datetime) -> int:
    with transaction.atomic():
        template = lock_budgets([template_id]).get(template_id)
        if template is None or template.deleted_at is not None:
            return 0
        made, is_complete = make_member_budgets(template, at=now)
        if is_complete:
            _mark_seen(template_id, newest=newest, now=now)
    return made


def _follow_locked_unit(budget_id: int, *, newest: int, now: datetime) -> tuple[int, int]:
    with transaction.atomic():
        budgets = lock_budgets([budget_id])
        findings = Findings(at=now)
        periods = list(BudgetPeriod.objects.filter(budget_id__in=budgets, is_locking=True))
        for period in periods:
            period.budget = budgets[budget_id]
        follow(periods, findings, because="left")
        findings.write()
        _mark_seen(budget_id, newest=newest, now=now)
    return len(findings.wishes), findings.lifted_count


def _mark_seen(budget_id: int, *, newest: int, now: datetime) -> None:
    Budget.objects.filter(pk=budget_id).update(members_seen_id=newest, members_seen_at=now)


def make_member_budgets(template: Budget, *, at: datetime, by: str = "") -> tuple[int, bool]:
    """Make the budgets of members who have none of this kind, and look at them.

    Excepted members get none, nor do those who have one of their own. Returns how
    many were made, and whether that is all. Call it in a transaction, the template
    locked, its thresholds written.
    """
    made = 0
    for _ in range(MOST_BUDGETS_A_RUN):
        user_ids = _without_budget(template, at=at)
        if user_ids:
            try:
                with transaction.atomic():
                    _make(template, user_ids, at=at, by=by)
            except IntegrityError:  # some have just got theirs from elsewhere: look again
                continue
            made += len(user_ids)
        if len(user_ids) < MEMBERS_A_TRANSACTION:
            return made, True
    return made, False


def _without_budget(template: Budget, *, at: datetime) -> list[int]:
    unit = template.unit
    if unit is None:
        return []
    own = Budget.objects.filter(
        user=OuterRef("user"),
        deleted_at__isnull=True,
        measure=template.measure,
        classes_key=template.classes_key,
    )
    excepted = BudgetException.objects.filter(
        budget=template, user=OuterRef("user"), until__isnull=True
    )
    inside = memberships_in(kind=unit.kind, unit_ids=UnitTree().below(unit.pk), at=at)
    wanting = inside.filter(~Exists(own), ~Exists(excepted)).order_by("user_id")
    return list(wanting.values_list("user_id", flat=True).distinct()[:MEMBERS_A_TRANSACTION])


def _make(template: Budget, user_ids: Collection[int], *, at: datetime, by: str) -> None:
    homes = homes_of(user_ids, at=at)
    is_money = template.measure == Measure.MONEY
    budgets = Budget.objects.bulk_create(
        Budget(
            user_id=user_id,
            template=template,
            measure=template.measure,
            amount=template.amount,
            currency=homes[user_id].currency if is_money else "",
            time_zone=homes[user_id].zone,
            period=template.period,
            starts_on=template.starts_on,
            number_classes=template.number_classes,
            classes_key=template.classes_key,
            carry_over=template.carry_over,
            carry_cap=template.carry_cap,
            carry_debt=template.carry_debt,
            extra_recipient=template.extra_recipient,
            assigned_at=at,
        )
        for user_id in user_ids
    )
    periods = open_first_periods(budgets, at=at)
    findings = Findings(at=at, by=by)
    for period in periods:
        findings.assigned(period)
    findings.write()
    look({each.budget_id: [each.pk] for each in periods}, now=at, by=by, leaves_unseen=True)
