"""Budgets are assigned: to a user, to a unit as a whole, or to each of its members.

One budget of a kind a subject: a kind is its measure and its classes. A member with
a budget of his own is left out of his unit's budgets for each member. His calls
still count in a cumulative budget of his unit, which is of another kind.

What else can be done to a budget is found here by name, so that callers need to
know one module.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from budgets.engine.terms import Terms
from budgets.models import Budget, EventKind, Measure
from budgets.operations.adjusting import NothingRuns, adjust
from budgets.operations.changes import (
    change,
    change_amount,
    change_carry,
    change_schedule,
    change_thresholds,
)
from budgets.operations.deletion import delete
from budgets.operations.exceptions import add_exceptions, remove_exceptions
from budgets.operations.families import (
    BadBudget,
    BudgetGone,
    classes_key_of,
    leave_out,
    put_terms,
    refuse_bad,
    tell_exceptions,
    terms_of,
    write_steps,
)
from budgets.operations.findings import Findings
from budgets.operations.looking import look
from budgets.operations.members import make_member_budgets
from budgets.operations.opening import open_first_periods
from budgets.operations.overrides import NothingToOverride, override, override_user
from directory.models import OrgUnit, User
from directory.queries.homes import budget_home
from kernel.errors import DomainError
from kernel.periods import local_date

__all__ = [
    "BadBudget",
    "BudgetExists",
    "BudgetGone",
    "NothingRuns",
    "NothingToOverride",
    "add_exceptions",
    "adjust",
    "assign",
    "budget_of",
    "change",
    "change_amount",
    "change_carry",
    "change_schedule",
    "change_thresholds",
    "delete",
    "override",
    "override_user",
    "remove_exceptions",
    "terms_of",
]

OWN_BUDGET: Final = "own_budget"


class BudgetExists(DomainError):
    """The subject has a budget of this kind already."""

    code = "budget_exists"


def budget_of(
    holder: User | OrgUnit, *, terms: Terms, for_each_member: bool = False
) -> Budget | None:
    """The live budget of the same kind that `holder` has, a member's own included."""
    rows = Budget.objects.filter(
        deleted_at__isnull=True,
        measure=terms.measure,
        classes_key=classes_key_of(terms.number_classes),
    )
    if isinstance(holder, User):
        return rows.filter(user=holder).first()
    return rows.filter(unit=holder, for_each_member=for_each_member).first()


@transaction.atomic
def assign(
    *,
    holder: User | OrgUnit,
    terms: Terms,
    at: datetime,
    by: str,
    for_each_member: bool = False,
    exceptions: Collection[User] = (),
) -> Budget:
    """Give `holder` a budget that counts its running period whole, and nothing before.

    Thresholds that spent has passed already fire at once. With `for_each_member`
    every member of the unit gets one of his own, now and when he joins, but the
    `exceptions` and whoever has one of this kind. A user who had his from his unit
    is excepted from that in the same step.

    Raises:
        BadBudget: if the terms contradict themselves.
        BudgetExists: if `holder` has a budget of this kind.
    """
    refuse_bad(
        terms,
        holder_is_user=isinstance(holder, User),
        for_each_member=for_each_member,
        exceptions=exceptions,
    )
    present = budget_of(holder, terms=terms, for_each_member=for_each_member)
    if present is not None:
        if present.template_id is None:
            raise _exists(holder)
        _leave_template(present, at=at, by=by)
    budget = _made(holder, terms=terms, at=at, for_each_member=for_each_member)
    findings = Findings(at=at, by=by)
    if for_each_member:
        leave_out(budget, exceptions, since=local_date(at, budget.zone))
        findings.event(EventKind.ASSIGNED, budget, details={"amount": budget.amount})
        findings.write()
        make_member_budgets(budget, at=at, by=by)
        return budget
    (period,) = open_first_periods([budget], at=at)
    leave_out(budget, exceptions, since=period.starts_on)
    findings.assigned(period)
    findings.write()
    look({budget.pk: [period.pk]}, now=at, by=by, leaves_unseen=True)
    return budget


def _made(holder: User | OrgUnit, *, terms: Terms, at: datetime, for_each_member: bool) -> Budget:
    """The row of a budget and its steps, in the zone and currency of whoever has it."""
    zone, currency, _language = budget_home(holder, at=at)
    budget = Budget(
        user=holder if isinstance(holder, User) else None,
        unit=holder if isinstance(holder, OrgUnit) else None,
        for_each_member=for_each_member,
        time_zone=zone,
        currency=currency if terms.measure == Measure.MONEY else "",
        assigned_at=at,
    )
    put_terms(terms, budget)
    try:
        with transaction.atomic():
            budget.save()
    except IntegrityError as error:  # somebody else assigned it in this very moment
        raise _exists(holder) from error
    write_steps(budget, terms.steps)
    return budget


def _exists(holder: User | OrgUnit) -> BudgetExists:
    return BudgetExists(_("%(holder)s has a budget of this kind already") % {"holder": holder})


def _leave_template(own: Budget, *, at: datetime, by: str) -> None:
    """A member gets a budget of his own: except him from his unit's, in the same step."""
    template, user = own.template, own.user
    if template is not None and user is not None:
        if not template.exceptions.filter(user=user, until__isnull=True).exists():
            leave_out(template, [user], since=local_date(at, template.zone))
            tell_exceptions(template, "left out", [user], at=at, by=by)
        delete(budget=own, at=at, by=by, because=OWN_BUDGET)
