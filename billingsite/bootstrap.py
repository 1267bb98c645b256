"""From a bare Python to a ready virtual environment, with the standard library only.

The packages come from `requirements.lock`, every one with its hash, as wheels.
The environment is ours when it holds `tollgate.json`, which says whether it is
whole and which locks are in it. A making that was interrupted is begun anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
RUN_LOCK = "requirements.lock"
TEST_LOCK = "tests/requirements.lock"
PINS = {RUN_LOCK: ("requirements.txt",), TEST_LOCK: ("requirements.txt", "tests/requirements.txt")}
MARKER = "tollgate.json"
NETWORK_SIGNS = re.compile(
    r"connection|network is unreachable|name resolution|timed out|proxy|max retries|"
    r"certificate|ssl|error sending request|dns error|failed to fetch",
    re.IGNORECASE,
)


class CannotPrepare(Exception):
    """The environment cannot be made; the text says what to do, in one line."""


def enter_environment(argv: Sequence[str]) -> None:
    """Return inside an interpreter that has the pinned packages; start anew in one if need be.

    `argv` is the whole command line; its command decides whether the packages of
    the test suite are wanted too. An interpreter that has every direct package at
    its pinned version is taken as it is (a developer's environment, an image).

    Raises:
        CannotPrepare: when the environment cannot be made, saying what is missing.
    """
    lock = TEST_LOCK if argv[1:2] == ["test"] else RUN_LOCK
    folder = environment_folder()
    inside = Path(sys.prefix).resolve() == folder
    if not inside and has_pinned(lock):
        return
    changed = prepare(folder, lock)
    if not inside or changed:
        sys.stdout.flush()
        os.execv(python_of(folder), [str(python_of(folder)), *argv])  # noqa: S606 - our own file


def environment_folder() -> Path:
    """Where the virtual environment lives: `.venv` beside manage.py, or VENV_DIR."""
    return Path(os.environ.get("VENV_DIR") or HOME / ".venv").resolve()


def python_of(folder: Path) -> Path:
    return folder / "bin/python"


def has_pinned(lock: str) -> bool:
    """Say whether this interpreter has the direct packages of `lock`, each at its version."""
    for name, version in pinned(lock):
        try:
            if metadata.version(name) != version:
                return False
        except metadata.PackageNotFoundError:
            return False
    return True


def pinned(lock: str) -> Iterator[tuple[str, str]]:
    """The direct packages behind `lock`: name and exact version."""
    for file in PINS[lock]:
        for line in (HOME / file).read_text(encoding="utf-8").splitlines():
            pin = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;#]+)", line)
            if pin:
                yield pin[1], pin[2]


def prepare(folder: Path, lock: str) -> bool:
    """Bring the environment in `folder` to `lock`; say whether anything was changed.

    Two at once wait for each other. What was interrupted half-way is made anew.
    """
    wanted = digest_of(lock)
    if is_ready(folder, lock, wanted):
        return False
    with only_one(folder):
        if is_ready(folder, lock, wanted):
            return True
        make(folder)
        locks = dict(read_marker(folder).get("locks", {}))
        write_marker(folder, state="installing", locks=locks)
        install(folder, lock)
        locks[lock] = wanted
        if lock == TEST_LOCK:  # the locks agree: the larger one contains the smaller
            locks[RUN_LOCK] = digest_of(RUN_LOCK)
        write_marker(folder, state="ready", locks=locks)
    return True


def digest_of(lock: str) -> str:
    return hashlib.sha256((HOME / lock).read_bytes()).hexdigest()


def is_ready(folder: Path, lock: str, wanted: str) -> bool:
    marker = read_marker(folder)
    return (
        marker.get("state") == "ready"
        and marker.get("locks", {}).get(lock) == wanted
        and marker.get("python") == list(sys.version_info[:2])
        and python_of(folder).exists()
    )


def read_marker(folder: Path) -> dict[str, Any]:
    try:
        loaded = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def write_marker(folder: Path, *, state: str, locks: dict[str, str]) -> None:
    fresh = folder / f".{MARKER}.{os.getpid()}"
    content = {"state": state, "locks": locks, "python": list(sys.version_info[:2])}
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(folder / MARKER)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the right to change `folder`; the system takes it back when we die."""
    path = folder.with_name(f"{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise CannotPrepare(
            f"cannot write {path}: {error.strerror}. Set VENV_DIR to a folder that may be written."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start is preparing the environment; waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make(folder: Path) -> None:
    """Make the virtual environment unless a whole one is there."""
    marker = read_marker(folder)
    ours_and_whole = marker.get("state") == "ready" and marker.get("python") == list(
        sys.version_info[:2]
    )
    if ours_and_whole and works(folder):
        return
    if not marker and folder.exists() and any(folder.iterdir()):
        if works(folder):
            return  # somebody's own environment: used, never wiped
        raise CannotPrepare(f"{folder} is there but is no working virtual environment; remove it.")
    say(f"making the virtual environment {folder}")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        write_marker(folder, state="making", locks={})
    except OSError as error:
        raise CannotPrepare(
            f"cannot write {folder}: {error.strerror}. Set VENV_DIR to a folder that may be written."
        ) from error
    run_venv(folder)


def works(folder: Path) -> bool:
    """Say whether the environment's Python starts, and is the version that runs us."""
    try:
        done = subprocess.run(  # noqa: S603 - the environment's own Python
            [python_of(folder), "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def run_venv(folder: Path) -> None:
    uv = shutil.which("uv")
    if uv:
        command = [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable]
    elif importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        command = [sys.executable, "-m", "venv"]
    else:
        raise CannotPrepare(
            "Python cannot make virtual environments here: apt install python3-venv"
        )
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*command, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        detail = last_line(done.stderr or done.stdout)
        raise CannotPrepare(
            f"the virtual environment was not made ({detail}): apt install python3-venv"
        )


def install(folder: Path, lock: str) -> None:
    """Install everything in `lock`, by uv where it is at hand, else by pip."""
    total = len(re.findall(r"(?m)^[a-z0-9].*==", (HOME / lock).read_text(encoding="utf-8")))
    say(f"installing up to {total} packages from {lock} (hashes checked) …")
    log = folder / "install.log"
    python = str(python_of(folder))
    what = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(HOME / lock)]
    uv = shutil.which("uv")
    if uv:
        if run_logged([uv, "pip", "install", "--python", python, *what], log=log, folder=folder):
            compile_packages(folder)
            return
        say("uv did not manage; trying pip …")
    quietly = ["--no-compile", "--progress-bar", "off", "--retries", "3"]
    command = [python, "-m", "pip", "install", *quietly, *what]
    if not run_logged(command, log=log, folder=folder):
        raise CannotPrepare(explain_failure(log))
    compile_packages(folder)


def compile_packages(folder: Path) -> None:
    """Compile all at once, on every core: the first start would do it piece by piece."""
    say("  compiling")
    command = [str(python_of(folder)), "-m", "compileall", "-q", "-j", "0", str(folder / "lib")]
    # What a package ships for other versions of Python does not compile, and need not.
    subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a fixed command


def run_logged(command: Sequence[str], *, log: Path, folder: Path) -> bool:
    """Run `command`, its output in `log`, a sign of life every ten packages."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    environment["PIP_USER"] = "0"
    collected = 0
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(  # noqa: S603 - a fixed command
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            env=environment,
        ) as running,
    ):
        assert running.stdout is not None  # noqa: S101 - it was asked for as a pipe
        for line in running.stdout:
            file.write(line)
            if line.startswith("Collecting "):
                collected += 1
                if collected % 10 == 0:
                    say(f"  {collected} packages found")
            elif line.startswith("Installing collected"):
                say("  unpacking")
    return running.returncode == 0


def explain_failure(log: Path) -> str:
    """One line on why the packages did not come, and where the whole story is."""
    text = log.read_text(encoding="utf-8", errors="replace")
    errors = [line for line in text.splitlines() if line.startswith("ERROR")]
    warnings = [line for line in text.splitlines() if line.startswith(("ERROR", "WARNING"))]
    if "DO NOT MATCH THE HASHES" in text:
        return f"a package is not the one that was tested: its hash differs; details in {log}"
    if NETWORK_SIGNS.search("\n".join(warnings)):
        return (
            "the packages cannot be fetched: no way to the package index. "
            f"Check the network or PIP_INDEX_URL, then repeat; details in {log}"
        )
    detail = errors[0].removeprefix("ERROR:").strip() if errors else last_line(text)
    return f"the packages were not installed: {detail}; details in {log}"


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no message"


def say(text: str) -> None:
    """A line of progress."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
