"""What the world's numbering plan says of a number: country, kind, place.

A thin, fast reading of the `phonenumbers` metadata: one pass finds region and kind
together, where the library's own functions look each up anew (three times slower).
tests/cdr/test_numbers.py holds the two against each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberType
from phonenumbers.shortnumberinfo import (
    ShortNumberCost,
    expected_cost_for_region,
    is_valid_short_number_for_region,
)

from cdr.engine import classes
from cdr.engine.places import nation_name, place_name

if TYPE_CHECKING:
    from phonenumbers.phonemetadata import PhoneNumberDesc

NON_GEOGRAPHIC: Final = "001"

# Country codes in which another region is another country on the bill; elsewhere (Italy
# and the Vatican, Norway and Svalbard) the regions of one code share one national plan.
_CODES_OF_SEVERAL_COUNTRIES: Final = frozenset({"1", "7", "262", "290", "590", "599"})
_UNITED_STATES: Final = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})

_KINDS: Final[tuple[tuple[str, int], ...]] = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
)
_CLASS_OF_KIND: Final[dict[int, str]] = {
    PhoneNumberType.PREMIUM_RATE: classes.PREMIUM,
    PhoneNumberType.TOLL_FREE: classes.TOLL_FREE,
    PhoneNumberType.SHARED_COST: classes.SHARED,
    PhoneNumberType.PERSONAL_NUMBER: classes.SHARED,
    PhoneNumberType.UAN: classes.SHARED,
    PhoneNumberType.MOBILE: classes.MOBILE,
    PhoneNumberType.UNKNOWN: classes.UNKNOWN,
}
_PLACED_KINDS: Final = frozenset({PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_CLASS_OF_SHORT_COST: Final[dict[int, str]] = {
    ShortNumberCost.TOLL_FREE: classes.TOLL_FREE,
    ShortNumberCost.STANDARD_RATE: classes.NATIONAL,
    ShortNumberCost.PREMIUM_RATE: classes.PREMIUM,
    ShortNumberCost.UNKNOWN_COST: classes.SHARED,
}


@dataclass(frozen=True, slots=True)
class Identity:
    """An E.164 number taken apart. `kind` is a PhoneNumberType; UNKNOWN where it fits no range."""

    code: str
    national: str
    region: str
    kind: int
    is_possible: bool

    @property
    def is_valid(self) -> bool:
        return self.kind != PhoneNumberType.UNKNOWN


def country_code(country: str) -> str:
    """The calling code of an ISO country, without plus; empty where there is none."""
    return _CODE_OF_REGION.get(country.upper(), "")


def identify(digits: str) -> Identity:
    """Take E.164 `digits` (no plus) apart. A number that fits nothing has an empty region."""
    for length in (1, 2, 3):
        regions = _REGIONS_OF_CODE.get(digits[:length])
        if regions:
            return _identify(code=digits[:length], national=digits[length:], regions=regions)
    return Identity(code="", national=digits, region="", kind=_UNKNOWN, is_possible=False)


def _identify(*, code: str, national: str, regions: tuple[str, ...]) -> Identity:
    if regions == (NON_GEOGRAPHIC,):
        plan = PhoneMetadata.metadata_for_nongeo_region(int(code), None)
        kind = _kind(national, plan)
        return Identity(code, national, "", kind, _is_possible(national, plan))
    first = PhoneMetadata.metadata_for_region(regions[0], None)
    if len(regions) == 1:
        kind = _kind(national, first)
        return Identity(code, national, regions[0], kind, _is_possible(national, first))
    for region in regions:
        plan = PhoneMetadata.metadata_for_region(region, None)
        if plan is not None and plan.leading_digits is not None:
            if _compiled(plan.leading_digits).match(national):
                kind = _kind(national, plan)
                return Identity(code, national, region, kind, _is_possible(national, plan))
            continue
        kind = _kind(national, plan)
        if kind != _UNKNOWN:
            return Identity(code, national, region, kind, is_possible=True)
    return Identity(code, national, regions[0], _UNKNOWN, _is_possible(national, first))


def _kind(national: str, plan: PhoneMetadata | None) -> int:
    """The kind of a national number, in the order of libphonenumber's own rule."""
    if plan is None or not _fits(national, plan.general_desc):
        return _UNKNOWN
    for attribute, kind in _KINDS:
        if _fits(national, getattr(plan, attribute)):
            return kind
    if _fits(national, plan.fixed_line):
        if plan.same_mobile_and_fixed_line_pattern or _fits(national, plan.mobile):
            return PhoneNumberType.FIXED_LINE_OR_MOBILE
        return PhoneNumberType.FIXED_LINE
    if not plan.same_mobile_and_fixed_line_pattern and _fits(national, plan.mobile):
        return PhoneNumberType.MOBILE
    return _UNKNOWN


