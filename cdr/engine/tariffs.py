"""The tariff document of docs/tariffs.md: JSON values in, dataclasses out, and back.

Everything a tariff says is in one document. Reading refuses what it does not
understand, and says where: ``destinations[3].bands[0].from: …``. Amounts are
Decimal as written; times of a call are whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from cdr.engine.bands import DAY_MS, Timing, overlap
from cdr.engine.calendars import is_calendar
from cdr.engine.tariff_values import (
    MAX_AMOUNT,
    Bad,
    optional,
    read_amount,
    read_choice,
    read_each,
    read_instant,
    read_list,
    read_numbers,
    read_object,
    read_positive_seconds,
    read_seconds,
    read_text,
    read_time_of_day,
    read_whole,
    read_zone,
    required,
    show,
)
from kernel.errors import DomainError
from kernel.money import RoundingMode

BandRule = Literal["answer", "split"]
AtMaximum = Literal["free", "disconnect"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MS: Final = timedelta(milliseconds=1)
MAX_PROBLEMS: Final = 20
MAX_BANDS: Final = 400
MAX_STEPS: Final = 100
MAX_PREFIX: Final = 20
MAX_AREA: Final = 120
MAX_CLASS: Final = 16
MAX_NAME: Final = 200


class InvalidTariff(DomainError):
    """A tariff document cannot be used; `problems` says where and why, one each."""

    code = "invalid_tariff"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A price from a moment of the call on: `price` for `per_ms`, in whole increments."""

    from_ms: int
    price: Decimal
    per_ms: int
    increment_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The prices of a destination at some times of the week or year."""

    when: Timing
    connect_fee: Decimal
    free_ms: int
    grace_ms: int
    minimum_charge: Decimal | None
    maximum_charge: Decimal | None
    at_maximum: AtMaximum
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A prefix with its prices in `[valid_from, valid_to)`.

    `bands` None names the area and says nothing about the price; `bands` empty
    is a barred destination: known, and never rated.
    """

    prefix: str
    area: str
    number_class: str
    valid_from: datetime | None
    valid_to: datetime | None
    bands: tuple[Band, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffDocument:
    """A whole tariff. `holidays` is a calendar such as IT or DE-BY, or empty."""

    name: str
    currency: str
    timezone: str
    holidays: str
    rounding_mode: RoundingMode
    decimals: int
    band_rule: BandRule
    destinations: tuple[Destination, ...]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def epoch_ms(instant: datetime) -> int:
    """Whole milliseconds from 1970-01-01 to the aware `instant`, rounded down."""
    return (instant - EPOCH) // ONE_MS


# --- Bands -----------------------------------------------------------------------------------

STEP_KEYS: Final = frozenset({"from_second", "price", "per_seconds", "increment_seconds"})
BAND_KEYS: Final = frozenset(
    {
        "days", "from", "to", "months", "month_days", "holiday", "weight",
        "connect_fee", "free_seconds", "grace_seconds", "minimum_charge",
        "maximum_charge", "at_maximum", "steps",
    }
)  # fmt: skip
EVERY_DAY: Final = frozenset(range(1, 8))


def _step(value: object) -> Step:
    raw = read_object(value, keys=STEP_KEYS, what="a step")
    step = Step(
        from_ms=optional(raw, "from_second", read_seconds, default=0),
        price=required(raw, "price", read_amount),
        per_ms=optional(raw, "per_seconds", read_positive_seconds, default=60_000),
        increment_ms=required(raw, "increment_seconds", read_positive_seconds),
    )
    if step.price * 1000 > MAX_AMOUNT * step.per_ms:
        raise Bad("price", f"more than {MAX_AMOUNT} a second")
    return step


def _steps(value: object) -> tuple[Step, ...]:
    steps = read_each(value, _step, most=MAX_STEPS)
    if not steps:
        raise Bad("", "at least one step; a price per call alone is a step of price 0")
    if steps[0].from_ms != 0:
        raise Bad("[0].from_second", "the first step starts at second 0")
    for index in range(1, len(steps)):
        if steps[index].from_ms <= steps[index - 1].from_ms:
            raise Bad(f"[{index}].from_second", "must be later than the step before")
    return steps


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Bad("", f"must be true, false or null, got {show(value)}")
    return value


def _from_time(value: object) -> int:
    milliseconds = read_time_of_day(read_text(value, longest=8))
    if milliseconds == DAY_MS:
        raise Bad("", "24:00 is an end only; a band from midnight starts at 00:00")
    return milliseconds


def _to_time(value: object) -> int:
    return read_time_of_day(read_text(value, longest=8))


TIMING_KEYS: Final = frozenset({"days", "from", "to", "months", "month_days", "holiday", "weight"})


def _timing(raw: Mapping[str, object]) -> Timing:
    if TIMING_KEYS.isdisjoint(raw):
        return ALWAYS
    return Timing(
        days=optional(
            raw, "days", lambda v: read_numbers(v, lowest=1, highest=7), default=EVERY_DAY
        ),
        from_ms=optional(raw, "from", _from_time, default=0),
        to_ms=optional(raw, "to", _to_time, default=DAY_MS),
        months=optional(
            raw, "months", lambda v: read_numbers(v, lowest=1, highest=12), default=None
        ),
        month_days=optional(
            raw, "month_days", lambda v: read_numbers(v, lowest=1, highest=31), default=None
        ),
        holiday=optional(raw, "holiday", _boolean, default=None),
        weight=optional(
            raw, "weight", lambda v: read_whole(v, lowest=0, highest=1_000_000), default=10
        ),
    )


ALWAYS: Final = Timing(
    days=EVERY_DAY,
    from_ms=0,
    to_ms=DAY_MS,
    months=None,
    month_days=None,
    holiday=None,
    weight=10,
)


def _at_maximum(value: object) -> AtMaximum:
    return cast("AtMaximum", read_choice(value, choices=("free", "disconnect")))


def _band(value: object) -> Band:
    raw = read_object(value, keys=BAND_KEYS, what="a band")
    return Band(
        when=_timing(raw),
        connect_fee=optional(raw, "connect_fee", read_amount, default=Decimal(0)),
        free_ms=optional(raw, "free_seconds", read_seconds, default=0),
        grace_ms=optional(raw, "grace_seconds", read_seconds, default=0),
        minimum_charge=optional(raw, "minimum_charge", read_amount, default=None),
        maximum_charge=optional(raw, "maximum_charge", read_amount, default=None),
        at_maximum=optional(raw, "at_maximum", _at_maximum, default="free"),
        steps=required(raw, "steps", _steps),
    )


def _bands(value: object, *, has_holidays: bool) -> tuple[Band, ...]:
    bands = read_each(value, _band, most=MAX_BANDS)
    for index, band in enumerate(bands):
        for earlier in range(index):
            if bands[earlier].when.weight == band.when.weight and overlap(
                bands[earlier].when, band.when, has_holidays=has_holidays
            ):
                raise Bad(
                    f"[{index}]", f"overlaps bands[{earlier}], which has the same weight"
                    f" ({band.when.weight})",
                )  # fmt: skip
    return bands


# --- Destinations and the whole ---------------------------------------------------------------

DESTINATION_KEYS: Final = frozenset({"prefix", "area", "class", "valid_from", "valid_to", "bands"})
DOCUMENT_KEYS: Final = frozenset(
    {
        "name", "currency", "timezone", "holidays", "rounding", "band_rule", "destinations",
    }
)  # fmt: skip
MODES: Final = ("half_up", "half_even", "up", "down", "none")


class KnownBands:
    """Bands that were read already, for documents made out of one another.

    Known by the very list object, which is kept alive here, or by equal content.
    A list that is in here must not be changed any more.
    """

    def __init__(self) -> None:
        self._by_identity: dict[int, tuple[object, tuple[Band, ...]]] = {}
        self._by_content: dict[str, tuple[Band, ...]] = {}

    def add(self, value: object, bands: tuple[Band, ...]) -> None:
        """Say what the list `value` reads as."""
        self._by_identity[id(value)] = (value, bands)

    def read(self, value: object, *, has_holidays: bool) -> tuple[Band, ...]:
        """The bands that `value` says; read once, as decks repeat them thousands of times."""
        same = self._by_identity.get(id(value))
        if same is not None:
            return same[1]
        content = repr(value)
        known = self._by_content.get(content)
        if known is None:
            known = _bands(value, has_holidays=has_holidays)
            self._by_content[content] = known
        self.add(value, known)
        return known


class _Reader:
    """Reads the destinations of one document."""

    def __init__(self, *, zone: ZoneInfo, has_holidays: bool, known: KnownBands) -> None:
        self._zone = zone
        self._has_holidays = has_holidays
        self._known = known

    def destination(self, value: object) -> Destination:
        raw = read_object(value, keys=DESTINATION_KEYS, what="a destination")
        valid_from = optional(raw, "valid_from", self._read_instant, default=None)
        valid_to = optional(raw, "valid_to", self._read_instant, default=None)
        if valid_from is not None and valid_to is not None and valid_to <= valid_from:
            raise Bad("valid_to", "must be later than valid_from")
        if "bands" not in raw:
            raise Bad("bands", "is missing; null names the area only, [] bars the destination")
        return Destination(
            prefix=required(raw, "prefix", _prefix),
            area=optional(raw, "area", _area, default=""),
            number_class=optional(raw, "class", _class, default=""),
            valid_from=valid_from,
            valid_to=valid_to,
            bands=optional(raw, "bands", self._bands, default=None),
        )

    def _read_instant(self, value: object) -> datetime:
        return read_instant(read_text(value, longest=40), self._zone)

    def _bands(self, value: object) -> tuple[Band, ...]:
        return self._known.read(value, has_holidays=self._has_holidays)


def _area(value: object) -> str:
    return read_text(value, longest=MAX_AREA)


def _class(value: object) -> str:
    return read_text(value, longest=MAX_CLASS)


def _prefix(value: object) -> str:
    prefix = read_text(value, longest=MAX_PREFIX)
    if prefix and not (prefix.isascii() and prefix.isdigit()):
        raise Bad("", f"digits only (E.164 without +), got {show(prefix)}")
    return prefix


def _name(value: object) -> str:
    name = read_text(value, longest=MAX_NAME).strip()
    if not name:
        raise Bad("", "is empty")
    return name


def _currency(value: object) -> str:
    code = read_text(value, longest=3)
    if len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise Bad("", f"must be an ISO 4217 code such as EUR, got {show(value)}")
    return code


def _calendar(value: object) -> str:
    code = read_text(value, longest=20)
    if code and not is_calendar(code):
        raise Bad("", f"no such holiday calendar: {show(code)}; write IT, or DE-BY for a region")
    return code


def _rounding(value: object) -> tuple[RoundingMode, int]:
    raw = read_object(value, keys=frozenset({"mode", "decimals"}), what="a rounding")
    mode = cast(
        "RoundingMode",
        optional(raw, "mode", lambda v: read_choice(v, choices=MODES), default="half_up"),
    )
    decimals = optional(raw, "decimals", lambda v: read_whole(v, lowest=0, highest=20), default=4)
    return mode, decimals


def _twice(destinations: Sequence[Destination]) -> dict[int, int]:
    """Rows that repeat prefix and start of an earlier row: which of two prices would it be?"""
    seen: dict[tuple[str, datetime | None, bool], int] = {}
    repeated: dict[int, int] = {}
    for index, row in enumerate(destinations):
        first = seen.setdefault((row.prefix, row.valid_from, row.bands is None), index)
        if first != index:
            repeated[index] = first
    return repeated


def _destinations(value: object, reader: _Reader, problems: list[str]) -> tuple[Destination, ...]:
    found: list[Destination] = []
    for index, item in enumerate(read_list(value)):
        try:
            found.append(reader.destination(item))
        except Bad as bad:
            problems.append(str(bad.under(f"destinations[{index}]")))
            if len(problems) >= MAX_PROBLEMS:
                break
    if not problems:
        for index, first in _twice(found).items():
            problems.append(
                f"destinations[{index}].prefix: {found[index].prefix!r} with this valid_from"
                f" already stands in destinations[{first}]"
            )
    return tuple(found)


def parse_tariff(document: object, *, known: KnownBands | None = None) -> TariffDocument:
    """Read a tariff document: the JSON values of docs/tariffs.md.

    Numbers may be text, JSON numbers or Decimal. Optional keys may be absent or
    null; unknown keys are refused, so that a misspelt one is never ignored. `known`
    spares reading bands again that a document has in common with an earlier one.

    Raises:
        InvalidTariff: naming the path of what is wrong, up to twenty places.
    """
    problems: list[str] = []
    destinations: tuple[Destination, ...] = ()
    try:
        raw = read_object(document, keys=DOCUMENT_KEYS, what="a tariff document (a JSON object)")
        name = required(raw, "name", _name)
        currency = required(raw, "currency", _currency)
        zone = optional(
            raw, "timezone", lambda v: read_zone(read_text(v, longest=64)), default=ZoneInfo("UTC")
        )
        calendar = optional(raw, "holidays", _calendar, default="")
        default: tuple[RoundingMode, int] = ("half_up", 4)
        mode, decimals = optional(raw, "rounding", _rounding, default=default)
        rule = optional(
            raw,
            "band_rule",
            lambda v: read_choice(v, choices=("answer", "split")),
            default="answer",
        )
        reader = _Reader(zone=zone, has_holidays=bool(calendar), known=known or KnownBands())
        destinations = required(
            raw, "destinations", lambda value: _destinations(value, reader, problems)
        )
    except Bad as bad:
        place = bad.path or "document"
        raise InvalidTariff([f"{place}: {bad.text}"]) from None
    if problems:
        raise InvalidTariff(problems[:MAX_PROBLEMS])
    return TariffDocument(
        name=name,
        currency=currency,
        timezone=zone.key,
        holidays=calendar,
        rounding_mode=mode,
        decimals=decimals,
        band_rule=cast("BandRule", rule),
        destinations=destinations,
    )
