"""The main task of each page, done by its person: once with the mouse, once with the keyboard alone.

Each hand has people of its own, so that neither finds done what it came to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.cucm import Cluster, call_file
from tests.support.portal import PEOPLE, Opens, Portal, say_in
from tests.support.portal_hands import Hand, Keyboard, Mouse

pytestmark = [pytest.mark.chromium]

HANDS: dict[str, Callable[[Page], Hand]] = {"mouse": Mouse, "keyboard": Keyboard}
OWN_PHONE = {"mouse": "sara.caruso", "keyboard": "valentina.longo"}
LOCKED_ONE = {"mouse": "alessia.martinelli", "keyboard": "simone.vitale"}
ASK_FOR_THE_LIVE_PART = """async () => {
  const part = document.querySelector("[data-live]");
  await Promise.race([
    htmx.ajax("GET", location.href, {source: part, select: "#" + part.id, swap: "outerHTML"}),
    new Promise((done) => setTimeout(done, 1500)),
  ]);
}"""
"""What the part's own clock does every few seconds, done at once."""
CLEAR_NUMBER = re.compile(r"\+\d{9,}")


@pytest.fixture(params=HANDS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hand_of(window_of: Opens, way: str) -> Callable[..., Hand]:
    def of(role: str, **looks: Any) -> Hand:
        return HANDS[way](window_of(role, **looks))

    return of


HandOf = Callable[..., Hand]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True).first


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True).first


def field(page: Page, label: str) -> Locator:
    return page.locator("main").get_by_label(label, exact=True).first


def said(page: Page, words: str) -> None:
    """The page tells so, in the place where assistive technology listens."""
    expect(page.get_by_role("status").or_(page.get_by_role("alert")).first).to_contain_text(words)


# --- Coming in -----------------------------------------------------------------------------------


@pytest.mark.feature("F024", "F025")
def test_sign_in_after_a_wrong_password(hand_of: HandOf, window_of: Opens, portal: Portal) -> None:
    window_of("auditor", language="en")
    hand = hand_of("")
    page = hand.page
    page.goto("/calls/")

    hand.fill(field(page, "User name"), PEOPLE["auditor"])
    hand.fill(field(page, "Password"), "not the password")
    hand.press(button(page, "Sign in"))
    expect(page.locator("main")).to_contain_text("do not fit together")
    hand.fill(field(page, "User name"), PEOPLE["auditor"])
    hand.fill(field(page, "Password"), portal.password)
    hand.press(button(page, "Sign in"))

    page.wait_for_url("**/calls/")
    expect(page.get_by_role("heading", name="Calls", level=1)).to_be_visible()


