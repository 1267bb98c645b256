"""Budgets are evaluated: calls have moved their sums, or their rules were changed.

Work comes from rows: `cdr.UsageChange` is written in the transaction of the calls
and deleted here in the transaction of what they led to, so a change is taken
exactly once however many evaluate, and whoever is killed has done nothing. Most
touched periods cost one comparison with the bounds kept on their rows; only those
that cross one are locked and looked at.

Lock order: changes (skipping those of others), `Budget` rows by id, then what
hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from budgets.models import BudgetPeriod
from budgets.operations.looking import LookReport, lock_budgets, look
from budgets.operations.members import (
    MembersReport,
    follow_members,
    locked_units_to_follow,
    templates_to_follow,
)
from budgets.queries.glances import Change, touched_beyond, unseen_beyond
from cdr.models import UsageChange
from kernel.crashpoints import crashpoint

CHANGES_A_TRANSACTION: Final = 2000
PERIODS_A_TRANSACTION: Final = 1000
MOST_ROUNDS: Final = 50


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What an evaluation took, saw and found; `is_complete` = nothing waits any more."""

    changes: int
    unseen: int
    looks: LookReport
    members: MembersReport
    is_complete: bool


def evaluate_waiting(*, now: datetime) -> EvaluationReport:
    """Look at all that changes ask for, follow the members of units, see what is new.

    Bounded: what is left over waits for the next call. Two at once are harmless.
    Where nothing waits, that is one query.
    """
    if not _is_anything_waiting(now):
        return EvaluationReport(0, 0, LookReport(), MembersReport(), is_complete=True)
    taken = unseen = 0
    looks = LookReport()
    is_complete = False
    for _ in range(MOST_ROUNDS):
        if not UsageChange.objects.exists():
            is_complete = True
            break
        with transaction.atomic():
            changes = _take_changes(CHANGES_A_TRANSACTION)
            looks += look(touched_beyond(changes), now=now)
            crashpoint("budgets.before_commit")
        crashpoint("budgets.after_commit")
        if not changes:
            break  # somebody else is at the rest
        taken += len(changes)
    members = follow_members(now=now)
    for _ in range(MOST_ROUNDS):
        seen, found = _see_unseen(now)
        unseen += seen
        looks += found
        if seen < PERIODS_A_TRANSACTION:
            break
    else:
        is_complete = False
    return EvaluationReport(taken, unseen, looks, members, is_complete)


def _is_anything_waiting(now: datetime) -> bool:
    waiting = UsageChange.objects.union(
        _unseen(), templates_to_follow(now=now), locked_units_to_follow(now=now), all=True
    )
    return waiting.exists()


TAKE_CHANGES: Final = {
    "postgresql": """
        DELETE FROM cdr_usagechange WHERE id = ANY(ARRAY(
            SELECT id FROM cdr_usagechange ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
        RETURNING user_key, department_key, cost_centre_key, office_key, local_date
    """,
    "sqlite": """
        DELETE FROM cdr_usagechange WHERE id IN (
            SELECT id FROM cdr_usagechange ORDER BY id LIMIT %s)
        RETURNING user_key, department_key, cost_centre_key, office_key, local_date
    """,
}


def _take_changes(limit: int) -> list[Change]:
    """Take some changes that nobody else is taking; they are gone if this transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_CHANGES[connection.vendor], [limit])
        rows = cursor.fetchall()
    return [Change._make((*keys, _day(day))) for *keys, day in rows]


def _day(value: date | str) -> date:
    """A raw statement's date, which some versions of SQLite give as text."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def _unseen() -> QuerySet[BudgetPeriod]:
    return BudgetPeriod.objects.filter(is_unseen=True)


def _see_unseen(now: datetime) -> tuple[int, LookReport]:
    """Look at periods that were made or changed and never looked at since."""
    unseen = _unseen().order_by("pk")
    waiting = list(unseen.values_list("budget_id", flat=True)[:PERIODS_A_TRANSACTION])
    if not waiting:
        return 0, LookReport()
    with transaction.atomic():
        budgets = lock_budgets(waiting, skip_locked=True)
        periods = list(unseen.filter(budget_id__in=budgets))
        for period in periods:
            period.budget = budgets[period.budget_id]
        found = look(unseen_beyond(periods), now=now)
        BudgetPeriod.objects.filter(pk__in=[each.pk for each in periods]).update(is_unseen=False)
        crashpoint("budgets.before_commit")
    crashpoint("budgets.after_commit")
    return len(periods), found
