"""Calls as records: what a cluster writes for each thing people do with a phone.

Each function gives the records of one call, in the order the cluster closes them
(cisco.md 1.7 and 1.10): one for a plain call, three for a transfer, several for a
conference. Instants are epoch seconds, durations whole seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from billingsite.demo.cluster import Values, packed_address, pkid
from billingsite.demo.company import Office, Person
from billingsite.demo.numbers import dialled, presented

NORMAL, BUSY, NO_ANSWER, REJECTED, SPLIT = 16, 17, 19, 21, 393216
PARTY, FORWARD, TRANSFER, CONFERENCE = 12, 5, 10, 4
ON_NO_ANSWER, ALWAYS, BY_TRANSFER, INTO_CONFERENCE = 2, 15, 4, 98
DENIED_BY_SWITCH = 7
SIP, ISDN = 1, 4

Record = dict[str, str | int]


@dataclass(slots=True)
class Ids:
    """The counters of one node: calls and legs, never given twice."""

    node: int
    call: int
    leg: int

    def next_call(self) -> int:
        self.call += 1
        return self.call

    def next_leg(self) -> int:
        self.leg += 1
        return self.leg


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a call: a phone, a trunk or the voicemail."""

    leg: int
    device: str
    number: str = ""
    partition: str = ""
    user: str = ""
    address: str = ""
    span: int = 0
    protocol: int = 0

    def as_origin(self) -> Record:
        return {
            "origLegCallIdentifier": self.leg,
            "origDeviceName": self.device,
            "callingPartyNumber": self.number,
            "callingPartyNumberPartition": self.partition,
            "callingPartyUnicodeLoginUserID": self.user,
            "origSpan": self.span,
            "origIpv4v6Addr": self.address,
            "origIpAddr": packed_address(self.address) if self.address else 0,
            "IncomingProtocolID": self.protocol,
        }

    def as_target(self) -> Record:
        return {
            "destLegIdentifier": self.leg,
            "destDeviceName": self.device,
            "finalCalledPartyNumber": self.number,
            "finalCalledPartyNumberPartition": self.partition,
            "finalCalledPartyUnicodeLoginUserID": self.user,
            "destSpan": self.span,
            "destIpv4v6Addr": self.address,
            "destIpAddr": packed_address(self.address) if self.address else 0,
            "OutgoingProtocolID": self.protocol,
        }


