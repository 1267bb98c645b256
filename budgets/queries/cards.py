"""My budgets: each with its days, its forecast, its phones and the calls behind it.

The number of queries is the same for one budget and for ten. The reader sees the
figures of a shared budget and his own part of it, his own calls and nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Subquery

from budgets.engine.counting import Counted
from budgets.engine.forecast import LOOK_BACK, Forecast, forecast
from budgets.engine.picture import Picture, draw
from budgets.engine.thresholds import Step
from budgets.models import (
    Budget,
    BudgetException,
    BudgetPeriod,
    BudgetRequest,
    LockWish,
    Measure,
    PeriodKind,
    PeriodState,
    RequestState,
)
from budgets.queries.days import Days, PersonDays, person_days, unit_days
from budgets.queries.members import UnitTree
from budgets.queries.own_calls import (
    BudgetCall,
    MinutesLeft,
    OwnCalls,
    Price,
    latest_calls,
    minutes_left,
    prices_of,
)
from budgets.queries.phones import PhoneState, Wishes, wishes_of
from budgets.queries.rules import steps_of
from budgets.queries.shown import Reach, ShownBudget, holds_at, reach_of, shown_period
from budgets.queries.sums import NOTHING, Watched, exceptions_by_budget, watched_of
from directory.models import User
from directory.scoping import Scope
from kernel.periods import ONE_DAY, local_date

CALLS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """The person has asked for more, and waits."""

    id: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class BudgetCard:
    """A budget as its owner sees it."""

    budget: ShownBudget
    today: date
    forecast: Forecast
    picture: Picture | None
    last_counted_at: datetime | None
    last_counted_on: date | None
    minutes_left: Sequence[MinutesLeft]
    phone: PhoneState
    counted: Sequence[BudgetCall]
    uncounted: Sequence[BudgetCall]
    open_request: OpenRequest | None


@dataclass(frozen=True, slots=True)
class Basis:
    """Running periods with what they count, asked once for all that a page shows of them."""

    periods: Sequence[BudgetPeriod]
    tree: UnitTree | None
    exceptions: Mapping[int, Sequence[BudgetException]]
    watched: Mapping[int, Watched]


def basis_of(periods: Sequence[BudgetPeriod], tree: UnitTree | None = None) -> Basis:
    """What these periods count."""
    exceptions = exceptions_by_budget(periods)
    if tree is None and any(each.budget.unit_id is not None for each in periods):
        tree = UnitTree()
    watched = {each.period_id: each for each in watched_of(periods, tree, exceptions)}
    return Basis(periods, tree, exceptions, watched)


def cards_of(
    scope: Scope,
    user: User,
    *,
    at: datetime,
    only: int | None = None,
    is_mirrored: bool = False,
    reach: Reach | None = None,
) -> list[BudgetCard]:
    """The cards of the budgets that count `user`'s calls at `at`, or of one of them."""
    tree, counted = reach or reach_of(user, at=at)
    budgets = Budget.objects.filter(counted, deleted_at__isnull=True, for_each_member=False)
    if only is not None:
        budgets = budgets.filter(pk=only)
    waiting = BudgetRequest.objects.filter(
        budget=OuterRef("budget_id"), user=user, state=RequestState.ASKED
    )
    wishes = LockWish.objects.filter(user=user, lifted_at__isnull=True)
    rows = (
        BudgetPeriod.objects.filter(budget__in=budgets.values("pk"), state=PeriodState.OPEN)
        .select_related("budget__user", "budget__unit")
        .annotate(
            request_id=Subquery(waiting.values("pk")[:1]),
            request_at=Subquery(waiting.values("asked_at")[:1]),
            wished_at=Subquery(wishes.filter(period=OuterRef("pk")).values("wished_at")[:1]),
            is_wished_elsewhere=Exists(wishes.exclude(period=OuterRef("pk"))),
        )
    )
    found = list(rows.order_by(F("budget__unit__path").asc(nulls_first=True), "budget_id"))
    basis = basis_of(found, tree)
    kept = [each for each in found if not _is_left_out(user, each, basis, at=at)]
    return cards(
        scope,
        Basis(kept, tree, basis.exceptions, basis.watched),
        person=user,
        at=at,
        is_mirrored=is_mirrored,
    )


def _is_left_out(user: User, period: BudgetPeriod, basis: Basis, *, at: datetime) -> bool:
    return any(
        row.user_id == user.pk and holds_at(row, period.budget, at=at)
        for row in basis.exceptions.get(period.budget_id, ())
    )


