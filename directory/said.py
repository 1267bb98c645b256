"""Sentences in the reader's language: of engines and drivers, and those that a row keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from directory.templatetags.figures import apart, whole
from kernel.sentences import Sentence, recalled


@dataclass(frozen=True, slots=True)
class Said:
    """Words for a page; `is_foreign` where they are English whatever the reader's language."""

    words: str
    is_foreign: bool = False

    def __str__(self) -> str:
        return self.words


def said(what: Sentence | str) -> Said:
    """A sentence in the language that is spoken; a text (of a driver of others) as it was written."""
    if isinstance(what, str):
        return Said(what, is_foreign=True)
    words = gettext(what.words)
    if not what.gaps:
        return Said(words)
    return Said(words % {name: _filling(gap) for name, gap in what.gaps.items()})


def _filling(gap: str | int | Sentence) -> str:
    if isinstance(gap, int):
        return whole(gap)
    return apart(gap) if isinstance(gap, str) else str(said(gap))


class SaidAnew:
    """A row whose `title` and `words` are said again in the language of the page.

    Its `sentences` keep what can be; the rest stays as it was written.
    """

    @property
    def title_said(self: Any) -> str:
        """Its title, whatever language was spoken when it was given."""
        return _again(self.title, self.sentences.get("title"))

    @property
    def words_said(self: Any) -> str:
        """What it says of itself."""
        return _again(self.words, self.sentences.get("words"))


def _again(written: str, kept: Mapping[str, Any] | None) -> str:
    return str(said(recalled(kept))) if written and kept else written
