"""The log of changes as people read it: set-up changed, and numbers looked at in clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

from auditlog.models import LogEntry as Change
from babel.dates import format_datetime
from django.apps import apps
from django.contrib.admin.models import LogEntry as Note
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db.models import (
    BooleanField,
    DateTimeField,
    ForeignObjectRel,
    ManyToManyField,
    Model,
    Q,
    QuerySet,
)
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billingsite.auditing import AUDITED
from billingsite.field_words import said_name
from cdr.models import Call, QuarantinedRecord
from cdr.operations.traces import EXPORTED, REVEALED
from directory.models import User
from directory.templatetags.figures import active_calendar
from kernel.periods import ONE_DAY, local_midnight

CREATED, CHANGED, DELETED = "created", "changed", "deleted"
LOOKED, TAKEN = "looked", "taken"
ACTIONS: Final = {
    Change.Action.CREATE: CREATED,
    Change.Action.UPDATE: CHANGED,
    Change.Action.DELETE: DELETED,
    Change.Action.ACCESS: LOOKED,
}
LONGEST_VALUE: Final = 200
UTC_ZONE: Final = ZoneInfo("UTC")
TRUTHS: Final = frozenset({"True", "False"})
_CHANGES, _NOTES = 1, 0
NOTED: Final = (Call, QuarantinedRecord)
"""What holds clear numbers; whoever looks at them leaves a note."""
KINDS: Final = {"mfa.authenticator": _("Second factor")}
"""What a library calls its rows in English alone."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; empty text for none."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which row, when and from where. `by` is a name where no user is known."""

    at: datetime
    rank: int
    pk: int
    action: str
    kind: str
    subject: str
    user: User | None
    by: str
    address: str
    changes: Sequence[FieldChange]

    @property
    def place(self) -> str:
        """Where to go on from, for the address of the next page."""
        return f"{self.at.timestamp():.6f}~{self.rank}~{self.pk}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of a person (by user name), a kind of row, an action, and days."""

    person: str = ""
    kind: str = ""
    action: str = ""
    from_day: date | None = None
    to_day: date | None = None
    zone: ZoneInfo = UTC_ZONE


@dataclass(frozen=True, slots=True)
class Page:
    """Entries newest first, and the place of the last one if there are older ones."""

    entries: Sequence[Entry]
    older: str = ""
    newer: str = ""


def kinds() -> list[tuple[str, str]]:
    """The kinds of rows that the log speaks of: label and words, by the words."""
    models = [apps.get_model(label) for label in AUDITED]
    found = [(model._meta.label_lower, words_of(model)) for model in models]
    found += [(model._meta.label_lower, words_of(model)) for model in NOTED]
    return sorted(found, key=lambda kind: kind[1])


def words_of(model: type[Model]) -> str:
    """What a kind of row is called, in the reader's language."""
    return capfirst(str(KINDS.get(model._meta.label_lower, model._meta.verbose_name)))


def audit_page(wanted: Wanted, *, older: str = "", size: int = 50) -> Page:
    """One page of the log, both histories in one order; two questions and their users."""
    place = _place(older)
    changes = _after(_changes(wanted), "timestamp", place, rank=_CHANGES)
    notes = _after(_notes(wanted), "action_time", place, rank=_NOTES)
    entries = [
        *(_of_change(row) for row in changes.order_by("-timestamp", "-pk")[: size + 1]),
        *(_of_note(row) for row in notes.order_by("-action_time", "-pk")[: size + 1]),
    ]
    entries.sort(key=attrgetter("at", "rank", "pk"), reverse=True)
    more = entries[size:]
    shown = entries[:size]
    return Page(shown, older=shown[-1].place if more else "")


def _place(text: str) -> tuple[datetime, int, int] | None:
    """The place written by `Entry.place`; none for what nobody wrote."""
    try:
        stamp, rank, pk = text.split("~")
        at = datetime.fromtimestamp(0, tz=UTC_ZONE) + timedelta(
            microseconds=int(stamp.replace(".", ""))
        )
        return at, int(rank), int(pk)
    except (ValueError, OverflowError):
        return None


def _after(
    rows: QuerySet[Any], field: str, place: tuple[datetime, int, int] | None, *, rank: int
) -> QuerySet[Any]:
    if place is None:
        return rows
    at, last_rank, last_pk = place
    earlier = Q(**{f"{field}__lt": at})
    if rank < last_rank:
        return rows.filter(earlier | Q(**{field: at}))
    if rank > last_rank:
        return rows.filter(earlier)
    return rows.filter(earlier | Q(**{field: at, "pk__lt": last_pk}))


