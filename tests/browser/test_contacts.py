"""The phone book, used by mouse and by keyboard: a name for a number, and a file of names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.portal import Opens, Portal
from tests.support.portal_hands import Hand, Keyboard, Mouse

pytestmark = [pytest.mark.chromium, pytest.mark.feature("F024", "F051", "X29")]

HANDS: dict[str, Callable[[Page], Hand]] = {"mouse": Mouse, "keyboard": Keyboard}
OWN = {"mouse": "sara.caruso", "keyboard": "valentina.longo"}


@pytest.fixture(params=HANDS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hand(window_of: Opens, way: str) -> Hand:
    looks: dict[str, Any] = {"language": "en"}
    return HANDS[way](window_of(OWN[way], **looks))


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True).first


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True).first


def field(page: Page, label: str) -> Locator:
    return page.locator("main").get_by_label(label, exact=True).first


def test_the_number_of_a_call_gets_a_name_and_is_found_by_it(hand: Hand) -> None:
    page = hand.page
    page.goto("/calls/?traffic=external&kind=outgoing&period=all")
    number = page.locator("td[data-key=number] a").last.inner_text()
    hand.press(page.locator("tbody td:first-child a").last)
    hand.press(link(page, "Add to my phone book"))
    expect(page.locator("main form dl, main dl.facts").first).to_contain_text(number)

    hand.fill(field(page, "Name"), "Harbour pilot")
    hand.press(button(page, "Save"))

    expect(page.locator("main tbody tr").first).to_contain_text("Harbour pilot")
    expect(page.locator("main tbody tr").first).to_contain_text(number)
    person = page.locator("summary", has=page.locator(".tg-avatar"))
    hand.press(person)
    hand.press(link(page, "Phone book"))
    row = page.locator("main tbody tr", has_text="Harbour pilot")
    expect(row).to_contain_text(number)
    hand.press(row.get_by_role("link", name="Calls"))
    expect(page.locator("main tbody tr").first).to_contain_text("Harbour pilot")

    page.goto("/search/?q=harbour")
    hand.press(page.locator("main a", has_text="Harbour pilot").first)
    expect(page.locator("main tbody tr").first).to_contain_text("Harbour pilot")
    page.goto("/contacts/")
    hand.press(page.locator("main tbody tr", has_text="Harbour pilot").get_by_text("Delete"))
    hand.press(button(page, "Delete"))
    expect(page.locator("main tbody tr", has_text="Harbour pilot")).to_have_count(0)


def test_an_entry_is_written_by_hand_after_a_wrong_number(hand: Hand) -> None:
    page = hand.page
    page.goto("/contacts/")

    hand.press(link(page, "New contact"))
    hand.fill(field(page, "Name"), "Aunt Rosa")
    hand.fill(field(page, "Number"), "112")
    hand.press(button(page, "Save"))
    expect(page.get_by_role("alert")).to_contain_text("This is not an outside number.")
    hand.fill(field(page, "Number"), "02 5555 0117")
    hand.press(button(page, "Save"))

    expect(page.locator("main tbody")).to_contain_text("+390255550117")
    hand.fill(field(page, "Name or number"), "rosa")
    hand.press(button(page, "Look up"))
    expect(page.locator("main tbody tr")).to_have_count(1)


def test_a_file_is_imported_after_a_look(hand: Hand, portal: Portal, tmp_path: Path) -> None:
    page = hand.page
    file = tmp_path / "friends.csv"
    file.write_text("name,number\nDr Weber,+390255550118\nNobody,112\n")
    page.goto("/contacts/")

    hand.press(link(page, "Import"))
    expect(page.get_by_role("heading", name="Import contacts", level=1)).to_be_visible()
    hand.give(page.locator("input[type=file]"), file)
    hand.press(button(page, "Look at it"))
    expect(page.locator("main")).to_contain_text("1 row cannot be used")
    looked_at = page.url
    hand.press(button(page, "Import now"))
    page.wait_for_url(lambda url: url != looked_at)
    portal.work()
    page.goto("/contacts/?q=weber")

    expect(page.locator("main tbody tr")).to_have_count(1)
    expect(page.locator("main tbody")).to_contain_text("+390255550118")
