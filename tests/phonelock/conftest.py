"""Every test begins with switches that are well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.support.phonelock import STUB, StubSwitch


@pytest.fixture(autouse=True)
def _switches(settings: Settings) -> Iterator[None]:
    """The stub may be named as a lock driver; what one test did to it no other sees."""
    settings.LOCK_DRIVERS = settings.LOCK_DRIVERS | STUB
    StubSwitch.by_site.clear()
    yield
    for stub in StubSwitch.by_site.values():
        stub.released.set()
