"""A source's options as text to edit: the few kinds of values that options have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson


def toml_of(options: Mapping[str, object]) -> str:
    """The options as TOML: single values first, then a table for each that holds some."""
    return "\n".join(_lines(options))


def _lines(options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if not isinstance(value, Mapping):
            yield f"{_key(name)} = {_value(value)}"
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield f"\n[{_key(name)}]"
            for inner, each in value.items():
                yield f"{_key(inner)} = {_value(each)}"


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else _value(name)


def _value(value: object) -> str:
    """Texts, numbers, truths and lists are written the same in TOML as in JSON."""
    return orjson.dumps(value).decode()
