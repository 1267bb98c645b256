"""Killed by SIGKILL while the sample company is taken out, then started again: it is gone, and no more."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.crashpoints import NAMES
from tests.support.first_setup import FILE_NAME, cucm_file
from tests.support.runs import PEOPLE, SET_UP, TARIFF, Installation, bare, copy_of, forget

pytestmark = [pytest.mark.fault]

LOAD = """
from datetime import timedelta
from billingsite.demo import history
from directory.models import Role, User
from directory.operations.jobs import run_job, start_job
from kernel import clock
history.LENGTH = timedelta(days=1)
ada, _ = User.objects.get_or_create(username="ada", defaults={"role": Role.ADMIN})
job = run_job(start_job(kind="demo_data", owner=ada, title="x").pk, clock=clock.now)
assert job.state == "DONE", job.error
"""
NAMES_HERE = [name for name in NAMES if name.startswith("demo.")]
ROWS_GONE = {"demo.after_commit", "demo.file_gone", "demo.folder_cleared"}
REMOVE = ("demo", "--remove", "--yes")


@pytest.fixture(scope="module")
def empty_digest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The digest of an installation of nobody."""
    made = bare(tmp_path_factory.mktemp("bare") / "data", name="runs_bare")
    yield str(made.digest()["digest"])
    forget(made)


@pytest.fixture(scope="module")
def with_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The sample company, its calls priced, and some of its files still waiting."""
    made = bare(tmp_path_factory.mktemp("demo") / "data", name="runs_demo")
    made.run("shell", "-c", LOAD)
    made.run("tick")
    waiting = made.folder / "drop" / "milan" / "cdr_CV-Milan_02_202601010000_1"
    waiting.write_text("\n")
    yield made
    forget(made)


def call_files(folder: Path) -> list[Path]:
    homes = ("demo", "drop", "raw", "spool", "processing")
    return [path for home in homes for path in (folder / home).rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def whole_digest(with_demo: Installation) -> str:
    return str(with_demo.digest()["digest"])


@pytest.mark.parametrize("name", NAMES_HERE)
def test_killed_and_started_again_it_is_gone(
    with_demo: Installation, whole_digest: str, empty_digest: str, tmp_path: Path, name: str
) -> None:
    made = copy_of(with_demo, tmp_path / "killed", name="runs_leaving")

    killed = made.run(*REMOVE, env={"TOLLGATE_CRASH": name}, fails=True)
    between = made.digest()["digest"]
    again = made.run(*REMOVE)
    after = made.run_all("reconcile", "prove", "digest")

    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert between == (empty_digest if name in ROWS_GONE else whole_digest)
    assert "the sample company is gone" in again.stdout
    assert after.stdout.split()[-1] == empty_digest
    assert call_files(made.folder) == []
    forget(made)


def test_killed_before_anything_went_the_demo_is_still_whole_and_can_be_used(
    with_demo: Installation, whole_digest: str, tmp_path: Path
) -> None:
    made = copy_of(with_demo, tmp_path / "killed", name="runs_staying")
    made.run(*REMOVE, env={"TOLLGATE_CRASH": "demo.noted"}, fails=True)

    loaded = made.run("shell", "-c", LOAD)

    assert loaded.returncode == 0
    assert not (made.folder / "demo" / "leaving.json").exists()
    assert made.digest()["digest"] == whole_digest
    forget(made)


def test_what_is_ones_own_by_the_time_it_is_finished_stays(
    with_demo: Installation, tmp_path: Path
) -> None:
    made = copy_of(with_demo, tmp_path / "killed", name="runs_own")
    made.run(*REMOVE, env={"TOLLGATE_CRASH": "demo.after_commit"}, fails=True)
    papers = tmp_path / "papers"
    papers.mkdir()
    own = SET_UP.replace('"London"', '"Milan"').replace("london", "milan")
    (papers / "acme.json").write_text(json.dumps(TARIFF), encoding="utf-8")
    (papers / "people.csv").write_text(PEOPLE.replace("London,London", "Milan,Milan"))
    (papers / "setup.toml").write_text(own, encoding="utf-8")
    made.run("apply", str(papers / "setup.toml"))
    (made.folder / "drop" / "milan" / FILE_NAME).write_bytes(cucm_file().read())
    made.run("record")
    made.run("mine")
    before = made.digest()

    again = made.run(*REMOVE)

    assert "the sample company is gone" in again.stdout
    assert before["outcomes"]["milan"]["stored"] > 3
    assert made.digest() == before
    kept = {path.name.partition("__")[2] for path in (made.folder / "raw").rglob("*__*")}
    assert kept == {FILE_NAME}
    assert len(list((made.folder / "spool" / "done").rglob("milan__*.jsonl"))) == 1
    assert not (made.folder / "demo").exists()
    forget(made)
