"""Bring the installation in line with a set-up file: all of it or nothing.

One transaction; the second time nothing changes. What the file does not mention stays
as it is: nothing is ever deleted here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from billingsite.setup_file import (
    CarrierWish,
    GatewayWish,
    SetUp,
    SiteWish,
    SourceTable,
    TariffWish,
    read_set_up,
)
from billingsite.setup_tables import Problems, instant_of
from budgets.operations.applying import apply_budget
from cdr.models import Carrier, Source, Tariff
from cdr.operations.setup import (
    CarrierSpan,
    SourceWish,
    currency_clashes,
    put_carrier,
    put_gateway,
    put_source,
)
from cdr.operations.tariffs import add_version
from cdr.queries.drivers import make_driver
from cdr.queries.sources import active_sources
from cdr.queries.tariffs import newest_version
from directory.engine.people_file import InvalidPeopleFile
from directory.models import Site
from directory.operations.people import import_people
from directory.operations.people_report import PeopleReport
from directory.operations.rows import Put, put_row
from kernel.errors import DomainError
from phonelock.operations.publishing import publish_all
from phonelock.queries.switches import NONE as NO_LOCK
from phonelock.queries.switches import OPTION as LOCK_OPTION
from phonelock.queries.switches import driver_names as lock_driver_names

MAX_PEOPLE_BYTES: Final = 128 * 1024 * 1024
_SITE_NEEDS: Final = {"country": "country", "time_zone": "timezone", "currency": "currency"}


class FolderNotMade(DomainError):
    """The set-up was stored, but a source's folder could not be made."""

    code = "folder_not_made"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the file and what became of it."""

    kind: str
    name: str
    put: Put


@dataclass(slots=True)
class ApplyReport:
    """Everything that was looked at, in the order of the work."""

    items: list[Item] = field(default_factory=list)
    people: PeopleReport | None = None
    is_dry_run: bool = False

    def count(self, outcome: str) -> int:
        """How many things were created, changed or unchanged, people not counted."""
        return sum(item.put.outcome == outcome for item in self.items)


def apply_set_up(path: Path, *, at: datetime, by: str, is_dry_run: bool = False) -> ApplyReport:
    """Apply the set-up file at `path` as of `at`; a dry run does it all and takes it back.

    Folders of sources below the data folder are made, the Recorder's snapshot of the
    sources is written anew, and switches that ask us are answered by the new set-up.

    Raises:
        SetUpRefused: naming every problem found; nothing was changed then.
        FolderNotMade: if everything was stored, but a watched folder is missing.
    """
    return apply_tables(read_set_up(path), at=at, by=by, is_dry_run=is_dry_run)


def apply_tables(set_up: SetUp, *, at: datetime, by: str, is_dry_run: bool = False) -> ApplyReport:
    """As `apply_set_up`, for a set-up that has been read already."""
    with transaction.atomic():
        report = store_tables(set_up, at=at, by=by)
        report.is_dry_run = is_dry_run
        if is_dry_run:
            transaction.set_rollback(True)
    if not is_dry_run:
        publish_all(now=at)
        _make_drop_folders()
    return report


def store_tables(set_up: SetUp, *, at: datetime, by: str) -> ApplyReport:
    """The rows of a set-up and nothing else, inside the caller's transaction.

    Raises:
        SetUpRefused: naming every problem found; the caller takes back what was written.
    """
    return _Apply(set_up=set_up, at=at, by=by).run()


def _make_drop_folders() -> None:
    """Make the watched folders below the data folder; reading the sources renews the snapshot."""
    data_dir = Path(settings.DATA_DIR).resolve()
    for source in active_sources():
        if source.watched is not None and source.watched.resolve().is_relative_to(data_dir):
            try:
                source.watched.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FolderNotMade(
                    f"the set-up is stored, but the folder {source.watched} of source "
                    f"{source.name} cannot be made: {error.strerror}"
                ) from error


@dataclass(slots=True)
class _Apply:
    """One run, section by section; a section with problems stops before the next."""

    set_up: SetUp
    at: datetime
    by: str
    report: ApplyReport = field(default_factory=ApplyReport)
    sites: dict[str, Site] = field(default_factory=dict)
    carriers: dict[str, Carrier] = field(default_factory=dict)
    _tariffs: dict[str, Tariff] = field(default_factory=dict)

    def run(self) -> ApplyReport:
        for section in (
            self._put_sites,
            self._put_carriers,
            self._put_gateways,
            self._check_currencies,
            self._put_sources,
            self._put_people,
            self._put_budgets,
        ):
            section()
            self.set_up.stop_if_wrong()
        return self.report

    @property
    def problems(self) -> Problems:
        return self.set_up.problems

    def _note(self, kind: str, name: str, put: Put) -> None:
        self.report.items.append(Item(kind, name, put))

    # --- sites, carriers, gateways ---

    def _put_sites(self) -> None:
        self.sites = {site.name: site for site in Site.objects.all()}
        for wish in self.set_up.sites:
            if wish.name not in self.sites and not self._is_complete(wish):
                continue
            site, put = put_row(Site, key={"name": wish.name}, values=wish.values)
            self.sites[wish.name] = site
            self._note("site", wish.name, put)

    def _is_complete(self, wish: SiteWish) -> bool:
        missing = [key for column, key in _SITE_NEEDS.items() if column not in wish.values]
        for key in missing:
            if not wish.table.has(key):
                wish.table.refuse(key, "is missing; a new site needs it")
        return not missing

    def _put_carriers(self) -> None:
        self.carriers = {carrier.name: carrier for carrier in Carrier.objects.all()}
        for wish in self.set_up.carriers:
            tariff = self._tariff(wish, "tariff", wish.tariff)
            charge_tariff = self._tariff(wish, "charge_tariff", wish.charge_tariff)
            self.carriers[wish.name], put = put_carrier(
                name=wish.name,
                tariff=tariff,
                charge_tariff=charge_tariff,
                markup_percent=wish.markup_percent,
                surcharge_micros=wish.surcharge_micros,
            )
            self._note("carrier", wish.name, put)

    def _tariff(self, carrier: CarrierWish, key: str, wish: TariffWish | None) -> Tariff | None:
        if wish is None:
            return None
        if wish.name in self._tariffs:
            return self._tariffs[wish.name]
        before = newest_version(wish.name)
        try:
            version = add_version(
                name=wish.name, document=wish.document, origin=wish.origin, by=self.by, at=self.at
            )
        except DomainError as refusal:
            carrier.table.refuse(key, f"{wish.origin}: {refusal.message}")
            return None
        if before is None:
            put = Put("created", (f"{version.destinations} destinations",))
        elif before.pk == version.pk:
            put = Put("unchanged")
        else:
            put = Put("changed", (f"version {version.number}, was {before.number}",))
        self._note("tariff", wish.name, put)
        self._tariffs[wish.name] = version.tariff
        return version.tariff

    def _put_gateways(self) -> None:
        by_device: dict[tuple[str, str], list[GatewayWish]] = {}
        for wish in self.set_up.gateways:
            by_device.setdefault((wish.site, wish.device), []).append(wish)
        for (site_name, device), wishes in by_device.items():
            site = self._site(wishes, site_name)
            if site is None:
                continue
            spans = [span for wish in wishes for span in self._spans(wish, site)]
            kinds = {wish.kind for wish in wishes if wish.kind is not None}
            if len(kinds) > 1:
                wishes[-1].table.refuse("kind", f"{device} has another kind above")
                continue
            try:
                put = put_gateway(
                    site=site, device=device, kind=next(iter(kinds), None), spans=spans
                )
            except DomainError as refusal:
                wishes[-1].table.refuse("since", refusal.message)
            else:
                self._note("gateway", f"{site_name}/{device}", put)

    def _site(self, wishes: Iterable[GatewayWish | SourceTable], name: str) -> Site | None:
        site = self.sites.get(name)
        if site is None:
            for wish in wishes:
                wish.table.refuse("site", f"there is no site {name!r}")
        return site

    def _spans(self, wish: GatewayWish, site: Site) -> list[CarrierSpan]:
        if wish.carrier is None:
            return []
        carrier = self.carriers.get(wish.carrier)
        if carrier is None:
            wish.table.refuse("carrier", f"there is no carrier {wish.carrier!r}")
            return []
        zone = ZoneInfo(site.time_zone)
        since = instant_of(wish.since, zone=zone) if wish.since is not None else None
        until = instant_of(wish.until, zone=zone) if wish.until is not None else None
        return [CarrierSpan(carrier, since, until)]

    def _check_currencies(self) -> None:
        for sentence in currency_clashes():
            self.problems.add("", sentence)

    # --- sources, people, budgets ---

    def _put_sources(self) -> None:
        for wish in self.set_up.sources:
            site = self._site([wish], wish.site)
            if site is None or not self._is_usable(wish, site):
                continue
            source, put = put_source(SourceWish(wish.name, site, wish.values))
            self._note("source", source.name, put)

    def _is_usable(self, wish: SourceTable, site: Site) -> bool:
        options = wish.values.get("options")
        if options is None:
            stored = Source.objects.filter(name=wish.name).first()
            options = stored.options if stored else {}
        try:
            make_driver(
                str(wish.values["driver"]),
                source=wish.name,
                zone=site.time_zone,
                options=options,
            )
        except DomainError as refusal:
            key = "driver" if refusal.code == "unknown_driver" else "options"
            wish.table.refuse(key, refusal.message)
            return False
        lock = options.get(LOCK_OPTION)
        if lock is not None and lock != NO_LOCK and lock not in lock_driver_names():
            known = ", ".join(sorted({*lock_driver_names(), NO_LOCK}))
            wish.table.refuse("lock", f"there is no lock driver {lock!r}; known: {known}")
            return False
        return True

    def _put_people(self) -> None:
        path = self.set_up.people
        if path is None:
            return
        try:
            if path.stat().st_size > MAX_PEOPLE_BYTES:
                self.problems.add("[people], file", f"{path.name}: is too large")
                return
            report = import_people(content=path.read_bytes(), at=self.at)
        except OSError as error:
            self.problems.add("[people], file", f"{path.name}: {error.strerror}")
            return
        except InvalidPeopleFile as refusal:
            self.problems.add("[people], file", f"{path.name}: {refusal.message}")
            return
        for row in report.refused:
            column = f", column {row.column}" if row.column else ""
            self.problems.add(
                "[people], file", f"{path.name}: line {row.line}{column}: {row.reason}"
            )
        self.report.people = report

    def _put_budgets(self) -> None:
        for entry in self.set_up.budgets:
            try:
                applied = apply_budget(entry.raw, at=self.at, by=self.by)
            except DomainError as refusal:
                reason = refusal.message.removeprefix(f"budget {entry.name}: ")
                entry.table.refuse("", reason)
            else:
                self._note("budget", entry.name, Put(applied.outcome, applied.changes))
