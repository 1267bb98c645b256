"""From a family of segments to the rows of the call table: payer, number, price.

Knows the site's book (lines, gateways, carriers, tariffs); writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cdr.engine.attribution import Attributed, LineKey, PaidLeg, attribute, shares, talk_ms
from cdr.engine.charges import user_charge
from cdr.engine.classify import Sided
from cdr.engine.numbers import Number, normalise
from cdr.engine.rating import Unpriced
from cdr.engine.records import Segment
from cdr.engine.tariffs import ONE_MS, epoch_ms
from cdr.queries.sites import CarrierTerms, SiteBook
from directory.models import TransferPayment

RATED = "RATED"
UNRATED = "UNRATED"


class CallRow(NamedTuple):
    """The columns of `cdr.Call` without its id, in the order they are written."""

    source_id: int
    call_id: str
    leg: str
    delivery_id: int
    position: int
    sequence: str
    content_hash: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    local_date: date
    local_hour: int
    ring_ms: int
    talk_ms: int
    call_type: str
    is_voicemail: bool
    site_id: int
    partition: str
    extension: str
    line_id: int | None
    user_id: int | None
    department_id: int | None
    cost_centre_id: int | None
    office_id: int | None
    number: str
    number_raw: str
    number_is_internal: bool
    number_class: str
    area: str
    nation: str
    gateway_id: int | None
    gateway_name: str
    carrier_id: int | None
    from_trunk_leg: str
    to_trunk_leg: str
    is_paid: bool
    status: str
    unrated_reason: str
    billed_ms: int
    cost_micros: int | None
    charge_micros: int | None
    currency: str
    tariff_version_id: int | None
    matched_prefix: str
    facts: str


CALL_COLUMNS = ("id", *CallRow._fields)


@dataclass(frozen=True, slots=True)
class Member:
    """A segment with where its content came from."""

    sided: Sided
    delivery_id: int
    position: int
    sequence: str
    content_hash: str
    facts: str


@dataclass(frozen=True, slots=True)
class LegPrice:
    """What one outside leg costs as a whole; `reason` says why it could not be rated."""

    number: Number
    gateway_id: int | None
    carrier_id: int | None
    version_id: int | None
    prefix: str
    area: str
    number_class: str
    billed_ms: int
    cost_micros: int
    charge_micros: int
    reason: str


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length]


def dialled_number(segment: Segment, *, book: SiteBook) -> Number:
    """The outside number that the target side of `segment` dialled, normalised."""
    return normalise(
        segment.target.number or segment.dialled,
        plan=book.outside_plan,
        exit_digits=segment.exit_digits,
        sent=segment.sent_number,
        dialled=True,
    )


def _unrated(
    number: Number, gateway_id: int | None, carrier_id: int | None, reason: str
) -> LegPrice:
    return LegPrice(
        number,
        gateway_id,
        carrier_id,
        None,
        "",
        number.area,
        number.number_class,
        0,
        0,
        0,
        reason,
    )


def _free(number: Number, gateway_id: int | None, carrier_id: int | None) -> LegPrice:
    return _unrated(number, gateway_id, carrier_id, "")


def price_leg(leg: PaidLeg, family: Sequence[Member], *, book: SiteBook) -> LegPrice:
    """Rate one outside leg once, over the sum of its talk time (design 10, Transfers)."""
    dialling = family[leg.dialling].sided
    return price_outside(
        dialled_number(dialling.segment, book=book),
        talk_ms=leg.talk_ms,
        at=leg.answered_at or dialling.segment.started_at,
        gateway_id=dialling.target.gateway_id,
        book=book,
    )


def price_outside(
    number: Number, *, talk_ms: int, at: datetime, gateway_id: int | None, book: SiteBook
) -> LegPrice:
    """What `talk_ms` with the outside `number` cost over a gateway, answered at `at`."""
    terms = book.terms(gateway_id, at)
    if number.number_class == "emergency":
        return _free(number, gateway_id, terms.carrier_id if terms else None)
    if terms is None:
        reason = "no_carrier" if talk_ms else ""
        return _unrated(number, gateway_id, None, reason)
    return _priced(number, talk_ms, at=at, gateway_id=gateway_id, terms=terms)


def _priced(
    number: Number, talk_ms: int, *, at: datetime, gateway_id: int | None, terms: CarrierTerms
) -> LegPrice:
    if terms.tariff is None:
        if talk_ms == 0:
            return _free(number, gateway_id, terms.carrier_id)
        return _unrated(number, gateway_id, terms.carrier_id, terms.reason or "no_tariff")
    answered_ms = epoch_ms(at)
    found = terms.tariff.price(digits=number.digits, answered_ms=answered_ms, talk_ms=talk_ms)
    if isinstance(found, Unpriced):
        return _unrated(number, gateway_id, terms.carrier_id, found.reason)
    charge: int
    if terms.charge_tariff is not None:
        charged = terms.charge_tariff.price(
            digits=number.digits, answered_ms=answered_ms, talk_ms=talk_ms
        )
        if isinstance(charged, Unpriced):
            return _unrated(
                number, gateway_id, terms.carrier_id, _cut(f"charge_{charged.reason}", 32)
            )
        charge = charged.cost
    else:
        charge = found.cost
    if terms.marks_up:
        charge = user_charge(
            cost=charge, markup_percent=terms.markup_percent, surcharge=terms.surcharge_micros
        )
    return LegPrice(
        number,
        gateway_id,
        terms.carrier_id,
        terms.version_id,
        found.prefix,
        found.area or number.area,
        found.number_class or number.number_class,
        found.billed_ms,
        found.cost,
        charge,
        "",
    )


@dataclass(slots=True)
class _Money:
    billed_ms: int = 0
    cost: int = 0
    charge: int = 0
    reason: str = ""


def _spread(
    legs: Sequence[PaidLeg], prices: Sequence[LegPrice], family: Sequence[Member]
) -> list[_Money]:
    """Put each leg's amounts on its segments in proportion to talk; they add up exactly."""
    if len(family) == 1 and len(legs) <= 1:
        if not legs:
            return [_Money()]
        price = prices[0]
        return [_Money(price.billed_ms, price.cost_micros, price.charge_micros, price.reason)]
    money = [_Money() for _ in family]
    for leg, price in zip(legs, prices, strict=True):
        weights = [talk_ms(family[i].sided.segment) for i in leg.members]
        for index, billed, cost, charge in zip(
            leg.members,
            shares(price.billed_ms, weights),
            shares(price.cost_micros, weights),
            shares(price.charge_micros, weights),
            strict=True,
        ):
            entry = money[index]
            entry.billed_ms += billed
            entry.cost += cost
            entry.charge += charge
            entry.reason = entry.reason or price.reason
    return money


