"""Refusals: what the product says no to, with a stable code."""

from __future__ import annotations

from kernel.sentences import Sentence


class DomainError(Exception):
    """An anticipated refusal. Subclasses set `code`; the text is for people.

    `message` is its text as it was raised. Cores raise a sentence, kept as `words`, which
    can be said in another language.
    """

    code = "refused"

    def __init__(self, words: str | Sentence) -> None:
        self.words = words
        self.message = str(words)
        super().__init__(self.message)
