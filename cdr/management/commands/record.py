"""``record``: switches' call files in, standard record files in the spool."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdr.operations.recorder import Notice, RecorderReport, record_files, record_waiting
from kernel.clock import now
from kernel.errors import DomainError

ALL = 1_000_000


class Command(BaseCommand):
    """Records what waits in the watched folders, or copies of the files named."""

    help = (
        "Turn PBX call files into standard record files in the spool, for the Miner. "
        "Without FILE: all files that wait in the sources' folders; they are claimed, "
        "read and archived. With FILE: copies of these files; they themselves are left alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="*", type=Path, metavar="FILE", help="call files to record"
        )
        parser.add_argument(
            "--source", default="", metavar="NAME", help="the source they come from"
        )
        parser.add_argument("--limit", type=int, default=ALL, help="at most so many files")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *_: Any, **options: Any) -> None:
        files: Sequence[Path] = options["file"]
        try:
            if files:
                report = record_files(paths=files, now=now(), source=options["source"])
            else:
                report = record_waiting(now=now(), limit=options["limit"], source=options["source"])
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        is_well = not report.problems and not (files and report.refused)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report, is_well=is_well), indent=1))
        else:
            self._print(report)
        if not is_well:
            bad = (report.problems or report.refused)[0]
            raise CommandError(f"{bad.subject}: {bad.text}")

    def _print(self, report: RecorderReport) -> None:
        for file in report.files:
            parts = [f"{file.records} records"]
            if file.rejected:
                parts.append(f"{file.rejected} cannot be used")
            if file.discarded:
                parts.append(f"{file.discarded} are no calls")
            self.stdout.write(f"{file.source}: {file.file}: {', '.join(parts)}")
        self._print_notices("waiting", report.waiting)
        self._print_notices("refused", report.refused)
        self._print_notices("problem", report.problems)
        self.stdout.write(f"{len(report.files)} files, {report.records} records")

    def _print_notices(self, word: str, notices: Sequence[Notice]) -> None:
        for notice in notices:
            self.stderr.write(f"{word}: {notice.source}: {notice.subject}: {notice.text}")


def _as_json(report: RecorderReport, *, is_well: bool) -> dict[str, Any]:
    return {
        "ok": is_well,
        "records": report.records,
        "files": [asdict(file) for file in report.files],
        "waiting": [asdict(notice) for notice in report.waiting],
        "refused": [asdict(notice) for notice in report.refused],
        "problems": [asdict(notice) for notice in report.problems],
    }
