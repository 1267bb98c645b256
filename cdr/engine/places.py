"""Names of places by number prefix, in English: `390266` is Milan.

The table is that of the `phonenumbers` package, 287,000 prefixes. Imported the usual
way it takes 100 MB, nearly all of it for other languages; here its files are read one
by one and only the English names stay (40 MB, a second, once a process that asks).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import phonenumbers
from babel import Locale

NamesByLanguage = dict[str, dict[str, str]]


def place_name(digits: str, *, code: str) -> str:
    """The place of the longest prefix of E.164 `digits`, longer than the country `code`."""
    names, longest = _places()
    for length in range(min(longest, len(digits)), len(code), -1):
        name = names.get(digits[:length])
        if name:
            return name
    return ""


def nation_name(region: str) -> str:
    """The English name of an ISO country, or an empty string."""
    return _nations().get(region, "")


@cache
def _nations() -> dict[str, str]:
    return {str(code): str(name) for code, name in Locale("en").territories.items()}


@cache
def _places() -> tuple[dict[str, str], int]:
    names = {
        prefix: by_language["en"]
        for part in _parts()
        for prefix, by_language in part.items()
        if "en" in by_language
    }
    return names, max(map(len, names), default=0)


def _parts() -> Iterator[NamesByLanguage]:
    """The package's table file by file, so that each is given back before the next."""
    folder = Path(phonenumbers.__file__).parent / "geodata"
    for path in sorted(folder.glob("data[0-9]*.py")):
        spec = spec_from_file_location(f"phonenumbers.geodata.{path.stem}", path)
        if spec is None or spec.loader is None:
            continue
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        part: NamesByLanguage = module.data
        yield part
