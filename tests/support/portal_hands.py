"""Two ways to use a page: with the mouse, and with the keyboard alone.

A task is written once, in words of a person (`press`, `fill`, `choose`), and done by
either hand. The keyboard reaches everything by the Tab key and sees to it that the
focus can be seen wherever it acts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from playwright.sync_api import Locator, Page

MOST_TABS = 1_000  # a page of two hundred rows has several links a row
FOCUS_IS_SEEN = """(element) => {
  const style = getComputedStyle(element);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return outlined || style.boxShadow !== "none";
}"""


class Hand(Protocol):
    """What somebody can do to the parts of a page."""

    page: Page

    def press(self, target: Locator) -> None:
        """Press a button, follow a link, open or close a disclosure, tick a box."""

    def fill(self, target: Locator, text: str) -> None:
        """Write `text` into a field, over what stood there."""

    def choose(self, target: Locator, label: str) -> None:
        """Choose an option of a select by its words."""

    def give(self, target: Locator, path: Path) -> None:
        """Give a file to a field."""


def hear_of_files(page: Page) -> None:
    """Have this page's choice of files told to us from now on.

    The browser learns of the wish and of a key pressed by two ways, so that a wish told
    only with the key may come after it: then no choice is ever told.
    """
    page.on("filechooser", lambda _: None)


class Mouse:
    """Points and clicks; types only what is to be written."""

    def __init__(self, page: Page) -> None:
        self.page = page
        hear_of_files(page)

    def press(self, target: Locator) -> None:
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        target.click(click_count=3)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def choose(self, target: Locator, label: str) -> None:
        target.select_option(label=label)

    def give(self, target: Locator, path: Path) -> None:
        with self.page.expect_file_chooser() as asked:
            target.click()
        asked.value.set_files(path)


class Keyboard:
    """Never touches the mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        hear_of_files(page)

    def reach(self, target: Locator) -> None:
        """Tab to `target`.

        Raises:
            AssertionError: if it cannot be reached, or the focus cannot be seen on it.
        """
        target.wait_for(state="visible")
        for _ in range(MOST_TABS):
            if target.evaluate("(element) => element === document.activeElement"):
                assert target.evaluate(FOCUS_IS_SEEN), f"no focus to be seen on {target}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not reach {target}")

    def press(self, target: Locator) -> None:
        self.reach(target)
        ticks = target.evaluate("(element) => /^(checkbox|radio)$/.test(element.type)")
        self.page.keyboard.press("Space" if ticks else "Enter")

    def fill(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def choose(self, target: Locator, label: str) -> None:
        self.reach(target)
        words = "(element) => element.selectedOptions[0]?.textContent.trim()"
        self.page.keyboard.press("Home")
        for _ in range(MOST_TABS):
            if target.evaluate(words) == label:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrow keys do not reach “{label}” in {target}")

    def give(self, target: Locator, path: Path) -> None:
        self.reach(target)
        with self.page.expect_file_chooser() as asked:
            self.page.keyboard.press("Enter")
        asked.value.set_files(path)
