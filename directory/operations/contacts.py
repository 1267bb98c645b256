"""Writing phone books: one entry, or a file of them.

Who may write is settled by whoever calls (`directory.scoping.may_write_contact`). Entries
of the company are written as `CompanyContact`, so that the log of changes notes them and
never a personal one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from directory.engine.contact_file import Entry, Refused
from directory.models import CompanyContact, Contact, User
from directory.operations.runs import note_run
from kernel.errors import DomainError

MOST_OWN: Final = 2_000
MOST_OF_COMPANY: Final = 50_000
BATCH: Final = 500


class KnownNumber(DomainError):
    """The book has an entry for the number already."""

    code = "known_number"


class ContactGone(DomainError):
    """The entry is not in its book any more."""

    code = "contact_gone"


class TooManyContacts(DomainError):
    """A phone book is full."""

    code = "too_many_contacts"


class ChangedMeanwhile(DomainError):
    """Somebody wrote the same numbers at the same time; nothing was stored."""

    code = "changed_meanwhile"


def _kind(owner_id: int | None) -> type[Contact]:
    return CompanyContact if owner_id is None else Contact


def _check_room(owner_id: int | None, new: int) -> None:
    most = MOST_OF_COMPANY if owner_id is None else MOST_OWN
    if new and Contact.objects.filter(owner=owner_id).count() + new > most:
        raise TooManyContacts(_("The phone book holds at most %(most)s entries.") % {"most": most})


def add_contact(
    *, owner: User | None, number: str, name: str, number_masked: bool = False
) -> Contact:
    """A new entry of `owner`, or of the company.

    Raises:
        KnownNumber: if the book has that number already.
        TooManyContacts: if the book is full.
    """
    owner_id = owner.pk if owner else None
    _check_room(owner_id, 1)
    row = _kind(owner_id)(owner=owner, number=number, name=name, number_masked=number_masked)
    return _stored(row)


def change_contact(contact: Contact, *, name: str, number: str = "") -> Contact:
    """Give an entry another name; and another number, where one is given.

    Raises:
        ContactGone: if it was deleted meanwhile.
        KnownNumber: if another entry of the book has that number.
    """
    with transaction.atomic():
        row = _kind(contact.owner_id).objects.select_for_update().filter(pk=contact.pk).first()
        if row is None:
            raise ContactGone(_("This entry was deleted meanwhile."))
        row.name, row.number = name, number or row.number
        return _stored(row)


def _stored(row: Contact) -> Contact:
    taken = Contact.objects.filter(owner=row.owner_id, number=row.number).exclude(pk=row.pk)
    found = taken.first()
    try:
        if found is None:
            with transaction.atomic():
                row.save()
            return row
    except IntegrityError:
        found = taken.first()
    words = _("The phone book has this number already, as “%(name)s”.")
    raise KnownNumber(words % {"name": found.name if found else ""})


def delete_contact(contact: Contact) -> None:
    """Take an entry out of its book, unless somebody else just has."""
    row = _kind(contact.owner_id).objects.filter(pk=contact.pk).first()
    if row is not None:
        row.delete()


# --- A file ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class ContactsReport:
    """What a file of contacts changes, or has changed, ready for a page.

    `new` and `changed` are entries: line, name, number, and the name before. `refused`
    are cells: line, column, reason (as of `engine.contact_file`, or number, twice), and of a
    number that stands twice the line where it stood first.
    """

    new: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "new": len(self.new),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "refused": len({row["line"] for row in self.refused}),
        }

    @property
    def is_idle(self) -> bool:
        """Nothing would change."""
        return not (self.new or self.changed)


def plan_contacts(
    owner_id: int | None,
    entries: Iterable[Entry],
    refused: Sequence[Refused] = (),
    *,
    understood: Callable[[str], str],
) -> ContactsReport:
    """What importing these rows would do. Nothing is written.

    `understood` brings a number as somebody writes it into E.164; empty: it is none.

    Raises:
        TooManyContacts: if the book cannot hold them.
    """
    known = dict(Contact.objects.filter(owner=owner_id).values_list("number", "name"))
    report = ContactsReport(refused=[_cell(row.line, row.column, row.reason) for row in refused])
    lines: dict[str, int] = {}
    for entry in entries:
        number = understood(entry.number)
        if not number:
            report.refused.append(_cell(entry.line, "number", "number"))
        elif number in lines:
            report.refused.append(_cell(entry.line, "number", "twice", lines[number]))
        else:
            lines[number] = entry.line
            row = {"line": entry.line, "name": entry.name, "number": number}
            if number not in known:
                report.new.append(row)
            elif known[number] != entry.name:
                report.changed.append(row | {"before": known[number]})
            else:
                report.unchanged += 1
    report.refused.sort(key=lambda row: row["line"])
    _check_room(owner_id, len(report.new))
    return report


def _cell(line: int, column: str, reason: str, first: int = 0) -> dict[str, Any]:
    return {"line": line, "column": column, "reason": reason, "first": first}


def write_contacts(owner_id: int | None, report: ContactsReport) -> None:
    """Do what the plan says, wholly or not at all.

    Raises:
        ChangedMeanwhile: if somebody wrote the same numbers at the same time.
    """
    kind = _kind(owner_id)
    try:
        with transaction.atomic():
            kind.objects.bulk_create(
                [
                    kind(owner_id=owner_id, number=row["number"], name=row["name"])
                    for row in report.new
                ],
                batch_size=BATCH,
            )
            for row in report.changed:
                kind.objects.filter(owner=owner_id, number=row["number"]).update(name=row["name"])
            if owner_id is None:
                counts = {"new": len(report.new), "changed": len(report.changed)}
                note_run(CompanyContact, words="import of contacts", figures=counts)
    except IntegrityError as error:
        raise ChangedMeanwhile(
            _("Somebody changed the phone book at the same time. Nothing was imported; try again.")
        ) from error