@pytest.mark.feature("F024", "F031", "F032")
def test_choose_language_and_look(hand_of: HandOf, portal: Portal, way: str) -> None:
    hand = hand_of(LOCKED_ONE[way])
    page = hand.page
    page.goto("/phone/")
    person = page.locator("summary", has=page.locator(".tg-avatar"))

    hand.press(person)
    hand.press(button(page, "Dark"))
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    hand.press(person)
    hand.choose(page.locator("#language-choice"), "العربية")
    hand.press(button(page, "Change"))
    expect(page.locator("html")).to_have_attribute("dir", "rtl")

    page.goto("/calls/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    portal.spoken[LOCKED_ONE[way]] = "ar"
    say_in(page, portal, LOCKED_ONE[way], "en")


@pytest.mark.feature("F024")
def test_shortcuts_search_and_help(window_of: Opens) -> None:
    page = window_of("supervisor")
    keys = page.keyboard
    page.goto("/")

    keys.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    keys.type("ferri")
    keys.press("Enter")
    page.wait_for_url("**/search/?q=ferri")
    expect(page.locator("main")).to_contain_text("Giulia Ferri")
    keys.press("?")
    page.wait_for_url("**/help/**")
    keys.press("g")
    keys.press("c")
    page.wait_for_url("**/calls/")
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


# --- Home and calls ------------------------------------------------------------------------------


@pytest.mark.feature("F024", "F045", "F046", "F057", "F059")
def test_home_shows_as_many_calls_as_asked_stands_still_and_leads_to_a_number(
    hand_of: HandOf,
) -> None:
    hand = hand_of("user")
    page = hand.page
    page.goto("/")
    heads = page.locator("main thead th").all_inner_texts()
    assert [head.strip().lower() for head in heads] == [
        "type",
        "extension",
        "name",
        "number",
        "date",
        "time",
        "duration",
        "cost",
        "gateway",
    ]

    hand.press(
        page.get_by_role("navigation", name="Rows").get_by_role("link", name="20", exact=True)
    )
    expect(page.locator("main tbody tr")).to_have_count(20)
    page.goto("/")
    expect(page.locator("main tbody tr")).to_have_count(20)
    expect(page.locator("main")).to_contain_text("Internal calls")
    hand.press(button(page, "Pause"))
    expect(button(page, "Pause")).to_have_attribute("aria-pressed", "true")
    number = page.locator("main tbody td a[href*='same=']").filter(has_text="****").first
    words = number.inner_text()
    assert re.fullmatch(r"\W*\+?\d+\*{4}\W*", words)
    hand.press(number)

    page.wait_for_url("**/calls/?*same=*")
    shown = page.locator("main tbody td a[href^='/calls/?same=']").all_inner_texts()
    assert shown
    assert set(shown) == {words}
    assert not CLEAR_NUMBER.search(page.content())


@pytest.mark.feature("F024", "F057")
def test_calls_are_narrowed_arranged_paged_and_taken_along(hand_of: HandOf, tmp_path: Path) -> None:
    hand = hand_of("supervisor")
    page = hand.page
    page.goto("/calls/")

    hand.choose(field(page, "Kind"), "outgoing")
    hand.press(button(page, "Show"))
    chip = page.get_by_role("link", name="Remove the filter “Kind: outgoing”")
    expect(chip).to_be_visible()
    assert "kind=outgoing" in page.url
    kinds = page.locator("main tbody td:first-child").all_inner_texts()
    assert kinds
    assert not any(re.match("incoming|missed|internal", kind.strip()) for kind in kinds)
    hand.press(chip)
    page.wait_for_url(lambda url: "kind=outgoing" not in url)

    hand.press(page.locator("summary", has_text="Columns"))
    box = page.get_by_role("checkbox", name="Department")
    had = box.is_checked()
    hand.press(box)
    hand.press(button(page, "Show these columns"))
    head = page.get_by_role("columnheader", name="Department")
    expect(head).to_have_count(0 if had else 1)

    first = page.locator("main tbody tr").first.inner_text()
    hand.press(link(page, "Older"))
    page.wait_for_url("**older=*")
    assert page.locator("main tbody tr").first.inner_text() != first

    with page.expect_download() as file:
        hand.press(page.get_by_role("button", name="CSV file of these calls"))
    target = tmp_path / "calls.csv"
    file.value.save_as(target)
    text = target.read_text(encoding="utf-8-sig")
    assert file.value.suggested_filename.endswith(".csv")
    assert "****" in text
    assert not CLEAR_NUMBER.search(text)
    assert len(text.splitlines()) > 50


@pytest.mark.feature("F005", "F024")
def test_a_call_shows_how_its_price_came_about(hand_of: HandOf) -> None:
    hand = hand_of("user")
    page = hand.page
    page.goto("/calls/?kind=outgoing")

    hand.press(page.get_by_role("link", name="outgoing answered").first)

    receipt = page.get_by_role("region", name="How the price came about")
    expect(receipt).to_contain_text("Connect fee, once")
    expect(receipt).to_contain_text("Charged")


# --- Budgets -------------------------------------------------------------------------------------


@pytest.mark.feature("F024", "F199", "F200", "F222")
def test_ask_for_more_and_be_granted_it_in_one_click(hand_of: HandOf, way: str) -> None:
    asker, granter = hand_of("user"), hand_of("supervisor")
    page = asker.page
    page.goto("/")
    asker.press(page.locator("nav[aria-label='Main'] a[href='/budgets/']"))
    card = page.get_by_role("region", name=re.compile(r"^Monthly \(.*60"))
    for words in ("Budget", "Current", "Remaining budget", "Period", "Until date", "Phone state"):
        expect(card).to_contain_text(words)
    before = card.locator("dd").nth(2).inner_text()

    asker.press(card.get_by_role("link", name="Ask for more"))
    asker.fill(page.locator("[name=amount]"), "15")
    reason = f"A week of calls to the ships, by {way}."
    asker.fill(page.locator("[name=reason]"), reason)
    asker.press(button(page, "Send the request"))
    said(page, "on its way")

    granter.page.goto("/budgets/requests/")
    request = granter.page.locator("section", has_text=reason)
    expect(request).to_contain_text("15.00")
    granter.press(request.get_by_role("button", name="Grant"))
    said(granter.page, "Granted for the running period")

    page.goto("/budgets/")
    after = page.get_by_role("region", name=re.compile("Monthly")).locator("dd").nth(2)
    assert after.inner_text() != before


@pytest.mark.feature("F024", "F208", "F210", "F212", "F215", "F216")
def test_the_history_is_narrowed_sorted_and_lengthened(hand_of: HandOf) -> None:
    hand = hand_of("user")
    page = hand.page
    page.goto("/budgets/history/")

    hand.choose(field(page, "Action"), "threshold reached")
    hand.press(button(page, "Show"))
    page.wait_for_url("**kind=*")
    table = page.get_by_role("table", name="What happened to the budgets")
    actions = table.locator("tbody td:nth-child(3)").all_inner_texts()
    assert actions
    assert {words.strip() for words in actions} == {"threshold reached"}
    newest = table.locator("tbody td:first-child").first.inner_text()
    hand.press(table.get_by_role("link", name="Date time"))
    page.wait_for_url("**order=oldest*")
    assert table.locator("tbody td:first-child").last.inner_text() == newest
    hand.press(
        page.get_by_role("navigation", name="Rows").get_by_role("link", name="50", exact=True)
    )
    page.wait_for_url("**size=50*")
    expect(page.locator("main")).to_contain_text(re.compile(r"\d+ items? in \d+ page"))
    hand.press(link(page, "Refresh"))
    expect(table).to_be_visible()


# --- Phones --------------------------------------------------------------------------------------


@pytest.mark.feature("F024", "F229", "F232", "F233")
def test_lock_and_unlock_the_own_phone(hand_of: HandOf, portal: Portal, way: str) -> None:
    hand = hand_of(OWN_PHONE[way])
    page = hand.page
    page.goto("/phone/")
    expect(page.locator("main")).to_contain_text("Emergency numbers can always be called.")

    hand.press(button(page, "Lock my phone"))
    expect(button(page, "Unlock my phone")).to_be_visible()
    state = page.locator(".tg-phone-state")
    expect(state).to_have_text(re.compile("Lock(ing…|ed)"))
    if way == "mouse":
        portal.manage("tick")
        page.goto("/phone/")
        expect(state).to_have_text("Locked")
        expect(page.locator("main")).to_contain_text("Confirmed by the phone system")
    hand.press(button(page, "Unlock my phone"))
    expect(button(page, "Lock my phone")).to_be_visible()


@pytest.mark.feature("F024")
def test_choose_a_pin(hand_of: HandOf, way: str) -> None:
    hand = hand_of(OWN_PHONE[way])
    page = hand.page
    page.goto("/phone/pin/")

    hand.fill(field(page, "New PIN"), "1234")
    hand.fill(field(page, "New PIN again"), "1234")
    hand.press(button(page, "Set PIN"))
    expect(
        page.locator("main .invalid-feedback, main .tg-wrong, main [role=alert]").first
    ).to_be_visible()
    hand.fill(field(page, "New PIN"), "850273")
    hand.fill(field(page, "New PIN again"), "850273")
    hand.press(button(page, "Set PIN"))

    page.wait_for_url("**/phone/")
    said(page, "PIN")
    assert "850273" not in page.content()


@pytest.mark.feature("F024", "F234", "F240", "F242")
def test_a_supervisor_finds_a_phone_locks_it_and_lifts_the_lock(hand_of: HandOf, way: str) -> None:
    hand = hand_of("supervisor")
    page = hand.page
    name = LOCKED_ONE[way]
    page.goto("/phone/users/")

    hand.fill(page.get_by_role("searchbox", name="Filter: User name"), name)
    hand.press(button(page, "Filter"))
    page.wait_for_url(f"**username={name}*")
    rows = page.locator("tbody tr", has_text=name)
    expect(page.locator("main table tbody tr")).to_have_count(1)
    hand.press(rows.locator("a[href*='/lock/']"))
    hand.fill(field(page, "Reason"), "Left at reception")
    hand.press(button(page, "Lock the phone"))
    page.wait_for_url("**/phone/users/**")
    expect(rows.locator("a[href*='/lock/']")).to_contain_text("on")
    hand.press(rows.locator("a[href*='/lock/']"))
    expect(page.locator("main")).to_contain_text("Left at reception")
    hand.press(button(page, "Lift the lock"))
    page.wait_for_url("**/phone/users/**")
    expect(rows.locator("a[href*='/lock/']")).to_contain_text("off")


@pytest.mark.feature("F024", "F234", "F240")
def test_many_phones_are_locked_only_after_their_count_was_shown(hand_of: HandOf, way: str) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/phone/users/")
    boxes = page.locator("tbody input[type=checkbox]:enabled")
    chosen = [0, 1] if way == "mouse" else [2, 3]
    for place in chosen:
        hand.press(boxes.nth(place))
    hand.press(button(page, "Lock…"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Lock 2 phones?")
    hand.fill(field(page, "Reason"), "Moving house")
    hand.press(button(page, "Lock 2 phones"))

    page.wait_for_url("**/phone/users/many/done/")
    expect(page.locator("main table tbody tr")).to_have_count(2)


@pytest.mark.feature("F234")
def test_all_phones_of_a_page_are_ticked_at_once(hand_of: HandOf) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/phone/users/")
    hand.fill(field(page, "Filter: User name"), "a")
    page.wait_for_url("**username=a**")
    ticked = page.locator("tbody input[name=line]:checked")
    boxes = page.locator("tbody input[name=line]")

    hand.press(page.get_by_role("checkbox", name="Tick all phones of this page"))
    expect(ticked).to_have_count(boxes.count())
    assert boxes.count() > 1
    hand.press(page.get_by_role("checkbox", name="Tick all phones of this page"))
    expect(ticked).to_have_count(0)


# --- Looking only --------------------------------------------------------------------------------


@pytest.mark.feature("F024", "F038")
def test_an_auditor_opens_everything_and_finds_nothing_that_changes(window_of: Opens) -> None:
    page = window_of("auditor")
    page.goto("/")
    menu = page.locator("nav[aria-label='Main'] a").evaluate_all(
        "links => links.map(each => each.getAttribute('href'))"
    )
    paths = {path for path in menu if path.startswith("/")}
    assert {"/", "/calls/", "/budgets/all/", "/phone/users/", "/audit/"} <= paths

    for path in sorted(paths):
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok, path
        targets = page.locator("main form[method=post]").evaluate_all(
            "forms => forms.map(each => new URL(each.action).pathname)"
        )
        # A file of what is shown anyway, and his own PIN, change nothing that is looked at.
        assert set(targets) <= {"/calls/file/", "/phone/pin/"}, path
    for path in ("/system/", "/quarantine/", "/outbox/", "/administration/people/", "/setup/"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
        expect(page.get_by_role("heading", level=1)).to_be_visible()


# --- Administration ------------------------------------------------------------------------------


@pytest.mark.feature("F003", "F024")
def test_a_record_is_mended_and_replayed(hand_of: HandOf, way: str) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/quarantine/")
    hand.press(page.locator("tbody a[href^='/quarantine/']").first)
    call_id = {"mouse": "771", "keyboard": "772"}[way]

    hand.fill(page.get_by_label("globalCallID_callId"), call_id)
    hand.press(button(page, "Replay with these fields"))

    expect(page.get_by_role("status").first).not_to_be_empty()
    expect(page.locator("main")).not_to_contain_text("Mend and replay")


@pytest.mark.feature("F217")
def test_a_mail_is_opened(hand_of: HandOf) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/outbox/")

    hand.fill(field(page, "Address, person or subject"), "giulia.ferri")
    hand.press(button(page, "Show"))
    page.wait_for_url("**ferri*")
    hand.press(page.locator("tbody tr", has_text="221").get_by_role("link").first)

    expect(page.frame_locator("iframe").locator("body")).to_contain_text("221")
    expect(page.get_by_role("region", name="Delivery")).to_contain_text("Giulia Ferri")


@pytest.mark.feature("F024", "X09")
def test_the_state_of_the_works_stands_still_while_paused(hand_of: HandOf) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/system/")
    hand.press(button(page, "Pause"))
    expect(button(page, "Pause")).to_have_attribute("aria-pressed", "true")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.evaluate(ASK_FOR_THE_LIVE_PART)
    assert asked == []
    hand.press(button(page, "Pause"))
    page.evaluate("document.activeElement.blur()")
    page.evaluate(ASK_FOR_THE_LIVE_PART)
    assert page.url in asked


@pytest.mark.feature("F024")
def test_people_are_imported_after_a_look_at_what_changes(
    hand_of: HandOf, portal: Portal, way: str, tmp_path: Path
) -> None:
    hand = hand_of("administrator")
    page = hand.page
    username = {"mouse": "otto.lind", "keyboard": "pia.lind"}[way]
    file = tmp_path / "newcomers.csv"
    file.write_text(f"username,first_name,last_name,department\n{username},New,Lind,Sales/Italy\n")
    page.goto("/administration/people/")

    hand.give(page.locator("input[type=file]"), file)
    hand.press(button(page, "Look at it"))
    expect(page.locator("main")).to_contain_text("Nothing has been changed yet.")
    expect(page.locator("main table")).to_contain_text(username)
    looked_at = page.url
    hand.press(button(page, "Import now"))
    page.wait_for_url(lambda url: url != looked_at)
    portal.work()
    page.goto(page.url)

    expect(page.locator("main")).to_contain_text("Every row of the file was taken.")
    page.goto(f"/search/?q={username}")
    expect(page.locator("main")).to_contain_text("New Lind")


@pytest.mark.feature("F024", "F057")
def test_a_long_work_is_watched_to_its_end(hand_of: HandOf, portal: Portal) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/calls/?period=all")

    hand.press(page.get_by_role("button", name="CSV file of these calls"))
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    portal.work()
    download = page.get_by_role("link", name=re.compile("Download"))
    expect(download).to_be_visible(timeout=15_000)
    with page.expect_download() as file:
        hand.press(download)

    text = Path(file.value.path()).read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) > 20_000
    assert not CLEAR_NUMBER.search(text)


@pytest.mark.feature("F024")
def test_a_step_of_the_set_up_is_tried(hand_of: HandOf) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/setup/numbers/")

    hand.fill(field(page, "Try a number as somebody dials it"), "00041446681800")
    hand.press(button(page, "Test"))

    result = page.get_by_role("region", name="Result of the test")
    expect(result).to_be_focused()
    expect(result).to_contain_text("+41446681800")
    expect(result).to_contain_text("international")


@pytest.mark.feature("F024")
def test_the_set_up_shows_the_calls_of_a_file_given_to_it(hand_of: HandOf, tmp_path: Path) -> None:
    hand = hand_of("administrator")
    page = hand.page
    cluster = Cluster()
    calls = [
        cluster.outgoing("201", "00266771234", start=0, talk=125),
        cluster.internal("201", "202", start=200),
        cluster.incoming("0266771234", "202", start=300, talk=30),
    ]
    file = tmp_path / "cdr_StandAloneCluster_01_202605200900_1"
    file.write_bytes(call_file(calls))
    page.goto("/setup/calls/")

    hand.give(page.locator("input[type=file]"), file)
    hand.press(button(page, "Test: show the first calls"))

    result = page.locator("#result")
    expect(result.get_by_role("heading", name="What the file holds")).to_be_focused()
    expect(result).to_contain_text("3 records")
    expect(result.locator("tbody tr")).to_have_count(3)
    assert not CLEAR_NUMBER.search(result.inner_text())
    expect(page.locator("main")).to_contain_text(f"{file.name} is here already.")


@pytest.mark.feature("F024", "X38")
def test_the_audit_log_is_narrowed(hand_of: HandOf) -> None:
    hand = hand_of("auditor")
    page = hand.page
    page.goto("/audit/")

    hand.choose(field(page, "Action"), "created")
    hand.press(button(page, "Show"))

    page.wait_for_url("**action=*")
    actions = page.locator("main tbody td:nth-child(3)").all_inner_texts()
    assert actions
    assert {words.strip() for words in actions} == {"created"}


@pytest.mark.feature("F024", "X38")
def test_a_site_is_changed_in_the_administration(hand_of: HandOf, way: str) -> None:
    hand = hand_of("administrator")
    page = hand.page
    page.goto("/admin/directory/site/")
    hand.press(page.locator("#result_list tbody th a").first)
    name = page.locator("#id_area_code")
    before = name.input_value()

    hand.fill(name, {"mouse": "03", "keyboard": "04"}[way])
    hand.press(button(page, "Save and continue editing"))
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")
    assert name.input_value() != before
    hand.fill(name, before)
    hand.press(button(page, "Save"))

    page.wait_for_url("**/admin/directory/site/")
    page.goto("/audit/")
    expect(page.locator("main tbody tr").first).to_contain_text("Ada Rinaldi")


# --- Without script ------------------------------------------------------------------------------


@pytest.mark.feature("F024", "F229")
def test_it_works_without_script(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("#language-choice").select_option("en")
    page.fill("[name=login]", "paolo.gentile")
    page.fill("[name=password]", portal.password)
    button(page, "Sign in").click()
    page.wait_for_url(f"{portal.url}/")
    page.locator("summary", has=page.locator(".tg-avatar")).click()
    page.locator("#language-choice").select_option("en")
    page.locator("form[action$='/account/language/'] button").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")

    page.goto("/calls/")
    field(page, "Kind").select_option(label="outgoing")
    button(page, "Show").click()
    page.wait_for_url("**kind=outgoing*")
    assert page.locator("main tbody tr").count()

    page.goto("/phone/")
    button(page, "Lock my phone").click()
    expect(button(page, "Unlock my phone")).to_be_visible()
    button(page, "Unlock my phone").click()
    expect(button(page, "Lock my phone")).to_be_visible()

    page.goto("/budgets/")
    page.get_by_role("link", name="Ask for more").first.click()
    page.locator("[name=reason]").fill("Spare parts from abroad.")
    button(page, "Send the request").click()
    said(page, "on its way")
    context.close()
