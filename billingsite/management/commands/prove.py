"""Do totals and budgets agree with the calls?"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from budgets.queries.proof import differences as budget_differences
from cdr.queries.proof import differences as total_differences
from cdr.queries.reconciliation import file_counts, outcomes_by_source


class Command(BaseCommand):
    help = "Recomputes usage totals and budgets from the calls; exit 1 on a difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, **options: Any) -> None:
        found = [*total_differences(), *budget_differences()]
        if options["json"]:
            answer = {
                "ok": not found,
                "differences": found,
                "outcomes": outcomes_by_source(),
                "files": [
                    {"source": f.source, "file": f.file, "read": f.read, **f.outcomes}
                    for f in file_counts()
                ],
            }
            self.stdout.write(json.dumps(answer, indent=1))
        else:
            for sentence in found:
                self.stdout.write(f"DIFFERENCE: {sentence}")
            if not found:
                self.stdout.write("Totals and budgets agree with the calls, to the micro-unit.")
        if found:
            sys.exit(1)
