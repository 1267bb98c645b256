"""What is said to people: a plain English sentence with gaps, and what fills them.

    from kernel.sentences import sentence as _

    raise BadCell(_("“%(value)s” is not a prefix", value=cell))

Engines and drivers know no language but English, and a row outlives the language it was
written in: both say sentences. Plain text takes `str(sentence)`, a page says the same in the
reader's language (`directory.said`). Called `_`, the words are gathered for the catalogues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sentence:
    """`words` are its key in the catalogues; `gaps` fill its `%(name)s`.

    A number in a gap is a count and gets thousands separators, so line numbers, years and
    dialled digits are given as text. A sentence in a gap is translated too. What
    `dataclasses.asdict` makes of it is fit for JSON; `recalled` takes it back.
    """

    words: str
    gaps: Mapping[str, str | int | Sentence] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.gaps:
            return self.words
        return self.words % {
            name: f"{gap:,}" if isinstance(gap, int) else str(gap)
            for name, gap in self.gaps.items()
        }


def sentence(words: str, /, **gaps: str | int | Sentence) -> Sentence:
    """The sentence `words` with its `gaps` filled."""
    return Sentence(words, gaps)


def recalled(kept: object) -> Sentence | str:
    """A sentence that was kept as JSON; a text that was kept as it was written stays so."""
    if not isinstance(kept, dict):
        return str(kept)
    return Sentence(
        str(kept["words"]),
        {
            str(name): gap if isinstance(gap, int) else recalled(gap)
            for name, gap in kept["gaps"].items()
        },
    )
