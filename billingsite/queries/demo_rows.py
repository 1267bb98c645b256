"""What the sample company's rows are, how many, and what else is here that is not its own.

It can be taken out only while everything is the sample's but the accounts of
administrators, phone-book entries and settings: then all calls, and all that followed
from them, are its calls. What people did with it (locks, budgets of its people,
requests) is the sample's as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from alarms.models import OutboxMessage
from billingsite.demo import belongings, leftovers
from budgets.models import Budget
from cdr.models import (
    Call,
    Carrier,
    Delivery,
    Gateway,
    QuarantinedRecord,
    Source,
    Tariff,
    TariffVersion,
)
from directory.models import (
    Contact,
    Job,
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    User,
)
from phonelock.models import LineLock

MOST_NAMES: Final = 5
"""So many are named of each kind; more are there where an ellipsis stands."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Rows or files of one kind that are not the sample's, or hang on it: the kind, some names."""

    kind: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Figure:
    """So many rows of a kind. `key` is its English name, for the log."""

    key: str
    label: str
    number: int


# --- The sample's own rows ------------------------------------------------------------------------


def sample_sites() -> QuerySet[Site]:
    return Site.objects.filter(name__in=belongings.SITES)


def sample_people() -> QuerySet[User]:
    return User.objects.filter(username__in=belongings.usernames())


def sample_contacts() -> QuerySet[Contact]:
    """The entries of its people, and those it wrote into the company's phone book."""
    return Contact.objects.filter(
        Q(owner__in=sample_people())
        | Q(owner__isnull=True, number__in=belongings.company_numbers())
    )


def own_administrators() -> QuerySet[User]:
    """The accounts that stay."""
    is_one = Q(role=Role.ADMIN) | Q(is_superuser=True)
    return User.objects.filter(is_one).exclude(username__in=belongings.usernames())


def figures() -> list[Figure]:
    """How much of what goes; kinds of which there is nothing are left out."""
    counted: tuple[QuerySet[Any], ...] = (
        sample_sites(),
        sample_people(),
        Line.objects.all(),
        OrgUnit.objects.all(),
        Source.objects.all(),
        Gateway.objects.all(),
        Carrier.objects.all(),
        Tariff.objects.all(),
        Delivery.objects.all(),
        Call.objects.all(),
        QuarantinedRecord.objects.all(),
        Budget.objects.filter(deleted_at__isnull=True),
        LineLock.objects.exclude(wanted_flag=""),
        OutboxMessage.objects.all(),
        sample_contacts(),
        Job.objects.filter(owner__in=sample_people()),
    )
    found = [Figure(_english(rows.model), _kind(rows.model), rows.count()) for rows in counted]
    return [figure for figure in found if figure.number]


# --- What is not the sample's ---------------------------------------------------------------------


def strangers() -> list[Stranger]:
    """Everything that speaks against taking the sample company out."""
    return [*_rows_of_others(), *_files_of_others()]


def _rows_of_others() -> Iterator[Stranger]:
    sample = sample_people()
    own = own_administrators()
    sources = own_folders = Q()
    for name, office in belongings.SOURCES.items():
        own_folders |= Q(name=name, folder=f"drop/{name}")
        sources |= Q(source__name=name, name__regex=belongings.file_pattern(office))
    in_a_unit = Q(department__isnull=False) | Q(cost_centre__isnull=False) | Q(office__isnull=False)
    not_by_file = ~Q(origin__in=belongings.TARIFF_FILES)
    asked: tuple[QuerySet[Any], ...] = (
        Site.objects.exclude(name__in=belongings.SITES),
        Source.objects.exclude(own_folders),
        User.objects.exclude(pk__in=sample).exclude(pk__in=own),
        Carrier.objects.exclude(name__in=belongings.CARRIER_NAMES),
        Tariff.objects.exclude(name__in=belongings.TARIFF_NAMES),
        TariffVersion.objects.filter(not_by_file).select_related("tariff"),
        Delivery.objects.exclude(sources).select_related("source"),
        LineHolding.objects.exclude(user__in=sample).select_related("line__site", "user"),
        Membership.objects.filter(in_a_unit)
        .exclude(user__in=sample)
        .select_related("user", "department"),
        Supervision.objects.exclude(user__in=sample).select_related("user", "unit"),
        Budget.objects.filter(user__isnull=False).exclude(user__in=sample).select_related("user"),
        Call.objects.filter(user__in=own).only("call_id", "leg"),
    )
    for rows in asked:
        yield from _stranger(_kind(rows.model), map(str, rows.order_by("pk")[: MOST_NAMES + 1]))
    unknown = (
        unit.path
        for unit in OrgUnit.objects.order_by("pk")
        if (unit.kind, unit.path) not in belongings.units()
    )
    yield from _stranger(_kind(OrgUnit), unknown)


def _files_of_others() -> Iterator[Stranger]:
    yield from _stranger(_("Files that wait"), leftovers.files_of_others())


def _stranger(kind: str, names: Iterable[str]) -> Iterator[Stranger]:
    first: list[str] = []
    for name in names:
        first.append(name if len(first) < MOST_NAMES else "…")
        if len(first) > MOST_NAMES:
            break
    if first:
        yield Stranger(kind, tuple(first))


def _kind(model: type[Model]) -> str:
    return capfirst(str(model._meta.verbose_name_plural))


def _english(model: type[Model]) -> str:
    with translation.override("en"):
        return str(model._meta.verbose_name)
