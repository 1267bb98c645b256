"""Departments, cost centres and offices as people write them: `department:Sales/North`."""

from __future__ import annotations

from typing import Final

from kernel.sentences import Sentence
from kernel.sentences import sentence as _

MAX_NAME: Final = 100
MAX_PATH: Final = 500
MAX_DEPTH: Final = 16

KIND_OF_WORD: Final[dict[str, str]] = {
    "department": "DEPARTMENT",
    "cost_centre": "COST_CENTRE",
    "cost_center": "COST_CENTRE",
    "office": "OFFICE",
}


class BadPath(ValueError):
    """A unit's path has an empty or an overlong part."""

    def __init__(self, words: Sentence) -> None:
        self.words = words
        super().__init__(str(words))


def clean_path(text: str) -> str:
    """`text` with its parts trimmed: ``Sales / North`` is ``Sales/North``. Empty stays empty.

    Raises:
        BadPath: if a part is empty or too long, or there are too many.
    """
    if not text.strip():
        return ""
    parts = [part.strip() for part in text.split("/")]
    if not all(parts):
        raise BadPath(
            _("%(value)s has an empty part; a path is written like Sales/North", value=repr(text))
        )
    if any(len(part) > MAX_NAME for part in parts):
        raise BadPath(
            _(
                "a part of %(value)s is longer than %(most)s characters",
                value=f"{text[:40]!r}…",
                most=MAX_NAME,
            )
        )
    path = "/".join(parts)
    if len(parts) > MAX_DEPTH or len(path) > MAX_PATH:
        raise BadPath(
            _(
                "%(value)s is deeper than %(most)s levels or too long",
                value=f"{text[:40]!r}…",
                most=MAX_DEPTH,
            )
        )
    return path


def parse_reference(text: str) -> tuple[str, str]:
    """Split ``department:Sales`` into kind and path; the kind is empty where none is named.

    Raises:
        BadPath: if the path cannot be used, or is empty.
    """
    word, colon, rest = text.partition(":")
    kind = KIND_OF_WORD.get(word.strip().lower().replace(" ", "_").replace("-", "_"), "")
    path = clean_path(rest if colon and kind else text)
    if not path:
        raise BadPath(_("%(value)s names no unit", value=repr(text)))
    return (kind, path)
