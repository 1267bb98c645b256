"""How the reader likes his pages: remembered for him, read once a request.

A choice in the address counts for this page and is remembered; without one, what was
remembered counts. Remembering is the one thing a GET may write: it changes nothing
that anybody else can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from directory.models import Preferences, User

UNKNOWN_READER = Preferences()
"""What strangers get: the defaults."""
EVERY_LIST = "*"
"""The name under which the row count of all lists is kept that have none of their own."""


def preferences_of(request: HttpRequest) -> Preferences:
    """The reader's preferences; the defaults, unsaved, if he never chose anything."""
    kept: Preferences | None = getattr(request, "kept_preferences", None)
    if kept is None:
        kept = _found(getattr(request, "user", None))
        keep_preferences(request, kept)
    return kept


def keep_preferences(request: HttpRequest, preferences: Preferences) -> None:
    """Remember for this request what has been read of the reader's preferences."""
    request.kept_preferences = preferences  # type: ignore[attr-defined]


def _found(user: object) -> Preferences:
    if not isinstance(user, User) or not user.is_authenticated:
        return UNKNOWN_READER
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)


def remembered_size(
    request: HttpRequest, name: str, *, among: Sequence[int], default: int, key: str = "size"
) -> int:
    """How many rows the list `name` shows: as the address says, else as remembered."""
    kept = preferences_of(request)
    asked = next((size for size in among if str(size) == request.GET.get(key)), None)
    if asked is None:
        size = kept.page_sizes.get(name, kept.page_sizes.get(EVERY_LIST))
        return size if size in among else default
    if kept.pk and kept.page_sizes.get(name, default) != asked:
        _keep(kept, page_sizes={**kept.page_sizes, name: asked})
    return asked


def remembered_columns(
    request: HttpRequest, name: str, *, among: Sequence[str], default: Sequence[str]
) -> list[str]:
    """Which columns the list `name` shows, in the order of `among`.

    Asked for as `?columns=area,carrier`; an unknown name is passed over.
    """
    kept = preferences_of(request)
    if "columns" not in request.GET:
        wanted = kept.columns.get(name, default)
        return [column for column in among if column in wanted]
    asked = ",".join(request.GET.getlist("columns")).split(",")
    chosen = [column for column in among if column in asked]
    if kept.pk and kept.columns.get(name, list(default)) != chosen:
        _keep(kept, columns={**kept.columns, name: chosen})
    return chosen


def _keep(kept: Preferences, **choices: dict[str, Any]) -> None:
    """Store these choices alone: another tab may be choosing others, or the first row, as well."""
    Preferences.objects.update_or_create(pk=kept.pk, defaults=choices)
    for name, value in choices.items():
        setattr(kept, name, value)
