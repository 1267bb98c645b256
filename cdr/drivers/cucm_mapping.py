"""One Cisco UCM call record in neutral words.

Rules of cisco.md 1.10 to 1.12 in the developers' reference, from the Call Detail
Records Administration Guide: which end is a gateway, what a redirect was, which
digits are the access code, where a record is only a part of a call.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from cdr.drivers.base import Unusable
from cdr.drivers.cucm_codes import (
    GATEWAY_PROTOCOLS,
    JOINS,
    PHONE_PREFIXES,
    RECORDING_FEATURE,
    RECORDING_REASON,
    REDIRECTS,
    REDIRECTS_BY_FEATURE,
    ROUTING_DIVERTED,
    ROUTING_REFUSED,
    USAGE_HUNT_PILOT,
    USAGE_ROUTE_PATTERN,
    USAGE_VOICEMAIL,
    USAGES_INSIDE,
    exit_digits,
    release_cause,
)
from cdr.engine.records import PartyKind, Redirect, Segment
from cdr.engine.standard import make_party, make_segment

USED: Final = (
    "globalcallid_callmanagerid",
    "globalcallid_callid",
    "origlegcallidentifier",
    "destlegidentifier",
    "datetimeorigination",
    "datetimeconnect",
    "datetimedisconnect",
    "pkid",
    "callingpartynumber",
    "callingpartynumberpartition",
    "callingpartyunicodeloginuserid",
    "origdevicename",
    "origspan",
    "incomingprotocolid",
    "originalcalledpartynumber",
    "originalcalledpartynumberpartition",
    "originalcalledpartypattern",
    "finalcalledpartynumber",
    "finalcalledpartynumberpartition",
    "finalcalledpartyunicodeloginuserid",
    "finalcalledpartypattern",
    "destdevicename",
    "destspan",
    "outgoingprotocolid",
    "calledpartypatternusage",
    "outpulsedcalledpartynumber",
    "lastredirectdn",
    "lastredirectdnpartition",
    "origcalledpartyredirectreason",
    "lastredirectredirectreason",
    "lastredirectredirectonbehalfof",
    "joinonbehalfof",
    "comment",
    "authcodedescription",
    "authorizationcodevalue",
    "clientmattercode",
    "origcause_value",
    "destcause_value",
    "currentroutingreason",
    "huntpilotdn",
    "wascallqueued",
    "totalwaittimeinqueue",
)
"""The columns that `segment_of` takes, in this order."""

REQUIRED: Final = frozenset(USED[:7]) | {"callingpartynumber", "finalcalledpartynumber"}

_CONTROLLER: Final = re.compile(r"ConfControllerDn=([^;,\s]*)", re.IGNORECASE)
_BRIDGE: Final = re.compile(r"b\d+")
_VOICEMAIL_PORT: Final = re.compile(r"-VI\d+$", re.IGNORECASE)
_GATEWAY_ENDPOINT: Final = re.compile(r"(?:[A-Z]+/)?S\d+/(?:SU|DS)?\d+|AALN/", re.IGNORECASE)
_NOBODY: Final = frozenset({"\\", "\\ ", "unspecified"})
_FORWARDS: Final = frozenset({"forward", "divert"})
_NONE: Final = frozenset({"0", ""})
_QUIET: Final = frozenset({"0", "", "1"})

Picked = tuple[str, ...]


def is_recording(picked: Picked) -> bool:
    """Whether this is an extra leg to a recorder: reason 354 or feature 27."""
    return (
        RECORDING_REASON in picked[28:30]
        or picked[30] == RECORDING_FEATURE
        or picked[31] == RECORDING_FEATURE
    )


def _moment(value: str, column: str) -> datetime:
    try:
        seconds = int(value)
        if seconds > 0:
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Unusable("bad_field", f"{column} is {value[:40]!r}, not seconds since 1970")


def _call_id(manager: str, call: str, apart: str) -> str:
    """Both halves of the global call id. (0, 0) stands for many failed calls: told apart."""
    halves = {"globalCallID_callManagerId": manager, "globalCallID_callId": call}
    for column, value in halves.items():
        if not value.isdigit():
            raise Unusable("bad_field", f"{column} is {value[:40]!r}, not a number")
    return f"{manager}-{call}" if manager != "0" or call != "0" else f"0-0-{apart}"


def _origin_kind(number: str, *, partition: str, device: str, is_gateway: bool) -> PartyKind:
    if is_gateway:
        return "trunk"
    if partition or device[:3].upper() in PHONE_PREFIXES:
        return "line"
    if number.startswith("b") and _BRIDGE.fullmatch(number):
        return "bridge"
    return "trunk" if _GATEWAY_ENDPOINT.match(device) else ""


def _target_kind(
    number: str, *, partition: str, device: str, is_gateway: bool, usage: str
) -> PartyKind:
    if number.startswith("b") and _BRIDGE.fullmatch(number):
        return "bridge"
    if usage == USAGE_VOICEMAIL or ("-" in device and _VOICEMAIL_PORT.search(device)):
        return "voicemail"
    if is_gateway:
        return "trunk"
    if device[:3].upper() in PHONE_PREFIXES:
        return "line"
    return _kind_by_pattern(number, partition=partition, device=device, usage=usage)


def _kind_by_pattern(number: str, *, partition: str, device: str, usage: str) -> PartyKind:
    """What the called pattern says of a target whose device says nothing."""
    if number and usage == USAGE_ROUTE_PATTERN:
        return "trunk" if partition else ""
    if number and usage in USAGES_INSIDE:
        return "line"
    return "trunk" if _GATEWAY_ENDPOINT.match(device) else ""


def _redirect(reason: str, feature: str) -> Redirect:
    if reason not in _NONE:
        return REDIRECTS.get(reason, "other")
    return REDIRECTS_BY_FEATURE.get(feature, "")


def _flags(*, is_split: bool, comment: str, routing: str, was_cleaned: bool) -> tuple[str, ...]:
    flags = []
    if "CallFlag=MALICIOUS" in comment:
        flags.append("malicious")
    if routing in ROUTING_DIVERTED:
        flags.append("routing_diverted")
    elif routing in ROUTING_REFUSED:
        flags.append("routing_refused")
    if is_split:
        flags.append("split")
    if was_cleaned:
        flags.append("text_cleaned")
    return tuple(flags)


def segment_of(picked: Picked, *, was_cleaned: bool) -> Segment:
    """The segment that a record's USED columns describe.

    `redirecting` is set only where a forward really happened: on a transfer the
    last redirecting number may be a hunt pilot, and who pays is told by the leg.

    Raises:
        Unusable: if the call id or a time cannot be read.
    """
    (
        manager, call, from_leg, to_leg, off_hook, connect, disconnect, pkid,
        from_number, from_partition, from_user, from_device, from_span, protocol_in,
        dialled, dialled_partition, dialled_pattern,
        to_number, to_partition, to_user, to_pattern, to_device, to_span, protocol_out,
        usage, sent_number, last_number, last_partition, _, last_reason, last_feature,
        join, comment, code_name, code, matter, from_cause, to_cause, routing, pilot,
        was_queued, waited,
    ) = picked  # fmt: skip
    leg = f"{from_leg}-{to_leg}"
    cause, is_split = release_cause(from_cause, to_cause)
    redirect = _redirect(last_reason, last_feature)
    has_forwarder = redirect in _FORWARDS and last_number not in {"", to_number}
    controller = _CONTROLLER.search(comment) if comment else None
    flags: tuple[str, ...] = ()
    if is_split or was_cleaned or comment or routing not in _QUIET:
        flags = _flags(is_split=is_split, comment=comment, routing=routing, was_cleaned=was_cleaned)
    if usage == USAGE_HUNT_PILOT and not pilot:
        pilot = to_number
    reached, pattern = (to_number, to_pattern) if to_number else (dialled, dialled_pattern)
    is_from_gateway = from_span not in _NONE or protocol_in in GATEWAY_PROTOCOLS
    is_to_gateway = to_span not in _NONE or protocol_out in GATEWAY_PROTOCOLS
    return make_segment(
        call_id=_call_id(manager, call, pkid or f"{leg}-{off_hook}"),
        leg=leg,
        started_at=_moment(off_hook, "dateTimeOrigination"),
        answered_at=None if connect in _NONE else _moment(connect, "dateTimeConnect"),
        ended_at=_moment(disconnect, "dateTimeDisconnect"),
        origin=make_party(
            from_number,
            from_partition,
            from_device,
            _origin_kind(
                from_number,
                partition=from_partition,
                device=from_device,
                is_gateway=is_from_gateway,
            ),
            "" if from_leg == "0" else from_leg,
            "" if from_user in _NOBODY else from_user,
        ),
        target=make_party(
            to_number,
            to_partition,
            to_device,
            _target_kind(
                to_number,
                partition=to_partition,
                device=to_device,
                is_gateway=is_to_gateway,
                usage=usage,
            ),
            "" if to_leg == "0" else to_leg,
            "" if to_user in _NOBODY else to_user,
        ),
        dialled=dialled,
        dialled_partition=dialled_partition,
        sent_number=sent_number,
        exit_digits=exit_digits(reached, pattern),
        redirecting=last_number if has_forwarder else "",
        redirecting_partition=last_partition if has_forwarder else "",
        redirect=redirect,
        joined_by=JOINS.get(join, ""),
        controller=controller[1] if controller else "",
        auth_code=code_name or code,
        account_code=matter,
        release_cause=cause,
        hunt_pilot=pilot,
        queue_wait_seconds=int(waited) if was_queued == "1" and waited.isdigit() else 0,
        flags=flags,
    )
