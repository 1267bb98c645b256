"""Who pays for which outside leg, over all segments in which it is on the phone.

A party keeps its leg id in every record of a transfer or conference (cisco 1.6,
1.10). An outside leg that we dialled is paid by the line that dialled it, handed
it out or forwarded to it, whatever the later records look like: found by leg,
never by the last redirecting number of a joined record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cdr.engine.classify import Sided
from cdr.engine.records import Segment

ONE_MS = timedelta(milliseconds=1)
FORWARDS = frozenset({"forward", "divert"})


@dataclass(frozen=True, slots=True)
class LineKey:
    """A line at the segment's site, as the record names it."""

    partition: str
    extension: str


@dataclass(frozen=True, slots=True)
class PaidLeg:
    """An outside leg that was dialled from here.

    `dialling` is the index of the segment that dialled it; `members` are the
    indexes of all segments with it; `talk_ms` their sum. `payer` is None while
    the record that dialled it has not come in, or where nobody here did.
    """

    payer: LineKey | None
    dialling: int
    members: tuple[int, ...]
    answered_at: datetime | None
    talk_ms: int


@dataclass(frozen=True, slots=True)
class Attributed:
    """One segment's part: its type, its line, whom it is with, and the legs it pays.

    `outside` says on which side the outside number stands: ``origin``, ``target``
    or nothing for calls inside; `paid_legs` are indexes into the family's legs.
    """

    call_type: str
    line: LineKey | None
    outside: str
    paid_legs: tuple[int, ...] = ()
    is_voicemail: bool = False


