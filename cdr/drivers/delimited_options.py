"""The options of a delimited-text source, checked once and named when wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cdr.drivers.base import BadOptions, name_patterns
from cdr.engine.records import PartyKind
from cdr.engine.standard import TEXT_LIMITS
from kernel.sentences import sentence as _

Place = str | int
Places = tuple[Place, ...]
DurationUnit = Literal["s", "ms", "us"]

_TIMES: Final = ("started_at", "answered_at", "ended_at")
_DURATIONS: Final = ("duration_seconds", "talk_seconds", "ring_seconds")
_NUMBERS: Final = ("release_cause", "queue_wait_seconds")
_FIELDS: Final = frozenset((*TEXT_LIMITS, *_TIMES, *_DURATIONS, *_NUMBERS))
_KNOWN: Final = frozenset(
    {
        "columns", "delimiter", "quote", "encoding", "header", "skip_prefixes", "time_formats",
        "zone", "duration_unit", "status", "direction", "files", "ends_without_newline",
        "append", "fields",
    }
)  # fmt: skip
_DIRECTIONS: Final[dict[str, tuple[PartyKind, PartyKind]]] = {
    "outgoing": ("line", "trunk"),
    "incoming": ("trunk", "line"),
    "internal": ("line", "line"),
    "tandem": ("trunk", "trunk"),
}
_TIME_WORDS: Final = frozenset({"iso", "epoch", "epoch_ms"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What the values of one column mean."""

    column: Place
    meanings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DelimitedOptions:
    """How the lines of a source are to be read; see docs/drivers.md for each option."""

    columns: Mapping[str, Places]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    has_header: bool = True
    fields: int = 0
    skip_prefixes: tuple[str, ...] = ()
    time_formats: tuple[str, ...] = ("iso",)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    duration_unit: DurationUnit = "s"
    status: Rule | None = None
    direction: Rule | None = None
    files: tuple[str, ...] = ()
    ends_without_newline: bool = False


def kinds_of(direction: str) -> tuple[PartyKind, PartyKind]:
    """What stands at the two ends of a call of this direction."""
    return _DIRECTIONS[direction]


def read_options(options: Mapping[str, object], *, zone: ZoneInfo) -> DelimitedOptions:
    """Check `options`; `zone` is the site's, used where the source names none.

    Raises:
        BadOptions: naming the option and what it should be.
    """
    unknown = sorted(set(options) - _KNOWN)
    if unknown:
        raise BadOptions(
            _(
                "the %(driver)s driver has no option %(option)s",
                driver="delimited",
                option=unknown[0],
            )
        )
    has_header = _truth(options, "header", otherwise=True)
    return DelimitedOptions(
        columns=_columns(options.get("columns"), has_header=has_header),
        delimiter=_one_character(options, "delimiter", ","),
        quote=_one_character(options, "quote", '"', may_be_empty=True),
        encoding=_encoding(_text(options, "encoding", "utf-8")),
        has_header=has_header,
        fields=_count(options, "fields"),
        skip_prefixes=_texts(options, "skip_prefixes", ()),
        time_formats=_time_formats(_texts(options, "time_formats", ("iso",))),
        zone=_zone(options.get("zone"), zone),
        duration_unit=_unit(_text(options, "duration_unit", "s")),
        status=_rule(options, "status", ("answered", "unanswered"), has_header=has_header),
        direction=_rule(options, "direction", tuple(_DIRECTIONS), has_header=has_header),
        files=name_patterns(options),
        ends_without_newline=_truth(options, "ends_without_newline", otherwise=False),
    )


def _columns(given: object, *, has_header: bool) -> Mapping[str, Places]:
    if not isinstance(given, dict) or not given:
        raise BadOptions(_("option columns must map fields of the standard record to columns"))
    columns: dict[str, Places] = {}
    for name, place in given.items():
        if name not in _FIELDS:
            raise BadOptions(
                _("option columns: the standard record has no field %(field)s", field=str(name))
            )
        parts = place if isinstance(place, list) else [place]
        columns[name] = tuple(_place(f"columns.{name}", part, has_header) for part in parts)
    if "started_at" not in columns and "ended_at" not in columns:
        raise BadOptions(_("option columns needs one of %(fields)s", fields="started_at, ended_at"))
    if "ended_at" not in columns and not any(name in columns for name in _DURATIONS[:2]):
        raise BadOptions(
            _(
                "option columns needs one of %(fields)s",
                fields="ended_at, duration_seconds, talk_seconds",
            )
        )
    if not {"from_number", "to_number", "dialled"} & set(columns):
        raise BadOptions(
            _("option columns needs one of %(fields)s", fields="from_number, to_number, dialled")
        )
    return columns


