"""Sentences of cores and drivers, which write plain English, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from directory.templatetags.figures import apart, whole
from kernel.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Said:
    """Words for a page; `is_foreign` where they are English whatever the reader's language."""

    words: str
    is_foreign: bool = False

    def __str__(self) -> str:
        return self.words


def said(words: Sentence | str) -> Said:
    """A sentence in the language that is spoken; a text (of a driver of others) as it was written."""
    if isinstance(words, str):
        return Said(words, is_foreign=True)
    text = gettext(words.text)
    if not words.values:
        return Said(text)
    return Said(text % {name: _filling(value) for name, value in words.values.items()})


def _filling(value: str | int | Sentence) -> str:
    if isinstance(value, int):
        return whole(value)
    return apart(value) if isinstance(value, str) else str(said(value))
