"""The product's own source, for tests that read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("directory", "cdr", "budgets", "phonelock", "alarms", "reports")
PACKAGES = ("kernel", *APPS, "billingsite")
FOLDERS = (*PACKAGES, "templates", "static", "docs", "deploy", "bench", "tests", ".ci")


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Our Python files below `folders` (all packages if none), without migrations."""
    found = (
        path
        for folder in folders or PACKAGES
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    )
    return tuple(found)


@cache
def syntax_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path, node: ast.AST | None = None) -> str:
    """Where something stands, as `cdr/models.py:12`."""
    line = getattr(node, "lineno", None)
    place = path.relative_to(ROOT).as_posix()
    return f"{place}:{line}" if line else place


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(syntax_of(path))


def names_in(node: ast.AST) -> str:
    """The last name of a plain or dotted expression, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def text_files() -> Iterator[Path]:
    """Every text file that belongs to the product."""
    suffixes = {".py", ".md", ".toml", ".txt", ".html", ".yml", ".yaml", ".service", ".conf", ".sh"}
    below = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))
    for path in (*sorted(ROOT.iterdir()), *below):
        is_text = path.suffix in suffixes or path.name in {"Makefile", "Dockerfile", "run"}
        if is_text and path.is_file() and "vendor" not in path.parts:
            yield path
