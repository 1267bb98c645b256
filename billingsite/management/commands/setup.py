"""Everything an installation needs before it can serve."""

from __future__ import annotations

import json
import os
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billingsite import installation
from billingsite.management.commands import serve
from billingsite.setup.claim import claim_address
from kernel.errors import DomainError


class Command(BaseCommand):
    help = (
        "Prepare or update the installation: packages, database, static files, translations. "
        "Safe to repeat."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the same for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        done: dict[str, str] = {}
        try:
            for step in chain(installation.prepare(), installation.options()):
                done[step.title] = step.text
                if not options["json"]:
                    self.stdout.write(f"{step.title + ' ':.<16} {step.text}")
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True, "steps": done}))
            return
        self.stdout.write("Ready.")
        self.hint()

    def hint(self) -> None:
        address = serve.address_of({"port": None})
        first = claim_address(os.environ.get("SITE_URL") or address.url)
        if not first:
            self.stdout.write("Next: python3 manage.py serve")
            return
        self.stdout.write(
            "Next, for a look around: python3 manage.py demo\n"
            "Next, for your own company: python3 manage.py serve, then open\n\n"
            f"  {first}\n\n"
            "which makes you the administrator and leads through the set-up. (Or by hand:\n"
            "createsuperuser, then apply FILE.toml.)"
        )