def _changes(wanted: Wanted) -> QuerySet[Any]:
    rows: QuerySet[Any] = Change.objects.select_related("actor")
    if wanted.person:
        rows = rows.filter(
            Q(actor__username__iexact=wanted.person)
            | Q(actor__isnull=True, additional_data__by__iexact=wanted.person)
        )
    if wanted.kind:
        rows = rows.filter(content_type=_content_type(wanted.kind))
    if wanted.action:
        numbers = [number for number, action in ACTIONS.items() if action == wanted.action]
        rows = rows.filter(action__in=numbers)
    return rows.filter(_days(wanted, "timestamp"))


def _notes(wanted: Wanted) -> QuerySet[Any]:
    labels = [model._meta.label_lower for model in NOTED]
    if wanted.kind:
        labels = [label for label in labels if label == wanted.kind]
    rows = Note.objects.select_related("user", "content_type").filter(
        Q(change_message=REVEALED) | Q(change_message__startswith=EXPORTED),
        content_type__in=[_content_type(label) for label in labels],
    )
    if wanted.person:
        rows = rows.filter(user__username__iexact=wanted.person)
    if wanted.action and wanted.action not in (LOOKED, TAKEN):
        return rows.none()
    if wanted.action:
        taken = Q(change_message__startswith=EXPORTED)
        rows = rows.filter(taken if wanted.action == TAKEN else ~taken)
    return rows.filter(_days(wanted, "action_time"))


def _content_type(label: str) -> ContentType:
    return ContentType.objects.get_for_model(apps.get_model(label))


def _days(wanted: Wanted, field: str) -> Q:
    days = Q()
    if wanted.from_day:
        days &= Q(**{f"{field}__gte": local_midnight(wanted.from_day, wanted.zone)})
    if wanted.to_day:
        end = local_midnight(wanted.to_day + ONE_DAY, wanted.zone)
        days &= Q(**{f"{field}__lt": end})
    return days


def _of_change(row: Any) -> Entry:
    model = row.content_type.model_class()
    return Entry(
        at=row.timestamp,
        rank=_CHANGES,
        pk=row.pk,
        action=ACTIONS.get(row.action, CHANGED),
        kind=words_of(model) if model else row.content_type.model,
        subject=row.object_repr,
        user=row.actor,
        by=str((row.additional_data or {}).get("by", "")),
        address=row.remote_addr or "",
        changes=_fields(model, row.changes or {}),
    )


def _of_note(row: Any) -> Entry:
    return Entry(
        at=row.action_time,
        rank=_NOTES,
        pk=row.pk,
        action=TAKEN if row.change_message.startswith(EXPORTED) else LOOKED,
        kind=words_of(row.content_type.model_class()),
        subject=row.object_repr,
        user=row.user,
        by="",
        address="",
        changes=(),
    )


def _fields(model: type[Model] | None, changes: dict[str, Any]) -> list[FieldChange]:
    """The fields that changed, under their own names, without the row's number."""
    found = []
    for name, values in changes.items():
        field = _field(model, name)
        if name == "id" or isinstance(field, ForeignObjectRel | ManyToManyField):
            continue  # noted under the row on the other side
        before, after = (_said(value, field) for value in values)
        label = str(getattr(field, "verbose_name", name.replace("_", " ")))
        found.append(FieldChange(capfirst(said_name(label)), before, after))
    return found


def _field(model: type[Model] | None, name: str) -> object:
    try:
        return model._meta.get_field(name) if model is not None else None
    except FieldDoesNotExist:
        return None


def _said(value: object, field: object) -> str:
    """A value as a page says it: a choice by its words, an instant on the reader's clock."""
    text = "" if value in (None, "None", "") else str(value)
    if isinstance(field, DateTimeField) and (noted := parse_datetime(text)):
        noted = noted if is_aware(noted) else noted.replace(tzinfo=UTC_ZONE)
        text = format_datetime(localtime(noted), format="medium", locale=active_calendar())
    elif isinstance(field, BooleanField) and text in TRUTHS:
        text = gettext("yes") if text == "True" else gettext("no")
    else:
        text = str(dict(getattr(field, "flatchoices", ())).get(text, text))
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
