"""One box for everything: numbers typed in full, extensions, people, units, budgets, pages.

Whatever is found lies in the reader's scope and shows what he may see; a number is found
only when it is typed in full, is shown masked, and each try counts against the pace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from budgets.queries.shown import budget_for, budgets_in
from budgets.templatetags.budget_words import in_measure, period_name
from cdr.models import Call
from cdr.queries.call_filters import stored_forms
from cdr.queries.calls import calls_in, masked_number
from directory.models import LineHolding, OrgUnit, User, valid_at
from directory.modules import BUDGETS, PHONE_LOCK, is_on
from directory.number_keys import number_key
from directory.pace import count_number_search
from directory.queries.contacts import found_in
from directory.queries.units import UNIT_FIELDS
from directory.roles import OVERSEERS
from directory.scoping import (
    Scope,
    contacts_visible_to,
    lines_visible_to,
    people_visible_to,
    units_visible_to,
)
from directory.templatetags.figures import moment

SHOWN: Final = 8
FEWEST_DIGITS: Final = 6
MOST_SIGNS: Final = 100
MOST_WORDS: Final = 5
_NUMBER = re.compile(r"\+?[0-9*#\s().\-/]+", re.ASCII)
_EXTENSION = re.compile(r"[0-9*#]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found, where it is, and one other way to look at it."""

    words: str
    href: str
    detail: str = ""
    more: str = ""
    more_href: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one sort; `is_cut` when there is more than is shown."""

    words: Promise | str
    icon: str
    hits: Sequence[Hit]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the site that the reader may open, what it is for, and what people call it."""

    words: str
    href: str
    about: str = ""
    also: str = ""


def search(text: str, *, scope: Scope, pages: Sequence[Page] = ()) -> list[Found]:
    """What `text` leads to within `scope`, by sort; sorts without a hit are left out.

    Raises:
        TooManySearches: if it is a number and the reader has tried too many this hour.
    """
    text = " ".join(text.split())[:MOST_SIGNS]
    if not text or scope.user_id is None:
        return []
    sorts: list[Callable[[str, Scope], Found]] = [_numbers] if is_number(text) else []
    if _EXTENSION.fullmatch(text):
        sorts.append(_extensions)
    if any(sign.isalpha() for sign in text):
        sorts += [_people, _contacts, _units]
        if is_on(BUDGETS):
            sorts.append(_budgets)
    found = [sort(text, scope) for sort in sorts]
    found.append(_pages(text, pages))
    return [each for each in found if each.hits]


def is_number(text: str) -> bool:
    """Whether `text` can be an outside number typed in full."""
    digits = sum(sign.isdecimal() for sign in text)
    return digits >= FEWEST_DIGITS and _NUMBER.fullmatch(text) is not None


def _calls_page(**words: object) -> str:
    return f"{reverse('cdr:calls')}?{urlencode(words)}"


def _numbers(text: str, scope: Scope) -> Found:
    count_number_search(scope, at=scope.at)
    newest: dict[str, Call] = {}
    for form in stored_forms(text):
        calls = calls_in(scope).filter(number=form).defer("facts").order_by("-started_at", "-pk")
        call = calls.first()
        if call is not None:
            newest[call.number] = call
    hits = [
        Hit(
            words=masked_number(call, scope),
            href=_calls_page(same=number_key(call.number)),
            detail=gettext("last call: %(when)s") % {"when": _plain(call)},
            is_number=True,
        )
        for call in newest.values()
    ]
    return Found(_("Numbers"), "phone", hits)


def _plain(call: Call) -> str:
    """The moment of a call as text, without the mark-up that pages have."""
    return re.sub(r"<[^>]*>", "", str(moment(call.started_at)))


def _extensions(text: str, scope: Scope) -> Found:
    lines = lines_visible_to(scope).filter(extension__startswith=text).select_related("site")
    rows = list(lines.order_by("extension", "site__name", "partition")[: SHOWN + 1])
    holdings = LineHolding.objects.filter(valid_at(scope.at), line__in=[row.pk for row in rows])
    holder = {each.line_id: each.user for each in holdings.select_related("user")}
    hits = [
        Hit(
            words=row.extension,
            href=_calls_page(extension=row.extension),
            detail=" · ".join(filter(None, [str(holder.get(row.pk, "")), row.site.name])),
            is_number=True,
            **_way_to_phone(holder.get(row.pk), scope),
        )
        for row in rows[:SHOWN]
    ]
    return Found(_("Extensions"), "phone", hits, is_cut=len(rows) > SHOWN)


