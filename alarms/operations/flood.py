"""At most 30 mails per recipient and hour, the rest in one (N8)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least
from django.utils import translation

from alarms.engine.retries import FLOOD_WINDOW, MAILS_PER_HOUR, life_of
from alarms.models import MailState, OutboxMessage
from alarms.operations.outbox import CHANNEL, new_message_id
from alarms.queries.texts import render

DIGEST = "digest"
SUBJECTS_LISTED = 50
GATHERED = "told together with others in one mail"


def hold_back(row: OutboxMessage, *, at: datetime) -> bool:
    """Keep a claimed `row` back if its recipient has had his fill of the hour.

    The first row held back gathers all that waits for this recipient into one
    digest mail, written here and due at once; what comes later in the same hour
    waits until the hour is over.
    """
    if row.kind == DIGEST:
        return False
    window = OutboxMessage.objects.filter(
        recipient=row.recipient, state=MailState.SENT, sent_at__gt=at - FLOOD_WINDOW
    )
    sent = list(window.order_by("sent_at").values_list("sent_at", flat=True)[:MAILS_PER_HOUR])
    if len(sent) < MAILS_PER_HOUR or sent[0] is None:
        return False
    if not _gather(row, at=at):
        free_at = sent[0] + FLOOD_WINDOW
        _waiting_for(row).update(
            state=MailState.PENDING,
            lease_until=None,
            next_attempt_at=Least(F("expires_at"), free_at),
        )
    return True


def _waiting_for(row: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The claimed row, and all that waits for the same recipient."""
    same = Q(recipient=row.recipient, state__in=[MailState.PENDING, MailState.RETRY])
    ours = Q(pk=row.pk, state=MailState.SENDING, lease_until=row.lease_until)
    return OutboxMessage.objects.filter(same | ours).exclude(kind=DIGEST)


def _gather(row: OutboxMessage, *, at: datetime) -> bool:
    """Make the hour's one digest; False where it is already made."""
    recent = OutboxMessage.objects.filter(
        kind=DIGEST, recipient=row.recipient, created_at__gt=at - FLOOD_WINDOW
    )
    if recent.exists():
        return False
    try:
        with transaction.atomic():
            _write_digest(row, at=at)
    except IntegrityError:
        # Another deliverer wrote the digest of this hour in the same moment.
        return False
    return True


def _write_digest(row: OutboxMessage, *, at: datetime) -> None:
    waiting = _waiting_for(row)
    count = waiting.count()
    subjects = waiting.order_by("created_at", "pk").values_list("subject", flat=True)
    lines = list(subjects[:SUBJECTS_LISTED])
    with translation.override(row.language):
        text = render(
            DIGEST,
            language=row.language,
            values={
                "count": count,
                "limit": MAILS_PER_HOUR,
                "lines": lines,
                "more": count - len(lines),
            },
        )
    digest = OutboxMessage.objects.create(
        dedupe_key=f"{DIGEST}|{at:%Y-%m-%dT%H}|{CHANNEL}|{row.recipient}",
        kind=DIGEST,
        channel=CHANNEL,
        recipient=row.recipient,
        user=row.user,
        language=row.language,
        subject=text.subject,
        text_body=text.text,
        html_body=text.html,
        next_attempt_at=at,
        message_id=new_message_id(),
        created_at=at,
        expires_at=at + life_of(DIGEST),
    )
    waiting.update(
        state=MailState.SUPPRESSED,
        digest=digest,
        lease_until=None,
        settled_at=at,
        last_error=GATHERED,
    )
