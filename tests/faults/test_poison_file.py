"""A file that kills the Miner is set aside after three tries; its neighbours go on (P10)."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.support.runs import busy_hour, forget, install

pytestmark = [pytest.mark.fault, pytest.mark.feature("F003")]


def test_a_file_that_kills_three_times_is_parked_and_the_next_one_is_mined(tmp_path: Path) -> None:
    made = install(tmp_path / "poison", name="runs_poison")
    busy_hour(made)
    made.run("record")
    first, *_ = sorted((made.folder / "spool" / "ready").iterdir())
    records = first.read_text(encoding="utf-8").count("\n") - 1

    for _ in range(3):
        killed = made.run("mine", env={"TOLLGATE_CRASH": "miner.batch_before_commit"}, fails=True)
        assert killed.returncode == -signal.SIGKILL
    told = made.run("mine", "--json", fails=True)

    assert told.returncode == 1
    report = json.loads(told.stdout)
    assert report["outcomes"]["quarantined"] == records
    assert report["outcomes"]["stored"] > 0
    assert len(report["parked"]) == 1
    made.run_all("reconcile", "prove")
    forget(made)
