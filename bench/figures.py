"""One table for all benchmarks: a figure, a floor measured in the same run, their ratio.

These machines are noisy, so a figure means something only beside its floor. A
benchmark also checks that what it computed is right, and raises if it is not.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
HEAD = "| id | what | figure | floor | ratio | target | met |\n|---|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; texts are ready to print."""

    ident: str
    what: str
    figure: str
    floor: str
    ratio: str
    target: str
    is_met: bool

    def row(self) -> str:
        met = "yes" if self.is_met else "NO"
        cells = (self.ident, self.what, self.figure, self.floor, self.ratio, self.target, met)
        return "| " + " | ".join(cells) + " |"


def seconds(work: Callable[[], object], *, times: int = 3) -> float:
    """The median time of `work` over `times` runs."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def show(figures: list[Figure]) -> None:
    """Print the table; with WRITE=1 put it into docs/performance.md too, with date and machine."""
    sys.stdout.write(HEAD + "\n" + "\n".join(figure.row() for figure in figures) + "\n")
    if os.environ.get("WRITE") == "1":
        _write(figures)


def _write(figures: list[Figure]) -> None:
    kept: dict[str, str] = {}
    if PAGE.is_file():
        for line in PAGE.read_text(encoding="utf-8").splitlines():
            if line.startswith("| T"):
                kept[line.split("|")[1].strip()] = line
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for figure in figures:
        kept[figure.ident] = figure.row()
    rows = "\n".join(kept[ident] for ident in sorted(kept, key=_number))
    PAGE.write_text(
        "# Performance\n\nMeasured by `make bench`, last on "
        f"{today}: {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}. Ratios count; absolute figures of a shared\n"
        "machine do not: each figure is held against a floor measured in the same run.\n\n"
        f"{HEAD}\n{rows}\n",
        encoding="utf-8",
    )


def _number(ident: str) -> tuple[int, str]:
    digits = "".join(char for char in ident if char.isdigit())
    return int(digits or 0), ident
