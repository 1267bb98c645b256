"""Write docs/figures.md: every figure with its one definition, as the pages show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from directory.definitions import DEFINITIONS

HEAD = """# Figures

Every figure has one definition. The pages show it behind the “?” beside the figure, in the reader's
language; this page is written from the same place (`directory/definitions.py`) by
`python3 manage.py figures`.

| figure | what it is |
|---|---|
"""


def figures_page() -> str:
    """The text of docs/figures.md."""
    with translation.override("en"):
        rows = [f"| {each.label} | {each.words} |" for each in DEFINITIONS.values()]
    return HEAD + "\n".join(rows) + "\n"


class Command(BaseCommand):
    help = "Write docs/figures.md from the definitions that the pages show."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only say whether it is so already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR, "docs", "figures.md")
        page = figures_page()
        is_so = path.is_file() and path.read_text(encoding="utf-8") == page
        if options["check"]:
            if not is_so:
                raise CommandError(
                    "docs/figures.md is not what the pages say; run: manage.py figures"
                )
            self.stdout.write("docs/figures.md says what the pages say")
            return
        path.write_text(page, encoding="utf-8")
        self.stdout.write(f"{len(DEFINITIONS)} figures written to docs/figures.md")
