"""Priced calls as CSV for other systems."""

from __future__ import annotations

import csv
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError

from cdr.queries.exports import COLUMNS, call_rows, calls_between


def day_or_instant(text: str) -> date | datetime:
    """A date means its whole local day; an instant must carry an offset."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is neither a date (2026-03-01) nor an ISO instant") from None
    if instant.tzinfo is None:
        raise CommandError(f"{text!r} lacks its offset from UTC, such as +01:00")
    return instant


class Command(BaseCommand):
    help = "Writes priced calls as CSV, one row a segment; numbers in clear (this is the command line)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="where to write; standard output if left out")
        parser.add_argument("--from", dest="first", help="first day, or first instant")
        parser.add_argument(
            "--to", dest="last", help="last day (whole), or the instant before which calls start"
        )

    def handle(self, **options: Any) -> None:
        where = calls_between(
            day_or_instant(options["first"]) if options["first"] else None,
            day_or_instant(options["last"]) if options["last"] else None,
        )
        number = 0
        with ExitStack() as stack:
            if options["file"]:
                target = Path(options["file"])
                partial = target.with_name(f".{target.name}.part")
                try:
                    stream: TextIO = stack.enter_context(
                        partial.open("w", encoding="utf-8", newline="")
                    )
                except OSError as error:
                    raise CommandError(f"{target}: {error.strerror}") from error
            else:
                stream = cast(TextIO, sys.stdout)
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            for row in call_rows(where):
                writer.writerow(row)
                number += 1
        if options["file"]:
            partial.replace(target)
            self.stdout.write(f"{number} calls written to {target}")
