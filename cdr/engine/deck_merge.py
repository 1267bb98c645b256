"""A deck laid over a tariff: the next version of its document, and what it changes.

Works on the document as it is stored, so that what a deck does not touch stays
exactly as somebody wrote it. Nothing is overwritten: a price that ends keeps its
row, with the moment it ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from cdr.engine.deck_rows import DeckRow, Terms
from cdr.engine.decks import Deck
from cdr.engine.rating import unit_price
from cdr.engine.tariffs import ALWAYS, Band, KnownBands, Step, TariffDocument, parse_tariff
from kernel.money import ceil_div

Mode = Literal["update", "replace", "discontinue"]
Json = dict[str, object]

MINUTE_MS: Final = 60_000
NEW: Final = "new"
RAISED: Final = "raised"
LOWERED: Final = "lowered"
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
ENDED: Final = "ended"
BARRED: Final = "barred"
NAMED: Final = "named"
COUNTED: Final = (NEW, RAISED, LOWERED, CHANGED, UNCHANGED, ENDED, BARRED, NAMED)


@dataclass(frozen=True, slots=True)
class Move:
    """A prefix whose price moves: what a minute costs before and after, fee included."""

    prefix: str
    area: str
    before: Fraction
    after: Fraction
    starts_at: datetime

    @property
    def percent(self) -> Fraction | None:
        """The change in per cent of the old price; None from a price of 0."""
        return (self.after - self.before) * 100 / self.before if self.before else None


@dataclass(slots=True)
class Preview:
    """What a deck would change, counted by prefix."""

    counts: Counter[str] = field(default_factory=Counter)
    moves: list[Move] = field(default_factory=list)
    soonest_rise: datetime | None = None

    def extremes(self) -> tuple[Move | None, Move | None]:
        """The largest rise and the largest fall in per cent; moves from a price of 0 have none."""
        highest = lowest = Fraction(1)
        rise = fall = None
        for move in self.moves:
            if not move.before:
                continue
            ratio = move.after / move.before
            if ratio > highest:
                highest, rise = ratio, move
            elif ratio < lowest:
                lowest, fall = ratio, move
        return rise, fall


def minute_price(bands: tuple[Band, ...] | None) -> Fraction:
    """What a call of one minute costs in the first band, before rounding: to compare prices."""
    if not bands:
        return Fraction(0)
    band = bands[0]
    total, position = Fraction(band.connect_fee), band.free_ms
    while position < MINUTE_MS:
        place = max(i for i, step in enumerate(band.steps) if step.from_ms <= position)
        step = band.steps[place]
        end = MINUTE_MS
        if place + 1 < len(band.steps):
            end = min(end, band.steps[place + 1].from_ms)
        count = ceil_div(end - position, step.increment_ms)
        total += count * unit_price(step)
        position += count * step.increment_ms
    return max(total, Fraction(band.minimum_charge or 0))


@lru_cache(maxsize=65_536)
def _plain(amount: Decimal) -> str:
    """An amount without needless zeros, never with an exponent."""
    return f"{amount.normalize():f}" if amount else "0"


def bands_of(terms: Terms) -> list[Json]:
    """The bands of a deck price as the document writes them; one band, all day."""
    steps: list[Json] = [_step(0, terms, terms.first)]
    if terms.following != terms.first:
        steps.append(_step(terms.free + terms.first, terms, terms.following))
    band: Json = {"connect_fee": _plain(terms.fee)}
    if terms.free:
        band["free_seconds"] = terms.free
    if terms.grace:
        band["grace_seconds"] = terms.grace
    if terms.minimum is not None:
        band["minimum_charge"] = _plain(terms.minimum)
    band["steps"] = steps
    return [band]


def _step(start: int, terms: Terms, increment: int) -> Json:
    return {
        "from_second": start,
        "price": _plain(terms.price),
        "per_seconds": terms.per_seconds,
        "increment_seconds": increment,
    }


class _Held:
    """A row of the growing document: as written, and as parsed."""

    __slots__ = ("bands", "raw", "valid_from", "valid_to")

    def __init__(
        self,
        raw: Json,
        bands: tuple[Band, ...] | None,
        valid_from: datetime | None,
        valid_to: datetime | None,
    ) -> None:
        self.raw = raw
        self.bands = bands
        self.valid_from = valid_from
        self.valid_to = valid_to

    def holds(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


class Merge:
    """Lays one deck over one document. `starts_at` is when undated prices begin."""

    def __init__(self, document: Json, *, starts_at: datetime, zone: ZoneInfo) -> None:
        self._document = document
        self._starts_at = starts_at
        self._zone = zone
        self.known_bands = KnownBands()
        self._tariff: TariffDocument = parse_tariff(document, known=self.known_bands)
        self._rows: list[_Held] = []
        self._priced: dict[str, list[_Held]] = {}
        self._names: dict[str, _Held] = {}
        self._terms: dict[Terms, tuple[list[Json], tuple[Band, ...]]] = {}
        self._minutes: dict[int, Fraction] = {}
        self._texts: dict[datetime, str] = {}
        self._equal: dict[tuple[int, int], bool] = {}
        self.preview = Preview()
        raws = cast("list[Json]", document["destinations"])
        for raw, parsed in zip(raws, self._tariff.destinations, strict=True):
            self._hold(_Held(dict(raw), parsed.bands, parsed.valid_from, parsed.valid_to))

    def _hold(self, held: _Held) -> None:
        prefix = str(held.raw["prefix"])
        self._rows.append(held)
        if held.bands is None:
            self._names[prefix] = held
        else:
            self._priced.setdefault(prefix, []).append(held)

    def lay(self, deck: Deck, *, mode: Mode) -> Json:
        """The next document. Rows are laid in the order of their dates."""
        ordered = sorted(deck.rows, key=lambda row: row.valid_from or self._starts_at)
        seen: set[str] = set()
        for row in ordered:
            seen.update(row.prefixes)
            for prefix in row.prefixes:
                self._lay_row(row, prefix, mode=mode)
        if mode == "replace" and deck.has_prices:
            absent = [prefix for prefix in self._priced if prefix not in seen]
            for prefix in absent:
                self._end(prefix, self._starts_at)
        dropped = {id(held) for held in self._rows} - {id(held) for held in self._live()}
        rows = [held.raw for held in self._rows if id(held) not in dropped]
        return {**self._document, "destinations": rows}

    def _live(self) -> Iterable[_Held]:
        yield from self._names.values()
        for held in self._priced.values():
            yield from held

    def _lay_row(self, row: DeckRow, prefix: str, *, mode: Mode) -> None:
        if row.action == "end" or (mode == "discontinue" and row.action != "name"):
            self._end(prefix, row.valid_to or row.valid_from or self._starts_at)
        elif row.action == "name":
            self._name(row, prefix)
        else:
            self._price(row, prefix)

    def _name(self, row: DeckRow, prefix: str) -> None:
        held = self._names.get(prefix)
        if held is not None:
            same = (held.raw.get("area") or "") == row.area
            self.preview.counts[UNCHANGED if same else NAMED] += 1
            held.raw["area"] = row.area
            return
        raw: Json = {
            "prefix": prefix,
            "area": row.area,
            "class": row.number_class or None,
            "valid_from": None,
            "valid_to": None,
            "bands": None,
        }
        self._hold(_Held(raw, None, None, None))
        self.preview.counts[NAMED] += 1

    def _end(self, prefix: str, at: datetime) -> None:
        """End what holds at `at` and what would begin later."""
        held = self._priced.get(prefix, [])
        kept: list[_Held] = []
        ended = False
        for each in held:
            if each.valid_from is not None and each.valid_from >= at:
                ended = True
                continue
            if each.valid_to is None or each.valid_to > at:
                self._close(each, at)
                ended = True
            kept.append(each)
        if held:
            self._priced[prefix] = kept
        self.preview.counts[ENDED] += ended

    def _close(self, held: _Held, at: datetime) -> None:
        held.valid_to = at
        held.raw["valid_to"] = self._text(at)

    def _text(self, at: datetime) -> str:
        """An instant as the document writes it, in its own zone."""
        known = self._texts.get(at)
        if known is None:
            known = self._texts[at] = at.astimezone(self._zone).isoformat()
        return known

    def _bands(self, row: DeckRow) -> tuple[list[Json], tuple[Band, ...]]:
        if row.terms is None:
            return [], ()
        known = self._terms.get(row.terms)
        if known is None:
            known = self._terms[row.terms] = (bands_of(row.terms), (band_of(row.terms),))
            self.known_bands.add(*known)
        return known

    def _minute(self, bands: tuple[Band, ...] | None) -> Fraction:
        known = self._minutes.get(id(bands))
        if known is None:
            known = self._minutes[id(bands)] = minute_price(bands)
        return known

    def _price(self, row: DeckRow, prefix: str) -> None:
        starts_at = row.valid_from or self._starts_at
        raw_bands, bands = self._bands(row)
        held = self._priced.get(prefix, [])
        current = [each for each in held if each.holds(starts_at)]
        old = max(current, key=lambda each: (each.valid_from is not None, each.valid_from), default=None)  # fmt: skip
        if old is not None and self._same(old, row, bands, held):
            self._keep(old, row)
            return
        self._count(row, prefix, starts_at, old, bands)
        for each in current:
            if each.valid_from == starts_at:
                held.remove(each)
            else:
                self._close(each, starts_at)
        raw: Json = {
            "prefix": prefix,
            "area": row.area or (str(old.raw.get("area") or "") if old else ""),
            "class": row.number_class or (old.raw.get("class") if old else None),
            "valid_from": self._text(starts_at),
            "valid_to": self._text(row.valid_to) if row.valid_to else None,
            "bands": raw_bands,
        }
        self._hold(_Held(raw, bands, starts_at, row.valid_to))

    def _same(self, old: _Held, row: DeckRow, bands: tuple[Band, ...], held: list[_Held]) -> bool:
        """Whether `old` says what the row says already, perhaps up to a later known price."""
        pair = (id(old.bands), id(bands))
        equal = self._equal.get(pair)
        if equal is None:
            equal = self._equal[pair] = old.bands == bands
        if not equal:
            return False
        if old.valid_to == row.valid_to:
            return True
        return row.valid_to is None and any(each.valid_from == old.valid_to for each in held)

    def _keep(self, old: _Held, row: DeckRow) -> None:
        """The price stays; a new name takes the place of the old one."""
        self.preview.counts[UNCHANGED] += 1
        if row.area and old.raw.get("area") != row.area:
            old.raw["area"] = row.area

    def _count(
        self,
        row: DeckRow,
        prefix: str,
        starts_at: datetime,
        old: _Held | None,
        bands: tuple[Band, ...],
    ) -> None:
        if not bands:
            self.preview.counts[BARRED] += 1
            return
        if old is None or not old.bands:
            self.preview.counts[NEW] += 1
            return
        before, after = self._minute(old.bands), self._minute(bands)
        if after == before:
            self.preview.counts[CHANGED] += 1
            return
        self.preview.counts[RAISED if after > before else LOWERED] += 1
        self.preview.moves.append(Move(prefix, row.area, before, after, starts_at))
        if after > before and (
            self.preview.soonest_rise is None or starts_at < self.preview.soonest_rise
        ):
            self.preview.soonest_rise = starts_at


def band_of(terms: Terms) -> Band:
    """What `parse_tariff` makes of the bands that `bands_of` writes."""
    steps = [(0, terms.first)]
    if terms.following != terms.first:
        steps.append((terms.free + terms.first, terms.following))
    return Band(
        when=ALWAYS,
        connect_fee=terms.fee,
        free_ms=terms.free * 1000,
        grace_ms=terms.grace * 1000,
        minimum_charge=terms.minimum,
        maximum_charge=None,
        at_maximum="free",
        steps=tuple(
            Step(
                from_ms=start * 1000,
                price=terms.price,
                per_ms=terms.per_seconds * 1000,
                increment_ms=increment * 1000,
            )
            for start, increment in steps
        ),
    )


def empty_document(*, name: str, currency: str, timezone: str) -> Json:
    """A tariff without destinations, as a first deck finds it."""
    return {
        "name": name,
        "currency": currency,
        "timezone": timezone,
        "holidays": None,
        "rounding": {"mode": "half_up", "decimals": 4},
        "band_rule": "answer",
        "destinations": [],
    }
