"""Refusals: what the product says no to, with a stable code."""

from __future__ import annotations


class DomainError(Exception):
    """An anticipated refusal. Subclasses set `code`; the text is for people."""

    code = "refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
