"""A carrier's rate deck as the next version of its tariff, in one transaction.

Lock order: tariff, then carrier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from cdr.engine.deck_doubts import implausible
from cdr.engine.deck_merge import Merge, Mode, Preview, empty_document
from cdr.engine.decks import Deck
from cdr.models import Call, Carrier, GatewayCarrier, Tariff, TariffVersion
from cdr.operations.tariffs import add_version
from cdr.queries.tariffs import newest_version
from kernel.errors import DomainError
from kernel.money import exact_text, round_amount
from kernel.sentences import Sentence

RECENT = timedelta(days=30)
SHOWN_MOVES = 10


class DeckRefused(DomainError):
    """The deck cannot become a version of that tariff."""

    code = "deck_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeckTarget:
    """Where a deck goes, and since when its undated prices hold."""

    tariff: str
    carrier: str
    currency: str
    zone: str
    starts_at: datetime
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyMove:
    """A prefix that was called lately and whose price moves: what a minute costs, as text."""

    prefix: str
    area: str
    calls: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeckImport:
    """What an import did, or with `dry_run` would do."""

    version: TariffVersion
    is_new_version: bool
    preview: Preview
    warnings: tuple[Sentence, ...]
    busy: tuple[BusyMove, ...]


def currency_for(*, asked: str, header: str, tariff: str, carrier: str, installation: str) -> str:
    """The currency of a deck: by option, else header, else tariff, else the installation's.

    Raises:
        DeckRefused: if two of them disagree.
    """
    known = Tariff.objects.filter(name=tariff).values_list("currency", flat=True).first()
    if asked and header and asked != header:
        raise DeckRefused(
            _("The header of the file says %(header)s, but %(asked)s was chosen.")
            % {"header": header, "asked": asked}
        )
    currency = asked or header or known or installation
    if known and currency != known:
        raise DeckRefused(
            _(
                "Tariff “%(tariff)s” is in %(known)s, the deck in %(currency)s."
                " Give the deck a tariff of its own."
            )
            % {"tariff": tariff, "known": known, "currency": currency}
        )
    spans = GatewayCarrier.objects.filter(carrier__name=carrier).select_related("gateway__site")
    for span in spans.order_by("gateway__site__name"):
        site = span.gateway.site
        if site.currency != currency:
            raise DeckRefused(
                _(
                    "Carrier “%(carrier)s” serves site “%(site)s”, which counts in"
                    " %(site_currency)s. A deck in %(currency)s cannot price its calls."
                )
                % {
                    "carrier": carrier,
                    "site": site.name,
                    "site_currency": site.currency,
                    "currency": currency,
                }
            )
    return currency


def tariff_name_for(*, asked: str, carrier: str, file_stem: str) -> str:
    """The tariff of a deck: by option, else the carrier's, else named after carrier or file."""
    if asked:
        return asked
    found = Carrier.objects.filter(name=carrier).select_related("tariff").first()
    if found is not None and found.tariff is not None:
        return found.tariff.name
    return carrier or file_stem


def price_text(price: Fraction) -> str:
    """A price for people, to four decimals."""
    return exact_text(round_amount(price, mode="half_up", decimals=4))


@dataclass(frozen=True, slots=True)
class Base:
    """The document that a deck is laid over, and its hash; none for a new tariff."""

    document_hash: str
    document: dict[str, Any] | None


def base_of(tariff: str) -> Base:
    """The newest document of the tariff called `tariff`."""
    newest = newest_version(tariff)
    return Base(newest.document_hash, newest.document) if newest else Base("", None)


def _current(base: Base, target: DeckTarget) -> dict[str, Any]:
    """The base if it is the newest still, under the lock; else what came after it."""
    newest = newest_version(target.tariff)
    if newest is None:
        return empty_document(name=target.tariff, currency=target.currency, timezone=target.zone)
    if base.document is not None and newest.document_hash == base.document_hash:
        return base.document
    return newest.document


@transaction.atomic
def import_deck(
    deck: Deck,
    *,
    target: DeckTarget,
    base: Base,
    origin: str,
    by: str,
    at: datetime,
    dry_run: bool,
) -> DeckImport:
    """Lay `deck` over its tariff and make the result its newest version.

    Whoever rates meanwhile uses the version before. With `dry_run` everything is
    worked out and nothing is kept.

    Raises:
        DeckRefused: if there is nothing to take.
        InvalidTariff, CurrencyChanged: as `add_version`.
    """
    if not deck.rows:
        raise DeckRefused(_("No row of the file can be used."))
    Tariff.objects.select_for_update().filter(name=target.tariff).first()
    document = _current(base, target)
    before = TariffVersion.objects.filter(tariff__name=target.tariff).count()
    merge = Merge(document, starts_at=target.starts_at, zone=ZoneInfo(target.zone))
    following = merge.lay(deck, mode=target.mode)
    version = add_version(
        name=target.tariff,
        document=following,
        origin=origin,
        by=by,
        at=at,
        known=merge.known_bands,
    )
    if target.carrier:
        carrier, _is_new = Carrier.objects.select_for_update().get_or_create(name=target.carrier)
        if carrier.tariff_id != version.tariff_id:
            carrier.tariff = version.tariff
            carrier.save(update_fields=["tariff"])
    after = TariffVersion.objects.filter(tariff__name=target.tariff).count()
    busy = busy_moves(merge.preview, tariff_id=version.tariff_id, at=at)
    transaction.set_rollback(dry_run)
    return DeckImport(
        version=version,
        is_new_version=after > before,
        preview=merge.preview,
        warnings=tuple(implausible(deck)),
        busy=busy,
    )


def busy_moves(preview: Preview, *, tariff_id: int, at: datetime) -> tuple[BusyMove, ...]:
    """The moved prefixes with the most calls of the last thirty days."""
    moves = {move.prefix: move for move in preview.moves}
    if not moves:
        return ()
    called = (
        Call.objects.filter(started_at__gte=at - RECENT, tariff_version__tariff=tariff_id)
        .exclude(matched_prefix="")
        .values_list("matched_prefix")
        .annotate(calls=Count("pk"))
        .order_by("-calls", "matched_prefix")
    )
    busy: list[BusyMove] = []
    for prefix, calls in called.iterator():
        move = moves.get(prefix)
        if move is None:
            continue
        busy.append(
            BusyMove(
                prefix=prefix,
                area=move.area,
                calls=calls,
                before=price_text(move.before),
                after=price_text(move.after),
            )
        )
        if len(busy) == SHOWN_MOVES:
            break
    return tuple(busy)
