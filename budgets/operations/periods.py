"""Periods end, exactly once each and in order, however late somebody looks.

Ending (domain reference 8.6): a last look at the thresholds, the next period with
what is carried, this budget's locks released, `end_period` with its figures and
notice. The period is then *closing* for an hour, in which late calls still count as
usual and the carried amount follows, and *closed* after that. The clock only ever
decides what is due; nothing ends that is not open, so a clock set back does nothing.

Lock order: `Budget` rows by id, then everything that hangs on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from budgets.engine.carry import carried_on
from budgets.engine.thresholds import judge
from budgets.models import Budget, BudgetPeriod, EventKind, PeriodState
from budgets.operations.findings import Findings, figures_of
from budgets.operations.looking import MOVING, apply_verdict, lock_budgets, look, tell_carry
from budgets.operations.opening import period_following
from budgets.operations.wishes import lift_all
from budgets.queries.members import UnitTree, memberships_in
from budgets.queries.rules import carry_rule, latches_of, steps_of
from budgets.queries.sums import Sum, sums, watched_of
from kernel.crashpoints import crashpoint

CLOSING_TIME: Final = timedelta(minutes=60)
PERIODS_A_TRANSACTION: Final = 200
MOST_A_RUN: Final = 5_000
PERIOD_END: Final = "period_end"
LEFT: Final = "left"
ENDING: Final = (*MOVING, "state", "closes_at", "hands_on", "counted_units")


@dataclass(frozen=True, slots=True)
class EndReport:
    """How many periods were ended and closed; `is_complete` = nothing due is left."""

    ended: int = 0
    closed: int = 0
    is_complete: bool = True


def end_due_periods(*, now: datetime) -> EndReport:
    """End every open period whose time is over at `now`, close those that were closing.

    After downtime the periods of a budget are ended one after the other, each with
    its own figures and event. Safe to run twice at once, and to kill anywhere. Where
    nothing is due, that is one query.
    """
    over, closing = _over(now), _to_close(now)
    if not over.union(closing, all=True).exists():
        return EndReport()
    ended = closed = 0
    is_complete = True
    while over.exists():
        if ended >= MOST_A_RUN:
            is_complete = False
            break
        with transaction.atomic():
            count = _end_some(now)
            crashpoint("budgets.before_commit")
        crashpoint("budgets.period_ended")
        if not count:
            is_complete = False  # somebody else is at the rest
            break
        ended += count
    while closing.exists():
        if closed >= MOST_A_RUN:
            is_complete = False
            break
        with transaction.atomic():
            count = _close_some(now)
        if not count:
            is_complete = False
            break
        closed += count
    return EndReport(ended, closed, is_complete)


def _over(now: datetime) -> QuerySet[BudgetPeriod]:
    """Open periods whose time is over."""
    return BudgetPeriod.objects.filter(state=PeriodState.OPEN, ends_at__lte=now)


def _to_close(now: datetime) -> QuerySet[BudgetPeriod]:
    """Closing periods whose hour is over."""
    return BudgetPeriod.objects.filter(state=PeriodState.CLOSING, closes_at__lte=now)


def _due(now: datetime) -> list[BudgetPeriod]:
    """Some periods that are due, of budgets that are now ours; one a budget."""
    rows = _over(now)
    first = rows.order_by("ends_at", "budget_id").values_list("budget_id", flat=True)
    budgets = lock_budgets(list(first[:PERIODS_A_TRANSACTION]), skip_locked=True)
    return _with_budgets(rows.filter(budget_id__in=budgets).order_by("budget_id"), budgets)


def _with_budgets(
    periods: Iterable[BudgetPeriod], budgets: Mapping[int, Budget]
) -> list[BudgetPeriod]:
    found = list(periods)
    for period in found:
        period.budget = budgets[period.budget_id]
    return found


def _end_some(now: datetime) -> int:
    """End some due periods. Call it inside a transaction; returns how many."""
    periods = _due(now)
    if not periods:
        return 0
    findings = Findings(at=now)
    budgets = {each.budget_id: each.budget for each in periods}
    steps = steps_of(budgets.values())
    latches = latches_of(each.pk for each in periods)
    tree = UnitTree()
    watched = {each.period_id: each for each in watched_of(periods, tree)}
    found = sums(watched.values())
    gone = _leavers(periods, tree)
    following: list[BudgetPeriod] = []
    for period in periods:
        spent = found[period.pk]
        verdict = judge(
            spent=spent.amount,
            effective=period.effective,
            steps=steps[period.budget_id],
            latches=latches[period.pk],
        )
        apply_verdict(period, verdict, findings, spent=spent.amount)
        _settle(period, spent, now=now)
        if period.budget.unit_id is not None:
            period.counted_units = sorted(watched[period.pk].unit_ids)
        findings.moved(period, ENDING)
        handed_on = _handed_on(period)
        _tell_end(period, findings, handed_on=handed_on)
        if period.budget_id in gone:
            findings.event(EventKind.DELETED, period.budget, details={"because": LEFT})
        else:
            following.append(period_following(period, steps=steps, carried=handed_on))
    lift_all([each.pk for each in periods], findings, because=PERIOD_END)
    findings.write()
    Budget.objects.filter(pk__in=gone).update(deleted_at=now)
    _open_following(following, now=now)
    return len(periods)


def _settle(period: BudgetPeriod, spent: Sum, *, now: datetime) -> None:
    """Take the period from open to closing."""
    period.state = PeriodState.CLOSING
    period.closes_at = max(now, period.ends_at) + CLOSING_TIME
    period.closed_spent, period.closed_calls = spent.amount, spent.calls
    period.hands_on = period.budget.carry_over
    period.is_locking = False
    period.is_unseen = False


def _handed_on(period: BudgetPeriod) -> int:
    return carried_on(
        base=period.base,
        effective=period.lasting,
        spent=period.settled_spent,
        rule=carry_rule(period.budget),
    )


def _tell_end(period: BudgetPeriod, findings: Findings, *, handed_on: int) -> None:
    """History and message: assigned, spent, what is left and what goes on, each by itself."""
    figures = figures_of(period, spent=period.settled_spent)
    figures |= {"residual": figures["remaining"], "handed_on": handed_on}
    findings.event(EventKind.END_PERIOD, period.budget, period=period, details=figures)
    findings.notice(
        EventKind.END_PERIOD,
        period,
        key="end",
        recipients=["user"] if period.budget.user_id is not None else ["manager"],
        values=figures,
    )


def _open_following(following: Sequence[BudgetPeriod], *, now: datetime) -> None:
    BudgetPeriod.objects.bulk_create(following)
    findings = Findings(at=now)
    for period in following:
        if period.carried:
            findings.event(
                EventKind.CARRIED_OVER,
                period.budget,
                period=period,
                details={"amount": period.carried, "base": period.base},
            )
    findings.write()


def _leavers(periods: Sequence[BudgetPeriod], tree: UnitTree) -> set[int]:
    """The member budgets whose user is not a member any more when the period ends."""
    of_members: dict[tuple[int, datetime], dict[int, int]] = defaultdict(dict)
    for period in periods:
        budget = period.budget
        if budget.template_id is not None and budget.user_id is not None:
            of_members[budget.template_id, period.ends_at][budget.user_id] = budget.pk
    templates = Budget.objects.select_related("unit").in_bulk({key for key, _ in of_members})
    gone: set[int] = set()
    for (template_id, at), budget_of in of_members.items():
        unit = templates[template_id].unit
        if unit is None:
            continue
        inside = memberships_in(kind=unit.kind, unit_ids=tree.below(unit.pk), at=at)
        here = set(inside.filter(user_id__in=budget_of).values_list("user_id", flat=True))
        gone.update(pk for user_id, pk in budget_of.items() if user_id not in here)
    return gone


def _close_some(now: datetime) -> int:
    """Close some periods that were closing, with a last look. Call it inside a transaction."""
    rows = _to_close(now)
    due = list(
        rows.order_by("closes_at", "pk").values_list("pk", "budget_id")[:PERIODS_A_TRANSACTION]
    )
    budgets = lock_budgets({budget_id for _, budget_id in due}, skip_locked=True)
    ours: dict[int, list[int]] = defaultdict(list)
    for pk, budget_id in rows.filter(pk__in=[pk for pk, _ in due]).values_list("pk", "budget_id"):
        if budget_id in budgets:
            ours[budget_id].append(pk)
    if not ours:
        return 0
    look(ours, now=now)
    closed = [pk for pks in ours.values() for pk in pks]
    BudgetPeriod.objects.filter(pk__in=closed).update(state=PeriodState.CLOSED, closed_at=now)
    _settle_carry(budgets, closed, now=now)
    return len(closed)


def _settle_carry(budgets: Mapping[int, Budget], closed: Collection[int], *, now: datetime) -> None:
    """Where the carried amount followed silently while closing, the history says so once."""
    moved = BudgetPeriod.objects.filter(budget_id__in=budgets).exclude(carried=F("carried_told"))
    ended = BudgetPeriod.objects.filter(pk__in=closed).order_by("ends_before")
    ends = dict(ended.values_list("budget_id", "ends_before"))
    findings = Findings(at=now)
    for period in moved.order_by("budget_id", "starts_on"):
        period.budget = budgets[period.budget_id]
        if period.starts_on <= ends.get(period.budget_id, date.min):
            tell_carry(period, findings)
            findings.moved(period, ["carried_told"])
    findings.write()
