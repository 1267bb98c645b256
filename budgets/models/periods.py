"""The periods of budgets: their lives, what was changed in one, and the thresholds reached."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from budgets.models.rules import Budget
from kernel.periods import ONE_DAY


class PeriodState(models.TextChoices):
    OPEN = "OPEN", _("open")
    CLOSING = "CLOSING", _("closing")
    CLOSED = "CLOSED", _("closed")
    DROPPED = "DROPPED", _("given up: the budget was deleted")


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
    adjusted = models.BigIntegerField(
        default=0, help_text="added to this period alone, with a reason; negative = taken away"
    )
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
        verbose_name = _("period of a budget")
        verbose_name_plural = _("periods of budgets")
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
        """What may be spent in this period: the base, what was carried, what was added."""
        return self.base + self.carried + self.adjusted

    @property
    def lasting(self) -> int:
        """What may be spent, as far as its rest may be handed on.

        What was added to this period alone is used up last and its rest ends with the
        period; overspend counts only beyond it.
        """
        regular = self.base + self.carried
        if self.adjusted <= 0:
            return self.effective
        return min(self.effective, max(regular, self.settled_spent))

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

    class Meta:
        verbose_name = _("override of a period")
        verbose_name_plural = _("overrides of periods")

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
        verbose_name = _("threshold reached")
        verbose_name_plural = _("thresholds reached")
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
