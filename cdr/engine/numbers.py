"""From what a switch wrote to one form of a number: E.164, class, country, place.

The order of work is that of domain 4: private and feature codes, emergency, the
site's own extensions, exit code, international and national prefix, local lengths,
short codes. The dial plan decides; the numbering library only settles what the plan
leaves open, and a number that fits nothing is kept with class unknown. No call is
ever refused here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from phonenumbers import NumberParseException, national_significant_number
from phonenumbers import parse as parse_by_library

from cdr.engine import classes, emergency, numbering
from cdr.engine.extensions import is_extension
from cdr.engine.places import nation_name

CACHED_NUMBERS = 65_536
MAX_NUMBER = 64
_SHORT_CODE_LENGTHS = range(3, 7)
_FEATURE_CODE_DIGITS = 5

_WITHHELD = frozenset(
    {
        "anonymous",
        "private",
        "restricted",
        "unavailable",
        "unknown",
        "withheld",
        "blocked",
        "not available",
        "out of area",
        "no number",
        "266696687",
    }
)
_SEPARATORS = str.maketrans("", "", " \t\u00a0\u200e\u200f\u202a\u202c-\u2010\u2011\u2013./()")
_BRIDGE = re.compile(r"b\d{6,}")
_FEATURE_CODE = re.compile(r"[*#][*#0-9]*")
# A service asked for in front of the number: #31#0335... hides one's own number.
_SERVICE_PREFIX = re.compile(r"[*#]+(?:\d{2,3}[*#]+|\d{2})(?=\+?\d{2,}$)")


@dataclass(frozen=True, slots=True)
class DialPlan:
    """How numbers are dialled at one site. Empty strings and tuples mean: has none.

    `country` is an ISO code, `area_code` without the national prefix (but with the
    zero where the country keeps it: 02 for Milan), `extensions` the numbers of lines
    that exist, where the caller knows them.
    """

    country: str = ""
    exit_code: str = ""
    international_prefix: str = "00"
    national_prefix: str = ""
    area_code: str = ""
    extension_patterns: tuple[str, ...] = ()
    local_lengths: tuple[int, ...] = ()
    emergency_numbers: tuple[str, ...] = ()
    extensions: frozenset[str] = frozenset()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # Hashed for every number looked up in the cache; the fields never change.
        object.__setattr__(
            self,
            "_hash",
            hash(
                (
                    self.country,
                    self.exit_code,
                    self.international_prefix,
                    self.national_prefix,
                    self.area_code,
                    self.extension_patterns,
                    self.local_lengths,
                    self.emergency_numbers,
                    self.extensions,
                )
            ),
        )

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Number:
    """A number understood. `text` is E.164 with plus for outside numbers that have such a form.

    `digits` is what tariffs are searched with: `text` without the plus. `nation` is an ISO
    code, `area` an English place or country name; both empty where there is none.
    """

    text: str
    digits: str
    number_class: str
    nation: str = ""
    area: str = ""
    is_internal: bool = False
    is_private: bool = False


def normalise(
    raw: str,
    *,
    plan: DialPlan,
    exit_digits: str | None = None,
    sent: str = "",
    dialled: bool,
    known_extension: bool = False,
) -> Number:
    """Bring a number as the switch wrote it into one form.

    `dialled` says that somebody at the site dialled it; a caller's number has no exit
    code. `exit_digits` are the access code as the switch states it (empty: none was
    dialled; None: it does not say, the plan's own counts). `sent` are the digits that
    really left on the trunk. `known_extension` says that a line with this number exists.
    """
    return _normalise(raw, plan, exit_digits, sent, dialled, known_extension)


def is_emergency(raw: str, *, plan: DialPlan) -> bool:
    """Say whether a call to `raw` must be let through whatever else holds.

    More generous than the class of a stored call: exit codes pressed out of habit and
    numbers with a bare country code count too.
    """
    return _is_emergency(raw, plan)


@lru_cache(maxsize=8192)
def _is_emergency(raw: str, plan: DialPlan) -> bool:
    exit_codes = (plan.exit_code, *emergency.HABITUAL_EXIT_CODES)
    return bool(_emergency(clean(raw), plan=plan, exit_codes=exit_codes, lenient=True))


@lru_cache(maxsize=CACHED_NUMBERS)
def _normalise(
    raw: str,
    plan: DialPlan,
    exit_digits: str | None,
    sent: str,
    dialled: bool,  # noqa: FBT001
    known_extension: bool,  # noqa: FBT001
) -> Number:
    digits = clean(raw)
    if not digits:
        return Number("", "", classes.UNKNOWN, is_private=not dialled or raw.strip() != "")
    special = _not_outside(
        digits,
        plan=plan,
        exit_digits=exit_digits,
        sent=sent,
        dialled=dialled,
        is_known=known_extension or digits in plan.extensions,
    )
    if special is not None:
        return special
    number = _SERVICE_PREFIX.sub("", digits)
    if not _is_number(number):
        return Number(digits[:MAX_NUMBER], "", classes.UNKNOWN)
    forms = _without_exit_code(number, plan=plan, exit_digits=exit_digits, dialled=dialled)
    best = _best(forms, plan=plan, dialled=dialled)
    if sent:
        really = _best((clean(sent),), plan=plan, dialled=dialled)
        if really.rank >= max(best.rank, LIKELY):
            best = really
    return _outside(best, plan=plan)


def _not_outside(
    digits: str,
    *,
    plan: DialPlan,
    exit_digits: str | None,
    sent: str,
    dialled: bool,
    is_known: bool,
) -> Number | None:
    """The number if it is an extension, a feature code or an emergency number."""
    has_exit_code = _has_exit_code(digits, exit_digits)
    if is_known and not has_exit_code:
        return _internal(digits)
    fits_pattern = not has_exit_code and is_extension(digits, patterns=plan.extension_patterns)
    if dialled or not fits_pattern:
        exit_codes = tuple(code for code in (plan.exit_code, exit_digits) if code and dialled)
        reached = _emergency(digits, plan=plan, exit_codes=exit_codes)
        if not reached and sent:
            reached = _emergency(clean(sent), plan=plan)
        if reached:
            nation = plan.country.upper()
            return Number(reached, reached, classes.EMERGENCY, nation=nation, area="Emergency")
    if fits_pattern or _is_feature_code(digits) or _BRIDGE.fullmatch(digits):
        return _internal(digits)
    return None


def _emergency(
    digits: str, *, plan: DialPlan, exit_codes: tuple[str, ...] = (), lenient: bool = False
) -> str:
    for form in (digits, _SERVICE_PREFIX.sub("", digits)):
        found = emergency.matches(
            form,
            country=plan.country,
            added=plan.emergency_numbers,
            exit_codes=exit_codes,
            lenient=lenient,
        )
        if found:
            return found
    return ""


def _internal(digits: str) -> Number:
    text = digits[:MAX_NUMBER]
    return Number(text, text, classes.INTERNAL, is_internal=True)


def _is_number(text: str) -> bool:
    body = text[1:] if text[:1] == "+" else text
    return body.isascii() and body.isdecimal()


def _is_feature_code(digits: str) -> bool:
    if digits[0] not in "*#" or not _FEATURE_CODE.fullmatch(digits):
        return False
    return sum(sign.isdecimal() for sign in digits) <= _FEATURE_CODE_DIGITS


# --- What is no part of a number ------------------------------------------------------------------


def clean(raw: str) -> str:
    """Strip what is no part of the number: URI dress, separators, pauses, a closing ``#``.

    A withheld number becomes empty. Digits of other scripts become ASCII. An address
    that is no number (``alice@example.com``) is kept, without its scheme.
    """
    text = raw.strip()
    if text.isascii() and text.isdecimal():
        return "" if text in _WITHHELD else text
    text = _without_dress(text)
    user, at_sign, _ = text.partition("@")
    user = user.split(";", 1)[0].split(":", 1)[0].split(",", 1)[0].strip()
    if user.lower() in _WITHHELD:
        return ""
    bare = user.translate(_SEPARATORS).removeprefix("\\")
    bare = bare.rstrip("#") or bare
    if at_sign and not _is_number(bare) and not _BRIDGE.fullmatch(bare):
        return text.split(";", 1)[0][:MAX_NUMBER]
    return bare


def _without_dress(text: str) -> str:
    """`"Alice" <sip:%2B39…@host>` without name, brackets, scheme and escapes."""
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    opening = text.find("<")
    if opening >= 0:
        text = text[opening + 1 :].partition(">")[0]
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in ("sip", "sips", "tel"):
        text = rest
    return text.replace("%2B", "+").replace("%2b", "+")


def _has_exit_code(digits: str, exit_digits: str | None) -> bool:
    """Whether the switch says that an exit code was dialled, and the digits still show it."""
    return bool(exit_digits) and digits.startswith(exit_digits or "") and digits != exit_digits


def _without_exit_code(
    digits: str, *, plan: DialPlan, exit_digits: str | None, dialled: bool
) -> tuple[str, ...]:
    """The number without its exit code, and other readings where nobody states the code.

    A switch that states it is believed. Else the plan's code is taken off a dialled
    number first, and off a caller's number (some switches put it there, to be dialled
    back) only if the number makes no sense with it.
    """
    if exit_digits is not None:
        return (digits[len(exit_digits) :] if _has_exit_code(digits, exit_digits) else digits,)
    code = plan.exit_code
    if not code or not digits.startswith(code) or digits == code:
        return (digits,)
    without = digits[len(code) :]
    return (without, digits) if dialled else (digits, without)


# --- Readings: ways to understand the digits, best first --------------------------------------------

SURE, LIKELY, STATED, GUESSED = 3, 2, 1, 0


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a number: E.164 `digits` with their `identity`, or a short code.

    `rank`: SURE, the plan's rules and the numbering plan agree; LIKELY, only the
    numbering plan makes sense of it; STATED, the plan says so but the range is not
    known; GUESSED, nobody knows the number and it is kept as it stands.
    """

    digits: str
    rank: int
    identity: numbering.Identity | None = None
    short_class: str = classes.UNKNOWN


