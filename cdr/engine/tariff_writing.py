"""A tariff written down again: the document of docs/tariffs.md from its dataclasses."""

from __future__ import annotations

from decimal import Decimal

from cdr.engine.tariffs import Band, Destination, TariffDocument


def _plain_seconds(milliseconds: int) -> int | str:
    if milliseconds % 1000 == 0:
        return milliseconds // 1000
    return f"{Decimal(milliseconds).scaleb(-3):f}"


def _plain_amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _plain_time(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def _plain_numbers(numbers: frozenset[int] | None) -> list[int] | None:
    return None if numbers is None else sorted(numbers)


def _band_document(band: Band) -> dict[str, object]:
    when = band.when
    return {
        "days": sorted(when.days),
        "from": _plain_time(when.from_ms),
        "to": _plain_time(when.to_ms),
        "months": _plain_numbers(when.months),
        "month_days": _plain_numbers(when.month_days),
        "holiday": when.holiday,
        "weight": when.weight,
        "connect_fee": _plain_amount(band.connect_fee),
        "free_seconds": _plain_seconds(band.free_ms),
        "grace_seconds": _plain_seconds(band.grace_ms),
        "minimum_charge": _plain_amount(band.minimum_charge),
        "maximum_charge": _plain_amount(band.maximum_charge),
        "at_maximum": band.at_maximum,
        "steps": [
            {
                "from_second": _plain_seconds(step.from_ms),
                "price": _plain_amount(step.price),
                "per_seconds": _plain_seconds(step.per_ms),
                "increment_seconds": _plain_seconds(step.increment_ms),
            }
            for step in band.steps
        ],
    }


def destination_document(row: Destination) -> dict[str, object]:
    """One destination as the JSON values of the document, every key written out."""
    return {
        "prefix": row.prefix,
        "area": row.area,
        "class": row.number_class or None,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "bands": None if row.bands is None else [_band_document(band) for band in row.bands],
    }


def tariff_document(tariff: TariffDocument) -> dict[str, object]:
    """The JSON values of the whole document; `parse_tariff` gives the same tariff back."""
    return {
        "name": tariff.name,
        "currency": tariff.currency,
        "timezone": tariff.timezone,
        "holidays": tariff.holidays or None,
        "rounding": {"mode": tariff.rounding_mode, "decimals": tariff.decimals},
        "band_rule": tariff.band_rule,
        "destinations": [destination_document(row) for row in tariff.destinations],
    }
