"""The product as it stands, for a browser: the demo company in a folder of its own, really served.

The company's live calls of one moment are brought in by the ordinary pipeline, so that
a budget is spent, a phone locked, mails wait and a record is set aside. Nothing is
mocked and the tests' own database is not touched.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

HOME = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(path).exists()), ""
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]
READY_WITHIN_SECONDS = 60

PEOPLE = {
    "user": "giulia.ferri",
    "supervisor": "stefano.ferrara",
    "auditor": "oliver.hughes",
    "administrator": "ada.rinaldi",
    "secured": "naomi.walker",
}
STRANGER = ""
HALF_WAY = "half way"
TOTP_SECRET = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"  # noqa: S105 - of a demo person
CODE_SECONDS = 30


WORKER = """
import django; django.setup()
from directory.models import Job
from directory.operations.jobs import run_job
from kernel import clock
for key in Job.objects.filter(state="QUEUED").values_list("pk", flat=True):
    run_job(key, clock=clock.now)
"""


def environment(data_dir: Path) -> dict[str, str]:
    """The environment of the served product: only its folder, and nothing to wait for."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "PYTEST"))
    }
    for name in (
        "DATABASE_URL",
        "CACHE_URL",
        "CELERY_BROKER_URL",
        "EMAIL_URL",
        "TEST_DATABASE_NAME",
    ):
        kept.pop(name, None)
    return {
        **kept,
        "DATA_DIR": str(data_dir),
        "SETTLE_SECONDS": "0",
        "DJANGO_SETTINGS_MODULE": "billingsite.settings",
    }


class Opens(Protocol):
    """Opens a window of a role or a person, signed in."""

    def __call__(self, role: str, *, language: str = "en", **looks: Any) -> Page: ...


@dataclass(slots=True)
class Portal:
    """A running product: where it is and how its people sign in.

    `states` are the cookies of who has signed in, `spoken` the language each was last
    given: it is the person's, not the window's.
    """

    url: str
    password: str
    data_dir: Path
    states: dict[str, StorageState] = field(default_factory=dict)
    spoken: dict[str, str] = field(default_factory=dict)

    def manage(self, *arguments: str) -> str:
        """Run a management command on the portal's data."""
        return _run(self.data_dir, "manage.py", *arguments)

    def work(self) -> None:
        """Do the jobs that wait, as a worker would."""
        _run(self.data_dir, "-c", WORKER)


def _run(data_dir: Path, *arguments: str) -> str:
    finished = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *arguments],
        cwd=HOME,
        env=environment(data_dir),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo_portal(data_dir: Path) -> Iterator[Portal]:
    """Load the demo company into `data_dir` and serve it until the block ends."""
    _run(data_dir, "manage.py", "demo", "--no-serve")
    _run(data_dir, "-m", "tests.support.portal_moment")
    password = (data_dir / "demo" / "password").read_text(encoding="utf-8").strip()
    with served(data_dir) as url:
        yield Portal(url=url, password=password, data_dir=data_dir)


@contextmanager
def served(data_dir: Path, application: str = "billingsite.wsgi:application") -> Iterator[str]:
    """The web process alone, on a free port; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        application,
        "--bind",
        f"127.0.0.1:{port}",
    ]
    command += [
        "--workers",
        "1",
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--log-level",
        "warning",
        "--no-control-socket",
    ]
    server = subprocess.Popen(command, cwd=HOME, env=environment(data_dir))  # noqa: S603
    try:
        _wait_for(f"{url}/health/live/")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_for(address: str) -> None:
    until = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer within {READY_WITHIN_SECONDS} s")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium. Ends its event loop with the block: other tests must not see one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def sign_in(context: BrowserContext, portal: Portal, username: str) -> Page:
    """A page of `username`, signed in by the form."""
    page: Page = context.new_page()
    page.goto(f"{portal.url}/accounts/login/")
    page.fill("[name=login]", username)
    page.fill("[name=password]", portal.password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    return page


def code_now() -> str:
    """What the authenticator app of the secured person shows."""
    counter = struct.pack(">Q", int(time.time()) // CODE_SECONDS)
    digest = hmac.new(base64.b32decode(TOTP_SECRET), counter, hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    value = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{value % 10**6:06}"


def window(
    browser: Browser, portal: Portal, role: str, *, language: str = "en", **looks: Any
) -> Page:
    """A new window of who has this role (or of the person of this name), in this language.

    Each signs in by the form once; later windows share the session. `looks` are
    Playwright's options of a context.
    """
    if role in (STRANGER, HALF_WAY):
        page: Page = browser.new_context(**looks).new_page()
        page.goto(f"{portal.url}/accounts/login/")
        speak(page, language)
        if role == HALF_WAY:
            page = sign_in(page.context, portal, PEOPLE["secured"])
        return page
    username = PEOPLE.get(role, role)
    if username not in portal.states:
        context = browser.new_context()
        page = sign_in(context, portal, username)
        if "/2fa/authenticate/" in page.url:
            page.fill("[name=code]", code_now())
            page.press("[name=code]", "Enter")
            page.wait_for_url(lambda url: "/2fa/authenticate/" not in url)
        portal.states[username] = context.storage_state()
        context.close()
    page = browser.new_context(storage_state=portal.states[username], **looks).new_page()
    page.goto(f"{portal.url}/help/")
    say_in(page, portal, role, language)
    return page


def say_in(page: Page, portal: Portal, role: str, language: str) -> None:
    """See to it that the person of this window reads `language`, whoever changed it meanwhile."""
    username = PEOPLE.get(role, role)
    if role not in (STRANGER, HALF_WAY) and portal.spoken.get(username) != language:
        speak(page, language)
        portal.spoken[username] = language


def speak(page: Page, language: str) -> None:
    """Choose the language as the form in the bar does."""
    page.evaluate(
        """async (language) => {
          const form = document.querySelector("form[action$='/account/language/']");
          const values = new FormData(form);
          values.set("language", language);
          await fetch(form.action, {method: "POST", body: values});
        }""",
        language,
    )
