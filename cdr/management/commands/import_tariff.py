"""Read a tariff file: one JSON document with everything a tariff says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from cdr.engine.tariff_files import read_document
from cdr.engine.tariffs import InvalidTariff, parse_tariff
from cdr.models import TariffVersion
from cdr.operations.tariffs import add_version
from cdr.queries.tariffs import newest_version
from kernel.clock import now
from kernel.errors import DomainError


def read_file(path: Path) -> dict[str, object]:
    """The JSON object in the file, as a CommandError where that is impossible."""
    try:
        return read_document(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except InvalidTariff as refusal:
        raise CommandError(f"{path}: {refusal.message}") from refusal


class Command(BaseCommand):
    help = "Import a tariff file (JSON, docs/tariffs.md) as the newest version of its tariff."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.json")
        parser.add_argument("--dry-run", action="store_true", help="check it, change nothing")
        parser.add_argument("--json", action="store_true", help="answer for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        document = read_file(path)
        try:
            parsed = parse_tariff(document)
        except InvalidTariff as refusal:
            raise CommandError(f"{path}: {refusal.message}") from refusal
        before = newest_version(parsed.name)
        try:
            with transaction.atomic():
                version = add_version(
                    name=parsed.name,
                    document=document,
                    origin=path.name,
                    by="command line",
                    at=now(),
                )
                transaction.set_rollback(options["dry_run"])
        except DomainError as refusal:
            raise CommandError(f"{path}: {refusal.message}") from refusal
        is_new = before is None or before.number != version.number
        self._tell(version, is_new=is_new, options=options)

    def _tell(self, version: TariffVersion, *, is_new: bool, options: dict[str, Any]) -> None:
        name, number = version.tariff.name, version.number
        if options["json"]:
            answer = {
                "tariff": name,
                "version": number,
                "destinations": version.destinations,
                "changed": is_new,
                "dry_run": options["dry_run"],
            }
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            return
        verb = "would become" if options["dry_run"] else "is now"
        outcome = (
            f"{verb} version {number}" if is_new else f"equals version {number}: nothing to do"
        )
        self.stdout.write(f"Tariff {name}, {version.destinations:,} destinations: {outcome}.")
