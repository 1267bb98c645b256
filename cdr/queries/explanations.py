"""How one stored call was priced: the receipt, adding up to the stored amount."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cdr.engine.attribution import PaidLeg, attribute, shares, talk_ms
from cdr.engine.rating import Unpriced
from cdr.engine.receipts import ReceiptLine, explain, seconds_text
from cdr.engine.tariffs import epoch_ms
from cdr.models import Call
from cdr.queries.families import Entry, Relatives, entry_of, families
from cdr.queries.pricing import CallRow, LegPrice, Member, price_leg
from cdr.queries.sites import CarrierTerms, SiteBook
from cdr.queries.tariffs import newest_version_id
from kernel.money import plain

REASONS = {
    "no_carrier": "no carrier stands behind this gateway at that time",
    "no_tariff": "the carrier has no tariff",
    "currency": "the carrier's tariff has another currency than the site",
    "no_prefix": "no prefix of the tariff fits the number",
    "no_band": "the tariff has no price for that time of day",
    "barred": "the tariff bars this destination",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The lines of a call's receipt, and whether they add up to what is stored.

    `lines` are English text; `entries` are the same lines in parts, for faces that write
    them in the reader's language.
    """

    call_id: str
    leg: str
    status: str
    currency: str
    entries: tuple[ReceiptLine, ...]
    cost_micros: int | None
    charge_micros: int | None
    adds_up: bool

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(entry.text for entry in self.entries)


def find_calls(text: str) -> Sequence[Call]:
    """Calls by their number here, or by ``source:call_id:leg`` or a part of that."""
    if text.isdigit():
        found = list(Call.objects.filter(pk=int(text))[:1])
        if found:
            return found
    parts = text.split(":")
    keys = {"source__name": parts[0], "call_id": parts[1]} if len(parts) > 1 else {"call_id": text}
    calls = Call.objects.filter(**keys)
    if len(parts) > 2:
        calls = calls.filter(leg=":".join(parts[2:]))
    return list(calls.order_by("started_at", "leg")[:20])


def _family(call: Call, book: SiteBook) -> list[Entry]:
    row = CallRow(*(getattr(call, column) for column in CallRow._fields))
    entry = entry_of(call.pk, row, book)
    relatives = Relatives(call.source_id, book).of([entry])
    for family in families([entry, *relatives]):
        if any(member is entry for member in family):
            return family
    return [entry]


def in_clear(number: str, _number_class: str) -> str:
    """A number as it is: for the command line and for proofs."""
    return number


def explain_call(call: Call, *, write_number: Callable[[str, str], str] = in_clear) -> Explanation:
    """Say how `call` was priced, with the tariff version that it was priced with.

    `write_number` is given the outside number and its class and says how to write
    it: whoever shows the lines to a reader passes his scope's mask.
    """
    book = SiteBook(call.site, tariff_version=_version_of(call))
    family = _family(call, book)
    members = [entry.fresh for entry in family if entry.fresh is not None]
    parts, legs = attribute([member.sided for member in members])
    own = next(i for i, entry in enumerate(family) if entry.pk == call.pk)
    lines: list[ReceiptLine] = []
    cost = charge = 0
    rated = True
    for index in parts[own].paid_legs:
        price = price_leg(legs[index], members, book=book)
        lines += _leg_lines(legs[index], price, members, book=book, write_number=write_number)
        weights = [talk_ms(members[i].sided.segment) for i in legs[index].members]
        place = legs[index].members.index(own)
        cost += shares(price.cost_micros, weights)[place]
        charge += shares(price.charge_micros, weights)[place]
        rated = rated and not price.reason
        if len(weights) > 1:
            lines.append(_share_line(weights, place, price, call.currency))
    if not parts[own].paid_legs:
        lines.append(_free_line(call))
    if call.charge_micros != call.cost_micros and call.charge_micros is not None:
        lines.append(_charged_line(call.charge_micros, call.currency))
    stored = (call.cost_micros, call.charge_micros)
    return Explanation(
        call_id=call.call_id,
        leg=call.leg,
        status=call.status.lower(),
        currency=call.currency,
        entries=tuple(lines),
        cost_micros=call.cost_micros,
        charge_micros=call.charge_micros,
        adds_up=stored == ((cost, charge) if rated else (None, None)),
    )


