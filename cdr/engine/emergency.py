"""Emergency numbers: the first rule of every decision, and it cannot be set away.

112 and 911 count everywhere, each country's own list counts in that country, and
a site may add to it, never take from it (Directive 2018/1972 Art. 109; Kari's
Law, 47 USC 623). A false alarm is accepted: allowing is the safe side (domain 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from phonenumbers import country_code_for_region
from phonenumbers.shortnumberinfo import is_emergency_number

EVERYWHERE: Final[frozenset[str]] = frozenset({"112", "911"})

# Exit codes in common use. A phone on which somebody presses one of them before an
# emergency number out of habit gets through, whatever the site's own code is.
HABITUAL_EXIT_CODES: Final[tuple[str, ...]] = ("0", "9", "00")

# Police, fire, ambulance, coastguard and their like; the numbering library knows more
# countries and is asked as well.
BY_COUNTRY: Final[dict[str, str]] = {
    "AE": "997 998 999",
    "AL": "126 127 128 129",
    "AR": "100 101 103 106 107",
    "AT": "122 133 140 144",
    "AU": "000 106",
    "BA": "122 123 124",
    "BE": "100 101",
    "BG": "150 160 166",
    "BH": "999",
    "BR": "190 191 192 193 199",
    "CA": "",
    "CH": "117 118 144 1414 1415",
    "CL": "131 132 133",
    "CN": "110 119 120 122",
    "CO": "123",
    "CY": "199",
    "CZ": "150 155 156 158",
    "DE": "110",
    "DK": "",
    "DZ": "14 17",
    "EE": "110",
    "EG": "122 123 180",
    "ES": "061 062 080 085 088 091 092",
    "FI": "",
    "FR": "15 17 18 114 191 196 197",
    "GB": "999",
    "GG": "999",
    "GI": "190 199",
    "GR": "100 108 166 199",
    "HK": "992 999",
    "HR": "192 193 194 195",
    "HU": "104 105 107",
    "ID": "110 113 115 118 119",
    "IE": "999",
    "IL": "100 101 102",
    "IM": "999",
    "IN": "100 101 102 108",
    "IS": "",
    "IT": "110 113 114 115 117 118 1515 1530",
    "JE": "999",
    "JO": "",
    "JP": "110 118 119",
    "KE": "999",
    "KR": "110 113 119",
    "KW": "",
    "LB": "112 125 140 175",
    "LI": "117 118 144 1414",
    "LT": "101 102 103",
    "LU": "113",
    "LV": "110 113",
    "MA": "15 19 177 190",
    "MC": "15 17 18",
    "MT": "",
    "MX": "060 065 066 068",
    "MY": "994 999",
    "NG": "199 767",
    "NL": "",
    "NO": "110 113",
    "NZ": "111",
    "OM": "9999",
    "PE": "105 106 116",
    "PH": "117",
    "PK": "15 16 115 1122",
    "PL": "984 985 986 991 992 993 994 997 998 999",
    "PT": "115",
    "QA": "999",
    "RO": "",
    "RS": "192 193 194",
    "RU": "101 102 103 104",
    "SA": "997 998 999",
    "SE": "",
    "SG": "993 995 999",
    "SI": "113",
    "SK": "150 155 158",
    "SM": "113 115 118",
    "TH": "191 1669",
    "TN": "190 197 198",
    "TR": "110 122 155 156 158 177",
    "TW": "110 119",
    "UA": "101 102 103 104",
    "US": "",
    "VA": "113 115 118",
    "VN": "113 114 115",
    "ZA": "107 10111 10177",
}


@lru_cache(maxsize=512)
def country_list(country: str) -> frozenset[str]:
    """The numbers that are emergency numbers in `country` (ISO code) whatever a site sets."""
    return EVERYWHERE | frozenset(BY_COUNTRY.get(country.upper(), "").split())


def matches(
    digits: str,
    *,
    country: str,
    added: Iterable[str] = (),
    exit_codes: Iterable[str] = (),
    lenient: bool = False,
) -> str:
    """The emergency number that `digits` reach, or an empty string.

    `digits` may hold a leading plus. Tried as they stand, after each exit code, and
    in the forms a switch may make of them: +112, +39112, 0039112. `lenient` also
    takes the country code without any sign before it (39112), which may be somebody's
    extension: right for letting a call through, wrong for what it is called later.
    """
    own = frozenset(added)
    for exit_code in ("", *exit_codes):
        if digits.startswith(exit_code):
            rest = digits[len(exit_code) :]
            found = _exact(rest, country=country.upper(), own=own, lenient=lenient)
            if found:
                return found
    return ""


def _exact(digits: str, *, country: str, own: frozenset[str], lenient: bool) -> str:
    code = country_code_for_region(country) if country else 0
    forms = [digits, digits.removeprefix("+")]
    if code:
        signs = ("+", "00", "011", "") if lenient else ("+", "00", "011")
        forms += [
            digits.removeprefix(f"{sign}{code}")
            for sign in signs
            if digits.startswith(f"{sign}{code}")
        ]
    for form in forms:
        if 2 <= len(form) <= 8 and _is_listed(form, country=country, own=own):
            return form
    return ""


def _is_listed(digits: str, *, country: str, own: frozenset[str]) -> bool:
    if digits in own or digits in country_list(country):
        return True
    return bool(country) and digits.isdecimal() and is_emergency_number(digits, country)
