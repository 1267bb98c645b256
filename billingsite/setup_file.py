"""The set-up file, read: sites, carriers, gateways, sources, people and budgets as wishes.

Only the file itself is looked at here, and the files it names. Whether a wish fits
what is stored is for `billingsite.operations.apply`. See docs/set-up-file.md.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from django.conf import settings

from billingsite import setup_tables as read
from billingsite.setup_tables import BadValue, Moment, Problems, Table
from cdr.engine.extensions import BadPattern, check_pattern
from cdr.engine.numbering import country_code
from cdr.engine.tariff_files import read_document
from cdr.engine.tariffs import InvalidTariff, parse_tariff
from cdr.models import FailurePolicy, GatewayKind
from directory.models import TransferPayment
from kernel.errors import DomainError
from kernel.money import BadAmount, to_micros

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_TARIFF_BYTES: Final = 512 * 1024 * 1024
SECTIONS: Final = ("site", "carrier", "gateway", "source", "people", "budget")


class SetUpRefused(DomainError):
    """The set-up file cannot be used; `problems` names each place with its reason."""

    code = "set_up_refused"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class SiteWish:
    """`values` are fields of the Site model."""

    table: Table
    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TariffWish:
    """A tariff file as it stands beside the set-up file."""

    name: str
    currency: str
    document: Mapping[str, Any]
    origin: str


@dataclass(frozen=True, slots=True)
class CarrierWish:
    """None: the file does not say."""

    table: Table
    name: str
    tariff: TariffWish | None
    charge_tariff: TariffWish | None
    markup_percent: Decimal | None
    surcharge_micros: int | None


@dataclass(frozen=True, slots=True)
class GatewayWish:
    """`since` and `until` are days or instants at the site."""

    table: Table
    site: str
    device: str
    kind: str | None
    carrier: str | None
    since: Moment | None
    until: Moment | None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """`values` are fields of the Source model; `driver` and `options` are not yet checked."""

    table: Table
    name: str
    site: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BudgetEntry:
    """A budget as the file writes it; `budgets.operations.applying` understands it."""

    table: Table
    name: str
    raw: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SetUp:
    """A whole set-up file that reads well."""

    problems: Problems
    sites: tuple[SiteWish, ...]
    carriers: tuple[CarrierWish, ...]
    gateways: tuple[GatewayWish, ...]
    sources: tuple[SourceTable, ...]
    people: Path | None
    budgets: tuple[BudgetEntry, ...]

    def stop_if_wrong(self) -> None:
        """Raise SetUpRefused with all problems found so far, if there are any."""
        if self.problems.found:
            raise SetUpRefused(self.problems.found)


def read_set_up(path: Path) -> SetUp:
    """Read the set-up file at `path` and the tariff files it names.

    Raises:
        SetUpRefused: naming every problem with file, table, number and key.
    """
    problems = Problems(path.name)
    return read_tables(_document(path, problems), folder=path.parent, problems=problems)


def read_tables(document: Mapping[str, Any], *, folder: Path, problems: Problems) -> SetUp:
    """Understand the tables of a set-up; the files they name lie in `folder`.

    Raises:
        SetUpRefused: naming every problem with table, number and key.
    """
    for key in document:
        if key not in SECTIONS:
            problems.add(f"[{key}]", f"unknown table; known are {', '.join(SECTIONS)}")
    tariffs = _TariffFiles(folder=folder)
    set_up = SetUp(
        problems=problems,
        sites=tuple(_sites(document, problems)),
        carriers=tuple(_carriers(document, problems, tariffs)),
        gateways=tuple(_gateways(document, problems)),
        sources=tuple(_sources(document, problems)),
        people=_people(document, problems, folder=folder),
        budgets=tuple(_budgets(document, problems)),
    )
    set_up.stop_if_wrong()
    return set_up


def _document(path: Path, problems: Problems) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SetUpRefused([f"{path}: is larger than {MAX_FILE_BYTES // 1024 // 1024} MB"])
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise SetUpRefused([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise SetUpRefused([f"{path}: is not UTF-8 text (byte {error.start})"]) from None
    except tomllib.TOMLDecodeError as error:
        problems.add("", f"is no TOML: {error}")
        raise SetUpRefused(problems.found) from None


def _twice(names: Collection[str], name: str, table: Table, key: str) -> bool:
    if name in names:
        table.refuse(key, f"{name!r} stands twice in this file")
        return True
    return False


# --- Sites ----------------------------------------------------------------------------------------


def _country(value: object) -> str:
    code = read.text(value, longest=2).upper()
    if not country_code(code):
        raise BadValue(f"must be an ISO country code such as IT, got {read.show(value)}")
    return code


def _time_zone(value: object) -> str:
    zone = read.text(value, longest=64)
    if zone not in available_timezones():
        raise BadValue(f"must be a time zone such as Europe/Rome, got {read.show(value)}")
    return zone


def _currency(value: object) -> str:
    code = read.text(value, longest=3)
    if code not in list_currencies():
        raise BadValue(f"must be an ISO 4217 code such as EUR, got {read.show(value)}")
    return code


_LANGUAGES: Final = {"": "", **{code: code for code, _name in settings.LANGUAGES}}


def _pattern(value: object) -> str:
    pattern = read.text(value, longest=64).strip()
    try:
        check_pattern(pattern)
    except BadPattern as refusal:
        raise BadValue(f"cannot be used: {refusal}") from None
    return pattern


def _emergency_number(value: object) -> str:
    number = read.digits(value)
    if not 2 <= len(number) <= 8:
        raise BadValue(f"must be a number of 2 to 8 digits, got {read.show(value)}")
    return number


def _allowed_number(value: object) -> str:
    number = read.text(value, longest=32).strip()
    body = number.removeprefix("+").removesuffix("*")
    if not (body.isascii() and body.isdecimal()):
        raise BadValue(f"must be a number or a prefix such as +39800*, got {read.show(value)}")
    return number


_PAYMENTS: Final = {"whole": TransferPayment.WHOLE, "shared": TransferPayment.SHARED}
_SITE_KEYS: Final[tuple[tuple[str, str, Callable[[object], Any]], ...]] = (
    ("country", "country", _country),
    ("timezone", "time_zone", _time_zone),
    ("currency", "currency", _currency),
    ("language", "language", partial(read.one_of, choices=_LANGUAGES)),
    ("exit_code", "exit_code", read.digits),
    ("international_prefix", "international_prefix", read.digits),
    ("national_prefix", "national_prefix", read.digits),
    ("area_code", "area_code", read.digits),
    ("extensions", "extension_patterns", partial(read.each, check=_pattern)),
    (
        "local_lengths",
        "local_lengths",
        partial(read.each, check=partial(read.whole, lowest=2, highest=15)),
    ),
    ("emergency", "emergency_numbers", partial(read.each, check=_emergency_number)),
    ("allowed_while_locked", "allowed_while_locked", partial(read.each, check=_allowed_number)),
    ("transfer_payment", "transfer_payment", partial(read.one_of, choices=_PAYMENTS)),
    ("keep_internal_calls", "keep_internal_calls", read.boolean),
    ("mask_digits", "mask_digits", partial(read.whole, lowest=0, highest=15)),
)


def _sites(document: Mapping[str, Any], problems: Problems) -> Iterator[SiteWish]:
    names: set[str] = set()
    for table in read.tables(document, "site", problems=problems):
        name = table.required("name", read.name)
        values: dict[str, Any] = {}
        for key, column, check in _SITE_KEYS:
            value = table.read(key, check)
            if value is not None:
                values[column] = value
        table.finish()
        if name is not None and not _twice(names, name, table, "name"):
            names.add(name)
            yield SiteWish(table, name, values)


# --- Carriers and gateways ------------------------------------------------------------------------


@dataclass(slots=True)
class _TariffFiles:
    """Reads each tariff file once; two files may not hold different tariffs of one name."""

    folder: Path
    _by_path: dict[Path, TariffWish]
    _by_name: dict[str, TariffWish]

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        self._by_path = {}
        self._by_name = {}

    def read(self, value: object) -> TariffWish:
        path = self.folder / read.text(value)
        if path not in self._by_path:
            wish = self._load(path)
            known = self._by_name.setdefault(wish.name, wish)
            if known.document != wish.document:
                raise BadValue(
                    f"{wish.origin} and {known.origin} are both called {wish.name!r} and differ"
                )
            self._by_path[path] = wish
        return self._by_path[path]

    def _load(self, path: Path) -> TariffWish:
        try:
            if path.stat().st_size > MAX_TARIFF_BYTES:
                raise BadValue(f"{path.name}: is larger than {MAX_TARIFF_BYTES // 2**20} MB")
            document = read_document(path.read_bytes())
            parsed = parse_tariff(document)
        except OSError as error:
            raise BadValue(f"{path.name}: {error.strerror}") from None
        except InvalidTariff as refusal:
            shown = "; ".join(refusal.problems[:5])
            raise BadValue(f"{path.name}: {shown}") from None
        return TariffWish(parsed.name, parsed.currency, document, path.name)


def _micros(value: object) -> int:
    try:
        return to_micros(read.decimal(value))
    except BadAmount as refusal:
        raise BadValue(str(refusal)) from None


def _amount(value: object) -> int:
    micros = _micros(value)
    if micros < 0:
        raise BadValue("must not be negative")
    return micros


def _percent(value: object) -> Decimal:
    percent = read.decimal(value)
    if not -100 <= percent <= 9999 or percent != round(percent, 3):
        raise BadValue(
            f"must be a percentage from -100 to 9999 with at most three places, got {percent}"
        )
    return percent


def _carriers(
    document: Mapping[str, Any], problems: Problems, tariffs: _TariffFiles
) -> Iterator[CarrierWish]:
    names: set[str] = set()
    for table in read.tables(document, "carrier", problems=problems):
        name = table.required("name", read.name)
        wish = CarrierWish(
            table=table,
            name=name or "",
            tariff=table.read("tariff", tariffs.read),
            charge_tariff=table.read("charge_tariff", tariffs.read),
            markup_percent=table.read("markup_percent", _percent),
            surcharge_micros=table.read("surcharge", _amount),
        )
        table.finish()
        if name is not None and not _twice(names, name, table, "name"):
            names.add(name)
            yield wish


_KINDS: Final = {kind.value.lower(): kind for kind in GatewayKind}


def _gateways(document: Mapping[str, Any], problems: Problems) -> Iterator[GatewayWish]:
    for table in read.tables(document, "gateway", problems=problems):
        site = table.required("site", read.name)
        device = table.required("device", partial(read.text, longest=129))
        wish = GatewayWish(
            table=table,
            site=site or "",
            device=(device or "").strip(),
            kind=table.read("kind", partial(read.one_of, choices=_KINDS)),
            carrier=table.read("carrier", read.name),
            since=table.read("since", read.moment),
            until=table.read("until", read.moment),
        )
        if device is not None and not wish.device:
            table.refuse("device", "is empty")
        if wish.carrier is None and not table.has("carrier"):
            for key in ("since", "until"):
                if table.has(key):
                    table.refuse(key, "says when a carrier stands behind it, but names no carrier")
        table.finish()
        yield wish


# --- Sources --------------------------------------------------------------------------------------

_POLICIES: Final = {policy.value.lower(): policy for policy in FailurePolicy}


def _caller(value: object) -> str:
    address = read.text(value, longest=64).strip()
    try:
        return str(ipaddress.ip_network(address, strict=False)) if "/" in address else str(
            ipaddress.ip_address(address)
        )  # fmt: skip
    except ValueError:
        raise BadValue(f"must be an address or a network, got {read.show(value)}") from None


def _sources(document: Mapping[str, Any], problems: Problems) -> Iterator[SourceTable]:
    names: set[str] = set()
    for table in read.tables(document, "source", problems=problems):
        name = table.required("name", partial(read.name, longest=64))
        site = table.required("site", read.name)
        driver = table.required("driver", partial(read.name, longest=32))
        values: dict[str, Any] = {"driver": driver}
        options = table.read("options", read.table)
        lock = table.read("lock", partial(read.name, longest=32))
        if options is not None or lock is not None:
            values["options"] = dict(options or {}) | ({"lock": lock} if lock else {})
        for key, column, check in _SOURCE_KEYS:
            value = table.read(key, check)
            if value is not None:
                values[column] = value
        table.finish()
        if name is not None and not _twice(names, name, table, "name"):
            names.add(name)
            yield SourceTable(table, name, site or "", values)


_SOURCE_KEYS: Final[tuple[tuple[str, str, Callable[[object], Any]], ...]] = (
    ("folder", "folder", partial(read.text, longest=500)),
    ("active", "is_active", read.boolean),
    ("failure_policy", "failure_policy", partial(read.one_of, choices=_POLICIES)),
    ("callers", "callers", partial(read.each, check=_caller)),
    ("secret", "caller_secret", partial(read.text, longest=128)),
)


# --- People and budgets ---------------------------------------------------------------------------


def _people(document: Mapping[str, Any], problems: Problems, *, folder: Path) -> Path | None:
    if "people" not in document:
        return None
    raw = document["people"]
    if not isinstance(raw, dict):
        problems.add("[people]", "must be written as one table [people]")
        return None
    table = Table("[people]", raw, problems)
    file = table.required("file", read.text)
    table.finish()
    return None if file is None else folder / file


def _budgets(document: Mapping[str, Any], problems: Problems) -> Iterator[BudgetEntry]:
    for table in read.tables(document, "budget", problems=problems):
        name = table.required("for", read.text)
        yield BudgetEntry(table, name or "", table.raw)
