"""Firefox and Safari's engine (WebKitGTK) for tests, driven by the commands of W3C WebDriver.

Firefox hears them by Marionette, the remote control that is built in; WebKit by the
`WebKitWebDriver` of its package, on a screen of its own. Neither needs a Python package.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.support.portal import free_port

FIREFOX = "/usr/bin/firefox-esr"
WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver"
SCREEN = "/usr/bin/Xvfb"
READY_WITHIN_SECONDS = 60
SEEN_WITHIN_SECONDS = 15
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PREFERENCES = {
    "marionette.port": 0,
    "dom.disable_open_during_load": False,  # a window without bars: as narrow as asked
    "ui.systemUsesDarkTheme": 0,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
ROUTES = {
    "Navigate": ("POST", "url"),
    "ExecuteScript": ("POST", "execute/sync"),
    "FindElement": ("POST", "element"),
    "ElementClick": ("POST", "element/{id}/click"),
    "ElementSendKeys": ("POST", "element/{id}/value"),
    "SetWindowRect": ("POST", "window/rect"),
    "TakeScreenshot": ("GET", "screenshot"),
    "DeleteSession": ("DELETE", ""),
}


class Refused(Exception):
    """The browser did not do what it was told."""


class Window(ABC):
    """One window of a browser. Elements are named by CSS selectors."""

    @abstractmethod
    def tell(self, command: str, **values: object) -> Any:
        """Give one command of WebDriver and return its value.

        Raises:
            Refused: if the browser answers with an error.
        """

    def go(self, address: str) -> None:
        """Open `address` and wait until it is loaded."""
        self.tell("Navigate", url=address)

    def ask(self, script: str) -> Any:
        """What `script`, an expression, is worth in the page."""
        return self.tell("ExecuteScript", script=f"return {script}", args=[])

    def wait_for(self, script: str, seconds: float = SEEN_WITHIN_SECONDS) -> None:
        """Wait until `script` is true, over changes of the page."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if self.ask(script):
                    return
            except Refused:  # between two pages
                pass
            time.sleep(0.05)
        raise AssertionError(f"not true within {seconds} s: {script}")

    def click(self, selector: str) -> None:
        """Click where the element is, as a hand would."""
        self.tell("ElementClick", id=self._find(selector))

    def leave_by(self, selector: str) -> None:
        """Click what leads to another page (or to this one anew), and wait for that."""
        self.ask("void (document.documentElement.dataset.left = 1)")
        self.click(selector)
        self.wait_for(
            "document.readyState === 'complete' && !document.documentElement.dataset.left"
        )

    def write(self, selector: str, words: str) -> None:
        """Type into a field, or choose in a list by typing."""
        self.tell("ElementSendKeys", id=self._find(selector), text=words)

    def widen(self, width: int, height: int = 900) -> None:
        """Make the page `width` CSS pixels wide."""
        self.tell("SetWindowRect", width=width, height=height)
        self.wait_for(f"innerWidth === {width}")

    def picture(self) -> bytes:
        """The page as a PNG file."""
        return base64.b64decode(self.tell("TakeScreenshot"))

    def _find(self, selector: str) -> str:
        found = self.tell("FindElement", using="css selector", value=selector)
        return str(found[ELEMENT])


class Gecko(Window):
    """A window of Firefox, by Marionette: `length:[0, number, command, values]` over TCP."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.answers = connection.makefile("rb")
        self.number = 0
        self._read()

    def _read(self) -> Any:
        length = b""
        while (byte := self.answers.read(1)) != b":":
            if not byte:
                raise Refused("Firefox is gone")
            length += byte
        return json.loads(self.answers.read(int(length)))

    def tell(self, command: str, **values: object) -> Any:
        self.number += 1
        name = command if ":" in command else f"WebDriver:{command}"
        words = json.dumps([0, self.number, name, values]).encode()
        self.connection.sendall(b"%d:%s" % (len(words), words))
        _, _, error, answer = self._read()
        if error is not None:
            raise Refused(f"{command}: {error['message']}")
        return answer["value"] if set(answer) == {"value"} else answer


class WebKit(Window):
    """A window of WebKitGTK, by WebKitWebDriver: JSON over HTTP."""

    def __init__(self, driver: str) -> None:
        self.driver = driver
        wanted = {"webkitgtk:browserOptions": {"args": ["--automation", "--full-screen"]}}
        answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = answer["sessionId"]

    def _send(self, method: str, path: str, values: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own driver
            self.driver + path,
            method=method,
            data=None if values is None else json.dumps(values).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=READY_WITHIN_SECONDS) as answer:  # noqa: S310
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise Refused(f"{path}: {refusal.read().decode()}") from refusal

    def tell(self, command: str, **values: object) -> Any:
        method, path = ROUTES[command]
        path = f"/session/{self.session}/{path.format(**values)}".rstrip("/")
        return self._send(method, path, values if method == "POST" else None)


@contextmanager
def firefox(home: Path) -> Iterator[Window]:
    """Firefox without a screen, its profile in `home`."""
    profile = home / "profile"
    profile.mkdir()
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    with _running(command, home):
        port = _when(lambda: _read(profile / "MarionetteActivePort"))
        with closing(socket.create_connection(("127.0.0.1", int(port)), timeout=60)) as connection:
            window = Gecko(connection)
            with closing(window.answers):
                window.tell("NewSession", capabilities={})
                # A window with its bars is never narrower than 500 pixels.
                window.ask("void open('about:blank', '', 'popup,width=1280,height=900')")
                handle = window.tell("GetWindowHandles")[-1]
                window.tell("SwitchToWindow", handle=handle)
                yield window
                window.tell("Marionette:Quit", flags=["eForceQuit"])


@contextmanager
def webkit(home: Path) -> Iterator[Window]:
    """WebKitGTK's own small browser on a screen that nobody sees, its files in `home`."""
    screen = home / "screen"
    with screen.open("wb") as answer:
        command = [SCREEN, "-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
        with _running(command, home, stdout=answer):
            display = ":" + _when(lambda: _read(screen))
            port = free_port()
            with _running([WEBKIT_DRIVER, f"--port={port}"], home, DISPLAY=display):
                _when(lambda: _answers(port))
                window = WebKit(f"http://127.0.0.1:{port}")
                yield window
                window.tell("DeleteSession")


ENGINES = {"firefox": firefox, "webkit": webkit}


def _read(path: Path) -> str:
    """The whole line in `path`; empty as long as there is none."""
    words = path.read_text(encoding="utf-8") if path.exists() else ""
    return words.strip()


def _answers(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return "yes"
    except OSError:
        return ""


def _when(there: Any) -> str:
    """What `there` finds, as soon as it finds something."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < until:
        if found := there():
            return str(found)
        time.sleep(0.05)
    raise AssertionError(f"not ready within {READY_WITHIN_SECONDS} s")


@contextmanager
def _running(command: list[str], home: Path, *, stdout: Any = None, **more: str) -> Iterator[None]:
    """A process with `home` as its home, until the block ends."""
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "NO_AT_BRIDGE": "1",
        "LANGUAGE": "en",
        **more,
    }
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        env=environment,
        stdout=stdout if stdout is not None else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
