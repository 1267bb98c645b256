"""What stands at each end of a segment: a line, outside lines, voicemail, a bridge.

Directions follow from the ends (domain 2, Cisco's own rule): both ends outside is
tandem, neither internal, only the origin incoming, only the target outgoing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from cdr.engine.numbers import DialPlan, normalise
from cdr.engine.records import Party, Segment

EndKind = Literal["line", "trunk", "onnet", "voicemail", "bridge", "none"]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a segment; `gateway_id` is None for lines and unconfigured trunks."""

    kind: EndKind
    gateway_id: int | None = None


LINE = End("line")
NOTHING = End("none")
VOICEMAIL = End("voicemail")
BRIDGE = End("bridge")
UNKNOWN_TRUNK = End("trunk")
BY_EVIDENCE = {"trunk": UNKNOWN_TRUNK, "line": LINE, "voicemail": VOICEMAIL, "bridge": BRIDGE}


@dataclass(frozen=True, slots=True)
class SiteView:
    """What classification needs to know of a site.

    `gateways` is keyed by the lower-case device name; `patterns` are device names
    with ``*``, tried in order when no exact name matches.
    """

    plan: DialPlan
    gateways: Mapping[str, End] = field(default_factory=dict)
    patterns: tuple[tuple[str, End], ...] = ()

    def gateway(self, device: str) -> End | None:
        """The configured gateway called `device`, with or without its host part."""
        name = device.lower()
        found = self.gateways.get(name)
        if found is None and "@" in name:
            port, _, host = name.partition("@")
            found = self.gateways.get(port) or self.gateways.get(host)
        if found is None:
            for pattern, end in self.patterns:
                if fnmatchcase(name, pattern):
                    return end
        return found


@dataclass(frozen=True, slots=True)
class Sided:
    """A segment with its two ends told apart."""

    segment: Segment
    origin: End
    target: End

    @property
    def from_trunk_leg(self) -> str:
        """Leg id of the outside party at the origin; empty if there is none."""
        return self.segment.origin.leg if self.origin.kind == "trunk" else ""

    @property
    def to_trunk_leg(self) -> str:
        """Leg id of the outside party at the target; empty if there is none."""
        return self.segment.target.leg if self.target.kind == "trunk" else ""


def _end(party: Party, *, view: SiteView, is_origin: bool) -> End:
    configured = view.gateway(party.device) if party.device else None
    if configured is not None:
        return configured
    if party.kind:
        return BY_EVIDENCE[party.kind]
    if party.partition or (is_origin and party.device and not party.number):
        return LINE
    if not party.number:
        return NOTHING
    number = normalise(party.number, plan=view.plan, dialled=not is_origin)
    return LINE if number.is_internal else UNKNOWN_TRUNK


def sided(segment: Segment, *, view: SiteView) -> Sided:
    """Tell the two ends of `segment` apart.

    A configured gateway decides first, then the driver's evidence, then the
    partition, and the dial plan last: a number that is no extension of the site
    lies outside.
    """
    origin = _end(segment.origin, view=view, is_origin=True)
    target = _end(segment.target, view=view, is_origin=False)
    if target.kind == "none" and segment.dialled and not segment.target.number:
        dialled = Party(number=segment.dialled, partition=segment.dialled_partition)
        target = _end(dialled, view=view, is_origin=False)
        if target.kind == "trunk" and origin.kind == "trunk":
            target = LINE
    return Sided(segment, origin, target)
