"""Whoever clicks twice is answered as whoever clicks once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.chromium, pytest.mark.feature("F024")]

TWICE = "(button) => { button.click(); setTimeout(() => button.click(), 40); }"
"""As a hand does it: the second time when the first is on its way and not yet answered."""


def test_a_double_click_adjusts_once_and_says_that_it_is_done(
    window_of: Callable[[str], Page],
) -> None:
    page = window_of("administrator")
    main = page.locator("main")
    page.goto("/budgets/all/")
    main.locator("tbody a[href^='/budgets/']").first.click()
    main.get_by_text("Give more or less for this period").click()
    acts = main.get_by_role("region", name="Change this budget")
    acts.get_by_label("Add to this period").fill("1.25")
    acts.get_by_label("Reason").first.fill("clicked twice")

    acts.get_by_role("button", name="Adjust").evaluate(TWICE)

    told = page.get_by_role("status").or_(page.get_by_role("alert")).first
    expect(told).to_contain_text("The running period was adjusted")
    expect(main.get_by_text("clicked twice")).to_have_count(1)
