"""The sample company comes and goes by an administrator's hands, in an installation of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.portal import Portal, served, window
from tests.support.portal_hands import Hand, Keyboard, Mouse

pytestmark = [pytest.mark.chromium, pytest.mark.feature("F024")]

HANDS: dict[str, Callable[[Page], Hand]] = {"mouse": Mouse, "keyboard": Keyboard}
USERNAME, PASSWORD = "vera.lindt", "a-sentence-nobody-guesses"
NEW_ADMINISTRATOR = f"""
from directory.models import Role, User
User.objects.create_user("{USERNAME}", password="{PASSWORD}", role=Role.ADMIN, is_staff=True)
"""


@pytest.fixture(scope="module")
def own_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """An installation behind step 2 of the set-up, with nothing else in it."""
    folder = tmp_path_factory.mktemp("own")
    portal = Portal(url="", password=PASSWORD, data_dir=folder)
    portal.manage("setup")
    portal.manage("shell", "-c", NEW_ADMINISTRATOR)
    with served(folder) as portal.url:
        yield portal


@pytest.mark.parametrize("way", HANDS)
def test_load_the_sample_company_and_take_it_out_again(
    own_portal: Portal, browser: Browser, way: str
) -> None:
    page = window(browser, own_portal, USERNAME, base_url=own_portal.url, reduced_motion="reduce")
    hand, main = HANDS[way](page), page.locator("main")
    page.goto("/setup/")

    hand.press(page.get_by_role("button", name="Load the sample company"))
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    own_portal.work()
    page.goto("/setup/")
    hand.press(page.get_by_role("link", name="Take the sample company out"))
    page.wait_for_url(re.compile("/reauthenticate/|/setup/demo/remove/$"))
    if "/reauthenticate/" in page.url:  # the second hand may have just said it
        hand.fill(page.locator("[name=password]"), PASSWORD)
        hand.press(main.get_by_role("button", name="Go on"))
        page.wait_for_url("**/setup/demo/remove/")
    expect(main.get_by_role("heading", name="What goes")).to_be_visible()
    expect(main.locator("dl.facts")).to_contain_text("60")
    expect(main).to_contain_text(USERNAME)
    hand.press(page.get_by_role("link", name="Back, change nothing"))
    page.wait_for_url("**/setup/")
    hand.press(page.get_by_role("link", name="Take the sample company out"))
    hand.press(page.get_by_role("button", name="Take the sample company out"))
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    own_portal.work()
    page.goto(page.url)

    expect(main).to_contain_text("The sample company is gone, with")
    page.goto("/setup/")
    expect(page.get_by_role("button", name="Load the sample company")).to_be_visible()
    page.context.close()
