"""Budgets: what may be spent, by whom, in which period, and what happened.

Spent is never stored for a running period: it is the sum of `cdr.UsageTotal`
over the period's local days, right at every commit. Crossings, events, notices
and lock wishes are facts; the last two are what upper apps read and answer.

Whoever changes a budget, its periods or what hangs on them locks the `Budget`
row first, several of them in the order of their ids.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from directory.models import OrgUnit
from kernel.periods import ONE_DAY


class Measure(models.TextChoices):
    MONEY = "MONEY", "money"
    MINUTES = "MINUTES", "minutes"


class PeriodKind(models.TextChoices):
    DAY = "day", "day"
    WEEK = "week", "week"
    MONTH = "month", "month"


class Budget(models.Model):
    """An allowance for one user, for a unit as a whole, or for each member of a unit.

    With `for_each_member` the row is a template: every member has a budget of his
    own whose `template` points here, made when he joins. `amount` is micro-units
    of `currency` for money, milliseconds of talk for minutes.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="budgets",
    )
    unit = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="budgets"
    )
    for_each_member = models.BooleanField(default=False)
    template = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="member_budgets"
    )
    measure = models.CharField(max_length=8, choices=Measure.choices, default=Measure.MONEY)
    amount = models.BigIntegerField(help_text="millionths of the currency, or milliseconds")
    currency = models.CharField(max_length=3, blank=True)
    time_zone = models.CharField(max_length=64)
    period = models.CharField(max_length=8, choices=PeriodKind.choices, default=PeriodKind.MONTH)
    starts_on = models.PositiveSmallIntegerField(default=1)
    number_classes = models.JSONField(
        default=list, blank=True, help_text="counts only these classes; empty = all"
    )
    classes_key = models.CharField(
        max_length=200, blank=True, help_text="the classes in one word, so that a kind is unique"
    )
    carry_over = models.BooleanField(default=False)
    carry_cap = models.BigIntegerField(
        null=True, blank=True, help_text="most that may be carried; empty = the base amount"
    )
    carry_debt = models.BooleanField(default=False)
    extra_recipient = models.EmailField(blank=True)
    assigned_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    members_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="when the members were last looked through"
    )
    members_seen_id = models.BigIntegerField(
        default=0, help_text="newest membership there was at that time"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "measure", "classes_key"],
                condition=Q(deleted_at__isnull=True, user__isnull=False),
                name="one_budget_of_a_kind_a_user",
            ),
            models.UniqueConstraint(
                fields=["unit", "for_each_member", "measure", "classes_key"],
                condition=Q(deleted_at__isnull=True, unit__isnull=False),
                name="one_budget_of_a_kind_a_unit",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, unit__isnull=True)
                | Q(user__isnull=True, unit__isnull=False),
                name="budget_is_for_a_user_or_a_unit",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="budget_is_not_negative"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["unit"],
                condition=Q(for_each_member=True, deleted_at__isnull=True),
                name="budget_template",
            )
        ]

    def __str__(self) -> str:
        return f"budget of {self.user or self.unit}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def rules_id(self) -> int:
        """The budget whose thresholds count: a member's are those of his template."""
        return self.template_id or self.pk


