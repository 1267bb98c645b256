"""Everything about one site that mining its calls needs, read once and looked up often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from cdr.engine.attribution import LineKey
from cdr.engine.classify import End, EndKind, SiteView
from cdr.engine.numbers import DialPlan
from cdr.engine.rating import CompiledTariff
from cdr.models import Carrier, Gateway, GatewayCarrier
from cdr.queries.tariffs import compiled_version, newest_version_id
from directory.models import Site
from directory.queries.payers import Payer, PayerBook

END_KINDS: dict[str, EndKind] = {
    "PSTN": "trunk",
    "ONNET": "onnet",
    "VOICEMAIL": "voicemail",
    "OTHER": "line",
}


@dataclass(frozen=True, slots=True)
class CarrierTerms:
    """A carrier's prices as they stand: for us (tariff) and for our users (charge)."""

    carrier_id: int
    tariff: CompiledTariff | None
    version_id: int | None
    charge_tariff: CompiledTariff | None
    markup_percent: Decimal
    surcharge_micros: int
    reason: str = ""
    name: str = ""

    @property
    def marks_up(self) -> bool:
        return bool(self.markup_percent or self.surcharge_micros)


def plan_of(site: Site) -> DialPlan:
    """The site's dial plan for the engine."""
    return DialPlan(
        country=site.country,
        exit_code=site.exit_code,
        international_prefix=site.international_prefix,
        national_prefix=site.national_prefix,
        area_code=site.area_code,
        extension_patterns=tuple(str(pattern) for pattern in site.extension_patterns),
        local_lengths=tuple(int(length) for length in site.local_lengths),
        emergency_numbers=tuple(str(number) for number in site.emergency_numbers),
    )


def view_of(site: Site) -> SiteView:
    """The site's gateways and dial plan for classification."""
    exact: dict[str, End] = {}
    patterns: list[tuple[str, End]] = []
    for gateway in Gateway.objects.filter(site=site).order_by("device"):
        end = End(END_KINDS[gateway.kind], gateway.pk)
        name = gateway.device.lower()
        if "*" in name:
            patterns.append((name, end))
        else:
            exact[name] = end
    return SiteView(plan=plan_of(site), gateways=exact, patterns=tuple(patterns))


class SiteBook:
    """A site's lines, gateways, carriers and tariffs at the time the book was opened.

    A carrier's prices are read when the first call over it is priced, and stay as they
    were then. Tariffs come from `tariff_version` so that a re-rating can be tried with others.
    """

    def __init__(
        self,
        site: Site,
        *,
        tariff_version: Callable[[int], int | None] = newest_version_id,
    ) -> None:
        self.site = site
        self.view = view_of(site)
        self.plan = self.view.plan
        # What is known to lie outside is no extension, even if it looks like one.
        self.outside_plan = replace(self.plan, extension_patterns=())
        self._payers = PayerBook(site)
        self._tariff_version = tariff_version
        self._nobody = Payer(
            line_id=None,
            user_id=None,
            department_id=None,
            cost_centre_id=None,
            office_id=None,
            zone=site.time_zone,
            currency=site.currency,
        )
        self._spans: dict[int, list[tuple[datetime | None, datetime | None, Carrier]]] = {}
        self._terms_by_carrier: dict[int, CarrierTerms] = {}
        spans = GatewayCarrier.objects.filter(gateway__site=site).select_related(
            "carrier__tariff", "carrier__charge_tariff"
        )
        for span in spans.order_by("gateway_id", "pk"):
            self._spans.setdefault(span.gateway_id, []).append(
                (span.valid_from, span.valid_to, span.carrier)
            )

    def payer(self, line: LineKey | None, at: datetime) -> Payer:
        """Who held `line` at `at`, with the units of that day."""
        if line is None or not line.extension:
            return self._nobody
        payer = self._payers.find(partition=line.partition, extension=line.extension, at=at)
        if payer.line_id is None and not line.partition:
            return self._payers.find_unnamed(extension=line.extension, at=at)
        return payer

    def terms(self, gateway_id: int | None, at: datetime) -> CarrierTerms | None:
        """The carrier behind the gateway at `at`; None if there is none."""
        if gateway_id is None:
            return None
        for valid_from, valid_to, carrier in self._spans.get(gateway_id, ()):
            if (valid_from is None or valid_from <= at) and (valid_to is None or at < valid_to):
                return self._carrier_terms(carrier)
        return None

    def _carrier_terms(self, carrier: Carrier) -> CarrierTerms:
        known = self._terms_by_carrier.get(carrier.pk)
        if known is None:
            known = self._terms_by_carrier[carrier.pk] = self._read_terms(carrier)
        return known

    def _read_terms(self, carrier: Carrier) -> CarrierTerms:
        tariff = charge = None
        version_id = None
        reason = "no_tariff"
        if carrier.tariff is not None:
            version_id = self._tariff_version(carrier.tariff.pk)
            if carrier.tariff.currency != self.site.currency:
                version_id, reason = None, "currency"
        if version_id is not None:
            tariff = compiled_version(version_id)
        if carrier.charge_tariff is not None:
            charge_version = self._tariff_version(carrier.charge_tariff.pk)
            charge = compiled_version(charge_version) if charge_version is not None else None
        return CarrierTerms(
            carrier_id=carrier.pk,
            tariff=tariff,
            version_id=version_id,
            charge_tariff=charge,
            markup_percent=carrier.markup_percent,
            surcharge_micros=carrier.surcharge_micros,
            reason=reason,
            name=carrier.name,
        )