def _fits(national: str, ranges: PhoneNumberDesc | None) -> bool:
    if ranges is None or ranges.national_number_pattern is None:
        return False
    lengths = ranges.possible_length
    if lengths and len(national) not in lengths:
        return False
    return _compiled(ranges.national_number_pattern).fullmatch(national) is not None


def _is_possible(national: str, plan: PhoneMetadata | None) -> bool:
    if plan is None or plan.general_desc is None:
        return False
    lengths = plan.general_desc.possible_length
    return not lengths or len(national) in lengths


@lru_cache(maxsize=8192)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def class_of(identity: Identity, *, country: str, area_code: str) -> str:
    """The class of an outside number seen from `country` and its own `area_code`."""
    if identity.code in _WORLDWIDE:
        return _WORLDWIDE[identity.code]
    if identity.code != country_code(country):
        # The calling code alone makes it international; a number that cannot be one stays unknown.
        known = bool(identity.code) and identity.is_possible
        return classes.INTERNATIONAL if known else classes.UNKNOWN
    kind = identity.kind if identity.kind != _UNKNOWN else _kind_nearby(identity)
    by_kind = _CLASS_OF_KIND.get(kind, classes.NATIONAL)
    if by_kind in (classes.TOLL_FREE, classes.UNKNOWN):
        return by_kind
    if _is_another_country(identity, country=country.upper()):
        return classes.INTERNATIONAL
    if by_kind == classes.NATIONAL and area_code and identity.national.startswith(area_code):
        return classes.LOCAL
    return by_kind


@lru_cache(maxsize=8192)
def _kind_nearby(identity: Identity) -> int:
    """The kind of the numbers around one that is in no known range but could be one.

    Ranges are opened faster than libraries are, and some are kept for fiction
    (07700 900xxx): the longest beginning shared with a known number decides.
    """
    national = identity.national
    if not identity.is_possible or not identity.region or len(national) > _LONGEST_NATIONAL:
        return _UNKNOWN
    plan = PhoneMetadata.metadata_for_region(identity.region, None)
    for kept in range(len(national) - 1, 1, -1):
        for digit in "0123456789":
            kind = _kind(national[:kept] + digit * (len(national) - kept), plan)
            if kind != _UNKNOWN:
                return kind
    return _UNKNOWN


_LONGEST_NATIONAL: Final = 15
_WORLDWIDE: Final[dict[str, str]] = {
    "800": classes.TOLL_FREE,
    "808": classes.SHARED,
    "979": classes.PREMIUM,
}


def _is_another_country(identity: Identity, *, country: str) -> bool:
    if identity.code not in _CODES_OF_SEVERAL_COUNTRIES or not identity.region:
        return False
    if country in _UNITED_STATES:
        return identity.region not in _UNITED_STATES
    return identity.region != country


def short_code_class(digits: str, *, country: str) -> str:
    """The class of a national short code such as 119 or 118118; unknown where it is none."""
    code = country_code(country)
    if not code or not digits.isdecimal():
        return classes.UNKNOWN
    zeros = len(digits) - len(digits.lstrip("0"))
    number = PhoneNumber(
        country_code=int(code),
        national_number=int(digits),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    if not is_valid_short_number_for_region(number, country.upper()):
        return classes.UNKNOWN
    cost = expected_cost_for_region(number, country.upper())
    return _CLASS_OF_SHORT_COST.get(cost, classes.SHARED)


def area_of(identity: Identity) -> str:
    """Where the number is: the city or region of a fixed line, else the country, in English."""
    if identity.kind in _PLACED_KINDS:
        name = place_name(identity.code + identity.national, code=identity.code)
        if name:
            return name
    return nation_name(identity.region)


_UNKNOWN: Final = PhoneNumberType.UNKNOWN
_REGIONS_OF_CODE: Final[dict[str, tuple[str, ...]]] = {
    str(code): tuple(regions) for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
}
_CODE_OF_REGION: Final[dict[str, str]] = {
    region: code
    for code, regions in _REGIONS_OF_CODE.items()
    for region in regions
    if region != NON_GEOGRAPHIC
}
