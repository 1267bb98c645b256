"""Names for numbers: out of the reader's phone book, else out of the company's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from django.db.models import Q, QuerySet

from directory.models import Contact
from directory.scoping import Scope, contacts_visible_to

FEWEST_DIGITS: Final = 3
MOST_WORDS: Final = 5


class Named(NamedTuple):
    """What a number is called; no name for an unknown one. `is_own`: by the reader himself."""

    name: str = ""
    is_own: bool = False


class Seen(NamedTuple):
    """A number of a call: whose call it is, and the number as the reader sees it."""

    number: str
    payer_id: int | None
    shown: str


@dataclass(frozen=True, slots=True)
class ContactNames:
    """The names that one reader may see beside the numbers of one page."""

    scope: Scope
    names: Mapping[str, Named] = field(default_factory=dict)

    def of(self, seen: Seen) -> Named:
        """What stands beside this number: nothing where a name would tell a masked digit."""
        may = self.scope.may_name(seen.number, payer_id=seen.payer_id, shown=seen.shown)
        return self.names.get(seen.number, Named()) if may else Named()


def contact_names(scope: Scope, seen: Iterable[Seen]) -> ContactNames:
    """The names for all numbers of a page in one question; none where none may be named."""
    numbers = {
        each.number
        for each in seen
        if each.number.startswith("+")
        and scope.may_name(each.number, payer_id=each.payer_id, shown=each.shown)
    }
    if not numbers:
        return ContactNames(scope)
    rows = contacts_visible_to(scope).filter(number__in=numbers)
    found = sorted(rows.values_list("number", "name", "owner_id"), key=lambda row: bool(row[2]))
    return ContactNames(
        scope, {number: Named(name, owner_id is not None) for number, name, owner_id in found}
    )


def book_of(scope: Scope, *, is_company: bool, text: str = "") -> QuerySet[Contact]:
    """One of the reader's two books in the order of the names, narrowed to what is looked for."""
    rows = contacts_visible_to(scope).filter(owner__isnull=is_company)
    return found_in(rows, text).order_by("name", "pk")


def found_in(rows: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """The entries whose name has all words of `text`, or whose number has its digits.

    A number that its owner sees masked is found by its name alone.
    """
    words = Q()
    for word in text.split()[:MOST_WORDS]:
        words &= Q(name__icontains=word)
    digits = re.sub(r"[^0-9]", "", text)
    if len(digits) >= FEWEST_DIGITS and re.fullmatch(r"\+?[0-9\s().\-/]+", text, re.ASCII):
        words |= Q(number__contains=digits, number_masked=False)
    return rows.filter(words)