def cards(
    scope: Scope,
    basis: Basis,
    *,
    person: User | None,
    at: datetime,
    is_mirrored: bool = False,
) -> list[BudgetCard]:
    """The cards of these running periods; shares, calls and phones are `person`'s own.

    Without a `person` there are none: the card of a unit, for those who look after it.
    """
    periods, watched = basis.periods, basis.watched
    if not periods:
        return []
    steps = steps_of(period.budget for period in periods)
    today = {each.pk: today_in(each, at) for each in periods}
    first = min(min(each.starts_on, today[each.pk] - LOOK_BACK) for each in periods)
    last = max(each.ends_before for each in periods) - ONE_DAY
    owners = {each.user_id for each in watched.values() if each.user_id is not None}
    asked = owners | ({person.pk} if person else set())
    people = person_days(asked, first=first, last=last) if asked else PersonDays(())
    counted = [watched[each.pk] for each in periods]
    units = unit_days(counted, first=first, last=last, since=first)
    common = _Common(
        calls=latest_calls(scope, user_id=person.pk if person else None),
        prices=prices_of(people.rows, user_id=person.pk) if person else (),
        wishes=wishes_of(person.pk, periods=periods) if person else Wishes({}, {}),
        is_mirrored=is_mirrored,
    )
    return [
        _card(
            period,
            watched[period.pk],
            days=units.get(period.pk) or people.of(watched[period.pk], since=first),
            steps=steps[period.budget_id],
            share=(
                people.share(watched[period.pk], person.pk).amount
                if person and watched[period.pk].unit_field
                else None
            ),
            today=today[period.pk],
            common=common,
        )
        for period in periods
    ]


@dataclass(frozen=True, slots=True)
class _Common:
    """What all cards of a page are made with, asked once."""

    calls: OwnCalls
    prices: Sequence[Price]
    wishes: Wishes
    is_mirrored: bool


def _card(
    period: BudgetPeriod,
    watched: Watched,
    *,
    days: Days,
    steps: Sequence[Step],
    share: int | None,
    today: date,
    common: _Common,
) -> BudgetCard:
    in_period = {day: each for day, each in days.items() if day >= period.starts_on}
    spent = sum(in_period.values(), NOTHING).amount
    amounts = {day: each.amount for day, each in days.items()}
    told = foretold(period, spent=spent, days=amounts, today=today)
    shown = shown_period(period, spent=spent, steps=steps, share=share)
    calls = common.calls.judged(_counting(period), watched)
    that_count = [each for each in calls if each.why_not is None]
    is_of_one = not watched.unit_field
    return BudgetCard(
        budget=shown,
        today=today,
        forecast=told,
        picture=_picture(
            period, told, days=amounts, steps=steps, today=today, is_mirrored=common.is_mirrored
        ),
        last_counted_at=that_count[0].started_at if that_count and is_of_one else None,
        last_counted_on=max((day for day, each in in_period.items() if each.calls), default=None),
        minutes_left=_minutes_left(period, common.prices, rest=shown.remaining),
        phone=common.wishes.of(period.pk, shown),
        counted=that_count[:CALLS_SHOWN],
        uncounted=one_of_each([each for each in calls if each.why_not is not None]),
        open_request=_open_request(period),
    )


def _counting(period: BudgetPeriod) -> Counted:
    """What a call must be like to count in this period."""
    budget = period.budget
    return Counted(
        period.starts_on,
        period.ends_before,
        counts_talk=budget.measure == Measure.MINUTES,
        currency=budget.currency,
        classes=budget.number_classes,
    )


def _picture(
    period: BudgetPeriod,
    told: Forecast,
    *,
    days: Mapping[date, int],
    steps: Sequence[Step],
    today: date,
    is_mirrored: bool,
) -> Picture | None:
    """The running period drawn; a single day has nothing to draw."""
    if period.budget.period == PeriodKind.DAY:
        return None
    return draw(
        starts_on=period.starts_on,
        ends_before=period.ends_before,
        today=today,
        spent_by_day=days,
        effective=period.effective,
        told=told,
        thresholds={step.percent: step.locks for step in steps},
        is_mirrored=is_mirrored,
    )


def _minutes_left(
    period: BudgetPeriod, prices: Sequence[Price], *, rest: int
) -> Sequence[MinutesLeft]:
    """What the rest would buy, of a budget of money."""
    budget = period.budget
    if budget.measure != Measure.MONEY:
        return ()
    return minutes_left(prices, rest=rest, currency=budget.currency, classes=budget.number_classes)


def _open_request(period: Any) -> OpenRequest | None:
    """The request that came with the period's row, if it was asked for and there is one."""
    if getattr(period, "request_id", None) is None:
        return None
    return OpenRequest(period.request_id, period.request_at)


def one_of_each(calls: Sequence[BudgetCall]) -> list[BudgetCall]:
    """The newest call for each reason, then others, newest first, up to what is shown."""
    first: dict[object, BudgetCall] = {}
    for call in calls:
        first.setdefault(call.why_not, call)
    others = [call for call in calls if first[call.why_not] is not call]
    chosen = [*first.values(), *others][:CALLS_SHOWN]
    return sorted(chosen, key=lambda each: (each.started_at, each.id), reverse=True)


def foretold(
    period: BudgetPeriod, *, spent: int, days: Mapping[date, int], today: date
) -> Forecast:
    """The forecast of a running period, from its own days and the weeks before."""
    return forecast(
        spent=spent,
        effective=period.effective,
        today=today,
        ends_before=period.ends_before,
        known=days,
        known_since=min((day for day, amount in days.items() if amount), default=None),
    )


def today_in(period: BudgetPeriod, at: datetime) -> date:
    """The local day of `at`, within the period: its end may be late by a tick."""
    here = local_date(at, period.budget.zone)
    return max(period.starts_on, min(here, period.last_date))
