"""Call files as a Cisco cluster of release 14 writes them: 133 columns, types, LF."""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

from billingsite.demo.company import Office
from cdr.drivers.cucm_columns import COLUMN_TYPES, COLUMNS

Values = Mapping[str, str | int]

HEADER = ",".join(f'"{name}"' for name in COLUMNS) + "\n"
TYPES = ",".join(COLUMN_TYPES.values()) + "\n"
_ALWAYS: dict[str, str | int] = {
    "cdrRecordType": 1,
    "origPrecedenceLevel": 4,
    "destPrecedenceLevel": 4,
    "origRSVPAudioStat": "0",
    "origRSVPVideoStat": "0",
    "destRSVPAudioStat": "0",
    "destRSVPVideoStat": "0",
    "origDTMFMethod": 3,
    "destDTMFMethod": 3,
    "calledPartyPatternUsage": 2,
}


_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_IS_INTEGER = tuple(kind == "INTEGER" for kind in COLUMN_TYPES.values())
_EMPTY = ["0" if is_integer else '""' for is_integer in _IS_INTEGER]


def _put(row: list[str], values: Values) -> list[str]:
    for name, value in values.items():
        place = _PLACES[name]
        row[place] = str(value) if _IS_INTEGER[place] else f'"{value}"'
    return row


_USUAL = _put(list(_EMPTY), _ALWAYS)


def line(values: Values) -> str:
    """One record: integers bare, all else quoted, unknown integers 0."""
    return ",".join(_put(list(_USUAL), values)) + "\n"


def packed_address(text: str) -> int:
    """An IPv4 address as the signed little-endian number of the record."""
    number: int = struct.unpack("<i", ipaddress.IPv4Address(text).packed)[0]
    return number


def pkid(bits: int) -> str:
    return str(UUID(int=bits, version=4))


def file_name(office: Office, *, node: int, at: datetime, sequence: int) -> str:
    return f"cdr_{office.cluster}_{node:02d}_{at:%Y%m%d%H%M}_{sequence}"


def write_file(
    folder: Path, name: str, records: Iterable[Values], *, closed_at: datetime | None = None
) -> Path:
    """Write a call file as the cluster does: with a leading ``_`` while it is open.

    `closed_at` is the time the file was closed, where that is not now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    open_file = folder / f"_{name}"
    with open_file.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.write(TYPES)
        file.writelines(line(record) for record in records)
    if closed_at is not None:
        os.utime(open_file, (closed_at.timestamp(), closed_at.timestamp()))
    return open_file.rename(folder / name)