class Desk:
    """Writes the records of one office's cluster, drawing what is left to chance."""

    def __init__(self, office: Office, ids: Ids, rng: Random) -> None:
        self.office = office
        self.ids = ids
        self.rng = rng

    # --- ends ----------------------------------------------------------------------------

    def phone(self, person: Person) -> Side:
        return Side(
            leg=self.ids.next_leg(),
            device=person.device,
            number=person.extension,
            partition=self.office.partition,
            user=person.username,
            address=person.address,
        )

    def trunk(self, number: str, *, second: bool, outgoing: bool) -> Side:
        """An outside line: the ISDN gateway, or the SIP trunk if `second`."""
        leg = self.ids.next_leg()
        return Side(
            leg=leg,
            device=self.office.second if second else self.office.primary,
            number=number,
            partition="PT-PSTN" if outgoing else "",
            address=f"{self.office.network}.{5 if second else 6}",
            span=leg if second else self.rng.randrange(1, 31),
            protocol=SIP if second else ISDN,
        )

    def voicemail(self) -> Side:
        return Side(
            leg=self.ids.next_leg(),
            device=f"CiscoUM1-VI{self.rng.randrange(1, 9)}",
            number=self.office.voicemail_pilot,
            partition="PT-Voicemail",
            address=f"{self.office.network}.7",
        )

    # --- records -------------------------------------------------------------------------

    def record(
        self,
        call: int,
        origin: Side,
        target: Side,
        *,
        start: int,
        connect: int,
        end: int,
        **more: str | int,
    ) -> Record:
        """A record with its two ends and times; `connect` 0 means nobody answered."""
        values: Record = {
            "globalCallID_callManagerId": self.ids.node,
            "globalCallID_callId": call,
            "globalCallId_ClusterID": self.office.cluster,
            "origNodeId": self.ids.node,
            "destNodeId": self.ids.node,
            "pkid": pkid(self.rng.getrandbits(128)),
            **origin.as_origin(),
            **target.as_target(),
            "originalCalledPartyNumber": target.number,
            "originalCalledPartyNumberPartition": target.partition,
            "lastRedirectDn": target.number,
            "lastRedirectDnPartition": target.partition,
            "dateTimeOrigination": start,
            "dateTimeConnect": connect,
            "dateTimeDisconnect": end,
            "duration": end - connect if connect else 0,
        }
        if connect:
            values |= {"origMediaCap_payloadCapability": 4, "destMediaCap_payloadCapability": 4}
            values |= {"origMediaCap_maxFramesPerPacket": 20, "destMediaCap_maxFramesPerPacket": 20}
        if target.protocol:
            pattern = f"{self.office.exit_code}.!"
            values |= {"calledPartyPatternUsage": 5, "originalCalledPartyPattern": pattern}
            values |= {"finalCalledPartyPattern": pattern}
        return values | more

    def hung_up(self) -> Record:
        """Who put the receiver down."""
        if self.rng.random() < 0.5:
            return {"origCause_value": NORMAL, "origCallTerminationOnBehalfOf": PARTY}
        return {"destCause_value": NORMAL, "destCallTerminationOnBehalfOf": PARTY}

    def internal(
        self, caller: Person, callee: Person, *, start: int, ring: int, talk: int
    ) -> list[Values]:
        """A call inside; nobody answers where `talk` is 0."""
        connect, end = (start + ring if talk else 0), start + ring + talk
        ends = self.hung_up() if talk else {"origCause_value": NORMAL}
        one = self.record(
            self.ids.next_call(),
            self.phone(caller),
            self.phone(callee),
            start=start,
            connect=connect,
            end=end,
            **ends,
        )
        return [one]

    def outgoing(
        self,
        caller: Person,
        e164: str,
        *,
        start: int,
        ring: int,
        talk: int,
        second: bool,
        cause: int = NO_ANSWER,
    ) -> list[Values]:
        """A call outside; with `talk` 0 it failed for `cause`."""
        connect, end = (start + ring if talk else 0), start + ring + talk
        ends = self.hung_up() if talk else {"destCause_value": cause}
        target = self.trunk(dialled(self.office, e164), second=second, outgoing=True)
        if second:
            ends = {**ends, "outpulsedCalledPartyNumber": e164}
        one = self.record(
            self.ids.next_call(),
            self.phone(caller),
            target,
            start=start,
            connect=connect,
            end=end,
            **ends,
        )
        return [one]

    def refused(self, caller: Person, e164: str, *, start: int) -> list[Values]:
        """A call that external call control denied before it left the house."""
        number = dialled(self.office, e164)
        one = self.record(
            self.ids.next_call(),
            self.phone(caller),
            Side(leg=0, device="", number=number, partition="PT-PSTN"),
            start=start,
            connect=0,
            end=start + 1,
            origCause_value=REJECTED,
            currentRoutingReason=DENIED_BY_SWITCH,
            origRoutingReason=DENIED_BY_SWITCH,
            calledPartyPatternUsage=5,
        )
        return [one]

    def incoming(
        self, e164: str, callee: Person, *, start: int, ring: int, talk: int, second: bool
    ) -> list[Values]:
        """A call from outside; missed where `talk` is 0."""
        connect, end = (start + ring if talk else 0), start + ring + talk
        ends = self.hung_up() if talk else {"origCause_value": NORMAL}
        one = self.record(
            self.ids.next_call(),
            self.trunk(presented(self.office, e164), second=second, outgoing=False),
            self.phone(callee),
            start=start,
            connect=connect,
            end=end,
            **ends,
        )
        return [one]

    def to_voicemail(
        self, e164: str, callee: Person, *, start: int, ring: int, talk: int
    ) -> list[Values]:
        """A call from outside that nobody took: forwarded on no answer to the voicemail."""
        one = self.record(
            self.ids.next_call(),
            self.trunk(presented(self.office, e164), second=False, outgoing=False),
            self.voicemail(),
            start=start,
            connect=start + ring,
            end=start + ring + talk,
            **self.forwarded_by(callee, reason=ON_NO_ANSWER),
            origCause_value=NORMAL,
        )
        return [one]

    def forwarded(
        self, e164: str, callee: Person, mobile: str, *, start: int, ring: int, talk: int
    ) -> list[Values]:
        """A call from outside that the callee's phone sends on to his mobile."""
        one = self.record(
            self.ids.next_call(),
            self.trunk(presented(self.office, e164), second=False, outgoing=False),
            self.trunk(dialled(self.office, mobile), second=False, outgoing=True),
            start=start,
            connect=start + ring,
            end=start + ring + talk,
            **self.forwarded_by(callee, reason=ALWAYS),
            destCause_value=NORMAL,
        )
        return [one]

    def forwarded_by(self, callee: Person, *, reason: int) -> Record:
        return {
            "originalCalledPartyNumber": callee.extension,
            "originalCalledPartyNumberPartition": self.office.partition,
            "lastRedirectDn": callee.extension,
            "lastRedirectDnPartition": self.office.partition,
            "origCalledPartyRedirectOnBehalfOf": FORWARD,
            "lastRedirectRedirectOnBehalfOf": FORWARD,
            "origCalledPartyRedirectReason": reason,
            "lastRedirectRedirectReason": reason,
            "joinOnBehalfOf": FORWARD,
        }

    def transferred(
        self, caller: Person, e164: str, colleague: Person, *, start: int, ring: int, talk: int
    ) -> list[Values]:
        """A call outside whose caller hands it over to a colleague: three records."""
        call, consultation = self.ids.next_call(), self.ids.next_call()
        outside = self.trunk(dialled(self.office, e164), second=False, outgoing=True)
        first, second, far = self.phone(caller), self.phone(caller), self.phone(colleague)
        connect = start + ring
        asked, handed = connect + talk // 3, connect + talk // 3 + 14
        split: Record = {"origCause_value": SPLIT, "destCause_value": SPLIT}
        split |= {
            "origCallTerminationOnBehalfOf": TRANSFER,
            "destCallTerminationOnBehalfOf": TRANSFER,
        }
        joined = self.record(
            call, outside, far, start=handed, connect=handed, end=handed + talk, **self.hung_up()
        )
        joined |= {
            "originalCalledPartyNumber": colleague.extension,
            "lastRedirectDn": caller.extension,
            "lastRedirectDnPartition": self.office.partition,
            "lastRedirectRedirectReason": BY_TRANSFER,
            "lastRedirectRedirectOnBehalfOf": TRANSFER,
            "joinOnBehalfOf": TRANSFER,
            "callingPartyNumber": outside.number,
            "callingPartyNumberPartition": "PT-PSTN",
        }
        return [
            self.record(call, first, outside, start=start, connect=connect, end=handed, **split),
            self.record(
                consultation, second, far, start=asked, connect=asked + 4, end=handed, **split
            ),
            joined,
        ]

    def conference(
        self, caller: Person, e164: str, colleague: Person, *, start: int, ring: int, talk: int
    ) -> list[Values]:
        """A call outside into which the caller takes a colleague: two and then three records."""
        call, setup = self.ids.next_call(), self.ids.next_call()
        outside = self.trunk(dialled(self.office, e164), second=False, outgoing=True)
        first, second, far = self.phone(caller), self.phone(caller), self.phone(colleague)
        connect = start + ring
        asked, joined = connect + 40, connect + 55
        end = joined + talk
        split: Record = {"origCause_value": SPLIT, "destCause_value": SPLIT}
        split |= {"origCallTerminationOnBehalfOf": CONFERENCE}
        split |= {"destCallTerminationOnBehalfOf": CONFERENCE}
        records: list[Values] = [
            self.record(call, first, outside, start=start, connect=connect, end=joined, **split),
            self.record(setup, second, far, start=asked, connect=asked + 5, end=joined, **split),
        ]
        bridge_number = f"b{self.rng.randrange(10**11, 10**12)}"
        conversation = self.ids.next_leg()
        for side in (first, outside, far):
            bridge = Side(leg=self.ids.next_leg(), device="CFB_2", number=bridge_number, protocol=0)
            into = self.record(
                call, side, bridge, start=joined, connect=joined, end=end, origCause_value=NORMAL
            )
            into |= self.into_conference(caller, bridge_number, conversation)
            records.append(into)
        return records

    def into_conference(self, controller: Person, bridge: str, conversation: int) -> Record:
        return {
            "lastRedirectDn": bridge,
            "lastRedirectRedirectReason": INTO_CONFERENCE,
            "lastRedirectRedirectOnBehalfOf": CONFERENCE,
            "origCalledPartyRedirectOnBehalfOf": CONFERENCE,
            "origCalledPartyRedirectReason": INTO_CONFERENCE,
            "joinOnBehalfOf": CONFERENCE,
            "destConversationId": conversation,
            "calledPartyPatternUsage": 1,
            "comment": (
                f"ConfControllerDn={controller.extension};ConfControllerDeviceName={controller.device}"
            ),
        }


def ended(records: Sequence[Values]) -> int:
    """When the last record of a call was closed."""
    return max(int(record["dateTimeDisconnect"]) for record in records)
