"""Sentences of engines and drivers, which write plain English, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from django.utils.translation import gettext


def said(text: str, sentences: Iterable[str]) -> str:
    """`text` translated, where it is one of these English sentences with its gaps filled.

    What is none of them (a driver of others) stays as it was written.
    """
    for sentence in sentences:
        found = _pattern(sentence).fullmatch(text)
        if found:
            return gettext(sentence) % found.groupdict()
    return text


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    gaps = re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.*)", re.escape(sentence))
    return re.compile(gaps, re.DOTALL)
