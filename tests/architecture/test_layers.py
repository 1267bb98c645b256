"""The layers of pyproject.toml fail as a test too."""

from __future__ import annotations

import subprocess
import sys

from tests.support.source_tree import ROOT


def test_imports_run_downwards_only() -> None:
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-c", command, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
