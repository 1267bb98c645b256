"""Read a carrier's rate deck, as it comes, as the next version of a tariff."""

from __future__ import annotations

import argparse
import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cdr.engine.deck_columns import CDRTOOL_RATES, MEANINGS
from cdr.engine.deck_joins import join_destinations
from cdr.engine.deck_merge import COUNTED, Move
from cdr.engine.deck_rows import DeckOptions
from cdr.engine.decks import Deck, Refusal, read_deck
from cdr.engine.tariffs import InvalidTariff
from cdr.operations.deck_files import read_table
from cdr.operations.decks import (
    Base,
    DeckImport,
    DeckTarget,
    base_of,
    currency_for,
    import_deck,
    price_text,
    tariff_name_for,
)
from directory.queries.homes import installation_currency, installation_zone
from kernel.clock import now
from kernel.errors import DomainError

SHOWN_REFUSALS = 50


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the cycle collector: a deck is millions of objects and not one cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def increments(text: str) -> tuple[int, int]:
    """`60/1`, first and next increment in seconds."""
    pair = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", text)
    if pair is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not first/next increment such as 60/1")
    return int(pair.group(1)), int(pair.group(2))


def column(text: str) -> tuple[str, str]:
    """`price=Rate 2`, a meaning and the title (or number) of its column."""
    meaning, equals, name = text.partition("=")
    if not equals or meaning not in MEANINGS or not name:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not MEANING=HEADER; meanings are {', '.join(MEANINGS)}"
        )
    return meaning, name


def currency(text: str) -> str:
    code = text.upper()
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise argparse.ArgumentTypeError(f"{text!r} is not a currency code such as EUR")
    return code


def country_code(text: str) -> str:
    digits = text.removeprefix("+").removeprefix("00")
    if not re.fullmatch(r"[1-9]\d{0,3}", digits):
        raise argparse.ArgumentTypeError(f"{text!r} is not a country code such as 44")
    return digits


