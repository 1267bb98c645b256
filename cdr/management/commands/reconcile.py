"""Every record read ends in exactly one outcome: does it?"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cdr.queries.reconciliation import differences, file_counts, no_outcomes, outcomes_by_source


class Command(BaseCommand):
    help = (
        "Compares records read with their outcomes, per file and in total; exit 1 on a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, **options: Any) -> None:
        files = list(file_counts())
        found = differences()
        if options["json"]:
            answer = {
                "ok": not found,
                "differences": found,
                "outcomes": outcomes_by_source(),
                "files": [
                    {
                        "source": f.source,
                        "file": f.file,
                        "claim": f.claim,
                        "read": f.read,
                        **f.outcomes,
                    }
                    for f in files
                ],
            }
            self.stdout.write(json.dumps(answer, indent=1))
        else:
            self._print(files, found)
        if found:
            sys.exit(1)

    def _print(self, files: list[Any], found: list[str]) -> None:
        total = no_outcomes()
        heads = ["read", *total]
        self.stdout.write("  ".join(f"{head:>11}" for head in heads) + "  file")
        for file in files:
            figures = [file.read, *file.outcomes.values()]
            self.stdout.write(
                "  ".join(f"{n:>11}" for n in figures) + f"  {file.source}:{file.file}"
            )
            for name, number in file.outcomes.items():
                total[name] += number
        figures = [sum(f.read for f in files), *total.values()]
        self.stdout.write("  ".join(f"{n:>11}" for n in figures) + "  in total")
        for sentence in found:
            self.stdout.write(f"DIFFERENCE: {sentence}")
        if not found:
            self.stdout.write("Every record ended in exactly one outcome.")
