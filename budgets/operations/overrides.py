"""An override: somebody answers for a lock being lifted until the period ends."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from budgets.models import Budget, BudgetPeriod, EventKind, LockWish, PeriodOverride
from budgets.operations.families import BadBudget, lock_family, look_again, others_of, running
from budgets.operations.findings import Findings, figures_of
from budgets.operations.looking import lock_budgets
from budgets.operations.wishes import OVERRIDE
from budgets.queries.sums import spent_many
from directory.models import User
from kernel.errors import DomainError


class NothingToOverride(DomainError):
    """No budget locks this user, or the budget has no running period."""

    code = "nothing_to_override"


@transaction.atomic
def override(
    *,
    budget: Budget,
    at: datetime,
    by: str,
    reason: str,
    user: User | None = None,
    but: User | None = None,
) -> bool:
    """Unlock until the end of the running period, whatever is spent; thresholds stay reached.

    Returns whether that is new: a period is kept open once, whoever asks for it again.

    With `user` only that member of a unit's budget is let off; of a budget for each member
    everybody `but` one. `by` and `reason` are kept in the history and told the manager;
    who is unlocked hears it from his phone.

    Raises:
        BadBudget: without author or reason.
        BudgetGone: if the budget was deleted.
        NothingToOverride: if there is no running period.
    """
    if not by.strip() or not reason.strip():
        raise BadBudget("an override needs an author and a reason")
    family = others_of(lock_family(budget), but)
    if user is not None and budget.for_each_member:
        family = [each for each in family if each.user_id == user.pk]
    periods = running(family)
    if not periods:
        raise NothingToOverride(_("no period of it is running: %(budget)s") % {"budget": budget})
    periods = _not_kept_open(periods, user=user)
    spent = spent_many(periods)
    findings = Findings(at=at, by=by)
    for period in periods:
        _let_off(period, user, reason=reason, spent=spent[period.pk], findings=findings)
    findings.write()
    look_again([each.budget for each in periods], at=at, by=by, because=OVERRIDE)
    return bool(periods)


def _not_kept_open(periods: list[BudgetPeriod], *, user: User | None) -> list[BudgetPeriod]:
    """The locked periods that nobody has overridden yet: for everybody, or for `user` alone."""
    let_off = PeriodOverride.objects.filter(period__in=[each.pk for each in periods], user=user)
    ours = set(let_off.values_list("period_id", flat=True)) if user is not None else set()
    return [each for each in periods if not each.is_overridden and each.pk not in ours]


def _let_off(
    period: BudgetPeriod, user: User | None, *, reason: str, spent: int, findings: Findings
) -> None:
    """Override one period: of a unit's budget for `user` alone, if there is one."""
    alone = user if user is not None and period.budget.unit_id is not None else None
    made = PeriodOverride.objects.create(
        period=period, user=alone, reason=reason[:500], made_at=findings.at, made_by=findings.by
    )
    if alone is None:
        period.is_overridden = True
        findings.moved(period, ["is_overridden"])
    findings.event(
        EventKind.OVERRIDE,
        period.budget,
        period=period,
        details={"reason": reason, "until": period.ends_at.isoformat()},
        user_id=alone.pk if alone else period.budget.user_id,
    )
    findings.notice(
        EventKind.OVERRIDE,
        period,
        key=f"override:{made.pk}",
        recipients=["manager"],
        values={**figures_of(period, spent=spent), "reason": reason, "by": findings.by},
        user_id=alone.pk if alone else None,
    )


def override_user(*, user: User, at: datetime, by: str, reason: str) -> int:
    """Lift every budget lock that holds this user's phones; returns how many budgets held them.

    Raises:
        BadBudget: without author or reason.
        NothingToOverride: if no budget locks this user.
    """
    with transaction.atomic():
        holding = Budget.objects.filter(
            pk__in=LockWish.objects.filter(user=user, lifted_at__isnull=True).values(
                "period__budget_id"
            )
        )
        budgets = list(holding.order_by("pk"))
        if not budgets:
            raise NothingToOverride(f"no budget locks {user}")
        lock_budgets([each.pk for each in budgets])
        for budget in budgets:
            override(budget=budget, at=at, by=by, reason=reason, user=user)
        return len(budgets)
