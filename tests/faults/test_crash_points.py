"""Killed at any named place, then started again: everything comes to the same (P3, F1)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.crashpoints import NAMES
from tests.support.runs import Installation, busy_hour, copy_of, forget, install

pytestmark = [pytest.mark.fault, pytest.mark.feature("F004")]

# The two of delivery need a mail server (tests/alarms/test_kills.py), those of the demo a demo to
# be taken out (tests/billingsite/test_demo_removal_kills.py).
HERE = [
    name
    for name in NAMES
    if name not in {"alarms.claimed", "alarms.after_data"} and not name.startswith("demo.")
]
# Reached only by a period that is due: tests/budgets.
NOT_REACHED = {"budgets.period_ended"}


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose call files are dropped but not read."""
    made = install(tmp_path_factory.mktemp("template") / "data")
    busy_hour(made)
    yield made
    forget(made)


@pytest.fixture(scope="module")
def undisturbed(waiting: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of a run that nobody kills."""
    calm = copy_of(waiting, tmp_path_factory.mktemp("calm") / "data", name="runs_calm")
    calm.run("tick")
    figures = calm.digest()
    assert figures["outcomes"]["london"] == {
        "stored": 10,
        "corrected": 0,
        "duplicate": 4,
        "quarantined": 0,
        "discarded": 0,
    }
    assert [line for line in figures["lines"] if line["confirmed"] == "locked"]
    forget(calm)
    return str(figures["digest"])


@pytest.mark.parametrize(
    ("name", "nth"),
    [
        *((name, 1) for name in sorted(set(HERE) - NOT_REACHED)),
        ("miner.batch_after_commit", 2),
        ("miner.batch_before_commit", 3),
        ("recorder.spool_published", 2),
    ],
)
def test_a_killed_run_started_again_ends_with_the_same_digest(
    waiting: Installation, undisturbed: str, tmp_path: Path, name: str, nth: int
) -> None:
    made = copy_of(waiting, tmp_path / "killed", name="runs_killed")

    killed = made.run("tick", env={"TOLLGATE_CRASH": f"{name}:{nth}"}, fails=True)
    again = made.run_all("tick", "reconcile", "prove", "digest")

    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert again.stdout.split()[-1] == undisturbed
    forget(made)
