"""What may be written where, read from the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.source_tree import (
    PACKAGES,
    ROOT,
    names_in,
    nodes,
    python_files,
    shown,
    syntax_of,
    text_files,
)

CORES = [
    path
    for path in python_files()
    if path.is_relative_to(ROOT / "kernel") or "engine" in path.relative_to(ROOT).parts
]
SENDERS = {"send_mail", "send_mass_mail", "mail_admins", "mail_managers", "EmailMessage"}
SENDERS |= {"EmailMultiAlternatives", "smtplib", "SMTP", "SMTP_SSL", "get_connection"}
RAW = {"RawSQL", "mark_safe", "SafeText"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib", "stuff", "manager"}
LONGEST_FILE = 500
LONGEST_TEST = 650

RAW_ALLOWED = {"directory/templatetags/frame.py": "draws the vendored icons' own files"}
"""Files that may use `RawSQL`, `.extra()`, `.raw()` or `mark_safe`, each with its reason."""

FLOAT_ALLOWED = {
    "cdr/engine/tariff_files.py": "a JSON number is a float; what it cannot hold is refused",
}
"""Cores that may speak of floats, each with its reason."""

LONG_ALLOWED: dict[str, str] = {}
"""Files that may be longer, each with its reason."""

PATHS_ALLOWED = {".ci/run": "makes its scratch folder where every Debian has one"}
"""Files that may name a machine's folders, each with its reason."""


def test_the_cores_are_found() -> None:
    assert len(CORES) > 10


def test_no_float_comes_near_money() -> None:
    wrong = [
        shown(path, node)
        for path in CORES
        if path.relative_to(ROOT).as_posix() not in FLOAT_ALLOWED
        for node in nodes(path)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]

    assert wrong == []


def test_engines_take_their_facts_by_keyword() -> None:
    wrong = [
        f"{shown(path, node)} {node.name}"
        for path in CORES
        for node in syntax_of(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and len(node.args.args) > 3
    ]

    assert wrong == []


def test_engines_do_not_ask_the_time() -> None:
    clocks = {"now", "today", "utcnow", "time", "monotonic", "perf_counter"}
    wrong = [
        shown(path, node)
        for path in CORES
        if path != ROOT / "kernel/clock.py"
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in clocks
        and names_in(node.func.value) in {"datetime", "date", "time", "timezone"}
    ]

    assert wrong == []


def test_only_commands_tasks_and_views_ask_the_time() -> None:
    doors: tuple[str, ...] = (
        "management",
        "tasks.py",
        "views",
        "api",
        "billingsite",
        "admin",
        "curri",
        "gadgets",
        "middleware.py",
    )
    wrong = [
        shown(path, node)
        for path in python_files()
        if not any(door in path.relative_to(ROOT).as_posix() for door in doors)
        for node in nodes(path)
        if (isinstance(node, ast.ImportFrom) and node.module == "kernel.clock")
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "django.utils.timezone"
            and any(name.name == "now" for name in node.names)
        )
    ]

    assert wrong == []


def test_mail_is_sent_from_one_module_only() -> None:
    wrong = [
        f"{shown(path, node)} {name}"
        for path in python_files()
        if path.parent != ROOT / "alarms/drivers"
        for node in nodes(path)
        for name in mentioned(node)
        if name in SENDERS
    ]

    assert wrong == []


def test_no_raw_sql_and_no_markup_from_strings() -> None:
    wrong = [
        shown(path, node)
        for path in python_files()
        if path.relative_to(ROOT).as_posix() not in RAW_ALLOWED
        for node in nodes(path)
        if (set(mentioned(node)) & RAW)
        or (
            isinstance(node, ast.Call)
            and (
                (isinstance(node.func, ast.Attribute) and node.func.attr in {"extra", "raw"})
                or names_in(node.func) == "SafeString"
            )
        )
    ]

    assert wrong == []


def mentioned(node: ast.AST) -> list[str]:
    """The names that a node imports or uses."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return [names_in(node)]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [part for name in node.names for part in name.name.split(".")]
    return []


def test_templates_trust_no_value() -> None:
    wrong = [
        shown(path)
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if re.search(r"\|\s*safe\b|autoescape off|\|\s*safeseq\b", path.read_text(encoding="utf-8"))
    ]

    assert wrong == []


def test_times_and_days_run_as_their_language_runs() -> None:
    """`12:00 م` forced from left to right stands the wrong way round."""
    wrong = [
        shown(path)
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if re.search(r"\|(clock|moment|day)\|ltr\b", path.read_text(encoding="utf-8"))
    ]

    assert wrong == []


def test_no_module_has_a_vague_name() -> None:
    wrong = [
        shown(path)
        for path in (*python_files(), *python_files("tests"))
        if path.stem in VAGUE or set(path.relative_to(ROOT).parts[:-1]) & VAGUE
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("folders", "most"), [((), LONGEST_FILE), (("tests",), LONGEST_TEST)], ids=["ours", "tests"]
)
def test_no_file_is_long(folders: tuple[str, ...], most: int) -> None:
    long = {
        shown(path): lines
        for path in python_files(*folders)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > most
    }

    assert {place: lines for place, lines in long.items() if place not in LONG_ALLOWED} == {}


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    path_of_a_machine = re.compile(r"(?<![\w.])/(?:work|tmp|root|home/\w+)/")
    own = Path(__file__)
    wrong = [
        f"{shown(path)}:{number}"
        for path in text_files()
        if path != own and shown(path) not in PATHS_ALLOWED
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if path_of_a_machine.search(line)
    ]

    assert wrong == []


def test_signals_are_not_used_for_control_flow() -> None:
    wrong = [
        shown(path, node)
        for path in python_files()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom)
        and node.module in {"django.dispatch", "django.db.models.signals"}
    ]

    assert wrong == []


def test_nothing_unsafe_is_loaded() -> None:
    unsafe = {"pickle", "marshal", "shelve", "eval", "exec"}
    wrong = [
        f"{shown(path, node)} {name}"
        for path in python_files()
        for node in nodes(path)
        for name in mentioned(node)
        if name in unsafe and not isinstance(node, ast.Attribute)
    ]

    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_what_it_is_on_one_screen(package: str) -> None:
    readme = ROOT / package / "README.md"

    assert readme.is_file()
    assert 5 <= len(readme.read_text(encoding="utf-8").splitlines()) <= 60


def test_migrations_never_import_our_code() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("migrations/*.py")]
    wrong = [
        shown(path, node)
        for path in files
        for node in nodes(path)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES)
        or (
            isinstance(node, ast.Import)
            and any(name.name.split(".")[0] in PACKAGES for name in node.names)
        )
    ]

    assert wrong == []