def _way_to_phone(person: User | None, scope: Scope) -> dict[str, Any]:
    """The link to the phones of `person`, for those who look after others' phones."""
    if person is None or scope.role not in OVERSEERS or not is_on(PHONE_LOCK):
        return {}
    return {"more": gettext("Phone"), "more_href": reverse("phonelock:person", args=[person.pk])}


def _people(text: str, scope: Scope) -> Found:
    where = Q()
    for word in text.split()[:MOST_WORDS]:
        where &= (
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(username__icontains=word)
            | Q(email__istartswith=word)
        )
    people = people_visible_to(scope).filter(where).order_by("last_name", "first_name", "pk")
    rows = list(people[: SHOWN + 1])
    hits = [
        Hit(
            words=str(row),
            href=_calls_page(person=row.username)
            if scope.role in OVERSEERS
            else reverse("cdr:calls"),
            detail=row.username,
            **_way_to_phone(row, scope),
        )
        for row in rows[:SHOWN]
    ]
    return Found(_("People"), "user", hits, is_cut=len(rows) > SHOWN)


def _contacts(text: str, scope: Scope) -> Found:
    """Entries of the phone books; the way to an entry's calls counts as a search for its number."""
    rows = list(found_in(contacts_visible_to(scope), text).order_by("name", "pk")[: SHOWN + 1])
    hits = [
        Hit(
            words=row.name,
            href=reverse("cdr:contact_calls", args=[row.pk]),
            detail=scope.masked(row.number) if row.number_masked else row.number,
        )
        for row in rows[:SHOWN]
    ]
    return Found(_("Phone book"), "address-book", hits, is_cut=len(rows) > SHOWN)


def _units(text: str, scope: Scope) -> Found:
    rows: list[OrgUnit] = list(
        units_visible_to(scope).filter(path__icontains=text).order_by("path", "kind")[: SHOWN + 1]
    )
    hits = [
        Hit(
            words=row.path,
            href=_calls_page(**{UNIT_FIELDS[row.kind]: row.pk}),
            detail=row.get_kind_display(),
        )
        for row in rows[:SHOWN]
    ]
    return Found(_("Departments, cost centres, offices"), "building", hits, len(rows) > SHOWN)


def _budgets(text: str, scope: Scope) -> Found:
    where = Q(unit__path__icontains=text)
    of_person = Q()
    for word in text.split()[:MOST_WORDS]:
        of_person &= (
            Q(user__first_name__icontains=word)
            | Q(user__last_name__icontains=word)
            | Q(user__username__icontains=word)
        )
    budgets = budgets_in(scope).filter(where | of_person).select_related("user", "unit")
    rows = list(budgets[: SHOWN + 1])
    hits = [
        Hit(
            words=budget_for(row),
            href=reverse("budgets:budget", args=[row.pk]),
            detail=f"{period_name(row.period)} · {in_measure(row.amount, row)}",
        )
        for row in rows[:SHOWN]
    ]
    return Found(_("Budgets"), "wallet", hits, is_cut=len(rows) > SHOWN)


def _pages(text: str, pages: Sequence[Page]) -> Found:
    asked = text.casefold().split()
    hits = [
        Hit(words=page.words, href=page.href, detail=page.about)
        for page in pages
        if _is_named(asked, f"{page.words} {page.also}")
    ]
    return Found(_("Pages"), "list", hits[:SHOWN], is_cut=len(hits) > SHOWN)


def _is_named(asked: Sequence[str], words: str) -> bool:
    """Whether each asked word begins a word of the page's names; short ones ask for nothing."""
    named = words.casefold().split()
    weighty = [word for word in asked if len(word) > 1]
    if not weighty:
        return False
    hits = [any(name.strip(",").startswith(word) for name in named) for word in weighty]
    return any(hits) and (all(hits) or _is_question(weighty, hits))


def _is_question(asked: Sequence[str], hits: Sequence[bool]) -> bool:
    """ "where is the outbox": one telling word is enough among small ones."""
    return any(hit and len(word) > 4 for word, hit in zip(asked, hits, strict=True))
