"""Whom a notice means: user, manager, administrator and addresses as people to write to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from django.db.models import Q

from alarms.engine.addresses import BadAddress, one_address, one_line
from budgets.models import BudgetNotice
from budgets.queries.members import members_of
from directory.models import Membership, OrgUnit, Role, Supervision, User, valid_at
from directory.queries.languages import language_of, languages_of

MOST_RECIPIENTS = 2_000


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address to write to, or the reason why there is none (`problem`).

    `meant_as` is the word the notice used: user, manager, administrator, address;
    `language` is what he is written to in.
    """

    address: str
    user: User | None
    meant_as: str
    problem: str = ""
    language: str = ""

    @property
    def key(self) -> str:
        """What makes two recipients the same one."""
        if self.address:
            return self.address
        return f"user:{self.user.pk}" if self.user else f"none:{self.meant_as}"


def recipients_of(notices: Iterable[BudgetNotice]) -> list[tuple[BudgetNotice, Recipient]]:
    """Everybody that `notices` are for, with the language each is written to in.

    Whoever chose none is written to in that of his site; an address that is nobody's, in
    that of the installation.
    """
    meant = [(notice, recipient) for notice in notices for recipient in _meant_by(notice)]
    spoken = languages_of(recipient.user for _notice, recipient in meant if recipient.user)
    if any(recipient.user is None for _notice, recipient in meant):
        spoken[None] = language_of(None)
    return [
        (notice, replace(each, language=spoken[each.user.pk if each.user else None]))
        for notice, each in meant
    ]


def _meant_by(notice: BudgetNotice) -> list[Recipient]:
    """Everybody `notice` is for, each address once, in the order it names them.

    Nobody is dropped in silence: a word that means nobody and a person without a
    usable address come back with their `problem`. At most `MOST_RECIPIENTS`.
    """
    words = [str(word) for word in notice.recipients]
    if notice.budget.extra_recipient:
        words.append(notice.budget.extra_recipient)
    found: dict[str, Recipient] = {}
    for recipient in islice(_meant_by_all(words, notice), MOST_RECIPIENTS):
        found.setdefault(recipient.key, recipient)
    return list(found.values())


def _meant_by_all(words: Iterable[str], notice: BudgetNotice) -> Iterator[Recipient]:
    for word in words:
        if "@" in word:
            yield _by_address(word)
            continue
        people = _PEOPLE.get(word, _nobody)(notice)
        if not people:
            yield Recipient(
                address="",
                user=None,
                meant_as=one_line(word, longest=40),
                problem=f"nobody to write to: no {one_line(word, longest=40)} is known",
            )
        for person in people:
            yield _by_person(person, meant_as=word)


def _by_address(text: str) -> Recipient:
    try:
        address = one_address(text)
    except BadAddress as refusal:
        return Recipient(
            address="",
            user=None,
            meant_as=one_line(text, longest=80),
            problem=str(refusal),
        )
    known = User.objects.filter(email__iexact=address, is_active=True).order_by("pk").first()
    return Recipient(
        address=address,
        user=known,
        meant_as="address",
    )


def _by_person(person: User, *, meant_as: str) -> Recipient:
    address, problem = "", ""
    try:
        address = one_address(person.email) if person.email else ""
        problem = "" if address else f"{person.username} has no mail address"
    except BadAddress as refusal:
        problem = f"{person.username}: {refusal}"
    return Recipient(
        address=address,
        user=person,
        meant_as=meant_as,
        problem=problem,
    )


def _concerned(notice: BudgetNotice) -> User | None:
    return notice.user or notice.budget.user


def _users(notice: BudgetNotice) -> list[User]:
    """The person concerned, or each member of the unit who is not left out."""
    person = _concerned(notice)
    if person is not None:
        return [person] if person.is_active else []
    members = members_of(notice.budget, notice.made_at).filter(is_active=True)
    return list(members.order_by("pk")[:MOST_RECIPIENTS])


def _managers(notice: BudgetNotice) -> list[User]:
    """The person's manager, else who supervises his units; of a unit its supervisors."""
    person = _concerned(notice)
    if person is None:
        return _supervisors(notice.budget.unit, at=notice.made_at) if notice.budget.unit else []
    if person.manager is not None and person.manager.is_active:
        return [person.manager]
    membership = (
        Membership.objects.filter(valid_at(notice.made_at), user=person)
        .select_related("department", "cost_centre", "office")
        .order_by("-valid_from", "pk")
        .first()
    )
    if membership is None:
        return []
    for unit in (membership.department, membership.cost_centre, membership.office):
        supervisors = _supervisors(unit, at=notice.made_at) if unit else []
        others = [supervisor for supervisor in supervisors if supervisor != person]
        if others:
            return others
    return []


def _supervisors(unit: OrgUnit, *, at: datetime) -> list[User]:
    """Who supervises `unit` at `at`, deputies included, or else the nearest unit above it."""
    steps = unit.path.split("/")
    branch = ["/".join(steps[:depth]) for depth in range(len(steps), 0, -1)]
    grants = (
        Supervision.objects.filter(
            valid_at(at), unit__kind=unit.kind, unit__path__in=branch, user__is_active=True
        )
        .select_related("user", "unit")
        .order_by("pk")[:MOST_RECIPIENTS]
    )
    by_path: dict[str, list[User]] = {}
    for grant in grants:
        by_path.setdefault(grant.unit.path, []).append(grant.user)
    return next((by_path[path] for path in branch if path in by_path), [])


def _administrators(notice: BudgetNotice) -> list[User]:
    del notice
    wanted = Q(role=Role.ADMIN) | Q(is_superuser=True)
    return list(User.objects.filter(wanted, is_active=True).order_by("pk")[:MOST_RECIPIENTS])


def _nobody(notice: BudgetNotice) -> list[User]:
    del notice
    return []


_PEOPLE = {"user": _users, "manager": _managers, "administrator": _administrators}
