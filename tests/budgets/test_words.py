"""What the pages of budgets say, without a page around it."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from budgets.templatetags.budget_cards import short_day
from budgets.templatetags.budget_words import at_a_glance


def test_a_glance_rounds_and_keeps_the_exact_amount_behind() -> None:
    money: Any = SimpleNamespace(measure="MONEY", currency="EUR")
    minutes: Any = SimpleNamespace(measure="MINUTES", currency="")

    assert at_a_glance(20_501_200, money) == '<span title="€20.5012">€20.50</span>'
    assert at_a_glance(90_000, minutes) == "00:01:30"


@pytest.mark.parametrize(("language", "written"), [("en", "3 Nov"), ("ar", "3 نوفمبر")])
def test_a_day_on_an_axis_runs_in_the_direction_of_its_own_script(
    language: str, written: str
) -> None:
    with translation.override(language), timezone.override(ZoneInfo("Europe/Rome")):
        assert short_day(date(2026, 11, 3)) == f"\u2068{written}\u2069"
