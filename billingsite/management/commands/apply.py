"""apply: the set-up of an installation from one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from billingsite.operations.apply import ApplyReport, FolderNotMade, Item, apply_set_up
from billingsite.setup_file import SetUpRefused
from kernel.clock import now

BY = "apply"


class Command(BaseCommand):
    help = (
        "Bring sites, carriers, gateways, sources, people and budgets in line with a set-up "
        "file (TOML, docs/set-up-file.md). All of it or nothing; the second time nothing changes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.toml", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would change")
        parser.add_argument("--json", action="store_true", help="the report for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            report = apply_set_up(path, at=now(), by=BY, is_dry_run=options["dry_run"])
        except SetUpRefused as refusal:
            raise CommandError(refusal_text(refusal, is_dry_run=options["dry_run"])) from None
        except FolderNotMade as refusal:
            raise CommandError(refusal.message) from None
        except IntegrityError:
            raise CommandError(
                f"{path}: somebody changed the set-up at the same time; nothing was stored, "
                "try again"
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps(as_json(report), ensure_ascii=False, indent=2))
        else:
            for line in as_text(report, name=path.name):
                self.stdout.write(line)


def refusal_text(refusal: SetUpRefused, *, is_dry_run: bool) -> str:
    """All problems, a line each, and that nothing was stored."""
    count = len(refusal.problems)
    if count == 1:
        return f"{refusal.problems[0]} (nothing was changed)"
    ending = "nothing would be stored" if is_dry_run else "nothing was stored"
    return "\n".join([*refusal.problems, f"{count} problems; {ending}."])


def as_json(report: ApplyReport) -> dict[str, Any]:
    """The report for machines."""
    people = report.people
    return {
        "ok": True,
        "dry_run": report.is_dry_run,
        "created": report.count("created"),
        "changed": report.count("changed"),
        "unchanged": report.count("unchanged"),
        "items": [
            {
                "kind": item.kind,
                "name": item.name,
                "outcome": item.put.outcome,
                "changes": list(item.put.changes),
            }
            for item in report.items
        ],
        "people": {
            "new": [person.username for person in people.new],
            "changed": [person.username for person in people.changed],
            "unchanged": len(people.unchanged),
            "units": list(people.units_made),
        }
        if people
        else None,
    }


def as_text(report: ApplyReport, *, name: str) -> list[str]:
    """The report for people: a line for each thing that is not as it was, and the sums."""
    lines = [_line(item) for item in report.items]
    if report.people is not None:
        people = report.people
        lines.append(
            f"people: {len(people.new)} created, {len(people.changed)} changed, "
            f"{len(people.unchanged)} unchanged"
        )
    lines.append(
        f"{name}: {report.count('created')} created, {report.count('changed')} changed, "
        f"{report.count('unchanged')} unchanged."
    )
    if report.is_dry_run:
        lines.append("Dry run: nothing was changed.")
    return lines


def _line(item: Item) -> str:
    changes = f" ({'; '.join(item.put.changes)})" if item.put.changes else ""
    return f"{item.kind} {item.name}: {item.put.outcome}{changes}"
