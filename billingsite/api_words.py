"""What the programming interface says of itself, for the page that explains it to people.

The schema is for programs and stays English; the page says the same in the reader's
language. The sentences stand beside the fields and views that they explain.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

EXPLANATIONS: Final = frozenset(
    {
        _("Budgets with their running periods."),
        _("One budget with its running period."),
        _("The calls in scope, newest first."),
        _("One call with the way to its price."),
        _("The entries of the reader's own phone book and of the company's."),
        _("limit counts people: somebody may have several phones, or none."),
        _("rows in one answer"),
        _("from next of the answer before"),
        _("typed in full; the answer stays masked"),
        _("the number_key of a call: all calls with its number"),
        _("A budget with its running period. Amounts are in unit: a currency, or minutes."),
        _("EUR, … or minutes"),
        _("day, week or month"),
        _("the last day that belongs to the period"),
        _("one's own part of a shared budget"),
        _("ok, warning or over"),
        _("Some budgets."),
        _("One segment. number is masked for whoever has no right to more."),
        _("stands for the number: the same number has the same key; empty if withheld"),
        _("the number's name in a phone book, where the reader may see it; else empty"),
        _("One segment with the way to its price."),
        _("Some calls, newest first."),
        _("One entry. A number that its owner has only seen masked stays masked."),
        _("mine or company"),
        _("Some entries, in the order in which they were written."),
        _("One line of a person: what is wanted, and what the phone system has confirmed."),
        _("site/partition/extension"),
        _("LOCKED or UNLOCKED"),
        _("or UNKNOWN"),
        _("ADMIN, BUDGET, USER or SESSION"),
        _("Some phones."),
    }
)


def explained(text: str) -> str:
    """`text` of the schema in the reader's language: a sentence, or a line for each value."""
    if text in EXPLANATIONS:
        return gettext(text)
    return "\n".join(_value(line) for line in text.splitlines())


def _value(line: str) -> str:
    """A value that a field may have and what it means; a value that says itself stands alone."""
    value, dash, words = line.partition(" - ")
    if not dash or value == words:
        return value
    return f"{value} - {gettext(words)}"
