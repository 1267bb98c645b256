"""How one stored call was priced."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdr.queries.explanations import Explanation, explain_call, find_calls
from kernel.money import plain


class Command(BaseCommand):
    help = "Says how a stored call was priced, line by line, to the last micro-unit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("call", help="its number here, or source:call_id:leg, or call_id")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, **options: Any) -> None:
        calls = find_calls(options["call"])
        if not calls:
            raise CommandError(f"no stored call is known as {options['call']!r}")
        found = [explain_call(call) for call in calls]
        if options["json"]:
            self.stdout.write(json.dumps([self._as_json(one) for one in found], indent=1))
        else:
            for one in found:
                self._print(one)
        if not all(one.adds_up for one in found):
            raise CommandError("the receipt does not add up to the stored amount: see rerate")

    def _as_json(self, one: Explanation) -> dict[str, object]:
        return {
            "call_id": one.call_id,
            "leg": one.leg,
            "status": one.status,
            "cost": None if one.cost_micros is None else plain(one.cost_micros, decimals=6),
            "charge": None if one.charge_micros is None else plain(one.charge_micros, decimals=6),
            "currency": one.currency,
            "explanation": list(one.lines),
            "adds_up": one.adds_up,
        }

    def _print(self, one: Explanation) -> None:
        self.stdout.write(f"{one.call_id} {one.leg}")
        for line in one.lines:
            self.stdout.write(f"  {line}")
        if one.charge_micros is None:
            self.stdout.write("  = not rated")
        else:
            self.stdout.write(f"  = {plain(one.charge_micros)} {one.currency}")
