"""Questions about budgets: what is spent, what is left, who is counted, and the proof."""

from budgets.queries.members import members_of
from budgets.queries.proof import differences, digest_rows, subject_of
from budgets.queries.rules import thresholds_of
from budgets.queries.standings import budgets_of, other_currencies, percent, remaining
from budgets.queries.sums import spent, spent_many

__all__ = [
    "budgets_of",
    "differences",
    "digest_rows",
    "members_of",
    "other_currencies",
    "percent",
    "remaining",
    "spent",
    "spent_many",
    "subject_of",
    "thresholds_of",
]
