"""One pass of the whole pipeline, now."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billingsite import lease, pipeline
from kernel import clock


class Command(BaseCommand):
    help = (
        "Run the pipeline now until nothing waits: read files, price calls, evaluate budgets, "
        "lock phones, send mail."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the report for machines")
        parser.add_argument(
            "--wait",
            type=float,
            default=300.0,
            metavar="SECONDS",
            help="how long to wait for a pass that is at work already (default 300)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        held = lease.wait_for(clock=clock.now, seconds=options["wait"])
        if held is None:
            raise CommandError(
                f"another pass has been at work for {options['wait']:g} s; it goes on by itself"
            )
        report = pipeline.run(held, clock=clock.now)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), default=str))
        else:
            self.write_plain(report)
        if report.errors:
            raise CommandError("; ".join(f"{k} failed: {v}" for k, v in report.errors.items()))

    def write_plain(self, report: pipeline.PassReport) -> None:
        for stage in report.stages.values():
            self.stdout.write(f"{stage.name + ' ':.<10} {described(stage)}")


def described(stage: pipeline.StageReport) -> str:
    """What a stage did, on one line."""
    if stage.error:
        return f"failed: {stage.error}"
    parts = []
    for name, value in stage.did.items():
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {number}" for key, number in value.items() if number)
        elif isinstance(value, list):
            shown = "; ".join(str(item) for item in value)
        else:
            shown = str(value or "")
        if shown:
            parts.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(parts) or "nothing to do"