def _place(name: str, place: object, has_header: bool) -> Place:  # noqa: FBT001 - inner
    if isinstance(place, str) and place.strip() and has_header:
        return place.strip().lower()
    if type(place) is int and place >= 1:
        return place
    if has_header:
        raise BadOptions(
            _("option %(option)s must be a column name or a number from 1", option=name)
        )
    raise BadOptions(_("option %(option)s must be a column number from 1", option=name))


def _truth(options: Mapping[str, object], name: str, *, otherwise: bool) -> bool:
    value = options.get(name, otherwise)
    if not isinstance(value, bool):
        raise BadOptions(_("option %(option)s must be true or false", option=name))
    return value


def _text(options: Mapping[str, object], name: str, otherwise: str) -> str:
    value = options.get(name, otherwise)
    if not isinstance(value, str):
        raise BadOptions(_("option %(option)s must be text", option=name))
    return value


def _count(options: Mapping[str, object], name: str) -> int:
    value = options.get(name, 0)
    if type(value) is not int or value < 0:
        raise BadOptions(_("option %(option)s must be a whole number", option=name))
    return value


def _texts(options: Mapping[str, object], name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    value = options.get(name, list(otherwise))
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise BadOptions(_("option %(option)s must be a list of texts", option=name))
    return tuple(value)


def _one_character(
    options: Mapping[str, object], name: str, otherwise: str, *, may_be_empty: bool = False
) -> str:
    value = {"tab": "\t", "none": ""}.get(text := _text(options, name, otherwise), text)
    if len(value) == 1 or (may_be_empty and not value):
        return value
    raise BadOptions(_("option %(option)s must be one character", option=name))


def _encoding(name: str) -> str:
    try:
        is_fit = "\n,9".encode(name) == b"\n,9"
    except LookupError:
        raise BadOptions(
            _("option encoding: there is no encoding %(encoding)s", encoding=name)
        ) from None
    if not is_fit:
        raise BadOptions(
            _(
                "option encoding: %(encoding)s does not keep plain digits and line ends",
                encoding=name,
            )
        )
    return name


def _time_formats(formats: tuple[str, ...]) -> tuple[str, ...]:
    for text in formats:
        if text not in _TIME_WORDS and "%" not in text:
            raise BadOptions(
                _(
                    "option time_formats: %(format)s is no iso, epoch, epoch_ms or pattern",
                    format=repr(text),
                )
            )
    if not formats:
        raise BadOptions(_("option time_formats must name at least one"))
    return formats


def _zone(name: object, otherwise: ZoneInfo) -> ZoneInfo:
    if name is None:
        return otherwise
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadOptions(_("option zone: there is no time zone %(zone)s", zone=str(name))) from None


def _unit(name: str) -> DurationUnit:
    units: dict[str, DurationUnit] = {"s": "s", "ms": "ms", "us": "us"}
    if name not in units:
        raise BadOptions(_("option duration_unit must be s, ms or us"))
    return units[name]


def _rule(
    options: Mapping[str, object], name: str, words: tuple[str, ...], *, has_header: bool
) -> Rule | None:
    given = options.get(name)
    if given is None:
        return None
    if not isinstance(given, dict) or "column" not in given:
        raise BadOptions(_("option %(option)s must name its column", option=name))
    meanings: dict[str, str] = {}
    for word, values in given.items():
        if word == "column":
            continue
        if word not in words or not isinstance(values, list):
            raise BadOptions(
                _(
                    "option %(option)s: lists of values are %(words)s",
                    option=name,
                    words=", ".join(words),
                )
            )
        meanings.update({str(value).strip().lower(): word for value in values})
    return Rule(_place(f"{name}.column", given["column"], has_header), meanings)
