"""import_people: users, lines, departments, cost centres and offices from a CSV file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from directory.engine.people_file import InvalidPeopleFile
from directory.operations.people import import_people
from directory.operations.people_report import Change, PeopleReport, PersonReport
from kernel.clock import now

MAX_BYTES = 128 * 1024 * 1024


class Command(BaseCommand):
    help = (
        "Import users, their lines, departments, cost centres and offices from a CSV file "
        "(docs/people-import.md). Good rows are stored, refused ones are listed with line, "
        "column and reason; exit 1 if any was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="show what would change")
        parser.add_argument("--json", action="store_true", help="the report for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            report = import_people(content=read_file(path), at=now(), is_dry_run=options["dry_run"])
        except InvalidPeopleFile as refusal:
            raise CommandError(f"{path}: {refusal.message}") from None
        except IntegrityError:
            raise CommandError(
                f"{path}: somebody changed people at the same time; nothing was stored, try again"
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps(as_json(report), ensure_ascii=False, indent=2))
        else:
            for line in as_text(report, name=path.name):
                self.stdout.write(line)
        if not report.is_clean:
            raise CommandError(refusal_line(report))


def read_file(path: Path) -> bytes:
    """The content of a file of believable size.

    Raises:
        CommandError: if there is none, or it is too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CommandError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MB")
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def as_json(report: PeopleReport) -> dict[str, Any]:
    """The report for machines: instants ISO 8601, empty texts for none."""
    return {
        "ok": report.is_clean,
        "dry_run": report.is_dry_run,
        "new": [person.as_document() for person in report.new],
        "changed": [person.as_document() for person in report.changed],
        "unchanged": list(report.unchanged),
        "refused": [
            {"line": row.line, "column": row.column, "reason": row.reason} for row in report.refused
        ],
        "units": list(report.units_made),
    }


def as_text(report: PeopleReport, *, name: str) -> list[str]:
    """The report for people, a line for each thing."""
    lines = [f"unit      {unit} (new)" for unit in report.units_made]
    lines += [f"new       {_sentence(person)}" for person in report.new]
    lines += [f"changed   {_sentence(person)}" for person in report.changed]
    for row in report.refused:
        column = f", column {row.column}" if row.column else ""
        lines.append(f"refused   line {row.line}{column}: {row.reason}")
    verb = "would be" if report.is_dry_run else "were"
    people = len(report.new) + len(report.changed) + len(report.unchanged)
    lines.append(
        f"{name}: {people} people, of whom {len(report.new)} {verb} made, "
        f"{len(report.changed)} {verb} changed, {len(report.unchanged)} unchanged."
    )
    if report.is_dry_run:
        lines.append("Dry run: nothing was changed.")
    return lines


def refusal_line(report: PeopleReport) -> str:
    """How many rows were refused, and what became of the others."""
    rows = len({row.line for row in report.refused})
    what = "row was" if rows == 1 else "rows were"
    ending = "the others would be stored" if report.is_dry_run else "the others are stored"
    return f"{rows} {what} refused; {ending}."


def _sentence(person: PersonReport) -> str:
    changes = "; ".join(_change(change) for change in person.changes)
    return f"{person.username} (line {person.line})" + (f": {changes}" if changes else "")


def _change(change: Change) -> str:
    since = f" from {change.since.isoformat()}" if change.since else ""
    if not change.old:
        return f"{change.what} {change.new}{since}"
    return f"{change.what} {change.old} → {change.new or 'none'}{since}"
