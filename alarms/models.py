"""Mail on its way: one row a recipient, from the cause to the server's answer.

The row is the truth; a worker, a message on a broker and an SMTP session are
only attempts at it.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from budgets.models import Budget, BudgetNotice


class MailState(models.TextChoices):
    PENDING = "PENDING", _("waiting")
    SENDING = "SENDING", _("being sent")
    SENT = "SENT", _("sent")
    RETRY = "RETRY", _("to be tried again")
    FAILED = "FAILED", _("failed")
    BOUNCED = "BOUNCED", _("bounced")
    EXPIRED = "EXPIRED", _("expired")
    SUPPRESSED = "SUPPRESSED", _("held back")
    CANCELLED = "CANCELLED", _("cancelled")


UNSETTLED = (MailState.PENDING, MailState.SENDING, MailState.RETRY)
GIVEN_UP = (
    *(MailState.FAILED, MailState.BOUNCED, MailState.EXPIRED),
    *(MailState.SUPPRESSED, MailState.CANCELLED),
)


class OutboxMessage(models.Model):
    """One mail to one address, written with its cause and kept after its end.

    `dedupe_key` names cause, recipient and channel, so no sweep writes it twice.
    `message_id` is fixed here: a copy sent twice after a crash is known as such.
    `attempts` are counted before the text goes out, `is_in_data` marks that
    moment: a row found so after its lease may have arrived.
    """

    dedupe_key = models.CharField(max_length=480, unique=True)
    kind = models.CharField(max_length=20)
    channel = models.CharField(max_length=16, default="mail")
    recipient = models.CharField(max_length=254, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="outbox_messages",
    )
    language = models.CharField(max_length=8)
    subject = models.CharField(max_length=250, blank=True)
    text_body = models.TextField(blank=True)
    html_body = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=MailState.choices, default=MailState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    is_in_data = models.BooleanField(default=False)
    maybe_duplicate = models.BooleanField(default=False)
    message_id = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    digest = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="gathered",
        help_text="the one mail that told this and others, where there were too many",
    )
    budget = models.ForeignKey(
        Budget, null=True, blank=True, on_delete=models.PROTECT, related_name="outbox_messages"
    )
    notice = models.ForeignKey(
        BudgetNotice,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="outbox_messages",
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state="SENT") | Q(sent_at__isnull=False),
                name="sent_mail_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="SENDING") | Q(lease_until__isnull=False),
                name="mail_being_sent_has_a_lease",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(state__in=["PENDING", "SENDING", "RETRY"]),
                name="mail_waiting",
            ),
            models.Index(
                fields=["recipient", "sent_at"], condition=Q(state="SENT"), name="mail_sent_to"
            ),
            models.Index(fields=["created_at", "id"], name="mail_by_age"),
        ]
        verbose_name = _("mail")
        verbose_name_plural = _("mails")

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient or self.user or 'nobody'}"


class MailEvent(models.Model):
    """What happened to a mail, append only: each attempt's answer, and what people did.

    `became` is the state it led to; `by` is empty for the pipeline.
    """

    mail = models.ForeignKey(OutboxMessage, on_delete=models.PROTECT, related_name="events")
    made_at = models.DateTimeField()
    became = models.CharField(max_length=12, choices=MailState.choices)
    said = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = _("event of a mail")
        verbose_name_plural = _("events of mails")

    def __str__(self) -> str:
        return f"{self.mail_id} {self.get_became_display()} {self.made_at:%Y-%m-%d %H:%M}"


class MailCircuit(models.Model):
    """Whether the mail server answers; `name` is the channel. Open = it does not.

    While open nothing is tried but one probe at `probe_due_at`, and no mail
    loses an attempt.
    """

    name = models.CharField(max_length=16, unique=True, default="mail")
    opened_at = models.DateTimeField(null=True, blank=True)
    probe_due_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True, probe_due_at__isnull=True)
                | Q(opened_at__isnull=False, probe_due_at__isnull=False),
                name="open_circuit_has_a_probe",
            )
        ]
        verbose_name = _("mail server")
        verbose_name_plural = _("mail servers")

    def __str__(self) -> str:
        return f"{self.name} away since {self.opened_at}" if self.opened_at else self.name


class SuppressedAddress(models.Model):
    """An address that refused mail for good, `hard_bounces` times in a row.

    From the third on (`suppressed_at`) nothing is sent there until somebody
    clears it, which deletes the row.
    """

    address = models.CharField(max_length=254, unique=True, help_text="in lower case")
    hard_bounces = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    last_bounced_at = models.DateTimeField()
    suppressed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")

    def __str__(self) -> str:
        return self.address
