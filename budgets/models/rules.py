"""What may be spent: budgets, their thresholds, and who is excepted."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from directory.models import OrgUnit


class Measure(models.TextChoices):
    MONEY = "MONEY", _("money")
    MINUTES = "MINUTES", _("minutes")


class PeriodKind(models.TextChoices):
    DAY = "day", _("day")
    WEEK = "week", _("week")
    MONTH = "month", _("month")


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
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
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
        verbose_name = _("threshold")
        verbose_name_plural = _("thresholds")
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
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("exception from a budget")
        verbose_name_plural = _("exceptions from budgets")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["budget", "user"],
                condition=Q(until__isnull=True),
                name="excepted_once_a_budget",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} is left out"
