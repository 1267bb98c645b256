"""The main pages in the engines of Firefox and Safari, on the same running product.

Chromium, the engine of Chrome and Edge, goes through every page and task; here it is what
an engine may do in its own way: forms, menus, looks, live parts, writing directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.engines import ENGINES, Window
from tests.support.portal import PEOPLE, Portal, served

pytestmark = [pytest.mark.feature("F029")]

WIDE, NARROW = 1280, 390
PERSON = ".tg-person > summary"
ROWS = "document.querySelectorAll('main table.tg-calls tbody tr').length"
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
CUT_OFF = """(() => {
  const table = document.querySelector(".tg-scroll");
  return table.scrollWidth - table.clientWidth;
})()"""
NAME_THEM_ALL = """document.querySelectorAll('td[data-key=number]').forEach((cell) => {
  cell.innerHTML = '<span class="tg-named"><span data-cell><b>+390266771***</b></span>'
    + ' <span class="tg-contact"><bdi>Freight agents Marlow & Sons</bdi></span></span>';
})"""
BRIGHTNESS = """(() => {
  const parts = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
  return (parts[0] + parts[1] + parts[2]) / 3;
})()"""
OPEN_MENUS = """[...document.querySelectorAll('.tg-menu details[data-drop]')].map((menu) =>
  menu.open && menu.lastElementChild.getBoundingClientRect().height > 20)"""
COMPLAINTS = "JSON.parse(sessionStorage.getItem('complaints') || '[]')"

Go = Callable[[str], None]


@pytest.fixture(scope="module")
def address(portal: Portal) -> Iterator[str]:
    with served(portal.data_dir, "tests.support.watched:application") as url:
        yield url


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ENGINES],
)
def signed_in(
    request: pytest.FixtureRequest,
    portal: Portal,
    address: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Window]:
    """A window of the supervisor, who came in by the form."""
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as window:
        window.widen(WIDE)
        window.go(f"{address}/accounts/login/?next=/help/")
        window.write("[name=login]", PEOPLE["supervisor"])
        window.write("[name=password]", portal.password)
        window.leave_by("form[action$='/login/'] button[type=submit]")
        window.wait_for("location.pathname === '/help/'")
        yield window


@pytest.fixture
def window(signed_in: Window, portal: Portal, address: str) -> Iterator[Window]:
    """The same window, wide, English and light; afterwards nothing was complained of."""
    window = signed_in
    window.widen(WIDE)
    window.go(f"{address}/help/")
    window.ask("sessionStorage.removeItem('complaints')")
    speak(window, "en")
    look(window, "light")
    portal.spoken[PEOPLE["supervisor"]] = "en"
    yield window
    assert window.ask(COMPLAINTS) == []
    look(window, "auto")
    speak(window, "en")


@pytest.fixture
def go(window: Window, address: str) -> Go:
    return lambda path: window.go(address + path)


def open_person_menu(window: Window) -> None:
    """By way of the menu button, where the window is narrow."""
    burger = "document.querySelector('[data-toggle-menu]')"
    if window.ask(f"{burger}.checkVisibility() && {burger}.ariaExpanded !== 'true'"):
        window.click("[data-toggle-menu]")
    window.click(PERSON)
    window.wait_for("document.querySelector('.tg-person').open")


def look(window: Window, theme: str) -> None:
    open_person_menu(window)
    window.leave_by(f"button[name=theme][value={theme}]")


def speak(window: Window, language: str) -> None:
    if window.ask("document.documentElement.lang") != language:
        open_person_menu(window)
        window.click(f"#language-choice option[value={language}]")
        window.leave_by("#language-choice + button")


def test_home_shows_figures_and_calls_and_stays_alive(window: Window, go: Go) -> None:
    go("/")
    window.ask("void (document.querySelector('#live').dataset.old = 'yes')")

    values = window.ask("[...document.querySelectorAll('.tg-tile-value')].map((v) => v.innerText)")
    assert len(values) >= 4
    assert all(value.strip() for value in values)
    assert window.ask(ROWS) >= 10
    window.wait_for("document.querySelectorAll('#glance .card').length > 0")
    window.wait_for("document.querySelector('#glance-now')")
    window.wait_for("!document.querySelector('#live').dataset.old")
    assert window.ask(ROWS) >= 10
    window.leave_by("#refresh")
    assert window.ask(ROWS) >= 10
    assert window.ask(SIDEWAYS) <= 0
    assert window.ask(CUT_OFF) <= 0


def test_the_page_turns_dark_and_light(window: Window, go: Go) -> None:
    go("/")
    assert window.ask(BRIGHTNESS) > 200

    look(window, "dark")

    assert window.ask("document.documentElement.dataset.bsTheme") == "dark"
    assert window.ask(BRIGHTNESS) < 60
    go("/calls/")
    assert window.ask(BRIGHTNESS) < 60
    look(window, "light")
    assert window.ask(BRIGHTNESS) > 200


def test_calls_are_narrowed_by_kind(window: Window, go: Go) -> None:
    go("/calls/?period=all")
    shown = "[...document.querySelectorAll('main td .kind')].map((each) => each.classList[1])"
    kinds = set(window.ask(shown))
    window.ask(NAME_THEM_ALL)
    assert window.ask(CUT_OFF) <= 0
    window.ask("void (document.querySelector('main').dataset.old = 'yes')")

    window.click("#id_kind option[value=missed]")
    window.click("#show-calls")
    window.wait_for("document.querySelector('main') && !document.querySelector('main').dataset.old")

    assert "kind=missed" in window.ask("location.search")
    chips = window.ask("[...document.querySelectorAll('.tg-chips li')].map((c) => c.innerText)")
    assert any("missed" in chip.lower() for chip in chips), chips
    assert set(window.ask(shown)) == {"missed"} < kinds
    assert window.ask(CUT_OFF) <= 0
    window.leave_by(".tg-chips li a[href*='period=all']")
    assert "kind=missed" not in window.ask("location.search")
    assert set(window.ask(shown)) == kinds


def test_menus_open_one_at_a_time(window: Window, go: Go) -> None:
    go("/")
    count = len(window.ask(OPEN_MENUS))
    assert count >= 2
    assert not any(window.ask(OPEN_MENUS))

    for number in range(count):
        window.ask(
            "document.querySelectorAll('.tg-menu details[data-drop] > summary')"
            f".forEach((each, i) => each.toggleAttribute('data-next', i === {number}))"
        )
        window.click("summary[data-next]")
        window.wait_for(f"({OPEN_MENUS}).indexOf(true) === {number}")
        assert window.ask(OPEN_MENUS).count(True) == 1
    window.write(PERSON, "\ue00c")
    window.wait_for(f"!({OPEN_MENUS}).includes(true)")

    go("/calls/")
    window.click(".tg-more > summary")
    window.wait_for("document.querySelector('#id_traffic').checkVisibility()")


def test_arabic_fits_a_narrow_window(window: Window, go: Go) -> None:
    speak(window, "ar")
    go("/calls/")
    assert window.ask(CUT_OFF) <= 0
    window.widen(NARROW)

    for path in ("/", "/calls/", "/budgets/", "/phone/"):
        go(path)
        assert window.ask("document.documentElement.dir") == "rtl"
        assert window.ask("getComputedStyle(document.body).direction") == "rtl"
        assert window.ask(SIDEWAYS) <= 0, path
        assert window.ask(
            "document.querySelector('h1').getBoundingClientRect().right > innerWidth / 2"
        )


def test_what_goes_wrong_would_be_heard(window: Window, go: Go) -> None:
    go("/")

    window.ask(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\" hidden></p>'"
        ' + \'<img src="/no-such-picture" alt="" hidden>\')'
    )

    for words in ("forbidden: style-src", "not loaded: "):
        window.wait_for(f"({COMPLAINTS}).join().includes('{words}')")
    window.ask("sessionStorage.removeItem('complaints')")