def _inside_number(member: Member, part: Attributed, *, book: SiteBook) -> Number:
    """The other party of a call that pays nothing."""
    segment = member.sided.segment
    if part.outside == "origin":
        return normalise(segment.origin.number, plan=book.outside_plan, dialled=False)
    if part.outside == "target":
        return dialled_number(segment, book=book)
    other = segment.target.number or segment.dialled
    if member.sided.target.kind == "none" and other:
        dialled = normalise(other, plan=book.plan, exit_digits=segment.exit_digits, dialled=True)
        if dialled.number_class == "emergency":
            return dialled
    ends = (member.sided.origin.kind, member.sided.target.kind)
    return Number(other, "", "on-net" if "onnet" in ends else "internal", is_internal=True)


def _raw_number(member: Member, part: Attributed) -> str:
    segment = member.sided.segment
    if part.outside == "origin":
        return segment.origin.number
    return segment.target.number or segment.dialled


def _payer_line(member: Member, part: Attributed, *, book: SiteBook) -> LineKey | None:
    """The line that the segment stands under; shared transfers stand under their own party."""
    if not part.paid_legs or book.site.transfer_payment != TransferPayment.SHARED:
        return part.line
    segment, origin, target = member.sided.segment, member.sided.origin, member.sided.target
    if not segment.joined_by:
        return part.line
    if origin.kind == "line":
        return LineKey(segment.origin.partition, segment.origin.number)
    if target.kind == "line":
        return LineKey(segment.target.partition, segment.target.number)
    return part.line


