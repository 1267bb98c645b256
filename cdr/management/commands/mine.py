"""Standard records in, priced calls out."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdr.operations.miner import NoSuchFile, mine_files, mine_waiting
from cdr.queries.reconciliation import OUTCOME_NAMES
from kernel.clock import now

BAR = 30


class Command(BaseCommand):
    help = "Miner: turns standard record files into priced calls. Without FILE: all that wait in the spool."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="*", metavar="FILE", help="standard record files (copied)"
        )
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, **options: Any) -> None:
        progress = None if options["json"] or not self.stderr.isatty() else self._progress
        try:
            if options["files"]:
                paths = [Path(name) for name in options["files"]]
                report = mine_files(paths, now=now(), progress=progress)
            else:
                report = mine_waiting(now=now(), progress=progress)
        except NoSuchFile as error:
            raise CommandError(error.message) from error
        outcomes = {OUTCOME_NAMES[kind]: number for kind, number in report.outcomes.items()}
        if options["json"]:
            answer = {
                "files": report.files,
                "records": report.records,
                "outcomes": outcomes,
                "parked": report.parked,
            }
            self.stdout.write(json.dumps(answer))
        else:
            told = (
                ", ".join(f"{number} {name}" for name, number in outcomes.items()) or "nothing new"
            )
            self.stdout.write(f"{report.files} files, {report.records} records: {told}")
        if report.parked:
            raise CommandError(f"parked, see the quarantine: {', '.join(report.parked)}")

    def _progress(self, name: str, done: int, total: int) -> None:
        part = BAR * done // total if total else BAR
        self.stderr.write(f"\r[{'#' * part}{'.' * (BAR - part)}] {name}", ending="")
        if done >= total:
            self.stderr.write("")
