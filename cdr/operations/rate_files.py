"""A carrier's rate deck from a page: what it would change, and its import, in plain values.

    preview, tariff = preview_rates(path, wishes=DeckWishes(carrier="Acme"), name="acme.csv", at=now)

Nothing is written by looking. `cdr.operations.rate_jobs` does both as jobs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.engine.deck_columns import find_columns
from cdr.engine.deck_doubts import implausible
from cdr.engine.deck_merge import Merge, Mode, Preview, empty_document
from cdr.engine.deck_rows import DeckOptions, DeckRow
from cdr.engine.deck_tables import UnreadableDeck
from cdr.engine.decks import Deck, read_deck
from cdr.engine.tariff_files import document_hash
from cdr.engine.tariffs import parse_tariff
from cdr.models import Call, Tariff
from cdr.operations.deck_files import read_table
from cdr.operations.decks import (
    Base,
    DeckRefused,
    DeckTarget,
    base_of,
    busy_moves,
    currency_for,
    import_deck,
    price_text,
    tariff_name_for,
)
from directory.queries.homes import installation_currency, installation_zone
from directory.said import said

SHOWN_ROWS = 12
KEPT_REFUSALS = 1_000
KEPT_MOVES = 200
BEFORE_ALL_CALLS = date(2000, 1, 1)
"""When the first prices of a tariff begin that say no day: the calls at hand are older than it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeckWishes:
    """What somebody says of a deck; empty where the file itself is to say it."""

    carrier: str = ""
    tariff: str = ""
    currency: str = ""
    valid_from: str = ""
    mode: Mode = "update"
    decimal: str = ""
    dates: str = ""
    price_unit: str = ""
    increments: tuple[int, int] = (1, 1)
    country_code: str = ""
    plan: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> DeckWishes:
        """The wishes as a job keeps them."""
        known = {each.name for each in fields(cls)}
        kept = {name: value for name, value in parameters.items() if name in known}
        if "increments" in kept:
            first, following = kept["increments"]
            kept["increments"] = (int(first), int(following))
        return cls(**kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesPreview:
    """What a deck would change, or has changed, ready for a page.

    `last_start` is when the last of its prices begins. `is_first`: the tariff has no prices
    yet and the deck no day of its own, so that they hold for all calls there are.
    `columns` are those that were understood (title, meaning), `ignored` the titles of the
    others, `rows` the first rows as understood, `counts` prefixes by what becomes of them,
    `refused` the first rows that were not taken (line, column, value, reason), `moves` the
    largest changes of price. Prices are of a minute, in units of the currency, as text.
    Reasons, `warnings` and `notes` are sentences, kept as `kernel.sentences.recalled` takes them.
    """

    tariff: str
    carrier: str
    currency: str
    zone: str
    starts_at: str
    last_start: str
    is_dated: bool
    version: int
    changes_something: bool
    is_past: bool
    layout: str
    columns: list[dict[str, str]]
    ignored: list[str]
    rows: list[dict[str, Any]]
    read: int
    taken: int
    refused_count: int
    set_aside_count: int
    refused: list[dict[str, Any]]
    counts: dict[str, int]
    moves: list[dict[str, str]]
    busy: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """A deck, read, and where it goes."""

    deck: Deck
    columns: list[dict[str, str]]
    target: DeckTarget
    base: Base


def preview_rates(
    path: Path, *, wishes: DeckWishes, name: str, at: datetime
) -> tuple[RatesPreview, dict[str, Any]]:
    """What importing the deck in the file at `path` would do, and the tariff it would make.

    Nothing is written. `name` is what the file was called.

    Raises:
        DeckRefused, UnreadableDeck, InvalidTariff: if it cannot be imported, with the reason.
    """
    reading = _read(path, wishes, name=name, at=at)
    if not reading.deck.rows:
        raise DeckRefused(_nothing_usable(reading.deck))
    target = reading.target
    document = reading.base.document or empty_document(
        name=target.tariff, currency=target.currency, timezone=target.zone
    )
    merge = Merge(document, starts_at=target.starts_at, zone=ZoneInfo(target.zone))
    following = merge.lay(reading.deck, mode=target.mode)
    parse_tariff(following, known=merge.known_bands)
    newest = _newest_number(target.tariff)
    changes = document_hash(following) != reading.base.document_hash
    report = _report(
        reading,
        wishes,
        preview=merge.preview,
        version=newest + 1 if changes else newest,
        changes_something=changes,
        at=at,
    )
    return report, following


def import_rates_file(
    path: Path, *, wishes: DeckWishes, name: str, by: str, at: datetime
) -> RatesPreview:
    """Import the deck in the file at `path` as the next version of its tariff.

    Raises:
        DeckRefused, UnreadableDeck, InvalidTariff, CurrencyChanged: nothing was imported.
    """
    reading = _read(path, wishes, name=name, at=at)
    if not reading.deck.rows:
        raise DeckRefused(_nothing_usable(reading.deck))
    done = import_deck(
        reading.deck,
        target=reading.target,
        base=reading.base,
        origin=name,
        by=by,
        at=at,
        dry_run=False,
    )
    return _report(
        reading,
        wishes,
        preview=done.preview,
        version=done.version.number,
        changes_something=done.is_new_version,
        at=at,
    )


def _nothing_usable(deck: Deck) -> str:
    if not deck.refused:
        return _("The file has a header and no rows.")
    first = deck.refused[0]
    return _(
        "No row of the file can be used. The first one, line %(line)s, column %(column)s: "
        "%(value)s: %(reason)s"
    ) % {
        "line": first.line,
        "column": first.column,
        "value": first.value[:100],
        "reason": str(said(first.reason)),
    }


def _read(path: Path, wishes: DeckWishes, *, name: str, at: datetime) -> _Reading:
    tariff = tariff_name_for(
        asked=wishes.tariff, carrier=wishes.carrier, file_stem=Path(name).stem[:100]
    )
    base = base_of(tariff)
    stored = base.document.get("timezone") if base.document else None
    zone = ZoneInfo(stored or installation_zone())
    wanted = dict(wishes.columns)
    table = read_table(path, wanted=wanted)
    columns = find_columns(table, wanted=wanted)
    deck = read_deck(
        table,
        DeckOptions(
            zone=zone,
            country_code=wishes.country_code,
            decimal_mark=wishes.decimal or None,  # type: ignore[arg-type]  # a choice of the form
            date_order=wishes.dates or None,  # type: ignore[arg-type]  # a choice of the form
            per_seconds={"minute": 60, "second": 1}.get(wishes.price_unit),
            increments=wishes.increments,
            columns=wanted,
            plan=wishes.plan,
        ),
    )
    target = DeckTarget(
        tariff=tariff,
        carrier=wishes.carrier,
        currency=currency_for(
            asked=wishes.currency,
            header=deck.currency,
            tariff=tariff,
            carrier=wishes.carrier,
            installation=installation_currency(),
        ),
        zone=zone.key,
        starts_at=_start(wishes.valid_from, zone=zone, at=at, is_first=base.document is None),
        mode=wishes.mode,
    )
    understood = [
        {"title": columns.title(meaning), "meaning": meaning}
        for meaning, _place in sorted(columns.at.items(), key=lambda pair: pair[1])
    ]
    return _Reading(deck, understood, target, base)


def _start(text: str, *, zone: ZoneInfo, at: datetime, is_first: bool) -> datetime:
    if not text and not is_first:
        return at.replace(microsecond=0)
    day = date.fromisoformat(text) if text else BEFORE_ALL_CALLS
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _newest_number(tariff: str) -> int:
    found = Tariff.objects.filter(name=tariff, versions__isnull=False).values_list(
        "versions__number", flat=True
    )
    return max(found, default=0)


def _report(
    reading: _Reading,
    wishes: DeckWishes,
    *,
    preview: Preview,
    version: int,
    changes_something: bool,
    at: datetime,
) -> RatesPreview:
    deck, target = reading.deck, reading.target
    errors = [refusal for refusal in deck.refused if refusal.is_error]
    tariff = Tariff.objects.filter(name=target.tariff).first()
    busy = busy_moves(preview, tariff_id=tariff.pk, at=at) if tariff else ()
    is_first = reading.base.document is None and not wishes.valid_from
    begins_in_the_past = target.starts_at < at - timedelta(days=1)
    return RatesPreview(
        tariff=target.tariff,
        carrier=target.carrier,
        currency=target.currency,
        zone=target.zone,
        starts_at=target.starts_at.isoformat(),
        last_start=max(
            (row.valid_from or target.starts_at for row in deck.rows), default=target.starts_at
        ).isoformat(),
        is_dated=bool(wishes.valid_from),
        version=version,
        changes_something=changes_something,
        is_past=begins_in_the_past and not (is_first and not Call.objects.exists()),
        layout=deck.layout,
        columns=reading.columns,
        ignored=list(deck.ignored),
        rows=[_row(row) for row in deck.rows[:SHOWN_ROWS]],
        read=deck.read,
        taken=len(deck.rows),
        refused_count=len(errors),
        set_aside_count=len(deck.refused) - len(errors),
        refused=[asdict(refusal) for refusal in deck.refused[:KEPT_REFUSALS]],
        counts=_counts(preview.counts),
        moves=_moves(preview),
        busy=[asdict(move) for move in busy],
        warnings=[asdict(warning) for warning in implausible(deck)],
        notes=[asdict(note) for note in deck.notes],
        is_first=is_first,
    )


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {str(kind).replace(" ", "_"): count for kind, count in counts.items()}


def _row(row: DeckRow) -> dict[str, Any]:
    """A row as it was understood, its price by the minute."""
    terms = row.terms
    shown: dict[str, Any] = {
        "line": row.line,
        "action": row.action,
        "prefixes": list(row.prefixes[:3]),
        "more": max(0, len(row.prefixes) - 3),
        "area": row.area,
        "class": row.number_class,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
    }
    if terms is not None:
        minute = terms.price * 60 / terms.per_seconds
        shown |= {
            "price": f"{minute.normalize():f}",
            "fee": f"{terms.fee.normalize():f}" if terms.fee else "",
            "increments": f"{terms.first}/{terms.following}",
        }
    return shown


def _moves(preview: Preview) -> list[dict[str, str]]:
    """The largest changes of price, by how much they change."""
    ordered = sorted(
        (move for move in preview.moves if move.before),
        key=lambda move: (-abs(move.after / move.before - 1), move.prefix),
    )
    return [
        {
            "prefix": move.prefix,
            "area": move.area,
            "before": price_text(move.before),
            "after": price_text(move.after),
            "percent": price_text(move.percent) if move.percent is not None else "",
            "is_rise": "yes" if move.after > move.before else "",
        }
        for move in ordered[:KEPT_MOVES]
    ]


# --- Words ------------------------------------------------------------------------------------------------

FIELDS: Final[dict[str, Promise]] = {
    "--column": gettext_lazy("“Column of prefixes” and “Column of prices”"),
    "--dates": gettext_lazy("“Dates”"),
    "--decimal": gettext_lazy("“Decimal sign”"),
    "--plan": gettext_lazy("“Which tariff”"),
}
"""The fields of the page that say what these options of the command say."""


def with_page_words(do: Any, *positional: Any, **named: Any) -> Any:
    """Call `do`; where a deck asks for an option of the command, name the field of the page.

    Raises:
        UnreadableDeck: as `do` does, in the language that is spoken.
    """
    try:
        return do(*positional, **named)
    except UnreadableDeck as refusal:
        words = str(said(refusal.words))
        field = FIELDS.get(refusal.option.partition(" ")[0])
        if field is not None:
            words = _("%(problem)s: say it under %(field)s.") % {"problem": words, "field": field}
        raise UnreadableDeck(words) from refusal
