"""The door for delivery reports: the mail server pipes each into this command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from alarms.engine.reports import MOST_BYTES
from alarms.operations.bounces import record_bounces
from kernel.clock import now


class Command(BaseCommand):
    help = (
        "Read one returned mail (RFC 3464), from FILE or from standard input, and mark the mail it"
        " is about as bounced. Let the mail server pipe what comes back to MAIL_FROM into this"
        " command. What is no delivery report is ignored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="a returned mail, else stdin")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        path: Path | None = options["file"]
        try:
            if path is None:
                raw = sys.stdin.buffer.read(MOST_BYTES)
            else:
                with path.open("rb") as source:
                    raw = source.read(MOST_BYTES)
        except OSError as fault:
            raise CommandError(f"{path}: {fault.strerror}") from fault
        self.stdout.write(f"mails bounced: {record_bounces(raw, now=now())}")
