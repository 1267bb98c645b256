"""What a call costs, with its receipt; or with --credit, how long a call an amount buys."""

from __future__ import annotations

import argparse
import json
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cdr.engine.limits import DEFAULT_HORIZON_MS, REFUSALS, Limit, longest_call
from cdr.engine.rating import REASONS, CompiledTariff, Unpriced, compile_tariff
from cdr.engine.receipts import Receipt, ReceiptLine, explain, long_text, seconds_text
from cdr.engine.tariffs import InvalidTariff, epoch_ms, parse_tariff
from cdr.management.commands.import_tariff import read_file
from cdr.queries.tariffs import UnknownTariff, compiled_version, newest_version_id, tariff_named
from kernel.clock import now
from kernel.money import exact_text

MAX_SECONDS = 100_000_000


def seconds_ms(text: str) -> int:
    """Seconds with up to three decimals, as milliseconds."""
    try:
        scaled = Decimal(text.strip()) * 1000
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not scaled.is_finite() or not 0 <= scaled <= MAX_SECONDS * 1000:
        raise argparse.ArgumentTypeError(f"seconds go from 0 to {MAX_SECONDS}")
    if scaled != scaled.to_integral_value():
        raise argparse.ArgumentTypeError(f"{text} is finer than a millisecond")
    return int(scaled)


