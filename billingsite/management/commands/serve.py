"""Web, beat and workers together, until they are told to stop."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from billingsite import installation, services
from billingsite.setup.claim import claim_address
from kernel.errors import DomainError


def add_address_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--port", type=int, help="port to listen at; else PORT or BIND of the environment, or 8000"
    )


def address_of(options: dict[str, Any]) -> services.Address:
    """Where to listen: --port, BIND (host:port), PORT, in this order."""
    if options["port"]:
        return services.Address.parse(f"127.0.0.1:{options['port']}")
    if os.environ.get("BIND"):
        return services.Address.parse(os.environ["BIND"])
    return services.Address.parse(f"127.0.0.1:{os.environ.get('PORT') or 8000}")


class Command(BaseCommand):
    help = "Run web, beat and workers together and print the address; Ctrl-C stops all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_address_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            address = address_of(options)
            address.check_free()
            Path(settings.DATA_DIR).mkdir(parents=True, exist_ok=True)
            with services.only_one(Path(settings.DATA_DIR)):
                for _ in installation.prepare():
                    pass
                self.serve(address, {})
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal

    def serve(self, address: services.Address, more: dict[str, list[str]]) -> None:
        """Run the services and `more` processes until we are told to stop."""
        connections.close_all()

        def tell(is_ready: bool) -> None:  # noqa: FBT001 - called by services
            if is_ready:
                self.announce(address)
            else:
                self.say("the web process does not answer; its last words stand above.")

        services.when_ready(address.url, tell)
        code = services.run(
            {**services.commands(address), **more},
            environment=services.child_environment(
                address, data_dir=Path(settings.DATA_DIR), site_url=""
            ),
            say=self.say,
        )
        self.say("Stopped.")
        if code:
            sys.exit(code)

    def announce(self, address: services.Address) -> None:
        self.say(f"Tollgate is ready: {address.url}/   (Ctrl-C stops it)")
        first = claim_address(address.url)
        connections.close_all()
        if first:
            self.say(
                "\nNobody administers it yet. Open this address to set it up; it works until the\n"
                f"first administrator is made, and nobody else on the network knows it:\n\n  {first}\n"
            )
            if address.is_for_this_machine:
                self.say(
                    "No browser on this machine? From yours, with SSH:"
                    f" ssh -L {address.port}:{address.text} THIS-MACHINE,\n"
                    "then open the same address there; or listen for others with BIND and SITE_URL"
                    " (docs/settings.md).\n"
                )

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
