"""Set-up of calls as it is written down: carriers, gateways and sources.

Each function brings one thing in line with a wish, says what changed, and does
nothing the second time. None (or a missing key) in a wish leaves what is stored, or
the default of a new row. Call them inside one transaction, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from cdr.models import Carrier, Gateway, GatewayCarrier, Source, Tariff
from directory.models import Site
from directory.operations.rows import Put, put_row
from kernel.errors import DomainError


class SpansOverlap(DomainError):
    """Two carriers were to stand behind one gateway at the same time."""

    code = "spans_overlap"


@dataclass(frozen=True, slots=True)
class CarrierSpan:
    """A carrier stands behind a gateway in `[since, until)`, aware; None means without limit."""

    carrier: Carrier
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceWish:
    """What a source is to be. `values` holds model fields beside name and site."""

    name: str
    site: Site
    values: Mapping[str, Any] = field(default_factory=dict)


def put_carrier(
    *,
    name: str,
    tariff: Tariff | None = None,
    charge_tariff: Tariff | None = None,
    markup_percent: Decimal | None = None,
    surcharge_micros: int | None = None,
) -> tuple[Carrier, Put]:
    """Make the carrier `name` have these terms."""
    wanted: dict[str, Any] = {
        "tariff": tariff,
        "charge_tariff": charge_tariff,
        "markup_percent": markup_percent,
        "surcharge_micros": surcharge_micros,
    }
    values = {field: value for field, value in wanted.items() if value is not None}
    return put_row(Carrier, key={"name": name}, values=values)


def put_gateway(*, site: Site, device: str, kind: str | None, spans: Sequence[CarrierSpan]) -> Put:
    """Make the gateway exist with this kind and these carriers over time, and no others.

    A span without an end lasts until the next one begins. Without any span the carriers
    that are stored stay.

    Raises:
        SpansOverlap: if two carriers would stand behind it at the same time.
    """
    values = {"kind": kind} if kind is not None else {}
    gateway, put = put_row(Gateway, key={"site": site, "device": device}, values=values)
    if not spans:
        return put
    wanted = _in_sequence(spans)
    stored = list(gateway.carriers.select_related("carrier").order_by("pk"))
    before = {(row.carrier.name, row.valid_from, row.valid_to) for row in stored}
    after = {(span.carrier.name, span.since, span.until) for span in wanted}
    if before == after:
        return put
    gateway.carriers.all().delete()
    GatewayCarrier.objects.bulk_create(
        GatewayCarrier(
            gateway=gateway, carrier=span.carrier, valid_from=span.since, valid_to=span.until
        )
        for span in wanted
    )
    if put.outcome == "created":
        return put
    said = f"carriers {_spans_text(after)}, was {_spans_text(before)}"
    return Put("changed", (*put.changes, said))


def _in_sequence(spans: Sequence[CarrierSpan]) -> list[CarrierSpan]:
    ordered = sorted(
        spans,
        key=lambda span: (span.since is not None, span.since.timestamp() if span.since else 0),
    )
    closed: list[CarrierSpan] = []
    for span, following in zip(ordered, [*ordered[1:], None], strict=True):
        until = span.until
        if following is not None:
            if following.since is None or (until is not None and until > following.since):
                both = {"one": span.carrier.name, "other": following.carrier.name}
                raise SpansOverlap(_("%(one)s and %(other)s at the same time") % both)
            until = until or following.since
        if until is not None and span.since is not None and until <= span.since:
            words = _("%(carrier)s would end before it begins")
            raise SpansOverlap(words % {"carrier": span.carrier.name})
        closed.append(CarrierSpan(span.carrier, span.since, until))
    return closed


def _spans_text(spans: set[tuple[str, datetime | None, datetime | None]]) -> str:
    def text(span: tuple[str, datetime | None, datetime | None]) -> str:
        name, since, until = span
        start = f" from {since.isoformat()}" if since else ""
        end = f" to {until.isoformat()}" if until else ""
        return f"{name}{start}{end}"

    return ", ".join(sorted(text(span) for span in spans)) or "none"


def put_source(wish: SourceWish) -> tuple[Source, Put]:
    """Make the source exist as wished."""
    return put_row(
        Source,
        key={"name": wish.name},
        values={"site": wish.site, **wish.values},
        secret=("caller_secret",),
    )


def currency_clashes() -> list[str]:
    """Gateways whose carrier's tariff is not in the currency of their site, a sentence each.

    Conversion is not supported: such a call could not be priced (design 10).
    """
    clashing = GatewayCarrier.objects.filter(
        Q(carrier__tariff__isnull=False)
        & ~Q(carrier__tariff__currency=F("gateway__site__currency"))
        | Q(carrier__charge_tariff__isnull=False)
        & ~Q(carrier__charge_tariff__currency=F("gateway__site__currency"))
    ).select_related("gateway__site", "carrier__tariff", "carrier__charge_tariff")
    sentences: set[str] = set()
    for span in clashing[:100]:
        site = span.gateway.site
        for tariff in (span.carrier.tariff, span.carrier.charge_tariff):
            if tariff is not None and tariff.currency != site.currency:
                sentences.add(
                    f"gateway {span.gateway.device} of site {site.name} ({site.currency}) has the "
                    f"carrier {span.carrier.name}, whose tariff {tariff.name!r} is in "
                    f"{tariff.currency}; they must be the same"
                )
    return sorted(sentences)
