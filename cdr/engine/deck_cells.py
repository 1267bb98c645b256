"""Cells of rate decks: prefixes, prices, increments and dates as carriers write them.

Whatever a cell says that can be read in two ways is refused or asked, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Final, Literal
from zoneinfo import ZoneInfo

from kernel.sentences import Sentence
from kernel.sentences import sentence as _

DecimalMark = Literal["point", "comma"]
DateOrder = Literal["dmy", "mdy"]

MAX_EXPANSION: Final = 10_000
MAX_DIGITS: Final = 20
SHOWN: Final = 40
"""So much of a long list is quoted."""
FIRST_YEAR: Final = 1900
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class BadCell(Exception):
    """What is wrong with a cell, in words."""

    def __init__(self, words: Sentence) -> None:
        self.words = words
        super().__init__(str(words))


# --- Prefixes ------------------------------------------------------------------------------------

_LIST = re.compile(r"[,;|\n]")
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
_CLASSES = re.compile(r"\d+|\[([^\]]*)\]")


def _bare(token: str) -> tuple[str, bool]:
    """The token without + or 00 in front, and whether it had one (it is international)."""
    if token.startswith("+"):
        return token[1:], True
    if token.startswith("00") and len(token) > 2:
        return token[2:], True
    return token, False


def _damage(digits: str) -> None:
    if len(digits) > 8 and digits.endswith("0" * 8):
        raise BadCell(
            _("%(value)s ends in eight zeros or more: damaged by a spreadsheet?", value=digits)
        )
    if len(digits) > MAX_DIGITS:
        raise BadCell(_("%(value)s has more than %(most)s digits", value=digits, most=MAX_DIGITS))


def _too_many(cell: str) -> BadCell:
    shown = cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…"
    return BadCell(
        _("%(value)s stands for more than %(most)s prefixes", value=shown, most=MAX_EXPANSION)
    )


def _class_members(text: str) -> list[str]:
    """The digits that `0-58` stands for."""
    members: set[int] = set()
    place = 0
    while place < len(text):
        if not text[place].isdigit():
            raise BadCell(_("[%(value)s] is not a class of digits", value=text))
        start = end = int(text[place])
        if text[place + 1 : place + 2] == "-":
            if not text[place + 2 : place + 3].isdigit():
                raise BadCell(_("[%(value)s] is not a class of digits", value=text))
            end = int(text[place + 2])
            place += 2
        if end < start:
            raise BadCell(_("The range %(value)s runs backwards", value=f"{start}-{end}"))
        members.update(range(start, end + 1))
        place += 1
    if not members:
        raise BadCell(_("[] is an empty class of digits"))
    return [str(member) for member in sorted(members)]


def _expand_classes(token: str) -> list[str]:
    """`113[0-58]` as the prefixes it stands for."""
    parts: list[list[str]] = []
    place = 0
    for match in _CLASSES.finditer(token):
        if match.start() != place:
            break
        place = match.end()
        inside: str | None = match.group(1)
        parts.append([match.group(0)] if inside is None else _class_members(inside))
    if place != len(token) or not parts:
        raise BadCell(_("“%(value)s” is not a prefix", value=token))
    count = 1
    for part in parts:
        count *= len(part)
    if count > MAX_EXPANSION:
        raise _too_many(token)
    return ["".join(chosen) for chosen in product(*parts)]


def _expand_range(token: str) -> list[str]:
    """`3932-3939` as the prefixes it stands for, of equal length and in order."""
    low, _dash, high = token.partition("-")
    start, end = _bare(low)[0], _bare(high)[0]
    if not (start.isdigit() and end.isdigit()):
        raise BadCell(_("“%(value)s” is not a range of prefixes", value=token))
    if len(start) != len(end):
        raise BadCell(_("The ends of %(value)s are of unequal length", value=token))
    if int(end) < int(start):
        raise BadCell(_("The range %(value)s runs backwards", value=token))
    if int(end) - int(start) >= MAX_EXPANSION:
        raise _too_many(token)
    return [str(number).zfill(len(start)) for number in range(int(start), int(end) + 1)]


def _expand_token(token: str, country_code: str) -> list[str]:
    if not token.isascii():
        raise BadCell(_("“%(value)s” is not a prefix", value=token))
    if token.isdigit() and not token.startswith("00"):
        return [country_code + token]
    if _SCIENTIFIC.fullmatch(token):
        raise BadCell(
            _("%(value)s is a number in scientific notation: damaged by a spreadsheet", value=token)
        )
    token = token.removesuffix(".0").rstrip("*")
    bare, is_international = _bare(token)
    if "-" in bare and "[" not in bare:
        prefixes = _expand_range(token)
    elif "[" in bare:
        prefixes = _expand_classes(bare)
    elif bare.isdigit():
        prefixes = [bare]
    else:
        raise BadCell(_("“%(value)s” is not a prefix", value=token))
    return prefixes if is_international else [country_code + prefix for prefix in prefixes]


def _tokens(cell: str) -> Iterable[str]:
    """The entries of a list; blanks belong to an international number, or separate such ones."""
    for entry in _LIST.split(re.sub(r"\s*-\s*", "-", cell.replace("\u2013", "-"))):
        words = entry.split()
        if len(words) <= 1 or all(word.startswith("+") for word in words):
            yield from words
        elif words[0].startswith(("+", "00")) and all(word.isdigit() for word in words[1:]):
            yield "".join(words)
        else:
            raise BadCell(
                _("“%(value)s” has blanks inside; list prefixes with commas", value=entry.strip())
            )


def expand_prefixes(cell: str, *, country_code: str = "") -> tuple[str, ...]:
    """The prefixes that a cell stands for: one, a list, ranges, classes of digits.

    `country_code` goes before all but those that are written with + or 00. An
    empty cell stands for the country code itself.

    Raises:
        BadCell: if it is no prefix, or one that a spreadsheet has damaged.
    """
    if cell.isdigit() and cell.isascii() and not cell.startswith("00"):
        found = [country_code + cell]
    else:
        found = [p for token in _tokens(cell) for p in _expand_token(token, country_code)]
        if not found and country_code:
            found = [country_code]
    if not found:
        raise BadCell(_("The prefix is empty: a price for every number is not taken from a deck"))
    if len(found) > MAX_EXPANSION:
        raise _too_many(cell)
    for prefix in found:
        _damage(prefix)
    if len(set(found)) != len(found):
        twice = next(prefix for prefix in found if found.count(prefix) > 1)
        raise BadCell(_("%(value)s stands in it twice", value=twice))
    return tuple(found)


# --- Amounts -------------------------------------------------------------------------------------

_CURRENCY_SIGNS = re.compile(r"[€$£¥₹\s\u00a0\u202f'\u2019]|\b[A-Z]{3}\b")
_COMMA_SURELY = re.compile(
    r"-?(\d{1,3}(\.\d{3})+,\d+|0,\d+|\d+,\d{1,2}|\d+,\d{4,}|\d{4,},\d+|,\d+)"
)
_POINT_SURELY = re.compile(r"-?(\d{1,3}(,\d{3})+\.\d+|\d*\.\d+)")
_COMMA_DOUBTFUL = re.compile(r"-?[1-9]\d{0,2},\d{3}")
_DATE_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{1,2}[- ][A-Za-z]{3,}.*")
_PLAIN = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE]-?\d{1,2})?")


def _amount_text(cell: str) -> str:
    return _CURRENCY_SIGNS.sub("", cell)


def find_decimal_mark(cells: Iterable[str]) -> DecimalMark | None:
    """How a file writes fractions; None where only `1,234` could say, and it may be either.

    Raises:
        BadCell: if the file does it both ways.
    """
    comma = point = doubtful = ""
    for cell in cells:
        if "," not in cell and "." not in cell:
            continue
        text = _amount_text(cell)
        if _COMMA_SURELY.fullmatch(text):
            comma = cell
        elif _POINT_SURELY.fullmatch(text):
            point = cell
        elif _COMMA_DOUBTFUL.fullmatch(text):
            doubtful = cell
    if comma and point:
        raise BadCell(
            _(
                "“%(comma)s” has a decimal comma and “%(point)s” a decimal point",
                comma=comma,
                point=point,
            )
        )
    if comma:
        return "comma"
    return "point" if point or not doubtful else None


@lru_cache(maxsize=65_536)
def read_amount(cell: str, mark: DecimalMark) -> Decimal:
    """A price or fee, never negative.

    Raises:
        BadCell: if it is no amount.
    """
    if _DATE_LIKE.fullmatch(cell):
        raise BadCell(_("“%(value)s” is a date where an amount belongs", value=cell))
    text = _amount_text(cell)
    groups, fraction = (",", ".") if mark == "point" else (".", ",")
    whole, found, places = text.partition(fraction)
    if groups in whole:
        if not re.fullmatch(rf"-?[1-9]\d{{0,2}}(\{groups}\d{{3}})+", whole):
            if mark == "point":
                raise BadCell(_("“%(value)s” is not an amount with a decimal point", value=cell))
            raise BadCell(_("“%(value)s” is not an amount with a decimal comma", value=cell))
        whole = whole.replace(groups, "")
    plain = f"{whole}.{places}" if found else whole
    if not _PLAIN.fullmatch(plain):
        raise BadCell(_("“%(value)s” is not an amount", value=cell))
    amount = Decimal(plain)
    if amount < 0:
        raise BadCell(_("%(value)s is negative", value=cell))
    return amount


# --- Increments and seconds ------------------------------------------------------------------------

_PAIR = re.compile(r"(\d+)\s*[/+:x-]\s*(\d+)")
MAX_INCREMENT: Final = 86_400


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadCell(_("“%(value)s” is not a number of seconds", value=text))
    seconds = int(text)
    if seconds > MAX_INCREMENT:
        raise BadCell(_("%(value)s seconds is more than a day", value=seconds))
    return seconds


@lru_cache(maxsize=4096)
def read_seconds(cell: str) -> int:
    """Whole seconds, 0 allowed; `60 s`, `60sec` and `60.0` are the same.

    Raises:
        BadCell: if it is no such number.
    """
    return _seconds(re.sub(r"\s*(s|sec|secs|seconds?)\.?$", "", cell.lower()).removesuffix(".0"))


@lru_cache(maxsize=4096)
def read_increments(cell: str) -> tuple[int, int | None]:
    """First and next increment in seconds; 0 says no rule, which is per second.

    A cell with one number gives it as the first, and None.

    Raises:
        BadCell: if it is neither `60`, nor `60/1`.
    """
    pair = _PAIR.fullmatch(cell)
    if pair:
        first, following = _seconds(pair.group(1)), _seconds(pair.group(2))
        return first or following or 1, following or 1
    return read_seconds(cell) or 1, None


# --- Dates -----------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_EITHER = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_NAMED = re.compile(r"(\d{1,2})[- ./]?([A-Za-z]{3,9})[- ./,]?\s*(\d{4})")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})")
_TIME = re.compile(r"(.*?)[T ]\s*(\d{1,2}:\d{2}(?::\d{2})?(?:\.0+)?)\s*(Z|[+-]\d{2}:?\d{2})?")


def find_date_order(cells: Iterable[str]) -> DateOrder | None:
    """How a file writes days and months; None where every date could be either.

    Raises:
        BadCell: if the file does it both ways.
    """
    day_first = month_first = doubtful = ""
    for cell in cells:
        either = _EITHER.match(cell)
        if either is None:
            continue
        first, second = int(either.group(1)), int(either.group(2))
        if first > 12:
            day_first = cell
        elif second > 12:
            month_first = cell
        elif first != second:
            doubtful = cell
    if day_first and month_first:
        raise BadCell(
            _(
                "%(day_first)s begins with the day and %(month_first)s with the month",
                day_first=day_first,
                month_first=month_first,
            )
        )
    if month_first:
        return "mdy"
    return "dmy" if day_first or not doubtful else None


def _month(name: str) -> int:
    short = name[:3].lower()
    if short not in MONTHS:
        raise BadCell(_("“%(value)s” is no month", value=name))
    return MONTHS.index(short) + 1


def _date_parts(text: str, order: DateOrder) -> tuple[int, int, int]:
    for pattern, places in ((_ISO, (0, 1, 2)), (_COMPACT, (0, 1, 2)), (_DOTTED, (2, 1, 0))):
        match = pattern.fullmatch(text)
        if match:
            numbers = [int(part) for part in match.groups()]
            return numbers[places[0]], numbers[places[1]], numbers[places[2]]
    match = _EITHER.fullmatch(text)
    if match:
        first, second, year = (int(part) for part in match.groups())
        return (year, second, first) if order == "dmy" else (year, first, second)
    match = _NAMED.fullmatch(text)
    if match:
        return int(match.group(3)), _month(match.group(2)), int(match.group(1))
    match = _NAMED_FIRST.fullmatch(text)
    if match:
        return int(match.group(3)), _month(match.group(1)), int(match.group(2))
    raise BadCell(_("“%(value)s” is not a date with a year of four digits", value=text))


@lru_cache(maxsize=4096)
def read_instant(cell: str, order: DateOrder, zone: ZoneInfo) -> datetime:
    """A date, or a date with time, in `zone` unless it names its offset.

    Raises:
        BadCell: if it is no date.
    """
    timed = _TIME.fullmatch(cell)
    day_text = timed.group(1).strip() if timed else cell
    try:
        year, month, day = _date_parts(day_text, order)
        at = datetime.combine(date(year, month, day), time.min, tzinfo=zone)
        if timed:
            clock = time.fromisoformat(timed.group(2).partition(".")[0].rjust(5, "0"))
            at = at.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
            if timed.group(3):
                offset = timed.group(3).replace("Z", "+00:00")
                at = datetime.fromisoformat(at.replace(tzinfo=None).isoformat() + offset)
        at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(_("“%(value)s” is not a date", value=cell)) from None
    if at.year < FIRST_YEAR:
        raise BadCell(
            _(
                "“%(value)s” is not a date: no price began before %(year)s",
                value=cell,
                year=str(FIRST_YEAR),
            )
        )
    return at
