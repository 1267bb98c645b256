"""The lock of each line: who wants it, what the switch confirmed, what happened.

Wanted and confirmed state are apart (reliability 0.4). A flag is set while its
`…_since` is filled; locked = any flag. Every change of what the switch is to do
takes a new version and order id, and an answer counts only for its own version.

The PIN of a person stands beside: what he types at the phone to do the same there.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from directory.models import Line, Site, User
from phonelock.engine.flags import LineState, LockFlag, strongest


class SwitchState(models.TextChoices):
    UNKNOWN = LineState.UNKNOWN.value, _("unknown")
    UNLOCKED = LineState.UNLOCKED.value, _("unlocked")
    LOCKED = LineState.LOCKED.value, _("locked")


class FlagChoice(models.TextChoices):
    ADMIN = LockFlag.ADMIN.value, _("administrator")
    BUDGET = LockFlag.BUDGET.value, _("budget")
    USER = LockFlag.USER.value, _("user")
    SESSION = LockFlag.SESSION.value, _("computer session")


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
    admin_until = models.DateTimeField(
        null=True, blank=True, help_text=_("when the administrator's lock is lifted by itself")
    )
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
        verbose_name = _("lock of a line")
        verbose_name_plural = _("locks of lines")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(_ANY_FLAG & Q(wanted="LOCKED")) | (_NO_FLAG & Q(wanted="UNLOCKED")),
                name="locked_means_any_flag",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_version__lte=F("version")),
                name="confirmed_no_later_than_wanted",
            ),
            models.CheckConstraint(
                condition=Q(admin_until__isnull=True) | Q(admin_since__isnull=False),
                name="only_a_lock_has_an_end",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], name="line_lock_due"),
            models.Index(
                fields=["admin_until"],
                condition=Q(admin_until__isnull=False),
                name="line_lock_ending",
            ),
        ]

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
    SET = "SET", _("flag set")
    CHANGED = "CHANGED", _("reason or end changed")
    CLEARED = "CLEARED", _("flag cleared")
    CONFIRMED = "CONFIRMED", _("confirmed by the phone system")
    FAILED = "FAILED", _("not confirmed by the phone system")
    DRIFT = "DRIFT", _("changed at the phone system")


class LockEvent(models.Model):
    """History of a line's lock, append only.

    For a flag: the wanted state before and after, by whom, why and until when. For the
    switch: the state confirmed before and after, with what it said in `result`.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="lock_events")
    kind = models.CharField(max_length=10, choices=LockEventKind.choices)
    flag = models.CharField(max_length=8, choices=FlagChoice.choices, blank=True)
    made_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=255, blank=True)
    state_before = models.CharField(max_length=8, choices=SwitchState.choices)
    state_after = models.CharField(max_length=8, choices=SwitchState.choices)
    result = models.CharField(max_length=255, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("event of a lock")
        verbose_name_plural = _("events of locks")
        indexes: ClassVar = [models.Index(fields=["line", "made_at"], name="lock_event_by_line")]

    def __str__(self) -> str:
        return f"{self.line} {self.get_kind_display()} {self.made_at:%Y-%m-%d %H:%M}"


class CircuitState(models.TextChoices):
    CLOSED = "CLOSED", _("in service")
    OPEN = "OPEN", _("out of service")


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
        verbose_name = _("connection to a phone system")
        verbose_name_plural = _("connections to phone systems")
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
        verbose_name = _("decision about a call")
        verbose_name_plural = _("decisions about calls")
        indexes: ClassVar = [
            models.Index(fields=["decided_at"], name="decision_by_time"),
            models.Index(fields=["site", "decided_at"], name="decision_by_site"),
        ]

    def __str__(self) -> str:
        return f"{self.decided_at:%Y-%m-%d %H:%M:%S} {self.calling} {self.effect} {self.reason}"


class Pin(models.Model):
    """What one person types at a phone to lock and unlock it: a salted slow hash, no more.

    `tries` counts from the moment a guess is made, not when it has proved wrong, so that
    many guesses at once are as many tries. A one-time PIN opens nothing but its change.
    """

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="phone_pin"
    )
    secret = models.CharField(max_length=255, editable=False)
    is_one_time = models.BooleanField(default=False)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=150)
    tries = models.PositiveSmallIntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("phone PIN")
        verbose_name_plural = _("phone PINs")

    def __str__(self) -> str:
        return f"PIN of {self.user_id}"


class PinEventKind(models.TextChoices):
    SET = "SET", _("PIN set")
    CHANGED = "CHANGED", _("PIN changed")
    ONE_TIME = "ONE_TIME", _("one-time PIN set")
    PAUSED = "PAUSED", _("too many wrong PINs")


class PinEvent(models.Model):
    """History of a person's PIN, append only; never what it is."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="pin_events")
    kind = models.CharField(max_length=10, choices=PinEventKind.choices)
    made_by = models.CharField(max_length=150, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("event of a PIN")
        verbose_name_plural = _("events of PINs")
        indexes: ClassVar = [models.Index(fields=["user", "made_at"], name="pin_event_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.get_kind_display()} {self.made_at:%Y-%m-%d %H:%M}"
