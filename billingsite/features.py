"""Which tests show which feature: docs/features.tsv against the marks in the suite.

A test says what it shows with ``@pytest.mark.feature("F188")``. The suite is
collected by pytest itself, so a mark on something that is no test does not count.
"""

from __future__ import annotations

import contextlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.errors import DomainError

if TYPE_CHECKING:
    import pytest


class CannotCollect(DomainError):
    """The marks cannot be read: pytest is missing, or a test module does not load."""

    code = "cannot_collect"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature and the tests that show it, by node id without parameters."""

    id: str
    title: str
    tests: tuple[str, ...]


def read_titles(path: Path) -> dict[str, str]:
    """The features of `path` (id, tab, title; one header line), in its order.

    Raises:
        CannotCollect: if a line is not of that form, or an id comes twice.
    """
    titles: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[1:], 2):
        key, tab, title = line.partition("\t")
        if not tab or not title.strip() or key in titles:
            raise CannotCollect(f"{path.name}:{number}: not a new id, a tab and a title")
        titles[key] = title.strip()
    return titles


class MarkCollector:
    """A pytest plug-in that keeps the feature marks of what was collected."""

    def __init__(self) -> None:
        self.shown_by: dict[str, list[str]] = defaultdict(list)
        self.errors: list[str] = []

    def pytest_collection_modifyitems(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            test = item.nodeid.partition("[")[0]
            for mark in item.iter_markers("feature"):
                for key in mark.args:
                    if test not in self.shown_by[key]:
                        self.shown_by[key].append(test)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(report.nodeid)


def collect_marks(folder: Path) -> Mapping[str, Sequence[str]]:
    """The tests below `folder` by the feature they are marked with.

    Raises:
        CannotCollect: if pytest is not installed or a test module does not load.
    """
    try:
        import pytest  # noqa: PLC0415 - a development requirement
    except ImportError as missing:
        raise CannotCollect("pytest is not installed: run manage.py test once") from missing
    collector, output = MarkCollector(), io.StringIO()
    arguments = ["--collect-only", "-qq", "-p", "no:cacheprovider", str(folder)]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        pytest.main(arguments, plugins=[collector])
    if collector.errors:
        raise CannotCollect(f"test modules do not load: {', '.join(collector.errors)}")
    if not collector.shown_by:
        last = output.getvalue().strip().splitlines()[-1:]
        raise CannotCollect(f"no marked tests were found below {folder.name}: {' '.join(last)}")
    return collector.shown_by


def features(*, titles: Mapping[str, str], marks: Mapping[str, Sequence[str]]) -> list[Feature]:
    """Every feature with its tests.

    Raises:
        CannotCollect: if a mark names a feature that has no title.
    """
    unknown = sorted(set(marks) - set(titles))
    if unknown:
        places = [f"{key} ({', '.join(marks[key])})" for key in unknown]
        raise CannotCollect(f"marks for unknown features: {'; '.join(places)}")
    return [
        Feature(id=key, title=title, tests=tuple(marks.get(key, ())))
        for key, title in titles.items()
    ]
