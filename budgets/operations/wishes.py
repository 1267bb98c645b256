"""Lock wishes follow their cause: who should be locked by a period, and who is not any more.

A wish is compared with what is wanted now, not with what happened: a member who
joins a locked unit is locked too, one who leaves is free, and nothing is done twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from budgets.models import Budget, BudgetException, BudgetPeriod, LockWish, PeriodOverride
from budgets.operations.findings import Findings
from budgets.queries.members import UnitTree, memberships_in
from budgets.queries.sums import excepted_in

OVERRIDE: Final = "override"
EXCEPTED: Final = "excepted"
LEFT: Final = "left"


def follow(periods: Iterable[BudgetPeriod], findings: Findings, *, because: str) -> None:
    """Make and lift the lock wishes of `periods` as their `is_locking` now says.

    `because` is the cause of lifting where the lock as a whole is over. Give the
    periods with `budget` and its `unit` at hand, their budgets locked.
    """
    periods = list(periods)
    standing = _standing([each.pk for each in periods])
    wanted = _Wanted([each for each in periods if each.is_locking], findings)
    for period in periods:
        users = wanted.by(period)
        stands = standing[period.pk]
        lifted: dict[str, list[int]] = defaultdict(list)
        for user_id, wish_id in stands.items():
            if user_id not in users:
                why = wanted.why_not(period, user_id) if period.is_locking else because
                lifted[why].append(wish_id)
        for why, wish_ids in lifted.items():
            findings.lift(wish_ids, because=why)
        findings.wishes.extend(
            LockWish(period=period, user_id=user_id, wished_at=findings.at)
            for user_id in sorted(users - stands.keys())
        )


def lift_all(period_ids: Collection[int], findings: Findings, *, because: str) -> None:
    """Take every wish of these periods back, whatever they say."""
    for wishes in _standing(period_ids).values():
        findings.lift(wishes.values(), because=because)


def _standing(period_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Wishes not lifted: by period, user to wish."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    rows = LockWish.objects.filter(period_id__in=period_ids, lifted_at__isnull=True)
    for period_id, user_id, wish_id in rows.values_list("period_id", "user_id", "pk"):
        found[period_id][user_id] = wish_id
    return found


class _Wanted:
    """Whom each locking period wants locked, asked once for all of them."""

    def __init__(self, locking: Sequence[BudgetPeriod], findings: Findings) -> None:
        of_units = [each for each in locking if each.budget.unit_id is not None]
        self._at = findings.at
        self._members = self._members_of({each.budget_id: each.budget for each in of_units})
        self._excepted = self._excepted_in(of_units)
        self._overridden = self._overridden_in(of_units)

    def by(self, period: BudgetPeriod) -> set[int]:
        if not period.is_locking:
            return set()
        if period.budget.user_id is not None:
            return {period.budget.user_id}
        members = self._members[period.budget_id]
        return members - self._excepted[period.pk] - self._overridden[period.pk]

    def why_not(self, period: BudgetPeriod, user_id: int) -> str:
        if user_id in self._excepted[period.pk]:
            return EXCEPTED
        return OVERRIDE if user_id in self._overridden[period.pk] else LEFT

    def _members_of(self, budgets: Mapping[int, Budget]) -> dict[int, set[int]]:
        if not budgets:
            return {}
        tree = UnitTree()
        found: dict[int, set[int]] = {}
        for budget in budgets.values():
            if budget.unit is not None:
                below = tree.below(budget.unit.pk)
                inside = memberships_in(kind=budget.unit.kind, unit_ids=below, at=self._at)
                found[budget.pk] = set(inside.values_list("user_id", flat=True))
        return found

    def _excepted_in(self, periods: Sequence[BudgetPeriod]) -> dict[int, frozenset[int]]:
        rows: dict[int, list[BudgetException]] = defaultdict(list)
        if periods:
            wanted = BudgetException.objects.filter(
                budget_id__in={each.budget_id for each in periods}
            )
            for row in wanted:
                rows[row.budget_id].append(row)
        return {each.pk: excepted_in(rows[each.budget_id], each.starts_on) for each in periods}

    def _overridden_in(self, periods: Sequence[BudgetPeriod]) -> dict[int, set[int]]:
        found: dict[int, set[int]] = defaultdict(set)
        if periods:
            rows = PeriodOverride.objects.filter(
                period__in=[each.pk for each in periods], user__isnull=False
            )
            for period_id, user_id in rows.values_list("period_id", "user_id"):
                if user_id is not None:
                    found[period_id].add(user_id)
        return found
