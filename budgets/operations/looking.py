"""A look at some periods: thresholds, locks, late calls, carry; all in one transaction.

Lock order: `Budget` rows by id, then everything that hangs on them. A look
compares the sums of this moment with what is latched, so that looking twice, or
two looking at once, comes to what one look comes to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from budgets.engine.carry import carried_on
from budgets.engine.thresholds import OVER_PERCENT, Verdict, judge
from budgets.models import Budget, BudgetPeriod, Crossing, EventKind, PeriodState
from budgets.operations.findings import Findings, figures_of
from budgets.operations.wishes import follow
from budgets.queries.rules import carry_rule, latches_of, steps_of
from budgets.queries.sums import sums, watched_of

CORRECTED: Final = "corrected"
MOVING: Final = (
    "carried",
    "carried_told",
    "is_unseen",
    "fires_from",
    "resets_below",
    "is_locking",
    "closed_spent",
    "closed_calls",
    "late_amount",
    "late_calls",
)
"""The fields of a period that a look may change."""


class _Handed(NamedTuple):
    """How much more a period hands on than before; `is_news` = the history must say so."""

    amount: int
    is_news: bool


@dataclass(frozen=True, slots=True)
class LookReport:
    """What a look came to, in numbers."""

    looked: int = 0
    fired: int = 0
    notices: int = 0
    wished: int = 0
    lifted: int = 0
    late: int = 0

    def __add__(self, other: LookReport) -> LookReport:
        return LookReport(
            self.looked + other.looked,
            self.fired + other.fired,
            self.notices + other.notices,
            self.wished + other.wished,
            self.lifted + other.lifted,
            self.late + other.late,
        )


def lock_budgets(budget_ids: Collection[int], *, skip_locked: bool = False) -> dict[int, Budget]:
    """Lock budgets in the order of their ids and give them with unit, user and template."""
    rows = Budget.objects.select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)
    wanted = rows.filter(pk__in=budget_ids).order_by("pk").select_related("user", "unit")
    return {each.pk: each for each in wanted}


def look(
    periods_of: Mapping[int, Collection[int]],
    *,
    now: datetime,
    by: str = "",
    because: str = CORRECTED,
    leaves_unseen: bool = False,
) -> LookReport:
    """Look at these periods of these budgets, and at what hangs on them, at `now`.

    Call it inside a transaction. `because` is why a lock is lifted if one is.
    `leaves_unseen` asks the next evaluation to look again: for callers who changed
    the rules while calls may be arriving in transactions they cannot see yet.
    """
    if not periods_of:
        return LookReport()
    periods = _load(lock_budgets(periods_of), periods_of)
    findings = Findings(at=now, by=by)
    asked = set[int]().union(*periods_of.values())
    looking = Looking(periods, asked, findings, leaves_unseen=leaves_unseen)
    looking.go()
    follow(looking.concerning_locks, findings, because=because)
    findings.write()
    return LookReport(
        looked=len(periods),
        fired=len(findings.crossings),
        notices=len(findings.notices),
        wished=len(findings.wishes),
        lifted=findings.lifted_count,
        late=looking.late,
    )


def _load(
    budgets: Mapping[int, Budget], periods_of: Mapping[int, Collection[int]]
) -> list[BudgetPeriod]:
    """The periods asked for and all later ones of their budgets, oldest first.

    What an ended period hands on reaches the later ones; given up ones are left alone.
    """
    rows = BudgetPeriod.objects.filter(budget_id__in=budgets).exclude(state=PeriodState.DROPPED)
    asked = set[int]().union(*periods_of.values())
    first = dict[int, date]()
    for budget_id, starts_on in rows.filter(pk__in=asked).values_list("budget_id", "starts_on"):
        first[budget_id] = min(starts_on, first.get(budget_id, starts_on))
    if not first:
        return []
    later = rows.filter(starts_on__gte=min(first.values())).order_by("budget_id", "starts_on")
    found = []
    for period in later:
        if period.budget_id in first and period.starts_on >= first[period.budget_id]:
            period.budget = budgets[period.budget_id]
            found.append(period)
    return found


class Looking:
    """One pass over loaded periods: budget by budget, from the past to the present.

    Writes nothing; it changes the rows in memory and gathers `findings`.
    """

    def __init__(
        self,
        periods: Sequence[BudgetPeriod],
        asked: Collection[int],
        findings: Findings,
        *,
        leaves_unseen: bool,
    ) -> None:
        self._periods = periods
        self._asked = asked
        self._findings = findings
        self._leaves_unseen = leaves_unseen
        self._steps = steps_of({each.budget_id: each.budget for each in periods}.values())
        judged = [each.pk for each in periods if each.state != PeriodState.CLOSED]
        self._latches = latches_of(judged)
        summed = [each for each in periods if each.pk in asked or each.state == PeriodState.OPEN]
        self._sums = sums(watched_of(summed))
        self.concerning_locks: list[BudgetPeriod] = []
        self.late = 0

    def go(self) -> None:
        """Look at all of them."""
        for _, together in groupby(self._periods, key=attrgetter("budget_id")):
            handed = _Handed(0, is_news=False)
            for period in together:
                handed = self._look_at(period, handed)

    def _look_at(self, period: BudgetPeriod, handed: _Handed) -> _Handed:
        before = [getattr(period, name) for name in MOVING]
        gave = self._given(period)
        self._receive(period, handed)
        is_news = handed.is_news
        if period.state == PeriodState.OPEN:
            self._judge(period, self._sums[period.pk].amount)
        elif period.state == PeriodState.CLOSING:
            self._follow_while_closing(period)
        else:
            is_news = self._count_late(period) or is_news
        if period.pk in self._asked:
            period.is_unseen = self._leaves_unseen and period.state == PeriodState.OPEN
        after = [getattr(period, name) for name in MOVING]
        self._findings.moved(
            period,
            [name for name, old, new in zip(MOVING, before, after, strict=True) if old != new],
        )
        return _Handed(self._given(period) - gave, is_news)

    def _given(self, period: BudgetPeriod) -> int:
        """What the period, as it stands, hands on to the next."""
        rule = carry_rule(period.budget) if period.hands_on else None
        return carried_on(
            base=period.base, effective=period.lasting, spent=period.settled_spent, rule=rule
        )

    def _receive(self, period: BudgetPeriod, handed: _Handed) -> None:
        period.carried += handed.amount
        if handed.amount and handed.is_news:
            tell_carry(period, self._findings)

    def _judge(self, period: BudgetPeriod, spent: int) -> None:
        verdict = judge(
            spent=spent,
            effective=period.effective,
            steps=self._steps[period.budget_id],
            latches=self._latches[period.pk],
        )
        had_lock = period.is_locking
        apply_verdict(period, verdict, self._findings, spent=spent)
        if had_lock or period.is_locking:
            self.concerning_locks.append(period)

    def _follow_while_closing(self, period: BudgetPeriod) -> None:
        if period.pk in self._asked:
            found = self._sums[period.pk]
            period.closed_spent, period.closed_calls = found.amount, found.calls
        self._judge(period, period.settled_spent)

    def _count_late(self, period: BudgetPeriod) -> bool:
        """Count what came after closing: an event, no message, no lock. Was there any?"""
        if period.pk not in self._asked:
            return False
        found = self._sums[period.pk]
        amount = found.amount - period.settled_spent
        calls = found.calls - (period.closed_calls or 0) - period.late_calls
        if not amount:
            return False
        period.late_amount += amount
        period.late_calls += calls
        self.late += 1
        self._findings.event(
            EventKind.LATE_CALLS if calls else EventKind.RERATED,
            period.budget,
            period=period,
            details={
                "amount": amount,
                "calls": calls,
                **figures_of(period, spent=period.settled_spent),
            },
        )
        return True


def tell_carry(period: BudgetPeriod, findings: Findings) -> None:
    """Write down that what was carried into `period` is not what the history last said."""
    findings.event(
        EventKind.CARRY_CORRECTED,
        period.budget,
        period=period,
        details={"from": period.carried_told, "to": period.carried},
    )
    period.carried_told = period.carried


def apply_verdict(
    period: BudgetPeriod, verdict: Verdict, findings: Findings, *, spent: int
) -> None:
    """Turn a verdict into rows: crossings, events ascending, one message, the lock's state."""
    budget = period.budget
    figures = figures_of(period, spent=spent)
    findings.reset(period, verdict.reset)
    for fired in verdict.fired:
        findings.crossings.append(
            Crossing(
                period=period,
                percent=fired.percent,
                generation=fired.generation,
                spent=spent,
                effective=period.effective,
                crossed_at=findings.at,
            )
        )
        details = {"percent": fired.percent, "generation": fired.generation, **figures}
        if fired.is_programmed:
            findings.event(EventKind.THRESHOLD, budget, period=period, details=details)
        if fired.percent == OVER_PERCENT:
            findings.event(EventKind.OVER_BUDGET, budget, period=period, details=details)
    if verdict.told:
        highest = verdict.fired[-1]
        is_over = highest.percent >= OVER_PERCENT
        findings.notice(
            EventKind.OVER_BUDGET if is_over else EventKind.THRESHOLD,
            period,
            key=f"{highest.percent}:{highest.generation}",
            recipients=verdict.told,
            values={"threshold": highest.percent, **figures},
        )
    period.fires_from, period.resets_below = verdict.fires_from, verdict.resets_below
    period.is_locking = (
        verdict.is_locking and period.state == PeriodState.OPEN and not period.is_overridden
    )
