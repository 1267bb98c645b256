"""The telephone system that the set-up's pages speak of, and what was found out about it.

The pages set up one system; more of them are written in a set-up file or in the
administration. What its sample file showed is remembered in step 4.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from billingsite.models import SetupKey
from billingsite.setup.samples import SampleLook
from billingsite.setup.steps import memory_of
from billingsite.setup.trials import propose_exit_code, propose_extensions
from cdr.models import Call, Carrier, Gateway, Source
from cdr.queries.sites import plan_of
from cdr.queries.sources import watched_folder
from directory.models import Line, LineHolding, Site, User
from directory.queries.homes import installation_language

LAST_CALLS: Final = 5_000
MOST_PEOPLE: Final = 5_000


@dataclass(frozen=True, slots=True)
class System:
    """One telephone system: its source and the site that it stands at."""

    source: Source
    site: Site

    @property
    def folder(self) -> str:
        """The watched folder as an administrator can copy it: absolute. Empty if there is none."""
        return str(watched_folder(self.source.folder) or "")


def present_system() -> System | None:
    """The system that was set up here, else the first there is."""
    sources = Source.objects.select_related("site").order_by("pk")
    name = memory_of(SetupKey.CALLS).get("source")
    source = (sources.filter(name=name).first() if name else None) or sources.first()
    return System(source, source.site) if source is not None else None


def source_name_for(site: str) -> str:
    """A short name that is free, from the name of a place."""
    wanted = slugify(site)[:50] or "calls"
    taken = set(Source.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def findings_of(look: SampleLook, site: Site) -> dict[str, Any]:
    """What later steps want to know of a sample, as values to be remembered."""
    return {
        "devices": [[device.name, device.calls] for device in look.devices],
        "extensions": [list(key) for key in look.extensions],
        "patterns": propose_extensions(extension for _partition, extension in look.extensions),
        "exit_code": propose_exit_code(look.dialled, plan=plan_of(site)),
    }


# --- Gateways and carriers --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownGateway:
    """A gateway with the carrier behind it. `is_dated`: over time, which a form cannot show."""

    device: str
    kind: str
    carrier: str
    is_dated: bool


def unknown_devices(known: Iterable[KnownGateway]) -> list[str]:
    """Devices that the sample names and none of the `known` gateways answers for."""
    names = {each.device.lower() for each in known}
    seen = [name for name, _calls in memory_of(SetupKey.CALLS).get("devices", [])]
    return [name for name in seen if name.lower() not in names]


def known_gateways(site: Site) -> list[KnownGateway]:
    """The site's gateways by device."""
    found = []
    for gateway in Gateway.objects.filter(site=site).prefetch_related("carriers__carrier"):
        spans = list(gateway.carriers.all())
        is_dated = len(spans) > 1 or any(span.valid_from or span.valid_to for span in spans)
        carrier = spans[0].carrier.name if spans else ""
        found.append(KnownGateway(gateway.device, gateway.kind.lower(), carrier, is_dated))
    return sorted(found, key=lambda each: each.device)


def carriers_of(site: Site) -> list[Carrier]:
    """The companies behind the site's gateways, by name."""
    carriers = Carrier.objects.filter(gateways__gateway__site=site).select_related("tariff")
    return list(carriers.distinct().order_by("name"))


# --- People from extensions ---------------------------------------------------------------------


def ownerless_extensions(system: System) -> list[tuple[str, str]]:
    """(partition, extension) pairs seen in the sample and in stored calls that nobody holds."""
    site = system.site
    held = set(
        LineHolding.objects.filter(line__site=site, valid_to__isnull=True).values_list(
            "line__partition", "line__extension"
        )
    )
    sampled = memory_of(SetupKey.CALLS).get("extensions", [])
    seen = {(str(partition), str(extension)) for partition, extension in sampled}
    latest = Call.objects.filter(site=site).order_by("-started_at", "-pk")[:LAST_CALLS]
    stored: Iterable[Any] = latest.values_list("partition", "extension", "user_id")
    known = set(site.lines.values_list("partition", "extension"))
    seen |= {
        (partition, extension)
        for partition, extension, user_id in stored
        if user_id is None and extension.isdecimal() and len(extension) <= 7
    }
    return sorted((seen | known) - held)[:MOST_PEOPLE]


def people_file_of(extensions: Sequence[tuple[str, str]], site: Site) -> bytes:
    """A people file that makes a person of each extension, in the office of the site.

    Their names are in the language that they are written to, once they have none of their own.
    """
    taken = {name.casefold() for name in User.objects.values_list("username", flat=True)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = "username first_name last_name office site partition extension"
    writer.writerow(columns.split())
    with translation.override(site.language or installation_language()):
        first_name = _("Extension")
    for partition, extension in extensions:
        username = _free_name(f"ext{extension}", taken)
        row = (username, first_name, extension, site.name, site.name)
        writer.writerow((*row, partition, extension))
    return text.getvalue().encode()


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name.casefold() in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name.casefold())
    return name


def first_line(site: Site) -> Line | None:
    """A line to try things with: one that somebody holds, if there is one."""
    lines = Line.objects.filter(site=site).order_by("holdings__valid_to", "extension", "pk")
    held = lines.filter(holdings__isnull=False).first()
    return held or lines.first()