def _best(forms: tuple[str, ...], *, plan: DialPlan, dialled: bool) -> _Reading:
    """The first reading that the numbering plan confirms, else the one best founded."""
    best: _Reading | None = None
    for form in forms:
        for reading in _readings(form, plan=plan, dialled=dialled):
            if reading.rank >= LIKELY:
                return reading
            if best is None or reading.rank > best.rank:
                best = reading
    assert best is not None, "every form has at least the reading that keeps it"
    return best


def _readings(digits: str, *, plan: DialPlan, dialled: bool) -> Iterator[_Reading]:
    whole = _international(digits, plan=plan)
    if whole:
        yield _as_e164(whole)
        yield from _by_library(f"+{whole}", country="")
        return
    code = numbering.country_code(plan.country)
    if code:
        prefix = plan.national_prefix
        if prefix and digits.startswith(prefix):
            yield _as_e164(code + digits[len(prefix) :])
        if plan.area_code and len(digits) in plan.local_lengths:
            yield _as_e164(code + _area_digits(plan) + digits)
    if len(digits) in _SHORT_CODE_LENGTHS:
        short_class = numbering.short_code_class(digits, country=plan.country)
        if short_class != classes.UNKNOWN:
            yield _Reading(digits, rank=SURE, short_class=short_class)
    if code:
        yield from _national_guesses(digits, code=code, plan=plan, dialled=dialled)
    yield from _confirmed(digits, rank=LIKELY)
    yield _Reading(digits, rank=GUESSED)


