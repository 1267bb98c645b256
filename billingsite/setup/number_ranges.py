"""Which prefixes of a country are mobile, free, premium: read from the numbering plan.

The numbering library describes each kind of number by a pattern of digits. Walking all
patterns of a country digit by digit at once shows where only one kind is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from cdr.engine import classes
from cdr.engine.numbering import country_code

DEEPEST: Final = 5
DIGITS: Final = "0123456789"
# Calling codes in which another region is another country on the bill, as numbering has it.
_SEVERAL_COUNTRIES: Final = frozenset({"1", "7", "262", "290", "590", "599"})
_UNITED_STATES: Final = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})
_KINDS: Final[Mapping[str, str]] = {
    "fixed_line": classes.NATIONAL,
    "mobile": classes.MOBILE,
    "toll_free": classes.TOLL_FREE,
    "premium_rate": classes.PREMIUM,
    "shared_cost": classes.SHARED,
    "personal_number": classes.SHARED,
    "uan": classes.SHARED,
}

States = frozenset[int]


@dataclass(slots=True)
class DigitPattern:
    """A pattern of digits as the library writes them: ``3[2-9]\\d{7,8}|(?:31|43)\\d{8}``.

    A small automaton: `begin` is where one stands before the first digit, `after` where
    a digit leads. Standing nowhere means that no number of the pattern begins so.
    """

    text: str
    _moves: list[tuple[frozenset[str] | None, int, int]] = field(default_factory=list)
    _size: int = 0
    _place: int = 0
    _from: dict[int, list[tuple[frozenset[str] | None, int]]] = field(default_factory=dict)
    begin: States = frozenset()

    def __post_init__(self) -> None:
        first, _last = self._alternatives()
        assert self._place == len(self.text), self.text  # noqa: S101 - the library's own patterns
        for sign, source, target in self._moves:
            self._from.setdefault(source, []).append((sign, target))
        self.begin = self._closed({first})

    def after(self, states: States, digit: str) -> States:
        """Where `digit` leads from `states`."""
        reached = {
            target
            for state in states
            for signs, target in self._from.get(state, ())
            if signs is not None and digit in signs
        }
        return self._closed(reached)

    def _closed(self, states: set[int]) -> States:
        waiting, found = list(states), set(states)
        while waiting:
            for signs, target in self._from.get(waiting.pop(), ()):
                if signs is None and target not in found:
                    found.add(target)
                    waiting.append(target)
        return frozenset(found)

    # --- reading the pattern ---

    def _new(self) -> int:
        self._size += 1
        return self._size

    def _join(self, source: int, target: int, signs: frozenset[str] | None = None) -> None:
        self._moves.append((signs, source, target))

    def _peek(self) -> str:
        return self.text[self._place : self._place + 1]

    def _alternatives(self) -> tuple[int, int]:
        first, last = self._new(), self._new()
        while True:
            start, end = self._sequence()
            self._join(first, start)
            self._join(end, last)
            if self._peek() != "|":
                return first, last
            self._place += 1

    def _sequence(self) -> tuple[int, int]:
        first = last = self._new()
        while self._peek() not in ("", "|", ")"):
            place = self._place
            pairs = [self._atom()]
            least, most = self._times()
            after = self._place
            for _turn in range(1, most):
                self._place = place
                pairs.append(self._atom())
            self._place = after
            for turn, (start, end) in enumerate(pairs):
                self._join(last, start)
                if turn >= least:
                    self._join(start, end)
                last = end
        return first, last

    def _atom(self) -> tuple[int, int]:
        if self.text.startswith("(?:", self._place):
            self._place += 3
            pair = self._alternatives()
            self._place += 1
            return pair
        first, last = self._new(), self._new()
        self._join(first, last, self._signs())
        return first, last

    def _signs(self) -> frozenset[str]:
        sign = self._peek()
        if self.text.startswith("\\d", self._place):
            self._place += 2
            return frozenset(DIGITS)
        self._place += 1
        if sign != "[":
            return frozenset(sign)
        end = self.text.index("]", self._place)
        body, self._place = self.text[self._place : end], end + 1
        found: set[str] = set()
        for place, each in enumerate(body):
            if each == "-":
                found.update(DIGITS[int(body[place - 1]) : int(body[place + 1]) + 1])
            else:
                found.add(each)
        return frozenset(found)

    def _times(self) -> tuple[int, int]:
        if self._peek() == "?":
            self._place += 1
            return 0, 1
        if self._peek() != "{":
            return 1, 1
        end = self.text.index("}", self._place)
        least, _comma, most = self.text[self._place + 1 : end].partition(",")
        self._place = end + 1
        return int(least), int(most or least)


@lru_cache(maxsize=64)
def special_prefixes(country: str, number_class: str) -> tuple[str, ...]:
    """The prefixes of `country`, with its calling code, under which all numbers are of a class.

    `international` finds those behind the own code that belong to another country, such
    as +1 876. Empty where a class has no prefixes of its own: nobody can tell an
    American mobile number by its digits.
    """
    return tuple(prefix for prefix, found in _ranges(country) if found == number_class)


@lru_cache(maxsize=64)
def _ranges(country: str) -> tuple[tuple[str, str], ...]:
    code = country_code(country)
    return tuple(_walk(code, "", _patterns(country.upper(), code))) if code else ()


Standing = list[tuple[str, DigitPattern, States]]


def _patterns(country: str, code: str) -> Standing:
    regions = {country}
    if code in _SEVERAL_COUNTRIES:
        regions |= set(COUNTRY_CODE_TO_REGION_CODE[int(code)])
    found: Standing = []
    for region in sorted(regions):
        plan = PhoneMetadata.metadata_for_region(region, None)
        own = region == country or {region, country} <= _UNITED_STATES
        for kind, number_class in _KINDS.items():
            described = getattr(plan, kind, None)
            written = described.national_number_pattern if described is not None else None
            if written:
                pattern = DigitPattern(written)
                is_foreign = not own and kind in ("fixed_line", "mobile")
                if own or is_foreign:
                    shown = classes.INTERNATIONAL if is_foreign else number_class
                    found.append((shown, pattern, pattern.begin))
    return found


def _walk(code: str, national: str, standing: Standing) -> Iterator[tuple[str, str]]:
    """Go down digit by digit until only one class is left below a prefix."""
    left = {number_class for number_class, _, states in standing if states}
    if len(left) == 1 and national:
        only = left.pop()
        if only != classes.NATIONAL:
            yield code + national, only
    elif left and len(national) < DEEPEST:
        for digit in DIGITS:
            below = [
                (number_class, pattern, pattern.after(states, digit))
                for number_class, pattern, states in standing
                if states
            ]
            yield from _walk(code, national + digit, below)
