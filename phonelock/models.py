"""The lock of each line: who wants it, what the switch confirmed, what happened.

Wanted and confirmed state are apart (reliability 0.4). A flag is set while its
`…_since` is filled; locked = any flag. Every change of what the switch is to do
takes a new version and order id, and an answer counts only for its own version.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from directory.models import Line, Site
from phonelock.engine.flags import LineState, LockFlag, strongest


class SwitchState(models.TextChoices):
    UNKNOWN = LineState.UNKNOWN.value, "unknown"
    UNLOCKED = LineState.UNLOCKED.value, "unlocked"
    LOCKED = LineState.LOCKED.value, "locked"


class FlagChoice(models.TextChoices):
    ADMIN = LockFlag.ADMIN.value, "administrator"
    BUDGET = LockFlag.BUDGET.value, "budget"
    USER = LockFlag.USER.value, "user"
    SESSION = LockFlag.SESSION.value, "computer session"


_ANY_FLAG = (
    Q(admin_since__isnull=False)
    | Q(budget_since__isnull=False)
    | Q(user_since__isnull=False)
    | Q(session_since__isnull=False)
)
_NO_FLAG = Q(
    admin_since__isnull=True,
    budget_since__isnull=True,
    user_since__isnull=True,
    session_since__isnull=True,
)


class LineLock(models.Model):
    """One line's four flags, the state wanted of its switch, and the state confirmed.

    `next_attempt_at` is when the switch is asked next about this line: an order where
    the wanted version is not confirmed, else reading the state back. `failed_since`
    is the latch of an outage: set at its first failure, cleared when the state that
    was confirmed has been read back as well.
    """

    line = models.OneToOneField(Line, on_delete=models.CASCADE, related_name="lock")

    admin_since = models.DateTimeField(null=True, blank=True)
    admin_by = models.CharField(max_length=150, blank=True)
    admin_reason = models.CharField(max_length=255, blank=True)
    budget_since = models.DateTimeField(null=True, blank=True)
    budget_by = models.CharField(max_length=150, blank=True)
    budget_reason = models.CharField(max_length=255, blank=True)
    user_since = models.DateTimeField(null=True, blank=True)
    user_by = models.CharField(max_length=150, blank=True)
    user_reason = models.CharField(max_length=255, blank=True)
    session_since = models.DateTimeField(null=True, blank=True)
    session_by = models.CharField(max_length=150, blank=True)
    session_reason = models.CharField(max_length=255, blank=True)

    wanted = models.CharField(
        max_length=8, choices=SwitchState.choices, default=SwitchState.UNLOCKED
    )
    wanted_flag = models.CharField(max_length=8, choices=FlagChoice.choices, blank=True)
    version = models.PositiveIntegerField(default=0)
    order_id = models.UUIDField(default=uuid4)

    confirmed = models.CharField(
        max_length=8, choices=SwitchState.choices, default=SwitchState.UNKNOWN
    )
    confirmed_version = models.PositiveIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=255, blank=True)
    failed_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(_ANY_FLAG & Q(wanted="LOCKED")) | (_NO_FLAG & Q(wanted="UNLOCKED")),
                name="locked_means_any_flag",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_version__lte=F("version")),
                name="confirmed_no_later_than_wanted",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["next_attempt_at"], name="line_lock_due")]

    def __str__(self) -> str:
        return f"{self.line}: {self.get_wanted_display()}"

    @property
    def flags(self) -> frozenset[LockFlag]:
        """The flags that are set."""
        return frozenset(flag for flag in LockFlag if getattr(self, f"{flag.lower()}_since"))

    @property
    def reason(self) -> LockFlag | None:
        """The strongest flag: what people are told."""
        return strongest(self.flags)

    @property
    def is_confirmed(self) -> bool:
        """Whether the switch has confirmed the state that is wanted now."""
        return self.confirmed == self.wanted and self.confirmed_version == self.version


class LockEventKind(models.TextChoices):
    SET = "SET", "flag set"
    CLEARED = "CLEARED", "flag cleared"
    CONFIRMED = "CONFIRMED", "confirmed by the switch"
    FAILED = "FAILED", "not confirmed by the switch"
    DRIFT = "DRIFT", "changed at the switch"


class LockEvent(models.Model):
    """History of a line's lock, append only.

    For a flag: the wanted state before and after, by whom and why. For the switch:
    the state confirmed before and after, with what it said in `result`.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="lock_events")
    kind = models.CharField(max_length=10, choices=LockEventKind.choices)
    flag = models.CharField(max_length=8, choices=FlagChoice.choices, blank=True)
    made_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=255, blank=True)
    state_before = models.CharField(max_length=8, choices=SwitchState.choices)
    state_after = models.CharField(max_length=8, choices=SwitchState.choices)
    result = models.CharField(max_length=255, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["line", "made_at"], name="lock_event_by_line")]

    def __str__(self) -> str:
        return f"{self.line} {self.get_kind_display()} {self.made_at:%Y-%m-%d %H:%M}"


class CircuitState(models.TextChoices):
    CLOSED = "CLOSED", "in service"
    OPEN = "OPEN", "out of service"


class SwitchCircuit(models.Model):
    """Whether a site's switch answers at all. Open: one probe at a time, no orders."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="switch_circuits")
    driver = models.CharField(max_length=32)
    state = models.CharField(
        max_length=8, choices=CircuitState.choices, default=CircuitState.CLOSED
    )
    since = models.DateTimeField()
    probe_due_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "driver"], name="one_circuit_a_switch")
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.driver}: {self.get_state_display()}"


class Decision(models.Model):
    """A routing decision as it was given to a switch, imported from the decision spool.

    `called` is masked as the site demands; internal and emergency numbers are clear.
    """

    key = models.CharField(max_length=64, unique=True)
    decided_at = models.DateTimeField()
    site = models.CharField(max_length=100, blank=True)
    calling = models.CharField(max_length=64, blank=True)
    called = models.CharField(max_length=64, blank=True)
    effect = models.CharField(max_length=16)
    reason = models.CharField(max_length=32)
    flag = models.CharField(max_length=8, blank=True)
    policy = models.CharField(max_length=8, blank=True)
    micros = models.PositiveIntegerField(help_text="time taken, in microseconds")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["decided_at"], name="decision_by_time")]

    def __str__(self) -> str:
        return f"{self.decided_at:%Y-%m-%d %H:%M:%S} {self.calling} {self.effect} {self.reason}"
