"""Questions about stored tariffs, and their compiled form."""

from __future__ import annotations

import zlib
from functools import lru_cache

import orjson

from cdr.engine.rating import CompiledTariff, compile_tariff
from cdr.engine.tariffs import parse_tariff
from cdr.models import Tariff, TariffVersion
from kernel.errors import DomainError

REMEMBERED_TARIFFS = 32
SHOWN_NAMES = 12


class UnknownTariff(DomainError):
    """No tariff of that name, or none at all, or no telling which is meant."""

    code = "unknown_tariff"


@lru_cache(maxsize=REMEMBERED_TARIFFS)
def _compiled(document_hash: str, version_id: int) -> CompiledTariff:
    """Equal content compiles to equal prices, so the hash makes the memory safe."""
    packed = TariffVersion.objects.values_list("packed", flat=True).get(pk=version_id)
    return compile_tariff(parse_tariff(orjson.loads(zlib.decompress(bytes(packed)))))


def compiled_version(version_id: int) -> CompiledTariff:
    """The version ready for rating; read and compiled once a process.

    Raises:
        TariffVersion.DoesNotExist: if there is no such version.
    """
    document_hash = TariffVersion.objects.values_list("document_hash", flat=True).get(pk=version_id)
    return _compiled(document_hash, version_id)


def newest_version_id(tariff_id: int) -> int | None:
    """The version of a tariff that counts now; None if it has none."""
    return (
        TariffVersion.objects.filter(tariff_id=tariff_id)
        .order_by("-number")
        .values_list("pk", flat=True)
        .first()
    )


def newest_version(name: str) -> TariffVersion | None:
    """The newest version of the tariff called `name`, without its packed document."""
    versions = TariffVersion.objects.filter(tariff__name=name)
    return versions.defer("packed").order_by("-number").first()


def tariff_named(name: str) -> Tariff:
    """The tariff called `name`; with no name, the only one there is.

    Raises:
        UnknownTariff: saying which names there are.
    """
    if name:
        found = Tariff.objects.filter(name=name).first()
        if found is not None:
            return found
    known = list(Tariff.objects.order_by("name")[: SHOWN_NAMES + 1])
    if not known:
        raise UnknownTariff("there is no tariff yet; import one with import_tariff or import_rates")
    if not name and len(known) == 1:
        return known[0]
    shown = ", ".join(tariff.name for tariff in known[:SHOWN_NAMES])
    more = " and more" if len(known) > SHOWN_NAMES else ""
    asked = f"no tariff is called {name!r}" if name else "say which tariff"
    raise UnknownTariff(f"{asked}; there are: {shown}{more}")
