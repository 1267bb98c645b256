"""Bring one row of set-up in line with what somebody wrote down, and say what changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from django.db import models

PutOutcome = Literal["created", "changed", "unchanged"]

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Put:
    """What became of one thing; `changes` are phrases such as ``currency EUR, was CHF``."""

    outcome: PutOutcome
    changes: tuple[str, ...] = ()


def put_row(
    model: type[M],
    *,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    secret: Collection[str] = (),
) -> tuple[M, Put]:
    """Make the row of `model` with this natural `key` hold `values`; others stay as they are.

    Values of the `secret` fields are never put into words. Call it inside a transaction.
    """
    row = model._default_manager.select_for_update().filter(**key).first()
    if row is None:
        return model._default_manager.create(**key, **values), Put("created")
    changes: list[str] = []
    for name, value in values.items():
        old = getattr(row, name)
        if old == value:
            continue
        setattr(row, name, value)
        words = name.removesuffix("_id").replace("_", " ")
        changes.append(
            f"{words} changed" if name in secret else f"{words} {_say(value)}, was {_say(old)}"
        )
    if not changes:
        return row, Put("unchanged")
    row.save(update_fields=list(values))
    return row, Put("changed", tuple(changes))


def _say(value: object) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)
