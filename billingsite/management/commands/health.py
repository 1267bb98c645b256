"""Whether every part of the installation is well."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billingsite.health import findings
from kernel import clock


class Command(BaseCommand):
    help = "Say whether every part is well; fails if one has been silent for a minute or failed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the same for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        found = findings(now=clock.now())
        bad = [finding for finding in found if not finding.is_ok]
        if options["json"]:
            parts = [finding.as_json() for finding in found]
            self.stdout.write(json.dumps({"ok": not bad, "parts": parts}))
        else:
            for finding in found:
                mark = "ok " if finding.is_ok else "BAD"
                self.stdout.write(f"{mark} {finding.name}: {finding.detail}")
        if bad:
            raise CommandError("; ".join(f"{one.name}: {one.detail}" for one in bad))