class Threshold(models.Model):
    """At this percent of the budget: whom to tell, and whether to lock."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="thresholds")
    percent = models.PositiveIntegerField()
    notify = models.JSONField(
        default=list, blank=True, help_text="user, manager, administrator, or mail addresses"
    )
    lock = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["budget", "percent"], name="percent_once_a_budget")
        ]

    def __str__(self) -> str:
        return f"{self.percent} %"


class BudgetException(models.Model):
    """A member whom a unit's budget neither counts nor locks.

    It holds for the periods that start in `[since, until)`, so that a change today
    leaves the sums of ended periods alone.
    """

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="exceptions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="budget_exceptions"
    )
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["budget", "user"],
                condition=Q(until__isnull=True),
                name="excepted_once_a_budget",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} is left out"


class PeriodState(models.TextChoices):
    OPEN = "OPEN", "open"
    CLOSING = "CLOSING", "closing"
    CLOSED = "CLOSED", "closed"
    DROPPED = "DROPPED", "given up: the budget was deleted"


class BudgetPeriod(models.Model):
    """One period of one budget; its state only ever moves on.

    While open, spent is asked of the totals and stored nowhere. `fires_from` and
    `resets_below` say from which sum on there is something to do, so that most
    looks are one comparison; null = never. From the end on `closed_spent` holds
    the sum the end was settled with: it follows silently while closing, and what
    comes after closing is counted in `late_amount`.
    """

    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="periods")
    starts_on = models.DateField()
    ends_before = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    base = models.BigIntegerField()
    carried = models.BigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=PeriodState.choices, default=PeriodState.OPEN)
    is_unseen = models.BooleanField(
        default=True, help_text="made or changed, and not looked at since"
    )
    fires_from = models.BigIntegerField(
        null=True, blank=True, help_text="spent that reaches the next threshold"
    )
    resets_below = models.BigIntegerField(
        null=True, blank=True, help_text="spent under which the highest latch is reset"
    )
    is_locking = models.BooleanField(
        default=False, help_text="its lock threshold is reached and nobody overrode it"
    )
    is_overridden = models.BooleanField(default=False, help_text="unlocked until the period ends")
    hands_on = models.BooleanField(
        default=False, help_text="carry-over was on when it ended: the next began with its rest"
    )
    carried_told = models.BigIntegerField(
        default=0, help_text="carried, as the history last said it"
    )
    counted_units = models.JSONField(
        null=True, blank=True, help_text="ids of the unit and its sub-units when it ended"
    )
    closes_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_spent = models.BigIntegerField(null=True, blank=True)
    closed_calls = models.BigIntegerField(null=True, blank=True)
    late_amount = models.BigIntegerField(default=0)
    late_calls = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["budget", "starts_on"], name="period_once_a_budget"),
            models.UniqueConstraint(
                fields=["budget"], condition=Q(state="OPEN"), name="one_open_period_a_budget"
            ),
            models.CheckConstraint(
                condition=Q(ends_before__gt=F("starts_on")), name="period_ends_after_it_starts"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["ends_at"], condition=Q(state="OPEN"), name="period_due"),
            models.Index(fields=["closes_at"], condition=Q(state="CLOSING"), name="period_closing"),
            models.Index(fields=["id"], condition=Q(is_unseen=True), name="period_unseen"),
            models.Index(fields=["budget"], condition=Q(is_locking=True), name="period_locking"),
        ]

    def __str__(self) -> str:
        return f"{self.budget} from {self.starts_on}"

    @property
    def effective(self) -> int:
        """What may be spent in this period: the base and what was carried."""
        return self.base + self.carried

    @property
    def last_date(self) -> date:
        """The last day that still belongs to the period."""
        return self.ends_before - ONE_DAY

    @property
    def settled_spent(self) -> int:
        """The spent that the end, and later corrections of it, were settled with."""
        return (self.closed_spent or 0) + self.late_amount


class PeriodOverride(models.Model):
    """Somebody decided that this period locks nobody, or not `user`, until it ends."""

    period = models.ForeignKey(BudgetPeriod, on_delete=models.PROTECT, related_name="overrides")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the one member it is for; empty = the whole budget",
    )
    reason = models.CharField(max_length=500)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"{self.period} overridden by {self.made_by}"


class Crossing(models.Model):
    """Spent has reached a percent of the budget; once per period and generation.

    The generation rises only when the percent has fallen below and rises again.
    """

    period = models.ForeignKey(BudgetPeriod, on_delete=models.PROTECT, related_name="crossings")
    percent = models.PositiveIntegerField()
    generation = models.PositiveIntegerField(default=1)
    spent = models.BigIntegerField()
    effective = models.BigIntegerField()
    crossed_at = models.DateTimeField()
    reset_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["period", "percent", "generation"], name="crossing_once_a_generation"
            ),
            models.UniqueConstraint(
                fields=["period", "percent"],
                condition=Q(reset_at__isnull=True),
                name="crossing_latched_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.period}"


class EventKind(models.TextChoices):
    ASSIGNED = "assigned", "assigned"
    CHANGED = "changed", "changed"
    DELETED = "deleted", "deleted"
    THRESHOLD = "threshold", "threshold reached"
    OVER_BUDGET = "over_budget", "over budget"
    PHONE_LOCKED = "phone_locked", "phone locked"
    PHONE_UNLOCKED = "phone_unlocked", "phone unlocked"
    LOCK_SKIPPED = "lock_skipped", "lock skipped"
    LOCK_FAILED = "lock_failed", "lock failed"
    OVERRIDE = "override", "override"
    NOTIFY_SENT = "notify_sent", "notification sent"
    NOTIFY_FAILED = "notify_failed", "notification failed"
    END_PERIOD = "end_period", "end of period"
    CARRIED_OVER = "carried_over", "carried over"
    CARRY_CORRECTED = "carry_corrected", "carry corrected"
    LATE_CALLS = "late_calls", "late calls"
    RERATED = "rerated", "rated again"


class BudgetEvent(models.Model):
    """History of a budget, append only. `details` holds what the kind needs, whole numbers."""

    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="events")
    period = models.ForeignKey(
        BudgetPeriod, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the member concerned, where the budget has several",
    )
    details = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["budget", "made_at"], name="event_by_budget")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.made_at:%Y-%m-%d %H:%M}"


class BudgetNotice(models.Model):
    """Somebody is to be told: written with its cause, swept by alarms into the outbox.

    `key` is the same for the same cause for ever, so that no sweep tells twice.
    `recipients` are user, manager, administrator or mail addresses.
    """

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="notices")
    period = models.ForeignKey(BudgetPeriod, on_delete=models.PROTECT, related_name="notices")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    recipients = models.JSONField(default=list)
    values = models.JSONField(default=dict, help_text="figures for the text, whole numbers and ISO")
    made_at = models.DateTimeField()
    swept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["made_at"], condition=Q(swept_at__isnull=True), name="notice_waiting"
            )
        ]

    def __str__(self) -> str:
        return self.key


class LockWish(models.Model):
    """This period wants the phones of `user` locked, until `lifted_at`. phonelock reads it."""

    period = models.ForeignKey(BudgetPeriod, on_delete=models.PROTECT, related_name="lock_wishes")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="lock_wishes"
    )
    wished_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_because = models.CharField(max_length=32, blank=True)
    swept_at = models.DateTimeField(
        null=True, blank=True, help_text="when phonelock last took the present state over"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["period", "user"],
                condition=Q(lifted_at__isnull=True),
                name="lock_wished_once_a_period",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["wished_at"], condition=Q(swept_at__isnull=True), name="lock_wish_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} locked by {self.period}"
