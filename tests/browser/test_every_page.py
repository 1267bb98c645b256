"""Every page in a real browser: accessible, whole, and quiet, in each look and language direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import ConsoleMessage, Page

from tests.support.portal import Opens, Portal
from tests.support.portal_pages import NO_PAGES, PAGES, Shown

pytestmark = [pytest.mark.chromium, pytest.mark.feature("F024")]

AXE = Axe()
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"width": 1280, "dark": False, "language": "en"},
    "dark": {"width": 1280, "dark": True, "language": "en"},
    "arabic": {"width": 1280, "dark": False, "language": "ar"},
    "narrow-arabic-dark": {"width": 390, "dark": True, "language": "ar"},
}


WIDE = 1280
ONE_LINE = 80
BAR_HEIGHT = "document.querySelector('.tg-bar')?.offsetHeight ?? 0"

LANGUAGES_RIGHT_TO_LEFT = ("ar",)
ROLES = tuple(dict.fromkeys(shown.role for shown in PAGES))


def violations(page: Page) -> list[str]:
    """What axe finds, one line each; "minor" is a header without words in Django's own tables."""
    found = AXE.run(page, options=RULES).response["violations"]
    return [
        f"{each['impact']} {each['id']}: {[node['target'] for node in each['nodes']][:3]}"
        for each in found
        if each["impact"] != "minor"
    ]


# All pages of one person in one look: his language is changed once, and he signs in once.
@pytest.mark.feature("F031")
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "stranger")
def test_pages_are_accessible_whole_and_quiet(
    window_of: Opens, portal: Portal, role: str, look: str
) -> None:
    how = LOOKS[look]
    page = window_of(
        role,
        language=str(how["language"]),
        viewport={"width": int(how["width"]), "height": 900},
        color_scheme="dark" if how["dark"] else "light",
    )
    found = {
        shown.name: complaints
        for shown in PAGES
        if shown.role == role and (complaints := list(_complaints(page, portal, shown, how)))
    }

    assert found == {}


def _complaints(page: Page, portal: Portal, shown: Shown, how: dict[str, Any]) -> Iterator[str]:
    """All that is wrong with this page in this look, a line each."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        refusal = f"the server responded with a status of {shown.status} "
        if message.type == "error" and refusal not in message.text:
            said.append(message.text)

    def complain(error: object) -> None:
        said.append(f"script: {error}")

    page.on("console", listen)
    page.on("pageerror", complain)
    shown.open(page, portal)
    if (headings := page.locator("h1:visible").count()) != 1:
        yield f"{headings} main headings"
    if not page.title().endswith("Tollgate"):
        yield f"its title is {page.title()}"
    direction = page.locator("html").get_attribute("dir")
    if direction != ("rtl" if how["language"] in LANGUAGES_RIGHT_TO_LEFT else "ltr"):
        yield f"written {direction}"
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > how["width"]:
        yield f"scrolls sideways: {width}"
    if how["width"] >= WIDE and (bar := page.evaluate(BAR_HEIGHT)) > ONE_LINE:
        yield f"its bar stands in several lines: {bar} pixels"
    # What looks at the page adds a style of its own, of which the browser complains.
    page.remove_listener("console", listen)
    page.remove_listener("pageerror", complain)
    yield from said
    yield from violations(page)


def _routes(patterns: Sequence[object] | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        assert isinstance(pattern, URLPattern | URLResolver)
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.namespace == "admin":
                yield "admin/"
            else:
                yield from _routes(pattern.url_patterns, route)
        else:
            view = pattern.callback
            methods = getattr(getattr(view, "view_class", None), "http_method_names", ["get"])
            if "get" in methods:
                yield route


def test_no_page_is_forgotten() -> None:
    """A new page needs a line in `portal_pages`, or a reason why it is none."""
    shown = {shown.route for shown in PAGES}

    assert set(_routes()) == shown | set(NO_PAGES)
    assert not shown & set(NO_PAGES)
    assert len({each.name for each in PAGES}) == len(PAGES)
