"""manage.py on a bare machine: the environment is made once, whole, and from tested packages."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import threading
import time
import venv
import zipfile
from pathlib import Path

import pytest

from billingsite import bootstrap
from billingsite.bootstrap import CannotPrepare

HOME = Path(bootstrap.HOME)


def tiny_wheel(folder: Path) -> Path:
    """A package with nothing in it but its name."""
    path = folder / "tollgate_tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        info = "tollgate_tiny-1.dist-info"
        wheel.writestr("tollgate_tiny.py", "ANSWER = 42\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tollgate-tiny\nVersion: 1\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def fresh_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment as Python makes it, to be copied: making one takes seconds."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=True, symlinks=True)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_environment: Path) -> Path:
    """A checkout with one tiny package in its lock, and no uv on the path."""

    def copied(folder: Path) -> None:
        shutil.copytree(fresh_environment, folder, symlinks=True, dirs_exist_ok=True)

    home = tmp_path / "checkout"
    (home / "tests").mkdir(parents=True)
    wheel = tiny_wheel(tmp_path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    line = f"tollgate-tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n"
    for name in ("requirements.lock", "tests/requirements.lock"):
        (home / name).write_text(line, encoding="utf-8")
    for name in ("requirements.txt", "tests/requirements.txt"):
        (home / name).write_text("tollgate-tiny==1\n", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "HOME", home)
    monkeypatch.setattr(bootstrap, "run_venv", copied)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return home


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_until_the_environment_is_there_only_the_standard_library_is_used() -> None:
    used = imports_of(HOME / "manage.py") | imports_of(HOME / "billingsite/bootstrap.py")

    assert used - {"billingsite"} <= sys.stdlib_module_names
    assert (HOME / "billingsite/__init__.py").read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("lock", [bootstrap.RUN_LOCK, bootstrap.TEST_LOCK])
def test_the_lock_names_every_direct_package_at_its_version_with_hashes(lock: str) -> None:
    text = (HOME / lock).read_text(encoding="utf-8").lower()

    for name, version in bootstrap.pinned(lock):
        entry = f"\n{name.lower()}=={version} "
        assert entry in f"\n{text}", f"{name} {version} is not in {lock}"
        assert "--hash=sha256:" in text.split(entry.strip(), 1)[1].split("==", 1)[0]


def test_an_interpreter_with_all_pinned_packages_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "pinned", lambda lock: [("pytest", pytest.__version__)])
    assert bootstrap.has_pinned(bootstrap.RUN_LOCK)

    monkeypatch.setattr(bootstrap, "pinned", lambda lock: [("pytest", "0.1")])
    assert not bootstrap.has_pinned(bootstrap.RUN_LOCK)


def test_the_environment_is_made_and_then_left_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "venv"

    assert bootstrap.prepare(folder, bootstrap.RUN_LOCK)

    python = bootstrap.python_of(folder)
    answer = subprocess.check_output(  # noqa: S603 - an environment of our own
        [python, "-c", "import tollgate_tiny as t; print(t.ANSWER)"]
    )
    assert answer.strip() == b"42"

    def no_more(*args: object, **kwargs: object) -> None:
        raise AssertionError("a second start must not start anything")

    monkeypatch.setattr(subprocess, "run", no_more)
    monkeypatch.setattr(subprocess, "Popen", no_more)
    assert not bootstrap.prepare(folder, bootstrap.RUN_LOCK)


def test_a_making_that_was_interrupted_is_begun_anew(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "half").write_text("left behind", encoding="utf-8")
    bootstrap.write_marker(folder, state="installing", locks={})

    bootstrap.prepare(folder, bootstrap.RUN_LOCK)

    assert not (folder / "half").exists()
    assert json.loads((folder / bootstrap.MARKER).read_text())["state"] == "ready"


def test_somebodys_own_environment_is_used_but_never_wiped(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    bootstrap.run_venv(folder)
    (folder / "mine").write_text("keep", encoding="utf-8")

    bootstrap.prepare(folder, bootstrap.RUN_LOCK)

    assert (folder / "mine").exists()
    assert bootstrap.is_ready(folder, bootstrap.RUN_LOCK, bootstrap.digest_of(bootstrap.RUN_LOCK))


def test_a_folder_that_is_no_environment_is_refused_with_its_name(
    home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "letters.txt").write_text("dear all", encoding="utf-8")

    with pytest.raises(CannotPrepare, match=f"{folder} is there but is no working"):
        bootstrap.prepare(folder, bootstrap.RUN_LOCK)

    assert (folder / "letters.txt").exists()


def test_a_package_that_was_changed_is_refused(home: Path, tmp_path: Path) -> None:
    lock = home / bootstrap.RUN_LOCK
    head, _, _ = lock.read_text(encoding="utf-8").partition("sha256:")
    lock.write_text(f"{head}sha256:{'0' * 64}\n", encoding="utf-8")

    with pytest.raises(CannotPrepare, match="its hash differs"):
        bootstrap.prepare(tmp_path / "venv", bootstrap.RUN_LOCK)


def test_without_a_network_one_line_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (home / bootstrap.RUN_LOCK).write_text(
        f"tollgate-nowhere==1 --hash=sha256:{'0' * 64}\n", encoding="utf-8"
    )

    with pytest.raises(CannotPrepare) as refusal:
        bootstrap.prepare(tmp_path / "venv", bootstrap.RUN_LOCK)

    assert "no way to the package index" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_without_the_venv_module_the_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(CannotPrepare, match="apt install python3-venv"):
        bootstrap.prepare(tmp_path / "venv", bootstrap.RUN_LOCK)


def test_a_place_that_cannot_be_written_is_named_with_the_way_out(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(CannotPrepare, match="Set VENV_DIR"):
        bootstrap.prepare(tmp_path / "file" / "venv", bootstrap.RUN_LOCK)


def test_a_second_start_waits_for_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    order: list[str] = []

    def second() -> None:
        with bootstrap.only_one(folder):
            order.append("second")

    with bootstrap.only_one(folder):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first is done")
    thread.join()

    assert order == ["first is done", "second"]
