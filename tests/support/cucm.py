"""Call files of a Cisco UCM cluster, composed for tests in every dialect.

Numbers are of the ranges reserved for examples; names and places are invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

from cdr.drivers.cucm_columns import LAYOUTS, RELEASE_8_COLUMNS
from cdr.drivers.cucm_writer import Dialect, file_text

Record = dict[str, str | int]
NOON = int(datetime(2025, 3, 10, 12, tzinfo=UTC).timestamp())
SPLIT = 393_216
_PKIDS = UUID("5f0c3b52-0000-4000-8000-000000000000")

RELEASE_9 = Dialect(columns=LAYOUTS[118])
RELEASE_10 = Dialect(columns=LAYOUTS[129])
RELEASE_14 = Dialect(columns=LAYOUTS[133])
RELEASE_8 = Dialect(columns=RELEASE_8_COLUMNS)
WEB_EXPORT = Dialect(columns=LAYOUTS[123], has_types=False, is_quoted=False)
WEB_EXPORT_9 = Dialect(columns=LAYOUTS[112], has_types=False, is_quoted=False)
SPREADSHEET = Dialect(columns=LAYOUTS[133], is_quoted=False)
EUROPEAN_SPREADSHEET = Dialect(columns=LAYOUTS[133], is_quoted=False, delimiter=";")
DIALECTS = {
    "release 8": RELEASE_8,
    "release 9": RELEASE_9,
    "release 10": RELEASE_10,
    "release 14": RELEASE_14,
    "web export": WEB_EXPORT,
    "web export of release 9": WEB_EXPORT_9,
    "spreadsheet": SPREADSHEET,
    "spreadsheet with semicolons": EUROPEAN_SPREADSHEET,
}


def headerless(dialect: Dialect) -> Dialect:
    """`dialect` with both head lines removed."""
    return Dialect(
        columns=dialect.columns,
        has_names=False,
        has_types=False,
        is_quoted=dialect.is_quoted,
        delimiter=dialect.delimiter,
    )


def call_file(records: Sequence[Mapping[str, str | int]], dialect: Dialect = RELEASE_14) -> bytes:
    """A whole file, without a newline at its end as in real files."""
    return file_text(records, dialect).encode()


@dataclass(slots=True)
class Cluster:
    """Composes the records of a small cluster; ids count up as a real one's do."""

    partition: str = "PT-Internal"
    trunk: str = "SIPTRK-PSTN"
    gateway: str = "S0/SU0/DS1-0@GW1.example.com"
    next_call: int = 5001
    next_leg: int = 70001
    made: int = field(default=0)

    def legs(self, count: int) -> list[int]:
        """So many leg ids that nobody has had."""
        first = self.next_leg
        self.next_leg += count
        return list(range(first, first + count))

    def call_id(self) -> int:
        """A call id that nobody has had."""
        self.next_call += 1
        return self.next_call - 1

    def record(self, **values: str | int) -> Record:
        """A record with its ids filled in and everything else as given."""
        self.made += 1
        record: Record = {
            "globalCallID_callManagerId": 1,
            "globalCallId_ClusterID": "ExampleCluster",
            "pkid": str(uuid5(_PKIDS, str(self.made))),
        }
        record.update(values)
        if "globalCallID_callId" not in record:
            record["globalCallID_callId"] = self.call_id()
        return record

    def times(self, start: int, ring: int, talk: int | None) -> Record:
        """Off-hook `start` seconds after noon; answered unless `talk` is None."""
        off_hook = NOON + start
        end = off_hook + ring + (talk or 0)
        return {
            "dateTimeOrigination": off_hook,
            "dateTimeConnect": 0 if talk is None else off_hook + ring,
            "dateTimeDisconnect": end,
            "duration": talk or 0,
        }

    def phone(self, side: str, extension: str, leg: int) -> Record:
        """The columns of a phone at `side` (``orig`` or ``dest``)."""
        prefix = "callingPartyNumber" if side == "orig" else "finalCalledPartyNumber"
        user = (
            "callingPartyUnicodeLoginUserID"
            if side == "orig"
            else "finalCalledPartyUnicodeLoginUserID"
        )
        return {
            f"{side}LegCallIdentifier" if side == "orig" else "destLegIdentifier": leg,
            prefix: extension,
            f"{prefix}Partition": self.partition,
            f"{side}DeviceName": f"SEP00AA0000{extension:0>4}",
            user: f"user{extension}",
        }

    def outside(self, side: str, number: str, leg: int) -> Record:
        """The columns of an outside party: caller over the gateway, called over the trunk."""
        if side == "orig":
            return {
                "origLegCallIdentifier": leg,
                "callingPartyNumber": number,
                "origDeviceName": self.gateway,
                "origSpan": 17,
                "IncomingProtocolID": 4,
            }
        return {
            "destLegIdentifier": leg,
            "originalCalledPartyNumber": number,
            "originalCalledPartyNumberPartition": "PT-PSTN",
            "finalCalledPartyNumber": number,
            "finalCalledPartyNumberPartition": "PT-PSTN",
            "lastRedirectDn": number,
            "lastRedirectDnPartition": "PT-PSTN",
            "destDeviceName": self.trunk,
            "destSpan": leg,
            "OutgoingProtocolID": 1,
            "calledPartyPatternUsage": 5,
            "originalCalledPartyPattern": "9.!",
            "finalCalledPartyPattern": "9.!",
        }

    def called(self, extension: str) -> Record:
        """The columns of an extension that was dialled and reached."""
        return {
            "originalCalledPartyNumber": extension,
            "originalCalledPartyNumberPartition": self.partition,
            "lastRedirectDn": extension,
            "lastRedirectDnPartition": self.partition,
            "calledPartyPatternUsage": 2,
            "originalCalledPartyPattern": extension,
            "finalCalledPartyPattern": extension,
        }

    # --- whole calls ------------------------------------------------------------------------------

    def internal(self, caller: str, called: str, *, start: int, talk: int | None = 60) -> Record:
        """Phone to phone."""
        first, second = self.legs(2)
        return self.record(
            **self.times(start, 6, talk),
            **self.phone("orig", caller, first),
            **self.phone("dest", called, second),
            **self.called(called),
            origCause_value=16,
        )

    def outgoing(
        self, caller: str, number: str, *, start: int, talk: int | None = 60, **more: str | int
    ) -> Record:
        """Phone to the outside; `number` as dialled, with the access code."""
        first, second = self.legs(2)
        values = {
            **self.times(start, 15, talk),
            **self.phone("orig", caller, first),
            **self.outside("dest", number, second),
            "destCause_value": 16 if talk is not None else 17,
        }
        return self.record(**{**values, **more})

    def incoming(
        self, number: str, called: str, *, start: int, talk: int | None = 60, **more: str | int
    ) -> Record:
        """From outside to a phone."""
        first, second = self.legs(2)
        values = {
            **self.times(start, 5, talk),
            **self.outside("orig", number, first),
            **self.phone("dest", called, second),
            **self.called(called),
            "origCause_value": 16,
        }
        return self.record(**{**values, **more})

    def forwarded_outside(
        self,
        number: str,
        forwarder: str,
        target: str,
        *,
        start: int,
        talk: int = 60,
        reason: int = 15,
    ) -> Record:
        """From outside to a phone that sends its calls on to an outside number."""
        first, second = self.legs(2)
        values = {
            **self.times(start, 8, talk),
            **self.outside("orig", number, first),
            **self.outside("dest", target, second),
            "originalCalledPartyNumber": forwarder,
            "originalCalledPartyNumberPartition": self.partition,
            "originalCalledPartyPattern": forwarder,
            "lastRedirectDn": forwarder,
            "lastRedirectDnPartition": self.partition,
            "origCalledPartyRedirectReason": reason,
            "lastRedirectRedirectReason": reason,
            "origCalledPartyRedirectOnBehalfOf": 5,
            "lastRedirectRedirectOnBehalfOf": 5,
            "joinOnBehalfOf": 5,
        }
        return self.record(**values)

    def transferred_outside(
        self,
        number: str,
        agent: str,
        target: str,
        *,
        start: int,
        consult: int = 12,
        talk: int = 300,
    ) -> list[Record]:
        """An incoming call that `agent` takes, and transfers to an outside number."""
        outside, agent_first, agent_second, paid = self.legs(4)
        call = self.call_id()
        consultation_start = start + 30
        split = {
            "origCause_value": SPLIT,
            "destCause_value": SPLIT,
            "origCallTerminationOnBehalfOf": 10,
            "destCallTerminationOnBehalfOf": 10,
        }
        first = self.record(
            **{
                **self.times(start, 5, 45),
                **self.outside("orig", number, outside),
                **self.phone("dest", agent, agent_first),
                **self.called(agent),
                **split,
                "globalCallID_callId": call,
            }
        )
        second = self.record(
            **{
                **self.times(consultation_start, 8, consult),
                **self.phone("orig", agent, agent_second),
                **self.outside("dest", target, paid),
                **split,
            }
        )
        third = self.record(
            **{
                **self.times(start + 50, 0, talk),
                **self.outside("orig", number, outside),
                **self.outside("dest", target, paid),
                "lastRedirectDn": agent,
                "lastRedirectDnPartition": self.partition,
                "lastRedirectRedirectReason": 4,
                "lastRedirectRedirectOnBehalfOf": 10,
                "joinOnBehalfOf": 10,
                "origCause_value": 16,
                "globalCallID_callId": call,
            }
        )
        return [first, second, third]

    def recording(self, *, start: int) -> Record:
        """The extra leg to a recorder."""
        first, second = self.legs(2)
        return self.record(
            **{
                **self.times(start, 0, 30),
                "origLegCallIdentifier": first,
                "destLegIdentifier": second,
                "callingPartyNumber": "b002100100100",
                "finalCalledPartyNumber": "6600",
                "lastRedirectRedirectReason": 354,
                "lastRedirectRedirectOnBehalfOf": 27,
                "joinOnBehalfOf": 27,
            }
        )
