"""One hash over all that must be equal after faults."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from billingsite.digest import digest


class Command(BaseCommand):
    help = "One hash over calls, totals, budgets, locks and mails; --json prints the parts too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the hash and its parts")

    def handle(self, **options: Any) -> None:
        figures = digest()
        if options["json"]:
            self.stdout.write(json.dumps(figures, indent=1, ensure_ascii=False))
        else:
            self.stdout.write(figures["digest"])
