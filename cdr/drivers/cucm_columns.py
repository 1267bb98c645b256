"""The columns of Cisco UCM call records, and the layouts in which they arrive.

Names, types and order are those of release 12.5 to 15 (133 columns). Columns were
only ever appended, so the first 118 are release 9 and the first 129 are releases
10 to 12.0. The web tool's export leaves out the six IMS columns and puts the
hunt pilot's number before its partition: 123 columns, or 112 of release 9.
"""

from __future__ import annotations

from typing import Final

_WRITTEN: Final = """
    cdrRecordType globalCallID_callManagerId globalCallID_callId origLegCallIdentifier
    dateTimeOrigination origNodeId origSpan origIpAddr callingPartyNumber:50
    callingPartyUnicodeLoginUserID:128 origCause_location origCause_value origPrecedenceLevel
    origMediaTransportAddress_IP origMediaTransportAddress_Port origMediaCap_payloadCapability
    origMediaCap_maxFramesPerPacket origMediaCap_g723BitRate origVideoCap_Codec
    origVideoCap_Bandwidth origVideoCap_Resolution origVideoTransportAddress_IP
    origVideoTransportAddress_Port origRSVPAudioStat:64 origRSVPVideoStat:64 destLegIdentifier
    destNodeId destSpan destIpAddr originalCalledPartyNumber:50 finalCalledPartyNumber:50
    finalCalledPartyUnicodeLoginUserID:128 destCause_location destCause_value
    destPrecedenceLevel destMediaTransportAddress_IP destMediaTransportAddress_Port
    destMediaCap_payloadCapability destMediaCap_maxFramesPerPacket destMediaCap_g723BitRate
    destVideoCap_Codec destVideoCap_Bandwidth destVideoCap_Resolution
    destVideoTransportAddress_IP destVideoTransportAddress_Port destRSVPAudioStat:64
    destRSVPVideoStat:64 dateTimeConnect dateTimeDisconnect lastRedirectDn:50 pkid:uid
    originalCalledPartyNumberPartition:50 callingPartyNumberPartition:50
    finalCalledPartyNumberPartition:50 lastRedirectDnPartition:50 duration origDeviceName:129
    destDeviceName:129 origCallTerminationOnBehalfOf destCallTerminationOnBehalfOf
    origCalledPartyRedirectOnBehalfOf lastRedirectRedirectOnBehalfOf
    origCalledPartyRedirectReason lastRedirectRedirectReason destConversationId
    globalCallId_ClusterID:50 joinOnBehalfOf comment:2048 authCodeDescription:50
    authorizationLevel clientMatterCode:32 origDTMFMethod destDTMFMethod callSecuredStatus
    origConversationId origMediaCap_Bandwidth destMediaCap_Bandwidth authorizationCodeValue:32
    outpulsedCallingPartyNumber:50 outpulsedCalledPartyNumber:50 origIpv4v6Addr:64
    destIpv4v6Addr:64 origVideoCap_Codec_Channel2 origVideoCap_Bandwidth_Channel2
    origVideoCap_Resolution_Channel2 origVideoTransportAddress_IP_Channel2
    origVideoTransportAddress_Port_Channel2 origVideoChannel_Role_Channel2
    destVideoCap_Codec_Channel2 destVideoCap_Bandwidth_Channel2 destVideoCap_Resolution_Channel2
    destVideoTransportAddress_IP_Channel2 destVideoTransportAddress_Port_Channel2
    destVideoChannel_Role_Channel2 IncomingProtocolID IncomingProtocolCallRef:32
    OutgoingProtocolID OutgoingProtocolCallRef:32 currentRoutingReason origRoutingReason
    lastRedirectingRoutingReason huntPilotPartition:50 huntPilotDN:50 calledPartyPatternUsage
    IncomingICID:50 IncomingOrigIOI:50 IncomingTermIOI:50 OutgoingICID:50 OutgoingOrigIOI:50
    OutgoingTermIOI:50 outpulsedOriginalCalledPartyNumber:50 outpulsedLastRedirectingNumber:50
    wasCallQueued totalWaitTimeInQueue callingPartyNumber_uri:255
    originalCalledPartyNumber_uri:255 finalCalledPartyNumber_uri:255 lastRedirectDn_uri:255
    mobileCallingPartyNumber:50 finalMobileCalledPartyNumber:50 origMobileDeviceName:129
    destMobileDeviceName:129 origMobileCallDuration destMobileCallDuration mobileCallType
    originalCalledPartyPattern:50 finalCalledPartyPattern:50 lastRedirectingPartyPattern:50
    huntPilotPattern:50 origDeviceType:100 destDeviceType:100 origDeviceSessionID:128
    destDeviceSessionID:128
"""
# A bare name is an INTEGER; a number after the colon is the length of a VARCHAR.


def _type_of(suffix: str) -> str:
    if not suffix:
        return "INTEGER"
    return "UNIQUEIDENTIFIER" if suffix == "uid" else f"VARCHAR({suffix})"


COLUMN_TYPES: Final = {
    name: _type_of(suffix) for name, _, suffix in (word.partition(":") for word in _WRITTEN.split())
}
COLUMNS: Final = tuple(COLUMN_TYPES)
IMS_COLUMNS: Final = (
    "IncomingICID",
    "IncomingOrigIOI",
    "IncomingTermIOI",
    "OutgoingICID",
    "OutgoingOrigIOI",
    "OutgoingTermIOI",
)


def _exported(columns: tuple[str, ...]) -> tuple[str, ...]:
    """`columns` as the web tool's export writes them."""
    kept = [name for name in columns if name not in IMS_COLUMNS]
    pilot, partition = kept.index("huntPilotDN"), kept.index("huntPilotPartition")
    kept[pilot], kept[partition] = kept[partition], kept[pilot]
    return tuple(kept)


LAYOUTS: Final = {
    112: _exported(COLUMNS[:118]),
    118: COLUMNS[:118],
    123: _exported(COLUMNS[:129]),
    129: COLUMNS[:129],
    133: COLUMNS,
}
"""The layout of a file without column names, told by how many there are."""

RELEASE_8_COLUMNS: Final = COLUMNS[:112]
"""The other layout of 112 columns: the first ones, IMS columns included, of before release 9."""