def _version_of(call: Call) -> Callable[[int], int | None]:
    """The tariff versions as they were when the call was priced, the newest elsewhere."""

    def version(tariff_id: int) -> int | None:
        used = call.tariff_version
        if used is not None and used.tariff_id == tariff_id:
            return used.pk
        return newest_version_id(tariff_id)

    return version


def _leg_lines(
    leg: PaidLeg,
    price: LegPrice,
    members: Sequence[Member],
    *,
    book: SiteBook,
    write_number: Callable[[str, str], str],
) -> list[ReceiptLine]:
    dialling = members[leg.dialling].sided.segment
    at = leg.answered_at or dialling.started_at
    lines = [_party_line(leg, price, dialling.target.number, write_number=write_number)]
    terms = book.terms(price.gateway_id, at)
    if terms is not None and price.carrier_id is not None:
        name = terms.name
        lines.append(ReceiptLine(kind="carrier", text=f"carrier {name}", values={"carrier": name}))
    if price.number_class == "emergency":
        return [*lines, ReceiptLine(kind="emergency", text="emergency calls are free")]
    if price.reason:
        return [*lines, _unrated_line(price.reason)]
    if terms is None or terms.tariff is None:
        return [*lines, ReceiptLine(kind="unanswered", text="not answered: 0")]
    for tariff in (terms.tariff, terms.charge_tariff):
        if tariff is None:
            continue
        receipt = explain(
            tariff, digits=price.number.digits, answered_ms=epoch_ms(at), talk_ms=leg.talk_ms
        )
        if tariff is not terms.tariff:
            lines.append(ReceiptLine(kind="charge_tariff", text=f"charged by tariff {tariff.name}"))
        if isinstance(receipt, Unpriced):
            return [*lines, _unrated_line(receipt.reason)]
        lines += receipt.lines
    if terms.marks_up and price.cost_micros:
        lines.append(_markup_line(terms, price))
    return lines


def _markup_line(terms: CarrierTerms, price: LegPrice) -> ReceiptLine:
    return ReceiptLine(
        kind="markup",
        text=(
            f"mark-up {terms.markup_percent} %, surcharge {plain(terms.surcharge_micros)}: "
            f"charge {plain(price.charge_micros)}"
        ),
        values={
            "percent": terms.markup_percent,
            "surcharge_micros": terms.surcharge_micros,
            "charge_micros": price.charge_micros,
        },
    )


def _charged_line(charge_micros: int, currency: str) -> ReceiptLine:
    return ReceiptLine(
        kind="charged",
        text=f"charged to the user: {plain(charge_micros)} {currency}",
        values={"charge_micros": charge_micros},
    )


def _party_line(
    leg: PaidLeg, price: LegPrice, dialled: str, *, write_number: Callable[[str, str], str]
) -> ReceiptLine:
    party = write_number(price.number.text or dialled, price.number_class)
    text = f"outside party {party}, {seconds_text(leg.talk_ms)} s of talk"
    if len(leg.members) > 1:
        text += f" in {len(leg.members)} segments, rated once"
    return ReceiptLine(
        kind="party",
        text=text,
        values={"party": party, "talk_ms": leg.talk_ms, "segments": len(leg.members)},
    )


def _unrated_line(reason: str) -> ReceiptLine:
    text = f"not rated: {REASONS.get(reason, reason)}"
    return ReceiptLine(kind="unrated", text=text, values={"reason": reason})


def _share_line(weights: Sequence[int], place: int, price: LegPrice, currency: str) -> ReceiptLine:
    part = shares(price.cost_micros, weights)[place]
    return ReceiptLine(
        kind="share",
        text=(
            f"this segment's share: {seconds_text(weights[place])} of "
            f"{seconds_text(sum(weights))} s = {plain(part)} of {plain(price.cost_micros)} "
            f"{currency}"
        ),
        values={
            "own_ms": weights[place],
            "all_ms": sum(weights),
            "own_micros": part,
            "all_micros": price.cost_micros,
            "own_charge_micros": shares(price.charge_micros, weights)[place],
            "all_charge_micros": price.charge_micros,
        },
    )


def _free_line(call: Call) -> ReceiptLine:
    if call.number_class == "emergency":
        return ReceiptLine(kind="emergency", text="emergency calls are free")
    if call.call_type in {"NA", "NU"}:
        return ReceiptLine(kind="internal", text="internal: nothing to pay")
    return ReceiptLine(
        kind="not_dialled",
        text="nobody here dialled outside in this segment: nothing to pay",
    )
