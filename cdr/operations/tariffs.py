"""New versions of tariffs. A version is never edited; equal content makes no new one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cdr.engine.tariff_files import document_hash, pack_document
from cdr.engine.tariffs import InvalidTariff, KnownBands, parse_tariff
from cdr.models import Tariff, TariffVersion
from cdr.queries.tariffs import newest_version
from kernel.errors import DomainError

PACKING_LEVEL = 6


class CurrencyChanged(DomainError):
    """A version in another currency than the tariff's earlier ones."""

    code = "currency_changed"


@transaction.atomic
def add_version(
    *,
    name: str,
    document: Mapping[str, Any],
    origin: str,
    by: str,
    at: datetime,
    known: KnownBands | None = None,
) -> TariffVersion:
    """Make `document` the newest version of tariff `name`, made if missing.

    The document is kept as it is, key by key, so that an export gives it back.
    Where it equals the newest version, that version is returned unchanged; equal
    to an older one, it becomes a new version (a roll-back).

    Raises:
        InvalidTariff: if the document cannot be used.
        CurrencyChanged: if the tariff has been in another currency.
    """
    parsed = parse_tariff(document, known=known)
    try:
        content, content_hash = pack_document(document), document_hash(document)
    except (TypeError, ValueError) as error:
        raise InvalidTariff([f"document: cannot be kept: {error}"]) from error
    tariff, _ = Tariff.objects.get_or_create(name=name, defaults={"currency": parsed.currency})
    tariff = Tariff.objects.select_for_update().get(pk=tariff.pk)
    if tariff.currency != parsed.currency:
        raise CurrencyChanged(
            f"tariff {name!r} is in {tariff.currency}; a version in {parsed.currency} needs"
            " a tariff of another name"
        )
    newest = newest_version(name)
    if newest is not None and newest.document_hash == content_hash:
        return newest
    return TariffVersion.objects.create(
        tariff=tariff,
        number=newest.number + 1 if newest else 1,
        packed=zlib.compress(content, PACKING_LEVEL),
        document_hash=content_hash,
        destinations=len(parsed.destinations),
        origin=origin[:255],
        made_by=by[:150],
        made_at=at,
    )
