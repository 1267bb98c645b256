"""One running product and one browser for all browser tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.portal import Opens, Portal, chromium, demo_portal, window

MOST_WAITED_MS = 15_000


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with demo_portal(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def window_of(browser: Browser, portal: Portal) -> Iterator[Opens]:
    contexts = []

    def opened(role: str, *, language: str = "en", **looks: Any) -> Page:
        looks = {
            "viewport": {"width": 1280, "height": 900},
            "reduced_motion": "reduce",
            "base_url": portal.url,
            **looks,
        }
        page = window(browser, portal, role, language=language, **looks)
        page.context.set_default_timeout(MOST_WAITED_MS)
        contexts.append(page.context)
        return page

    yield opened
    for context in contexts:
        context.close()
