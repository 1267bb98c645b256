"""What happened and what is to be told or done: events, notices, requests, wishes for locks."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from budgets.models.periods import BudgetPeriod
from budgets.models.rules import Budget


class EventKind(models.TextChoices):
    ASSIGNED = "assigned", pgettext_lazy("what happened to a budget", "assigned")
    CHANGED = "changed", _("changed")
    DELETED = "deleted", _("deleted")
    THRESHOLD = "threshold", _("threshold reached")
    OVER_BUDGET = "over_budget", _("over budget")
    PHONE_LOCKED = "phone_locked", _("phone locked")
    PHONE_UNLOCKED = "phone_unlocked", _("phone unlocked")
    LOCK_SKIPPED = "lock_skipped", _("lock skipped")
    LOCK_FAILED = "lock_failed", _("lock failed")
    OVERRIDE = "override", _("override")
    ADJUSTED = "adjusted", _("adjusted for this period")
    ASKED = "asked", _("more asked for")
    GRANTED = "granted", _("more granted")
    REFUSED = "refused", _("request refused")
    WITHDRAWN = "withdrawn", _("request withdrawn")
    NOTIFY_SENT = "notify_sent", _("notification sent")
    NOTIFY_FAILED = "notify_failed", _("notification failed")
    END_PERIOD = "end_period", _("end of period")
    CARRIED_OVER = "carried_over", _("carried over")
    CARRY_CORRECTED = "carry_corrected", _("carry corrected")
    LATE_CALLS = "late_calls", _("late calls")
    RERATED = "rerated", _("rated again")


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
        verbose_name = _("event of a budget")
        verbose_name_plural = _("events of budgets")
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
        verbose_name = _("notice about a budget")
        verbose_name_plural = _("notices about budgets")
        indexes: ClassVar = [
            models.Index(
                fields=["made_at"], condition=Q(swept_at__isnull=True), name="notice_waiting"
            )
        ]

    def __str__(self) -> str:
        return self.key


class RequestState(models.TextChoices):
    ASKED = "ASKED", _("waiting for an answer")
    GRANTED = "GRANTED", _("granted")
    REFUSED = "REFUSED", _("refused")
    WITHDRAWN = "WITHDRAWN", _("withdrawn")


class BudgetRequest(models.Model):
    """Somebody asked for more than a budget allows him; answered once, by one person.

    What is granted is added to the running period alone: a request answers a need of
    now. Amounts are in the budget's measure; `asked` None = "more", however much.
    """

    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="requests")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="budget_requests"
    )
    asked = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=RequestState.choices, default=RequestState.ASKED)
    granted = models.BigIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="why so")

    class Meta:
        verbose_name = _("request for more")
        verbose_name_plural = _("requests for more")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["budget", "user"],
                condition=Q(state="ASKED"),
                name="one_open_request_a_budget_and_person",
            ),
            models.CheckConstraint(
                condition=Q(asked__isnull=True) | Q(asked__gt=0), name="request_asks_for_more"
            ),
            models.CheckConstraint(
                condition=Q(state="GRANTED", granted__gt=0)
                | (~Q(state="GRANTED") & Q(granted__isnull=True)),
                name="granted_request_names_its_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["asked_at"], condition=Q(state="ASKED"), name="request_waiting"),
            models.Index(fields=["user", "asked_at"], name="request_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} asks for more of the {self.budget}"


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
        verbose_name = _("wish for a lock")
        verbose_name_plural = _("wishes for locks")
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
