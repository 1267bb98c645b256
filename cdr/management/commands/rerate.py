"""Prices stored calls again with the tariff of their day."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q

from cdr.management.commands.export_calls import day_or_instant
from cdr.operations.rerating import RerateReport, rerate
from cdr.queries.exports import calls_between
from kernel.clock import now
from kernel.money import plain


class Command(BaseCommand):
    help = "Rates stored calls again. Who pays stays as it was; every change leaves an adjustment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", help="first day, or first instant")
        parser.add_argument("--to", dest="last", help="last day (whole), or an instant")
        parser.add_argument("--carrier", help="only calls over this carrier")
        parser.add_argument("--source", help="only calls of this source")
        parser.add_argument("--user", help="only calls of this user")
        parser.add_argument("--prefix", help="only numbers that begin so, E.164 without plus")
        parser.add_argument("--unrated", action="store_true", help="only calls not rated so far")
        parser.add_argument("--dry-run", action="store_true", help="say it, change nothing")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, **options: Any) -> None:
        report = rerate(
            where=self._where(options), at=now(), by="rerate", is_dry_run=options["dry_run"]
        )
        if options["json"]:
            self.stdout.write(json.dumps(self._as_json(report, is_dry_run=options["dry_run"])))
            return
        would = "would change" if options["dry_run"] else "changed"
        self.stdout.write(
            f"{report.seen} calls looked at, {report.changed} {would}; "
            f"{report.newly_rated} newly rated, {report.newly_unrated} no longer rated"
        )
        for currency, before in sorted(report.before_micros.items()):
            after = report.after_micros[currency]
            self.stdout.write(
                f"{currency}: {plain(before)} before, {plain(after)} after, "
                f"difference {plain(after - before)}"
            )

    def _where(self, options: dict[str, Any]) -> Q:
        where = calls_between(
            day_or_instant(options["first"]) if options["first"] else None,
            day_or_instant(options["last"]) if options["last"] else None,
        )
        if options["carrier"]:
            where &= Q(carrier__name=options["carrier"])
        if options["source"]:
            where &= Q(source__name=options["source"])
        if options["user"]:
            where &= Q(user__username=options["user"])
        if options["prefix"]:
            where &= Q(number__startswith=f"+{options['prefix'].lstrip('+')}")
        if options["unrated"]:
            where &= Q(status="UNRATED")
        return where

    def _as_json(self, report: RerateReport, *, is_dry_run: bool) -> dict[str, object]:
        return {
            "dry_run": is_dry_run,
            "seen": report.seen,
            "changed": report.changed,
            "newly_rated": report.newly_rated,
            "newly_unrated": report.newly_unrated,
            "before": {c: plain(m) for c, m in sorted(report.before_micros.items())},
            "after": {c: plain(m) for c, m in sorted(report.after_micros.items())},
        }
