"""Members are left out of a unit's budget, and counted in it again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction

from budgets.models import Budget, PeriodState
from budgets.operations.deletion import delete
from budgets.operations.families import (
    BadBudget,
    leave_out,
    lock_family,
    look_again,
    tell_exceptions,
)
from budgets.operations.members import make_member_budgets
from budgets.operations.wishes import EXCEPTED
from directory.models import User
from kernel.periods import local_date


@transaction.atomic
def add_exceptions(
    *, budget: Budget, users: Collection[User], at: datetime, by: str, reason: str = ""
) -> tuple[User, ...]:
    """Leave members out of a unit's budget, the running period included; returns the new ones.

    A budget for each member: theirs are deleted. A cumulative one: their calls leave
    the sum and they are not locked.

    Raises:
        BadBudget: if it is not a unit's budget.
        BudgetGone: if the budget was deleted.
    """
    budget = lock_family(_of_unit(budget))[0]
    known = set(budget.exceptions.filter(until__isnull=True).values_list("user_id", flat=True))
    new = [user for user in users if user.pk not in known]
    if new:
        leave_out(budget, new, since=_exception_date(budget, at=at), reason=reason)
        tell_exceptions(budget, "left out", new, at=at, by=by, reason=reason)
        if budget.for_each_member:
            for own in budget.member_budgets.filter(user__in=new, deleted_at__isnull=True):
                delete(budget=own, at=at, by=by, because=EXCEPTED)
        else:
            look_again([budget], at=at, by=by, because=EXCEPTED)
    return tuple(new)


@transaction.atomic
def remove_exceptions(
    *, budget: Budget, users: Collection[User], at: datetime, by: str, reason: str = ""
) -> tuple[User, ...]:
    """Count members in again, the running period included; returns those who were left out.

    Raises:
        BadBudget: if it is not a unit's budget.
        BudgetGone: if the budget was deleted.
    """
    budget = lock_family(_of_unit(budget))[0]
    rows = budget.exceptions.filter(user__in=users, until__isnull=True)
    known = set(rows.values_list("user_id", flat=True))
    again = [user for user in users if user.pk in known]
    if again:
        rows.update(until=_exception_date(budget, at=at))
        tell_exceptions(budget, "counted again", again, at=at, by=by, reason=reason)
        if budget.for_each_member:
            make_member_budgets(budget, at=at, by=by)
        else:
            look_again([budget], at=at, by=by, because=EXCEPTED)
    return tuple(again)


def _of_unit(budget: Budget) -> Budget:
    if budget.unit_id is None:
        raise BadBudget("only a unit's budget has exceptions")
    return budget


def _exception_date(budget: Budget, *, at: datetime) -> date:
    """From which period start on an exception made now holds: the running one's."""
    running = budget.periods.filter(state=PeriodState.OPEN).first()
    return running.starts_on if running else local_date(at, budget.zone)
