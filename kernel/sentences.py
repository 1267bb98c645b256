"""What a core or a driver has to say to people: a plain English sentence with gaps, and their filling.

    from kernel.sentences import sentence as _

    raise BadCell(_("“%(value)s” is not a prefix", value=cell))

Cores know no language but English. Plain text takes `str(sentence)`; a page says the same in
the reader's language (`directory.said`). Called `_`, the words are gathered for the catalogues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is its key in the catalogues; `values` fill its gaps `%(name)s`.

    A number among the values is a count and gets thousands separators, so line numbers,
    years and dialled digits are given as text. A sentence among them is translated too.
    """

    text: str
    values: Mapping[str, str | int | Sentence] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.values:
            return self.text
        return self.text % {
            name: f"{value:,}" if isinstance(value, int) else str(value)
            for name, value in self.values.items()
        }


def sentence(text: str, /, **values: str | int | Sentence) -> Sentence:
    """The sentence `text` with its gaps filled by `values`."""
    return Sentence(text, values)


def recalled(kept: object) -> Sentence | str:
    """What `dataclasses.asdict` made of a sentence, as a sentence again.

    A text that was kept as it was written stays so.
    """
    if not isinstance(kept, dict):
        return str(kept)
    return Sentence(
        str(kept["text"]),
        {
            str(name): value if isinstance(value, int) else recalled(value)
            for name, value in kept["values"].items()
        },
    )
