"""Fixtures that several of the Recorder's test files use."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdr.operations import recorder
from cdr.queries.sources import SourceSettings
from tests.support.recorder import MILAN


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[SourceSettings]:
    """Milan's Cisco files; a test may change the list."""
    known = [MILAN]
    monkeypatch.setattr(recorder, "active_sources", lambda: known)
    return known


@pytest.fixture
def drop(data_dir: Path) -> Path:
    folder = data_dir / "drop/milan"
    folder.mkdir(parents=True)
    return folder