def talk_ms(segment: Segment) -> int:
    """Milliseconds from answer to end; 0 if nobody answered. Ringing never counts."""
    if segment.answered_at is None:
        return 0
    return max(0, (segment.ended_at - segment.answered_at) // ONE_MS)


def _payer(segment: Segment, dialler: Sided) -> LineKey | None:
    if segment.redirect in FORWARDS:
        redirecting = _redirecting_line(segment)
        if redirecting is not None:
            return redirecting
    if dialler.origin.kind == "line":
        return LineKey(segment.origin.partition, segment.origin.number)
    if segment.controller:
        return LineKey("", segment.controller)
    return None


def _order(item: Sided) -> tuple[datetime, str, str]:
    return (item.segment.started_at, item.segment.call_id, item.segment.leg)


@dataclass(slots=True)
class _Trace:
    members: list[int]
    dialled_in: int | None = None
    came_in: int | None = None
    joined_as_target: int | None = None


def _traces(family: Sequence[Sided]) -> dict[str, _Trace]:
    """Every outside leg of the family with the segments it occurs in."""
    traces: dict[str, _Trace] = {}
    for index, item in enumerate(family):
        segment = item.segment
        if item.target.kind == "trunk":
            trace = traces.setdefault(segment.target.leg or f"#t{index}", _Trace([]))
            trace.members.append(index)
            if segment.joined_by:
                if trace.joined_as_target is None:
                    trace.joined_as_target = index
            elif trace.dialled_in is None:
                trace.dialled_in = index
        if item.origin.kind == "trunk":
            trace = traces.setdefault(segment.origin.leg or f"#o{index}", _Trace([]))
            if not trace.members or trace.members[-1] != index:
                trace.members.append(index)
            if not segment.joined_by and trace.came_in is None:
                trace.came_in = index
    return traces


def _was_dialled(trace: _Trace) -> bool:
    if trace.dialled_in is not None:
        return trace.came_in is None or trace.dialled_in <= trace.came_in
    return trace.came_in is None and trace.joined_as_target is not None


def _paid_legs(family: Sequence[Sided]) -> list[PaidLeg]:
    legs = []
    for trace in _traces(family).values():
        if not _was_dialled(trace):
            continue
        dialling = trace.dialled_in if trace.dialled_in is not None else trace.joined_as_target
        assert dialling is not None
        dialler = family[dialling]
        members = tuple(trace.members)
        answers = [
            family[i].segment.answered_at
            for i in members
            if family[i].segment.answered_at is not None
        ]
        legs.append(
            PaidLeg(
                payer=None if dialler.segment.joined_by else _payer(dialler.segment, dialler),
                dialling=dialling,
                members=members,
                answered_at=min((a for a in answers if a is not None), default=None),
                talk_ms=sum(talk_ms(family[i].segment) for i in members),
            )
        )
    return legs


def _redirecting_line(segment: Segment) -> LineKey | None:
    """The line that sent the call on; a feature number such as ``*1019`` is none."""
    if segment.redirecting.isdecimal():
        return LineKey(segment.redirecting_partition, segment.redirecting)
    return None


def _missed_line(segment: Segment) -> LineKey:
    """The line an incoming call was meant for when nobody there took it."""
    redirecting = _redirecting_line(segment)
    if redirecting is not None:
        return redirecting
    if segment.dialled:
        return LineKey(segment.dialled_partition, segment.dialled)
    return LineKey(segment.target.partition, segment.target.number)


def _target_line(segment: Segment) -> LineKey:
    if segment.target.number:
        return LineKey(segment.target.partition, segment.target.number)
    return LineKey(segment.dialled_partition, segment.dialled)


def _incoming(item: Sided) -> Attributed:
    """A call from outside that pays nothing here."""
    segment = item.segment
    answered = segment.answered_at is not None
    if item.target.kind == "voicemail":
        return Attributed("IU", _missed_line(segment), "origin", is_voicemail=True)
    if item.target.kind == "bridge":
        line = LineKey("", segment.controller) if segment.controller else None
        return Attributed("TI" if answered else "IU", line, "origin")
    if item.target.kind == "trunk":
        return Attributed("TD", None, "target")
    if segment.joined_by and answered:
        return Attributed("TI", _target_line(segment), "origin")
    return Attributed("IA" if answered else "IU", _target_line(segment), "origin")


def _inside(item: Sided) -> Attributed:
    """A call that pays no outside leg: incoming, internal, or to a bridge."""
    if item.origin.kind == "trunk":
        return _incoming(item)
    origin = item.segment.origin
    answered = item.segment.answered_at is not None
    return Attributed(
        "NA" if answered else "NU",
        LineKey(origin.partition, origin.number),
        "",
        is_voicemail=item.target.kind == "voicemail",
    )


def _paying(item: Sided, *, legs: Sequence[PaidLeg], paid: tuple[int, ...]) -> Attributed:
    """A segment with at least one outside leg that we dialled."""
    segment = item.segment
    payer = next((legs[i].payer for i in paid if legs[i].payer is not None), None)
    if item.target.kind != "trunk":
        is_voicemail = item.target.kind == "voicemail"
        return Attributed("TO", payer, "origin", paid, is_voicemail=is_voicemail)
    is_forwarded = segment.redirect in FORWARDS and _redirecting_line(segment) is not None
    if is_forwarded and not segment.joined_by:
        kind = "FO"
    elif item.origin.kind == "trunk":
        kind = "TD"
    elif segment.joined_by:
        kind = "TO"
    else:
        kind = "OA" if segment.answered_at is not None else "OU"
    return Attributed(kind, payer, "target", paid)


def _shares_its_leg(item: Sided) -> bool:
    """Whether both ends are outside with one leg id, as no sound record says."""
    return item.origin.kind == item.target.kind == "trunk" and (
        item.segment.origin.leg == item.segment.target.leg
    )


def _alone(item: Sided) -> tuple[list[Attributed], list[PaidLeg]]:
    """`attribute` for a segment without relatives, which most are."""
    segment = item.segment
    if item.target.kind != "trunk":
        return [_inside(item)], []
    leg = PaidLeg(
        payer=None if segment.joined_by else _payer(segment, item),
        dialling=0,
        members=(0,),
        answered_at=segment.answered_at,
        talk_ms=talk_ms(segment),
    )
    legs = [leg]
    return [_paying(item, legs=legs, paid=(0,))], legs


def attribute(family: Sequence[Sided]) -> tuple[list[Attributed], list[PaidLeg]]:
    """Attribute every segment of `family`, which must be sorted by `family_order`.

    A family is all known segments tied together by outside legs; mostly one.
    Returns one Attributed per segment, in order, and the paid legs they share.
    """
    if len(family) == 1 and not _shares_its_leg(family[0]):
        return _alone(family[0])
    legs = _paid_legs(family)
    paid_by_member: dict[int, list[int]] = {}
    for number, leg in enumerate(legs):
        for member in leg.members:
            paid_by_member.setdefault(member, []).append(number)
    result = []
    for index, item in enumerate(family):
        paid = tuple(paid_by_member.get(index, ()))
        result.append(_paying(item, legs=legs, paid=paid) if paid else _inside(item))
    return result, legs


family_order = _order


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` in proportion to `weights`; the parts add up exactly.

    What rounding leaves over goes to the largest weight, the first of equals.
    With all weights 0 the first part gets everything.
    """
    if len(weights) == 1:
        return [amount]
    total = sum(weights)
    if total == 0:
        return [amount, *([0] * (len(weights) - 1))]
    parts = [amount * weight // total for weight in weights]
    parts[max(range(len(weights)), key=lambda i: (weights[i], -i))] += amount - sum(parts)
    return parts