def _national_guesses(
    digits: str, *, code: str, plan: DialPlan, dialled: bool
) -> Iterator[_Reading]:
    """Numbers without any prefix: national as they stand, or of the site's own area.

    Where a national prefix exists, what somebody dials without it is of his own area;
    a caller's number comes without it just as often as with it.
    """
    national = code + digits
    if not plan.national_prefix:
        yield from _confirmed(national, rank=SURE)
    elif plan.area_code:
        local = code + _area_digits(plan) + digits
        own_area_first = dialled and not plan.local_lengths
        for guess in (local, national) if own_area_first else (national, local):
            yield from _confirmed(guess, rank=LIKELY)
    else:
        yield from _confirmed(national, rank=LIKELY)
    yield from _by_library(digits, country=plan.country)


def _international(digits: str, *, plan: DialPlan) -> str:
    """The digits behind a plus or the international prefix; empty if there is neither."""
    if digits.startswith("+"):
        return digits[1:].removeprefix("00")
    prefix = plan.international_prefix
    if prefix and digits.startswith(prefix) and len(digits) > len(prefix):
        return digits[len(prefix) :]
    return ""


def _area_digits(plan: DialPlan) -> str:
    return plan.area_code.removeprefix(plan.national_prefix)


def _as_e164(digits: str) -> _Reading:
    identity = numbering.identify(digits)
    return _Reading(digits, rank=SURE if identity.is_valid else STATED, identity=identity)


def _confirmed(digits: str, *, rank: int) -> Iterator[_Reading]:
    identity = numbering.identify(digits)
    if identity.is_valid:
        yield _Reading(digits, rank=rank, identity=identity)


def _by_library(text: str, *, country: str) -> Iterator[_Reading]:
    """The library's own reading: it knows trunk prefixes that were left in, and the like."""
    try:
        number = parse_by_library(text, country.upper() or None)
    except NumberParseException:
        return
    yield from _confirmed(
        f"{number.country_code}{national_significant_number(number)}", rank=LIKELY
    )


def _outside(reading: _Reading, *, plan: DialPlan) -> Number:
    identity = reading.identity
    if identity is not None:
        return Number(
            text=f"+{reading.digits}"[:MAX_NUMBER],
            digits=reading.digits[: MAX_NUMBER - 1],
            number_class=numbering.class_of(
                identity, country=plan.country, area_code=_area_digits(plan)
            ),
            nation=identity.region,
            area=numbering.area_of(identity),
        )
    text = reading.digits[:MAX_NUMBER]
    if reading.short_class == classes.UNKNOWN:
        return Number(text, text, classes.UNKNOWN)
    nation = plan.country.upper()
    area = nation_name(nation)
    return Number(text, text, reading.short_class, nation=nation, area=area)