def amount(text: str) -> Fraction:
    """A decimal amount of money; it may be negative, as a balance may."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 1.00") from None
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 1.00")
    return Fraction(value)


def whole_seconds(text: str) -> int:
    milliseconds = seconds_ms(text)
    if milliseconds == 0 or milliseconds % 1000:
        raise argparse.ArgumentTypeError("give whole seconds, at least 1")
    return milliseconds // 1000


def digits_of(number: str, tariff: CompiledTariff, at_ms: int) -> str:
    """The digits of `number` in E.164 without +, as tariffs write prefixes.

    `00` in front is taken off, unless the tariff itself has prefixes that begin so.
    """
    text = re.sub(r"[\s\-./()\u00a0]", "", number)
    digits = text.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        raise CommandError(f"--number: {number!r} is not a telephone number")
    if text.startswith("00"):
        row = tariff.match(digits, at_ms)
        if row is None or not row.prefix.startswith("00"):
            return digits[2:]
    return digits


def _json_seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def _json_line(line: ReceiptLine) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": line.kind, "text": line.text}
    if line.amount is not None:
        shown["amount"] = decimal_text(line.amount)
    if line.kind == "step":
        shown |= {
            "from_second": _json_seconds(line.start_ms or 0),
            "increments": line.increments,
            "increment_seconds": _json_seconds(line.increment_ms or 0),
            "billed_seconds": _json_seconds(line.billed_ms or 0),
            "price": f"{line.price:f}",
            "per_seconds": _json_seconds(line.per_ms or 0),
        }
    return shown


def decimal_text(value: Fraction) -> str:
    """A decimal without needless zeros; one without end to 28 significant digits."""
    return long_text(value).removesuffix("…")


class Command(BaseCommand):
    help = (
        "Price a call, with every step of the way. With --credit: the longest call that the"
        " amount buys. Exit code 0 whenever the question was answered, also by 'not rated'"
        " or 'refused'; 1 for a question that cannot be."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--number", required=True, help="the number called, E.164, with or without + or 00"
        )
        parser.add_argument(
            "--seconds", type=seconds_ms, metavar="S", help="talk time; decimals allowed"
        )
        parser.add_argument(
            "--at", metavar="ISO", help="when it is answered (default: now); without offset, in the tariff's zone"
        )  # fmt: skip
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--tariff", default="", metavar="NAME", help="not needed if there is only one"
        )
        which.add_argument(
            "--tariff-file", type=Path, metavar="F", help="a tariff file, not stored"
        )
        parser.add_argument(
            "--credit", type=amount, metavar="AMOUNT", help="how long a call does it buy?"
        )
        parser.add_argument(
            "--max-seconds", type=whole_seconds, default=DEFAULT_HORIZON_MS // 1000, metavar="N",
            help="with --credit: look ahead so far (default: %(default)s)",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="answer for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seconds"] is None and options["credit"] is None:
            raise CommandError("give --seconds, or --credit for the longest call that it buys")
        tariff = self._tariff(options)
        at = self._instant(options["at"], tariff)
        at_ms = epoch_ms(at)
        digits = digits_of(options["number"], tariff, at_ms)
        if options["credit"] is None:
            answer = self._price(tariff, digits, at_ms, options["seconds"])
        else:
            answer = self._longest(tariff, digits, at_ms, options["credit"], options["max_seconds"])
        answer |= {"number": digits, "tariff": tariff.name, "at": at.isoformat()}
        if options["json"]:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        else:
            self._tell(answer)

    def _tariff(self, options: dict[str, Any]) -> CompiledTariff:
        path: Path | None = options["tariff_file"]
        if path is not None:
            try:
                return compile_tariff(parse_tariff(read_file(path)))
            except InvalidTariff as refusal:
                raise CommandError(f"{path}: {refusal.message}") from refusal
        try:
            stored = tariff_named(options["tariff"])
        except UnknownTariff as refusal:
            raise CommandError(refusal.message) from refusal
        version_id = newest_version_id(stored.pk)
        if version_id is None:
            raise CommandError(f"tariff {stored.name!r} has no version yet")
        return compiled_version(version_id)

    def _instant(self, text: str | None, tariff: CompiledTariff) -> datetime:
        if text is None:
            return now()
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError:
            raise CommandError(f"--at: {text!r} is not an ISO 8601 time") from None
        return at if at.tzinfo else at.replace(tzinfo=tariff.tariff.zone)

    def _price(
        self, tariff: CompiledTariff, digits: str, at_ms: int, talk_ms: int
    ) -> dict[str, Any]:
        receipt = explain(tariff, digits=digits, answered_ms=at_ms, talk_ms=talk_ms)
        if isinstance(receipt, Unpriced):
            return self._unrated("unrated", receipt, REASONS)
        answer = {
            "status": "rated",
            "cost": decimal_text(receipt.cost),
            "currency": tariff.currency,
            "billed_seconds": _json_seconds(receipt.billed_ms),
            "prefix": receipt.prefix,
            "area": receipt.area,
            "class": receipt.number_class,
            "over_maximum": receipt.over_maximum,
            "explanation": [_json_line(line) for line in receipt.lines],
        }
        return answer | self._endless(receipt)

    def _endless(self, receipt: Receipt) -> dict[str, Any]:
        """An unrounded cost that no decimal can write is given as a fraction too."""
        text = exact_text(receipt.cost)
        return {"exact_cost": text} if "/" in text else {}

    def _unrated(
        self, status: str, found: Unpriced | Limit, details: dict[str, str]
    ) -> dict[str, Any]:
        return {
            "status": status,
            "cost": None,
            "reason": found.reason,
            "detail": details.get(found.reason, found.reason),
            "prefix": found.prefix,
            "area": found.area,
            "class": found.number_class,
            "explanation": [],
        }

    def _longest(
        self, tariff: CompiledTariff, digits: str, at_ms: int, credit: Fraction, max_seconds: int
    ) -> dict[str, Any]:
        limit = longest_call(
            tariff, digits=digits, answered_ms=at_ms, credit=credit, max_seconds=max_seconds
        )
        if not limit.is_allowed:
            refused = self._unrated("refused", limit, REASONS | REFUSALS)
            return refused | {"max_seconds": 0, "currency": tariff.currency}
        answer: dict[str, Any] = {
            "status": "allowed",
            "max_seconds": None if limit.max_ms is None else _json_seconds(limit.max_ms),
            "cost": decimal_text(limit.cost),
            "currency": tariff.currency,
            "ends": limit.ends or None,
            "prefix": limit.prefix,
            "area": limit.area,
            "class": limit.number_class,
            "explanation": [],
        }
        if limit.max_ms is not None:
            receipt = explain(tariff, digits=digits, answered_ms=at_ms, talk_ms=limit.max_ms)
            if isinstance(receipt, Receipt):
                answer["explanation"] = [_json_line(line) for line in receipt.lines]
        return answer

    def _tell(self, answer: dict[str, Any]) -> None:
        where = f" ({answer['area']})" if answer["area"] else ""
        number = f"{answer['number']}{where}"
        if answer["status"] in {"unrated", "refused"}:
            status = "not rated" if answer["status"] == "unrated" else "refused"
            self.stdout.write(f"{number}: {status}: {answer['detail']}")
            return
        price = f"{answer['cost']} {answer['currency']}"
        if answer["status"] == "rated":
            billed = seconds_text(int(Fraction(str(answer["billed_seconds"])) * 1000))
            self.stdout.write(f"{number}: {price} for {billed} billed seconds")
        elif answer["max_seconds"] is None:
            self.stdout.write(f"{number}: allowed without limit, at most {price}")
        else:
            self.stdout.write(f"{number}: allowed for {answer['max_seconds']} seconds, {price}")
        for line in answer["explanation"]:
            self.stdout.write(f"  {line['text']}")
