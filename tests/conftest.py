"""What every test gets: a data folder of its own, and honest words about what was not run.

A test that needs a service says so with a mark (`postgres`, `redis`, `smtp`, `chromium`,
`firefox`, `webkit`).
Where the service is absent the test is named at the end of the run; with
``CI=true`` any test that does not run is a failure. The two databases take
turns: what speaks of PostgreSQL belongs to the run with a PostgreSQL
``DATABASE_URL``, what speaks of SQLite to the other.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone, translation
from pytest_django import Settings

from billingsite.installation import compile_translations

OTHER_RUN = "belongs to the other database's run"
BROWSERS = ("chromium", "firefox", "webkit")
MARKS = ("postgres", "sqlite", "redis", "smtp", *BROWSERS)
NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "redis": (
        lambda: _url_answers("TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
        "needs Redis (TEST_REDIS_URL)",
    ),
    "smtp": (
        lambda: find_spec("aiosmtpd") is not None,
        "needs aiosmtpd (tests/requirements.txt)",
    ),
    "chromium": (
        lambda: Path("/usr/bin/chromium").exists() and find_spec("playwright") is not None,
        "needs Chromium (the package chromium) and playwright (tests/requirements.txt)",
    ),
    "firefox": (
        lambda: Path("/usr/bin/firefox-esr").exists(),
        "needs Firefox (the package firefox-esr)",
    ),
    "webkit": (
        lambda: all(Path("/usr/bin", name).exists() for name in ("WebKitWebDriver", "Xvfb")),
        "needs WebKitGTK (the packages webkit2gtk-driver and xvfb)",
    ),
}
IS_CI = os.environ.get("CI", "").lower() == "true"


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _url_answers(variable: str, default: str) -> bool:
    url = urlsplit(os.environ.get(variable, default))
    return _answers(url.hostname or "127.0.0.1", url.port or 0)


def _why_not(mark: str) -> str:
    """Why a test with this mark cannot run here; empty when it can."""
    is_postgres = connection.vendor == "postgresql"
    if mark == "postgres" and not is_postgres:
        default = "postgres://postgres@127.0.0.1:5432/postgres"
        absent = "needs PostgreSQL (DATABASE_URL=postgres://…)"
        return OTHER_RUN if _url_answers("TEST_POSTGRES_URL", default) else absent
    if mark in ("sqlite", *BROWSERS) and is_postgres:
        return OTHER_RUN
    return NEEDS[mark][1] if mark in NEEDS and not NEEDS[mark][0]() else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what cannot run here, with its reason."""
    reasons = {mark: _why_not(mark) for mark in MARKS}
    for item in items:
        for mark, reason in reasons.items():
            if reason and item.get_closest_marker(mark) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that did not run has failed, except where the other run has it."""
    report = yield
    if IS_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason_of(report)
        if reason != OTHER_RUN:
            report.outcome = "failed"
            report.longrepr = f"not run, which CI does not allow: {reason}"
    return report


def _reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not run, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(_reason_of(report) for report in skipped)
    if reasons:
        terminalreporter.section("not run")
        for reason, count in sorted(reasons.items()):
            tests = "test" if count == 1 else "tests"
            terminalreporter.write_line(f"{count} {tests}: {reason}")


@pytest.fixture(scope="session", autouse=True)
def static_root() -> None:
    """The folder of collected static files, which whitenoise warns of when it is absent."""
    Path(django_settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session", autouse=True)
def catalogues() -> None:
    """Compiled before any test speaks a language: what is read once is kept for the process."""
    compile_translations()


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Settings) -> Path:
    """An empty data folder for this test alone."""
    folder = tmp_path / "data"
    folder.mkdir()
    settings.DATA_DIR = folder
    return folder


@pytest.fixture(autouse=True)
def cache_of_its_own(settings: Settings) -> None:
    """Tries counted for this test alone: the workers of a run share one Redis."""
    default = {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}
    settings.CACHES = {**settings.CACHES, "default": default}


@pytest.fixture(autouse=True)
def nobody_read_before() -> None:
    """No language and no zone left over from the reader of the test before."""
    translation.deactivate()
    timezone.deactivate()
