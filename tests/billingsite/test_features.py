"""The traceability report tells the truth about the marks."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

import billingsite.management.commands.features as command
from billingsite.features import CannotCollect, Feature, features, read_titles
from tests.support.source_tree import ROOT


def test_a_feature_has_the_tests_that_are_marked_with_it() -> None:
    found = features(titles={"F1": "one", "F2": "two"}, marks={"F1": ["tests/test_x.py::test_a"]})

    assert found == [Feature("F1", "one", ("tests/test_x.py::test_a",)), Feature("F2", "two", ())]


def test_a_mark_for_an_unknown_feature_is_refused_with_its_place() -> None:
    with pytest.raises(CannotCollect, match=r"F9 \(tests/test_x.py::test_a\)"):
        features(titles={"F1": "one"}, marks={"F9": ["tests/test_x.py::test_a"]})


@pytest.mark.parametrize("line", ["F001 no tab", "F001\t", "F000\ttwice"])
def test_a_line_that_is_no_feature_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "features.tsv"
    path.write_text(f"id\ttitle\nF000\tfirst\n{line}\n", encoding="utf-8")

    with pytest.raises(CannotCollect, match=r"features.tsv:3"):
        read_titles(path)


def test_the_list_has_all_features_once() -> None:
    titles = read_titles(ROOT / "docs/features.tsv")

    assert [key for key in titles if key[0] == "F"] == [f"F{number:03}" for number in range(1, 293)]
    assert [key for key in titles if key[0] == "X"] == [f"X{number:02}" for number in range(1, 53)]


MANAGE = (
    "import os, sys; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'billingsite.settings');"
    "from django.core.management import execute_from_command_line as run;"
    "run(['manage.py', *sys.argv[1:]])"
)


def test_the_command_reads_the_marks_of_this_suite() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-c", MANAGE, "features", "--json", "F188", "F217"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row["tests"] for row in json.loads(done.stdout)["features"]}
    assert set(rows) == {"F188", "F217"}
    assert any("test_the_budgets_history_says_what_was_sent" in test for test in rows["F217"])


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The marks that the command finds, instead of those of this suite."""
    found = {"F001": ["tests/test_x.py::test_a"]}
    monkeypatch.setattr(command, "collect_marks", lambda folder: found)
    return found


@pytest.mark.usefixtures("marks")
def test_a_feature_without_a_test_is_an_error_when_it_is_asked_for() -> None:
    call_command("features", "F001", stdout=StringIO())

    with pytest.raises(CommandError, match="no test shows F002"):
        call_command("features", "F001", "F002", stdout=StringIO())


@pytest.mark.usefixtures("marks")
def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(CommandError, match="no such feature: F999"):
        call_command("features", "F999", stdout=StringIO())


@pytest.mark.usefixtures("marks")
def test_people_get_a_table_and_a_sum() -> None:
    output = StringIO()

    call_command("features", stdout=output)

    text = output.getvalue()
    assert "F001  Read call records" in text
    assert "      tests/test_x.py::test_a" in text
    assert text.count("(no test)") == 343
    assert text.endswith("344 features, 1 with a test, 343 without\n")
