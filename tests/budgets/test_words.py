"""What the pages of budgets say, without a page around it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from budgets.templatetags.budget_words import at_a_glance


def test_a_glance_rounds_and_keeps_the_exact_amount_behind() -> None:
    money: Any = SimpleNamespace(measure="MONEY", currency="EUR")
    minutes: Any = SimpleNamespace(measure="MINUTES", currency="")

    assert at_a_glance(20_501_200, money) == '<span title="€20.5012">€20.50</span>'
    assert at_a_glance(90_000, minutes) == "00:01:30"
