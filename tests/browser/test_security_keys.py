"""A security key from its first touch to its removal, with a key that Chromium plays itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.portal import Opens, Portal
from tests.support.portal_hands import Hand, Keyboard, Mouse

pytestmark = [pytest.mark.chromium]

HANDS: dict[str, Callable[[Page], Hand]] = {"mouse": Mouse, "keyboard": Keyboard}
KEY_OWNERS = {"mouse": "harry.whitaker", "keyboard": "grace.lowe"}
A_KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(browser: Browser, portal: Portal) -> Iterator[Page]:
    """A window at a name: to an address of numbers no browser lends a key."""
    named = portal.url.replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=named, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def plug_in_a_key(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": A_KEY})


def sign_in(hand: Hand, portal: Portal, username: str) -> None:
    page = hand.page
    page.goto("/accounts/login/")
    hand.fill(page.get_by_label("User name"), username)
    hand.fill(page.get_by_label("Password", exact=True), portal.password)
    hand.press(page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(lambda url: "/accounts/login" not in url)


def sign_out(hand: Hand) -> None:
    hand.page.goto("/accounts/logout/")
    hand.press(hand.page.locator("main").get_by_role("button", name="Sign out"))
    hand.page.wait_for_url("**/accounts/login/**")


def show_it_is_you(hand: Hand, portal: Portal) -> None:
    """The password once more, before a second factor changes."""
    page = hand.page
    page.wait_for_url("**/accounts/reauthenticate/**")
    hand.fill(page.locator("main").get_by_label("Password", exact=True), portal.password)
    hand.press(page.locator("main").get_by_role("button", name="Go on"))
    page.wait_for_url(lambda url: "/reauthenticate/" not in url)


@pytest.mark.feature("F024", "F025")
@pytest.mark.parametrize("way", HANDS)
def test_a_key_is_added_signs_in_and_is_removed(page: Page, portal: Portal, way: str) -> None:
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    plug_in_a_key(page)
    hand, owner = HANDS[way](page), KEY_OWNERS[way]
    main = page.locator("main")
    sign_in(hand, portal, owner)

    page.goto("/account/")
    hand.press(main.get_by_role("link", name="Second factor"))
    hand.press(main.get_by_role("link", name="Add a key"))
    show_it_is_you(hand, portal)
    hand.fill(main.get_by_label("Name"), "Key on my ring")
    hand.press(main.get_by_role("button", name="Add a key"))
    page.wait_for_url("**/recovery-codes/**")
    expect(main.locator("li code")).to_have_count(10)
    page.goto("/accounts/2fa/webauthn/")
    expect(main.locator("tbody tr")).to_contain_text("Key on my ring")
    expect(main.locator("tbody tr")).to_contain_text("never")

    sign_out(hand)
    sign_in(hand, portal, owner)
    page.goto("/account/")
    page.wait_for_url("**/accounts/2fa/authenticate/**")
    expect(main).to_contain_text("touch your key when your browser asks")
    hand.press(main.get_by_role("button", name="Use a security key"))
    page.wait_for_url(lambda url: "/2fa/authenticate/" not in url)
    page.goto("/accounts/2fa/webauthn/")
    expect(main.locator("tbody tr")).not_to_contain_text("never")

    hand.press(main.get_by_role("link", name="Remove"))
    hand.press(main.get_by_role("link", name="Use a security key"))
    hand.press(main.get_by_role("button", name="Use a security key"))
    hand.press(main.get_by_role("button", name="Remove"))
    expect(main).to_contain_text("No security key yet")
    sign_out(hand)
    sign_in(hand, portal, owner)
    page.goto("/account/")
    expect(page.get_by_role("heading", name="My account", level=1)).to_be_visible()
    assert refused == []


@pytest.mark.feature("F025")
def test_at_an_address_of_numbers_the_page_says_that_no_key_can_be_used(window_of: Opens) -> None:
    page = window_of("secured")
    page.goto("/accounts/2fa/webauthn/reauthenticate/")

    main = page.locator("main")
    expect(main.get_by_text("Security keys cannot be used at this address")).to_be_visible()
    expect(main.get_by_role("button", name="Use a security key")).to_be_disabled()
    assert not main.locator("[data-key-failed]").is_visible()
