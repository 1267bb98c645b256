"""The tariff file: JSON text in and out, with nothing lost on the way."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import NoReturn

import orjson

from cdr.engine.tariffs import InvalidTariff


def _exact(literal: str) -> float:
    """A JSON number as it will be written again; refused where that would lose digits."""
    value = float(literal)
    if Decimal(str(value)) != Decimal(literal):
        raise InvalidTariff(
            [f"document: {literal} is too fine for a JSON number; write it as text"]
        )
    return value


def _no_constant(name: str) -> NoReturn:
    raise InvalidTariff([f"document: {name} is not a number"])


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys stand once: of two prices under one key, one would be lost."""
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidTariff([f"document: key {twice!r} stands twice in one object"])
    return made


def read_document(content: bytes) -> dict[str, object]:
    """The JSON object in `content` (UTF-8, a byte order mark is allowed), not yet checked.

    Raises:
        InvalidTariff: if it is no JSON object, or not every value can be kept.
    """
    try:
        text = content.decode("utf-8-sig")
        document: object = json.loads(
            text, parse_float=_exact, parse_constant=_no_constant, object_pairs_hook=_once
        )
    except UnicodeDecodeError as error:
        raise InvalidTariff([f"document: not UTF-8 text (byte {error.start})"]) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidTariff([f"document: not JSON: {error.msg} ({place})"]) from None
    except RecursionError:
        raise InvalidTariff(["document: nested too deeply"]) from None
    if not isinstance(document, dict):
        raise InvalidTariff(["document: must be a JSON object"])
    return document


def write_document(document: object) -> bytes:
    """The document as indented JSON text, UTF-8, keys in their order."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def pack_document(document: object) -> bytes:
    """The document as JSON without blanks, keys in their order."""
    return orjson.dumps(document)


def document_hash(document: object) -> str:
    """SHA-256 of the content, whatever the order of keys."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
