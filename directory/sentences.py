"""A sentence that is kept in a row and said in the language of whoever reads it, whenever that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext

from directory.templatetags.figures import whole


@dataclass(frozen=True, slots=True)
class Sentence:
    """English `words`, marked for the catalogues by `gettext_noop`, and what stands in their gaps.

    A number is written as the language writes numbers; a name stays as it is.
    """

    words: str
    gaps: Mapping[str, str | int | Sentence] = field(default_factory=dict)

    def __str__(self) -> str:
        filled = {
            name: whole(gap) if isinstance(gap, int) else str(gap)
            for name, gap in self.gaps.items()
        }
        return gettext(self.words) % filled if filled else gettext(self.words)

    def kept(self) -> dict[str, Any]:
        """What a row keeps of it."""
        gaps = {
            name: gap.kept() if isinstance(gap, Sentence) else gap
            for name, gap in self.gaps.items()
        }
        return {"words": self.words, "gaps": gaps}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Sentence:
        """The sentence that `kept` was made of."""
        gaps = {
            name: cls.of(gap) if isinstance(gap, Mapping) else gap
            for name, gap in kept["gaps"].items()
        }
        return cls(kept["words"], gaps)


class SaidAnew:
    """A row whose `title` and `words` are said again in the language of the page.

    Its `sentences` keep what can be; the rest stays as it was written.
    """

    @property
    def title_said(self: Any) -> str:
        """Its title, whatever language was spoken when it was given."""
        return _said(self.title, self.sentences.get("title"))

    @property
    def words_said(self: Any) -> str:
        """What it says of itself."""
        return _said(self.words, self.sentences.get("words"))


def _said(written: str, kept: Mapping[str, Any] | None) -> str:
    return str(Sentence.of(kept)) if written and kept else written