def _gateway(member: Member) -> tuple[int | None, str]:
    """The gateway on the outside of a segment, by its row and by its name; none inside."""
    sided, segment = member.sided, member.sided.segment
    is_outgoing = sided.target.kind == "trunk"
    trunk = sided.target if is_outgoing else sided.origin
    if trunk.kind not in {"trunk", "onnet"} and sided.target.kind != "onnet":
        return None, ""
    return trunk.gateway_id, segment.target.device if is_outgoing else segment.origin.device


def _row(
    member: Member,
    part: Attributed,
    *,
    money: _Money,
    price: LegPrice,
    book: SiteBook,
    source_id: int,
) -> CallRow:
    """The row of one segment: `price` that of its leg, `money` its own share."""
    segment = member.sided.segment
    line = _payer_line(member, part, book=book)
    payer = book.payer(line, segment.started_at)
    local = segment.started_at.astimezone(ZoneInfo(payer.zone))
    ring_end = segment.answered_at or segment.ended_at
    gateway_id, device = _gateway(member)
    is_rated = not money.reason
    return CallRow(
        source_id,
        _cut(segment.call_id, 64),
        _cut(segment.leg, 96),
        member.delivery_id,
        member.position,
        member.sequence,
        member.content_hash,
        segment.started_at,
        segment.answered_at,
        segment.ended_at,
        local.date(),
        local.hour,
        max(0, (ring_end - segment.started_at) // ONE_MS),
        talk_ms(segment),
        part.call_type,
        part.is_voicemail,
        book.site.id,
        _cut(line.partition, 100) if line else "",
        _cut(line.extension, 50) if line else "",
        payer.line_id,
        payer.user_id,
        payer.department_id,
        payer.cost_centre_id,
        payer.office_id,
        _cut(price.number.text, 64),
        _cut(_raw_number(member, part), 64),
        price.number.is_internal,
        _cut(price.number_class, 16),
        _cut(price.area, 120),
        price.number.nation,
        gateway_id,
        _cut(device, 129),
        price.carrier_id,
        _cut(member.sided.from_trunk_leg, 48),
        _cut(member.sided.to_trunk_leg, 48),
        bool(part.paid_legs) and price.number_class != "emergency",
        RATED if is_rated else UNRATED,
        _cut(money.reason, 32),
        money.billed_ms,
        money.cost if is_rated else None,
        money.charge if is_rated else None,
        book.site.currency,
        price.version_id,
        price.prefix,
        member.facts,
    )


def price_family(family: Sequence[Member], *, book: SiteBook, source_id: int) -> list[CallRow]:
    """Attribute and price all segments of one family; rows come in the family's order.

    `family` must be sorted by `family_order`. Every paid leg is rated once, and
    its amount stands on its segments in proportion to their talk time.
    """
    parts, legs = attribute([member.sided for member in family])
    prices = [price_leg(leg, family, book=book) for leg in legs]
    money = _spread(legs, prices, family)
    return [
        _row(
            member,
            part,
            money=money[index],
            price=(
                prices[part.paid_legs[0]]
                if part.paid_legs
                else _free(_inside_number(member, part, book=book), None, None)
            ),
            book=book,
            source_id=source_id,
        )
        for index, (member, part) in enumerate(zip(family, parts, strict=True))
    ]


def reprice_alone(row: CallRow, *, book: SiteBook) -> CallRow:
    """A stored paid call without relatives at today's prices, from its own columns."""
    number = normalise(row.number, plan=book.outside_plan, dialled=False)
    price = price_outside(
        number,
        talk_ms=row.talk_ms,
        at=row.answered_at or row.started_at,
        gateway_id=row.gateway_id,
        book=book,
    )
    is_rated = not price.reason
    return row._replace(
        number_class=_cut(price.number_class, 16),
        area=_cut(price.area, 120),
        carrier_id=price.carrier_id,
        is_paid=price.number_class != "emergency",
        status=RATED if is_rated else UNRATED,
        unrated_reason=_cut(price.reason, 32),
        billed_ms=price.billed_ms,
        cost_micros=price.cost_micros if is_rated else None,
        charge_micros=price.charge_micros if is_rated else None,
        currency=book.site.currency,
        tariff_version_id=price.version_id,
        matched_prefix=price.prefix,
    )