class Command(BaseCommand):
    help = (
        "Import a carrier's rate deck (CSV or XLSX) as the next version of a tariff, with a preview"
        " and every refused row. A file without prices is a list of area names. Exit code 0 when"
        " every row was taken, 1 when rows were refused (the others are imported all the same)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--carrier", default="", help="whose prices; made if missing")
        parser.add_argument("--currency", type=currency, help="of the prices, such as EUR")
        parser.add_argument(
            "--valid-from", metavar="ISO", help="when undated prices begin (default: now)"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would change, keep nothing"
        )
        parser.add_argument("--json", action="store_true", help="answer for machines")
        parser.add_argument(
            "--tariff",
            default="",
            metavar="NAME",
            help="default: the carrier's, else the file's name",
        )
        parser.add_argument(
            "--mode",
            choices=["update", "replace", "discontinue"],
            default="update",
            help="prefixes that the file leaves out stay, or end; or those it lists end"
            " (default: %(default)s)",
        )
        parser.add_argument(
            "--all-or-nothing", action="store_true", help="one refused row refuses the file"
        )
        parser.add_argument(
            "--all", action="store_true", help="print every refused row, not the first 50"
        )
        self._add_reading_arguments(parser)

    def _add_reading_arguments(self, parser: CommandParser) -> None:
        group = parser.add_argument_group("reading", "what the file does not say by itself")
        group.add_argument(
            "--column",
            action="append",
            type=column,
            default=[],
            metavar="MEANING=HEADER",
            help="what a column means; repeatable",
        )
        group.add_argument(
            "--decimal", choices=["point", "comma"], help="where 1,234 could be either"
        )
        group.add_argument(
            "--dates", choices=["dmy", "mdy"], help="where 03/04/2026 could be either"
        )
        group.add_argument(
            "--timezone", metavar="ZONE", help="of dates without offset (default: the tariff's)"
        )
        group.add_argument(
            "--price-unit",
            choices=["minute", "second"],
            help="prices are per (default: minute, or as the header says)",
        )
        group.add_argument(
            "--price-parts",
            type=int,
            default=1,
            metavar="N",
            help="prices are in 1/N of the currency, such as 10000",
        )
        group.add_argument(
            "--increment",
            type=increments,
            default=(1, 1),
            metavar="60/1",
            help="where the file names none (default: 1/1)",
        )
        group.add_argument(
            "--country-code",
            type=country_code,
            metavar="CC",
            help="before national prefixes",
        )
        group.add_argument(
            "--destinations",
            type=Path,
            metavar="FILE",
            help="names and increments of a CDRTool rates file (default: the file beside it)",
        )
        group.add_argument("--plan", default="", help="which of several tariffs in the file")
        group.add_argument("--sheet", default="", help="which sheet of a workbook")
        group.add_argument("--encoding", default="", help="of the text (default: found out)")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with without_collector():
                self._import(path, options)
        except (DomainError, InvalidTariff) as refusal:
            raise CommandError(f"{path.name}: {refusal.message}") from refusal

    def _import(self, path: Path, options: dict[str, Any]) -> None:
        if options["price_parts"] < 1:
            raise CommandError("--price-parts must be 1 or more")
        at = now()
        tariff = tariff_name_for(
            asked=options["tariff"], carrier=options["carrier"], file_stem=path.stem
        )
        base = base_of(tariff)
        zone = self._zone(options["timezone"], base)
        deck = self._read(path, options, zone)
        target = DeckTarget(
            tariff=tariff,
            carrier=options["carrier"],
            currency=currency_for(
                asked=options["currency"] or "",
                header=deck.currency,
                tariff=tariff,
                carrier=options["carrier"],
                installation=installation_currency(),
            ),
            zone=zone.key,
            starts_at=self._start(options["valid_from"], zone, at),
            mode=options["mode"],
        )
        errors = [refusal for refusal in deck.refused if refusal.is_error]
        if options["all_or_nothing"] and errors:
            self._tell_refused(deck.refused, show_all=options["all"])
            raise CommandError(f"{path.name}: {len(errors):,} rows refused, nothing imported")
        done = import_deck(
            deck,
            target=target,
            base=base,
            origin=path.name,
            by="command line",
            at=at,
            dry_run=options["dry_run"],
        )
        if options["json"]:
            self.stdout.write(
                json.dumps(self._answer(deck, done, target, options), ensure_ascii=False)
            )
        else:
            self._tell(deck, done, target, options)
        if errors:
            verb = "would be imported" if options["dry_run"] else "are imported"
            raise CommandError(
                f"{path.name}: {len(errors):,} rows refused; the other {len(deck.rows):,} {verb}"
            )

    def _zone(self, asked: str | None, base: Base) -> ZoneInfo:
        """The zone of dates: by option, else the tariff's own, else the installation's."""
        try:
            if asked:
                return ZoneInfo(asked)
        except (KeyError, ValueError, OSError):
            raise CommandError(f"--timezone: no such time zone: {asked!r}") from None
        stored = base.document.get("timezone") if base.document else None
        return ZoneInfo(stored or installation_zone())

    def _start(self, text: str | None, zone: ZoneInfo, at: datetime) -> datetime:
        if text is None:
            return at.replace(microsecond=0)
        try:
            start = datetime.fromisoformat(text)
        except ValueError:
            raise CommandError(f"--valid-from: {text!r} is not an ISO 8601 date or time") from None
        return start if start.tzinfo else start.replace(tzinfo=zone)

    def _read(self, path: Path, options: dict[str, Any], zone: ZoneInfo) -> Deck:
        wanted = dict(options["column"])
        table = read_table(
            path, encoding=options["encoding"], sheet=options["sheet"], wanted=wanted
        )
        per_seconds = {"minute": 60, "second": 1}.get(options["price_unit"] or "")
        deck = read_deck(
            table,
            DeckOptions(
                zone=zone,
                country_code=options["country_code"] or "",
                decimal_mark=options["decimal"],
                date_order=options["dates"],
                per_seconds=per_seconds,
                price_parts=options["price_parts"],
                increments=options["increment"],
                columns=wanted,
                plan=options["plan"],
            ),
        )
        beside = options["destinations"]
        if beside is None and deck.layout == CDRTOOL_RATES:
            found = path.with_name(path.name.replace("rates", "destinations"))
            beside = found if found != path and found.is_file() else None
        if beside is not None:
            deck = join_destinations(deck, read_table(beside))
        return deck

    # --- Answers --------------------------------------------------------------------------------

    def _answer(
        self, deck: Deck, done: DeckImport, target: DeckTarget, options: dict[str, Any]
    ) -> dict[str, Any]:
        preview = done.preview
        rise, fall = preview.extremes()
        prefixes = {prefix for row in deck.rows for prefix in row.prefixes}
        return {
            "tariff": target.tariff,
            "version": done.version.number,
            "new_version": done.is_new_version,
            "dry_run": options["dry_run"],
            "carrier": target.carrier or None,
            "currency": target.currency,
            "valid_from": target.starts_at.isoformat(),
            "layout": deck.layout or None,
            "rows": deck.read,
            "accepted": len(deck.rows),
            "prefixes": len(prefixes),
            **{kind: preview.counts[kind] for kind in COUNTED},
            "biggest_rise": self._move(rise),
            "biggest_fall": self._move(fall),
            "refused": [self._refusal(refusal) for refusal in deck.refused],
            "warnings": [str(warning) for warning in done.warnings],
            "notes": self._notes(deck),
            "busy": [
                {
                    "prefix": b.prefix,
                    "area": b.area,
                    "calls": b.calls,
                    "before": b.before,
                    "after": b.after,
                }
                for b in done.busy
            ],
        }

    def _notes(self, deck: Deck) -> list[str]:
        notes = [str(note) for note in deck.notes]
        if deck.ignored:
            notes.append(f"Columns not used: {', '.join(deck.ignored)}")
        return notes

    def _move(self, move: Move | None) -> dict[str, Any] | None:
        if move is None or move.percent is None:
            return None
        return {
            "prefix": move.prefix,
            "area": move.area,
            "before": price_text(move.before),
            "after": price_text(move.after),
            "percent": price_text(move.percent),
        }

    def _refusal(self, refusal: Refusal) -> dict[str, Any]:
        return {
            "line": refusal.line,
            "column": refusal.column,
            "value": refusal.value,
            "reason": str(refusal.reason),
            "is_error": refusal.is_error,
        }

    def _tell(
        self, deck: Deck, done: DeckImport, target: DeckTarget, options: dict[str, Any]
    ) -> None:
        write = self.stdout.write
        preview = done.preview
        for note in self._notes(deck):
            write(note)
        counted = ", ".join(
            f"{preview.counts[kind]:,} {kind}" for kind in COUNTED if preview.counts[kind]
        )
        write(f"{deck.read:,} rows read, {len(deck.rows):,} taken, {len(deck.refused):,} refused")
        write(f"prefixes: {counted}")
        rise, fall = preview.extremes()
        for word, move in (("rise", rise), ("fall", fall)):
            shown = self._move(move)
            if shown:
                write(
                    f"biggest {word}: {shown['prefix']} {shown['area']}, a minute from"
                    f" {shown['before']} to {shown['after']} ({shown['percent']} %)"
                )
        for busy in done.busy:
            write(
                f"called lately: {busy.prefix} {busy.area}, {busy.calls:,} calls, {busy.before} to {busy.after}"
            )
        for warning in done.warnings:
            write(f"look at this: {warning}")
        self._tell_refused(deck.refused, show_all=options["all"])
        if target.starts_at < now() - timedelta(days=1) and preview.counts["unchanged"] < len(
            deck.rows
        ):
            write("prices begin in the past: calls since then keep theirs until `rerate`")
        self._tell_outcome(done, target, options)

    def _tell_refused(self, refused: tuple[Refusal, ...], *, show_all: bool) -> None:
        shown = refused if show_all else refused[:SHOWN_REFUSALS]
        for refusal in shown:
            self.stdout.write(
                f"refused: line {refusal.line}, column {refusal.column}: {refusal.value!r}: {refusal.reason}"
            )
        if len(shown) < len(refused):
            self.stdout.write(
                f"… and {len(refused) - len(shown):,} more refused rows (--all prints them)"
            )

    def _tell_outcome(self, done: DeckImport, target: DeckTarget, options: dict[str, Any]) -> None:
        number = done.version.number
        if not done.is_new_version:
            self.stdout.write(f"Tariff {target.tariff}: nothing changes, version {number} stays.")
            return
        verb = "would become" if options["dry_run"] else "is now"
        since = "" if options["valid_from"] else " (the moment of this import; see --valid-from)"
        self.stdout.write(
            f"Tariff {target.tariff} {verb} version {number}, {done.version.destinations:,}"
            f" destinations in {target.currency}; undated prices begin"
            f" {target.starts_at.isoformat()}{since}."
        )
