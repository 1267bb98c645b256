"""The dearest and the longest calls first: by the heads of the table, by the filter on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.portal import Opens
from tests.support.portal_hands import Hand, Keyboard, Mouse

pytestmark = [pytest.mark.chromium, pytest.mark.feature("F024")]

HANDS: dict[str, Callable[[Page], Hand]] = {"mouse": Mouse, "keyboard": Keyboard}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(params=HANDS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def head(page: Page, name: str) -> Locator:
    return page.get_by_role("columnheader", name=name, exact=True)


def costs(page: Page) -> list[Decimal]:
    """The amounts of the page from the top; what is not rated counts as none."""
    cells = page.locator("td[data-key=cost]").all_inner_texts()
    found = [re.search(r"\d[\d,]*\.\d+", cell) for cell in cells]
    return [Decimal(amount[0].replace(",", "")) for amount in found if amount]


def falls(amounts: list[Decimal]) -> bool:
    return len(set(amounts)) > 1 and amounts == sorted(amounts, reverse=True)


def test_heads_put_the_calls_in_order_and_pages_go_on_in_it(window_of: Opens, way: str) -> None:
    hand = HANDS[way](window_of("supervisor"))
    page = hand.page
    page.goto("/calls/?kind=outgoing&size=20")
    expect(head(page, "Date")).to_have_attribute("aria-sort", "descending")
    expect(head(page, "Cost")).to_have_attribute("aria-sort", "none")

    hand.press(head(page, "Cost").get_by_role("link"))
    page.wait_for_url("**sort=-cost*")
    expect(head(page, "Cost")).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("heading", name="Dearest first")).to_be_visible()
    first = costs(page)
    assert falls(first)
    hand.press(page.get_by_role("link", name="Next", exact=True))
    page.wait_for_url("**after=*")
    second = costs(page)
    assert second
    assert second[0] <= first[-1]

    hand.press(head(page, "Cost").get_by_role("link"))
    page.wait_for_url("**sort=cost*")
    assert "after=" not in page.url
    expect(head(page, "Cost")).to_have_attribute("aria-sort", "ascending")
    assert costs(page) == sorted(costs(page))


def test_a_phone_has_the_order_beside_the_filters(window_of: Opens, way: str) -> None:
    hand = HANDS[way](window_of("user", viewport=PHONE))
    page = hand.page
    page.goto("/calls/?period=all")
    expect(page.locator(".tg-calls thead a").first).to_be_hidden()

    hand.choose(page.get_by_label("Order", exact=True), "Dearest first")
    hand.press(page.get_by_role("button", name="Show", exact=True))

    page.wait_for_url("**sort=-cost*")
    expect(page.get_by_role("heading", name="Dearest first")).to_be_visible()
    assert falls(costs(page))
