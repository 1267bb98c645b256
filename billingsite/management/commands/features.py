"""The traceability report: which tests show which feature."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from billingsite.features import CannotCollect, Feature, collect_marks, features, read_titles


class Command(BaseCommand):
    help = (
        "List every feature with the tests that show it, and those that have none. Features named "
        "as arguments must all have one: the exit code is 1 if any has not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="only these, such as F188")
        parser.add_argument("--json", action="store_true", help="for machines")
        parser.add_argument("--missing", action="store_true", help="only those without a test")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        try:
            titles = read_titles(settings.BASE_DIR / "docs/features.tsv")
            found = features(titles=titles, marks=collect_marks(settings.BASE_DIR / "tests"))
        except CannotCollect as refusal:
            raise CommandError(refusal.message) from refusal
        wanted = _chosen(found, options["ids"])
        without = [feature for feature in wanted if not feature.tests]
        listed = without if options["missing"] else wanted
        if options["json"]:
            rows = [asdict(feature) for feature in listed]
            self.stdout.write(json.dumps({"features": rows, "without_test": len(without)}))
        else:
            self._print(listed)
            self.stdout.write(
                f"\n{len(wanted)} features, {len(wanted) - len(without)} with a test,"
                f" {len(without)} without"
            )
        if options["ids"] and without:
            names = ", ".join(feature.id for feature in without)
            raise CommandError(f"no test shows {names}")

    def _print(self, listed: list[Feature]) -> None:
        for feature in listed:
            self.stdout.write(f"{feature.id}  {feature.title}")
            for test in feature.tests or ["(no test)"]:
                self.stdout.write(f"      {test}")


def _chosen(found: list[Feature], ids: list[str]) -> list[Feature]:
    known = {feature.id for feature in found}
    unknown = [key for key in ids if key not in known]
    if unknown:
        raise CommandError(f"no such feature: {', '.join(unknown)}")
    return [feature for feature in found if not ids or feature.id in ids]
