"""Write a stored tariff as the file it was imported from, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cdr.engine.tariff_files import write_document
from cdr.queries.tariffs import UnknownTariff, tariff_named


class Command(BaseCommand):
    help = "Export a tariff as JSON; importing the file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", nargs="?", default="", metavar="NAME", help="not needed if there is only one"
        )
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: print it")
        parser.add_argument("--number", type=int, help="an older version (default: the newest)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tariff = tariff_named(options["name"])
        except UnknownTariff as refusal:
            raise CommandError(refusal.message) from refusal
        wanted = tariff.versions.order_by("-number")
        if options["number"] is not None:
            wanted = wanted.filter(number=options["number"])
        version = wanted.first()
        if version is None:
            raise CommandError(f"tariff {tariff.name!r} has no such version")
        content = write_document(version.document)
        path: Path | None = options["file"]
        if path is None:
            self.stdout.write(content.decode(), ending="")
            return
        try:
            path.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        self.stdout.write(
            f"Tariff {tariff.name}, version {version.number},"
            f" {version.destinations:,} destinations: written to {path}."
        )
