"""Periods end once, in order, whatever the clock does; what is left is carried over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from budgets.engine.carry import CarryRule
from budgets.models import (
    BudgetEvent,
    BudgetNotice,
    BudgetPeriod,
    EventKind,
    LockWish,
    PeriodState,
)
from budgets.operations.assignments import change_amount, change_carry, change_schedule
from budgets.operations.evaluation import evaluate_waiting
from budgets.operations.periods import end_due_periods
from budgets.queries import differences, digest_rows, spent
from directory.models import OrgUnit, User
from tests.support.budgets import (
    NOON,
    Firm,
    assigned,
    day,
    kinds_of_events,
    minutes,
    money,
    running,
)

pytestmark = pytest.mark.django_db

MONTH_END = datetime(2026, 11, 30, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = (
    "Europe/Rome",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
)


@pytest.mark.feature("F220")
@pytest.mark.feature("F227")
def test_at_the_end_the_lock_goes_the_history_says_all_amounts_and_the_user_is_told() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    firm.call(mario, "12.00")
    evaluate_waiting(now=NOON)

    report = end_due_periods(now=MONTH_END)

    assert (report.ended, report.closed, report.is_complete) == (1, 0, True)
    assert LockWish.objects.get().lifted_because == "period_end"
    event = BudgetEvent.objects.get(kind=EventKind.END_PERIOD)
    assert event.details["base"] == 10_000_000
    assert event.details["spent"] == 12_000_000
    assert event.details["residual"] == -2_000_000
    assert event.details["handed_on"] == 0
    notice = BudgetNotice.objects.get(kind=EventKind.END_PERIOD)
    assert notice.key == f"{budget.pk}:2026-11-01:end"
    assert notice.recipients == ["user"]
    following = running(budget)
    assert (following.starts_on, following.ends_before) == (day("2026-12-01"), day("2027-01-01"))
    assert spent(following) == 0


def test_a_period_does_not_end_before_its_last_second_is_over() -> None:
    firm = Firm()
    budget = assigned(firm.person("mario"), money("10.00"))

    end_due_periods(now=MONTH_END - timedelta(seconds=1))

    assert running(budget).starts_on == day("2026-11-01")


def test_two_ends_at_midnight_are_one() -> None:
    firm = Firm()
    budget = assigned(firm.person("mario"), money("10.00"))

    reports = [end_due_periods(now=MONTH_END) for _ in range(3)]

    assert [report.ended for report in reports] == [1, 0, 0]
    assert kinds_of_events(budget) == ["assigned", "end_period"]


@pytest.mark.feature("F183")
@pytest.mark.feature("F184")
@pytest.mark.feature("F185")
@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("kind", ["user", "department", "cost_centre", "office", "member"])
def test_every_kind_of_budget_ends_every_length_of_period_once(kind: str, period: str) -> None:
    firm = Firm()
    mario = firm.person("mario", department="Sales", cost_centre="4711")
    holders: dict[str, User | OrgUnit] = {
        "user": mario,
        "department": firm.unit("Sales"),
        "cost_centre": firm.unit("4711", kind="COST_CENTRE"),
        "office": firm.unit("Milan", kind="OFFICE"),
        "member": firm.unit("Sales"),
    }
    terms = money("10.00", period=period, carry=CarryRule())
    budget = assigned(holders[kind], terms, for_each_member=kind == "member")
    if kind == "member":
        budget = budget.member_budgets.get()
    first = running(budget)

    for _ in range(2):
        end_due_periods(now=first.ends_at)
        evaluate_waiting(now=first.ends_at)

    assert kinds_of_events(budget) == ["assigned", "end_period", "carried_over"]
    following = running(budget)
    assert (following.starts_on, following.starts_at) == (first.ends_before, first.ends_at)
    assert following.carried == 10_000_000


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "begin",
    [
        datetime(2018, 10, 30, 12, tzinfo=UTC),  # Brazil skipped a midnight on 4 November
        datetime(2011, 12, 27, 12, tzinfo=UTC),  # Samoa skipped 30 December
        datetime(2026, 3, 26, 12, tzinfo=UTC),
        datetime(2026, 10, 22, 12, tzinfo=UTC),
        datetime(2026, 4, 2, 12, tzinfo=UTC),
        datetime(2028, 2, 26, 12, tzinfo=UTC),
    ],
)
def test_days_are_gapless_and_end_once_also_where_the_clock_is_moved(
    zone: str, begin: datetime
) -> None:
    firm = Firm(zone=zone)
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00", period="day"), at=begin)
    firm.call(mario, "1.00", at=begin)

    end_due_periods(now=begin + timedelta(days=7))

    periods = list(BudgetPeriod.objects.filter(budget=budget).order_by("starts_on"))
    for earlier, later in pairwise(periods):
        assert (earlier.ends_at, earlier.ends_before) == (later.starts_at, later.starts_on)
    ends = BudgetEvent.objects.filter(budget=budget, kind=EventKind.END_PERIOD)
    assert [event.period for event in ends.order_by("pk")] == periods[:-1]
    assert [period.state for period in periods] == ["CLOSING"] * (len(periods) - 1) + ["OPEN"]
    last = periods[-1]
    today = (begin + timedelta(days=7)).astimezone(ZoneInfo(zone)).date()
    assert last.starts_on == today
    assert [period.closed_spent for period in periods[:2]] == [1_000_000, 0]


def test_after_downtime_periods_are_ended_one_after_the_other_each_with_its_own_figures() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00", carry=CarryRule(cap=3_000_000)))
    firm.call(mario, "4.00", at=NOON)
    firm.call(mario, "12.00", at=NOON + timedelta(days=30))
    firm.call(mario, "14.00", at=NOON + timedelta(days=61))

    report = end_due_periods(now=datetime(2027, 2, 20, tzinfo=UTC))

    assert report.ended == 3
    ends = BudgetEvent.objects.filter(kind=EventKind.END_PERIOD).order_by("pk")
    assert [
        (event.details["starts_on"], event.details["carried"], event.details["spent"])
        for event in ends
    ] == [
        ("2026-11-01", 0, 4_000_000),
        ("2026-12-01", 3_000_000, 12_000_000),
        ("2027-01-01", 1_000_000, 14_000_000),
    ]
    assert [event.details["handed_on"] for event in ends] == [3_000_000, 1_000_000, 0]
    assert running(budget).starts_on == day("2027-02-01")
    steps = BudgetEvent.objects.filter(kind=EventKind.THRESHOLD, period__starts_on="2027-01-01")
    assert steps.count() == 3
    assert not LockWish.objects.filter(lifted_at__isnull=True).exists()


def test_the_clock_set_back_reopens_and_ends_nothing() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    end_due_periods(now=MONTH_END)
    before = kinds_of_events(budget), digest_rows()

    for _ in range(2):
        end_due_periods(now=MONTH_END - 2 * HOUR)
        evaluate_waiting(now=MONTH_END - 2 * HOUR)

    assert (kinds_of_events(budget), digest_rows()) == before
    assert running(budget).starts_on == day("2026-12-01")


def test_the_clock_set_forward_ends_everything_in_order() -> None:
    firm = Firm()
    budget = assigned(firm.person("mario"), money("10.00", period="week"))

    end_due_periods(now=NOON + timedelta(days=40))

    starts = BudgetPeriod.objects.order_by("pk").values_list("starts_on", flat=True)
    assert list(starts) == [day("2026-11-09") + timedelta(days=7 * week) for week in range(6)]
    assert running(budget).starts_on == day("2026-12-14")


@pytest.mark.feature("F221")
def test_the_carried_amount_follows_silently_while_closing_and_is_settled_after_an_hour() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00", carry=CarryRule()))
    firm.call(mario, "4.00")
    end_due_periods(now=MONTH_END)
    told = kinds_of_events(budget)

    firm.call(mario, "2.50", at=MONTH_END - timedelta(minutes=1))
    evaluate_waiting(now=MONTH_END + timedelta(minutes=10))
    after_late_call = kinds_of_events(budget), running(budget).carried
    end_due_periods(now=MONTH_END + timedelta(minutes=59))
    still = BudgetPeriod.objects.get(starts_on="2026-11-01").state
    end_due_periods(now=MONTH_END + timedelta(minutes=60))

    assert told == ["assigned", "end_period", "carried_over"]
    assert after_late_call == ([*told, "threshold"], 3_500_000)
    assert still == PeriodState.CLOSING
    closed = BudgetPeriod.objects.get(starts_on="2026-11-01")
    assert (closed.state, closed.closed_spent) == (PeriodState.CLOSED, 6_500_000)
    settled = BudgetEvent.objects.filter(budget=budget).order_by("pk").last()
    assert settled is not None
    assert settled.kind == EventKind.CARRY_CORRECTED
    assert (settled.details["from"], settled.details["to"]) == (6_000_000, 3_500_000)


def test_a_late_call_while_closing_tells_but_locks_nobody() -> None:
    firm = Firm()
    mario = firm.person("mario")
    assigned(mario, money("10.00"))
    end_due_periods(now=MONTH_END)

    firm.call(mario, "11.00", at=MONTH_END - HOUR)
    evaluate_waiting(now=MONTH_END)

    assert BudgetNotice.objects.filter(kind=EventKind.OVER_BUDGET).count() == 1
    assert not LockWish.objects.exists()


def test_a_late_call_after_closing_is_an_event_and_corrects_what_was_carried() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00", carry=CarryRule()))
    end_due_periods(now=MONTH_END)
    end_due_periods(now=MONTH_END + HOUR)
    told = BudgetNotice.objects.count()

    firm.call(mario, "11.00", at=NOON)
    evaluate_waiting(now=MONTH_END + 2 * HOUR)

    assert kinds_of_events(budget)[-2:] == ["late_calls", "carry_corrected"]
    late = BudgetEvent.objects.get(kind=EventKind.LATE_CALLS)
    assert (late.details["amount"], late.details["calls"]) == (11_000_000, 1)
    november = BudgetPeriod.objects.get(starts_on="2026-11-01")
    assert (november.closed_spent, november.late_amount) == (0, 11_000_000)
    assert running(budget).carried == 0
    assert BudgetNotice.objects.count() == told
    assert not LockWish.objects.exists()
    assert differences() == []


def test_rating_again_after_closing_is_an_event_of_its_own_kind() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, money("10.00"))
    call = firm.call(mario, "4.00")
    end_due_periods(now=MONTH_END)
    end_due_periods(now=MONTH_END + HOUR)
    evaluate_waiting(now=MONTH_END + HOUR)

    firm.reprice(call, "3.00")
    evaluate_waiting(now=MONTH_END + 2 * HOUR)

    assert kinds_of_events(budget)[-1] == "rerated"
    event = BudgetEvent.objects.get(kind=EventKind.RERATED)
    assert (event.details["amount"], event.details["calls"]) == (-1_000_000, 0)


def test_a_correction_reaches_the_present_through_every_period_between() -> None:
    def carried_with(late: str, *, in_time: bool) -> list[int]:
        firm = Firm()
        mario = firm.person(f"mario-{firm.site.pk}")
        budget = assigned(mario, money("10.00", carry=CarryRule(debt=True)))
        if in_time:
            firm.call(mario, late, at=NOON)
        firm.call(mario, "3.00", at=NOON + timedelta(days=30))
        for months in range(1, 4):
            end_due_periods(now=MONTH_END + timedelta(days=31 * months))
            end_due_periods(now=MONTH_END + timedelta(days=31 * months) + HOUR)
        if not in_time:
            firm.call(mario, late, at=NOON)
        evaluate_waiting(now=MONTH_END + timedelta(days=100))
        periods = BudgetPeriod.objects.filter(budget=budget).order_by("starts_on")
        return list(periods.values_list("carried", flat=True))

    for late in ("2.00", "9.00", "25.00"):
        assert carried_with(late, in_time=False) == carried_with(late, in_time=True)


def test_a_new_period_length_waits_for_the_end_of_the_running_one() -> None:
    firm = Firm()
    budget = assigned(firm.person("mario"), money("10.00"))

    change_schedule(budget=budget, period="week", starts_on=3, at=NOON, by="boss")
    as_planned = running(budget)
    end_due_periods(now=MONTH_END)

    assert as_planned.ends_before == day("2026-12-01")
    following = running(budget)
    assert (following.starts_on, following.ends_before) == (day("2026-12-01"), day("2026-12-02"))
    end_due_periods(now=following.ends_at)
    assert (running(budget).ends_before - running(budget).starts_on).days == 7


def test_a_new_amount_holds_in_the_periods_that_follow() -> None:
    firm = Firm()
    budget = assigned(firm.person("mario"), money("10.00"))

    change_amount(budget=budget, amount=25_000_000, at=NOON, by="boss")
    change_carry(budget=budget, carry=CarryRule(cap=1_000_000), at=NOON, by="boss")
    end_due_periods(now=MONTH_END)

    assert (running(budget).base, running(budget).carried) == (25_000_000, 1_000_000)


def test_an_empty_budget_with_a_lock_locks_from_the_first_second_of_each_period() -> None:
    firm = Firm()
    mario = firm.person("mario")
    assigned(mario, money("0.00"))
    at_once = LockWish.objects.filter(lifted_at__isnull=True).count()

    end_due_periods(now=MONTH_END)
    between = LockWish.objects.filter(lifted_at__isnull=True).count()
    evaluate_waiting(now=MONTH_END)

    assert (at_once, between) == (1, 0)
    assert LockWish.objects.filter(lifted_at__isnull=True).count() == 1


def test_minutes_end_and_carry_like_money() -> None:
    firm = Firm()
    mario = firm.person("mario")
    budget = assigned(mario, minutes(100, carry=CarryRule()))
    firm.call(mario, "1.00", seconds=3600)

    end_due_periods(now=MONTH_END)

    assert running(budget).carried == 40 * 60_000


def test_what_happened_before_the_end_counts_even_if_nobody_looked_in_time() -> None:
    def history(*, ticks_in_time: bool) -> list[str]:
        firm = Firm()
        mario = firm.person(f"mario-{firm.site.pk}")
        budget = assigned(mario, money("10.00", carry=CarryRule()))
        firm.call(mario, "9.00")
        if ticks_in_time:
            evaluate_waiting(now=NOON)
        end_due_periods(now=MONTH_END + 3 * HOUR)
        evaluate_waiting(now=MONTH_END + 3 * HOUR)
        return kinds_of_events(budget)

    assert history(ticks_in_time=True) == history(ticks_in_time=False)
